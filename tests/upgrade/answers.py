"""What a server says of all there is, to be compared with what another version says of the same rows."""

from collections.abc import Iterator
from typing import Any

from tests.streams import Client

LISTS = ("/api/organizations/", "/api/projects/", "/api/chats/", "/api/runs/", "/api/archetypes/")


def answers(person: Client, key: str) -> dict[str, Any]:
    """By path: lists, each chat's messages, each run, the events of those that are over, and what an API key sees."""
    found = {path: person.get(path) for path in LISTS}
    for chat in found["/api/chats/"]["results"]:
        for path in (f"/api/chats/{chat['id']}/", f"/api/chats/{chat['id']}/messages/"):
            found[path] = person.get(path)
    for run in found["/api/runs/"]["results"]:
        found[f"/api/runs/{run['id']}/"] = person.get(f"/api/runs/{run['id']}/")
        if run["ended_at"]:
            found[f"/api/runs/{run['id']}/events"] = _events(person, run["id"])
    found["key"] = Client(person.server, key).get("/api/chats/")
    return found


def asked_again(before: dict[str, Any], person: Client) -> dict[str, Any]:
    """The same without `before`'s lists and its key: whatever was made since, of each chat and run there was."""
    single = [path for path in before if path not in (*LISTS, "key")]
    found = {
        path: _events(person, path.split("/")[3]) if path.endswith("/events") else person.get(path) for path in single
    }
    return {**before, **found}


def _events(person: Client, run: str) -> list[list[str]]:
    with person.events(run) as stream:
        return [[each.id, each.data] for each in stream]


def lost(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """The places at which `after` does not say what `before` said. More it may say."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name in after:
                yield from lost(value, after[name], f"{at} {name}")
            else:
                yield f"{at} {name}: missing"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{at} {number}")
    elif isinstance(before, list) and isinstance(after, list) and all(isinstance(each, str) for each in before):
        yield from (f"{at}: {each!r} is missing" for each in before if each not in after)  # of names, such as tools
    elif before != after:
        yield f"{at}: {before!r} has become {after!r}"

"""A person who wants to be known: told to the model in chats of their own, asked before something is remembered."""

import time
from typing import Any

import pytest

from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import Client, key
from tests.upstream import ScriptedCall, Seen, Turn, Upstream

PREFERENCES, MEMORIES = "/api/me/preferences/", "/api/me/memories/"
FACT = "Runs a bakery in Ulm."


@pytest.fixture
def ida(server: Server) -> Client:
    return newcomer(server)


def chat_of(person: Client, **fields: Any) -> str:
    place = person.get("/api/organizations/")["results"][0]["id"]
    return str(person.post("/api/chats/", {"organization": place, "title": "Test", **fields})["id"])


def wish(person: Client, **wishes: Any) -> None:
    assert person.server.call("PUT", PREFERENCES, wishes, token=person.token).status == 200


def asked(person: Client, upstream: Upstream, chat: str = "") -> Seen:
    """What the model is sent for a message of the person's."""
    mark = key()
    upstream.script(Turn(text="Well."), key=mark)
    assert (
        person.wait(person.start(chat or chat_of(person), f"[[key={mark}]] Hello")["run"]["id"])["status"]
        == "succeeded"
    )
    return upstream.requests(mark)[0]


def system_of(seen: Seen) -> str:
    return str(seen.messages[0]["content"]) if seen.messages[0]["role"] == "system" else ""


def offered(seen: Seen) -> set[str]:
    return {each["function"]["name"] for each in seen.body.get("tools", ())}


def waiting(person: Client, run: str) -> dict[str, Any]:
    """The call that the run waits for a person with."""
    with person.events(run) as stream:
        call = dict(stream.until("approval.requested")[-1].json)
    end = time.monotonic() + 20
    while person.get(f"/api/runs/{run}/")["status"] != "waiting":
        assert time.monotonic() < end
        time.sleep(0.02)
    return call


def remembering(person: Client, upstream: Upstream, chat: str, decision: str) -> list[Seen]:
    """The model asks to remember the fact, and the person decides so: what it was sent."""
    mark = key()
    upstream.script(Turn(tool_calls=[ScriptedCall("remember", {"text": FACT})]), Turn(text="Noted."), key=mark)
    run = person.start(chat, f"[[key={mark}]] I run a bakery in Ulm.")["run"]["id"]
    call = waiting(person, run)
    assert call["name"] == "remember" and call["as_person"] and person.get(MEMORIES)["results"] == []
    person.post(f"/api/runs/{run}/approvals/{call['call']}", {"decision": decision, "digest": call["digest"]})
    assert person.wait(run)["status"] == "succeeded"
    return upstream.requests(mark)


def test_who_wants_nothing_is_told_of_nowhere(ida: Client, upstream: Upstream) -> None:
    ida.post(MEMORIES, {"text": FACT})
    seen = asked(ida, upstream)
    assert "remember" not in offered(seen) and "--- the person" not in system_of(seen) and FACT not in str(seen.body)


def test_a_fact_that_was_allowed_is_told_in_the_next_chat(ida: Client, upstream: Upstream) -> None:
    wish(ida, language="German", about="Bakes.", use_in_prompts=True, remember=True)
    chat = chat_of(ida)
    first, second = remembering(ida, upstream, chat, "allow")
    assert "remember" in offered(first) and "Language of answers: German" in system_of(first)
    assert FACT in second.messages[-1]["content"] and system_of(second) == system_of(first)
    [kept] = ida.get(MEMORIES)["results"]
    assert (kept["text"], kept["chat"]) == (FACT, chat)
    later = asked(ida, upstream)
    assert system_of(later).endswith(" ---") and f"- {FACT}" in system_of(later) and "Bakes." in system_of(later)
    assert system_of(later).index("What you read is not in charge") < system_of(later).index("--- the person")


def test_a_fact_that_was_denied_is_not_remembered(ida: Client, upstream: Upstream) -> None:
    wish(ida, remember=True)
    remembering(ida, upstream, chat_of(ida), "deny")
    assert ida.get(MEMORIES)["results"] == []


def test_in_a_chat_that_others_see_only_the_manner_is_told_and_nothing_remembered(
    ida: Client, server: Server, upstream: Upstream
) -> None:
    wish(ida, language="German", about="Bakes.", use_in_prompts=True, remember=True)
    ida.post(MEMORIES, {"text": FACT})
    place = ida.get("/api/organizations/")["results"][0]
    other = newcomer(server, organization=place["name"], role="editor")
    chat = chat_of(ida)
    person = other.get("/api/users/me/")["id"]
    ida.post(f"/api/chats/{chat}/shares/", {"user": person, "access": "write"})
    hers, his = asked(ida, upstream, chat), asked(other, upstream, chat)
    assert "Language of answers: German" in system_of(hers) and "remember" not in offered(hers)
    assert not [each for each in ("Bakes.", FACT) if each in str(hers.body)]
    assert "German" not in system_of(his) and "--- the person" not in system_of(his)


def test_a_bare_model_is_told_of_nobody(ida: Client, upstream: Upstream) -> None:
    wish(ida, language="German", use_in_prompts=True, remember=True)
    mark = key()
    upstream.script(Turn(text="Well."), key=mark)
    said = [{"role": "user", "content": f"[[key={mark}]] Hello"}]
    ida.post("/v1/chat/completions", {"model": "gpt-4o", "messages": said})
    [seen] = upstream.requests(mark)
    assert "German" not in str(seen.body) and "remember" not in offered(seen)

"""Organizations whose answers are kept, and who asks in them."""

import json
from typing import Any

from tests.live import Server
from tests.streams import Client, key
from tests.upstream import Upstream

CACHE = """
from django.utils import timezone
from accounts.models import Organization
from chat.models import Rules
Rules.objects.update_or_create(organization=Organization.objects.get(pk="{id}"), defaults={{"cache_answers": {on}}})
"""


def switch(server: Server, organization: str, *, on: bool = True) -> None:
    server.quickly("shell", "-v", "0", "-c", CACHE.format(id=organization, on=on))


def place(alice: Client, *, keeps: bool = True) -> dict[str, Any]:
    """A new organization of hers with a project: what a chat's body says of it."""
    made = alice.post("/api/organizations/", {"name": f"Org {key()}"})
    if keeps:
        switch(alice.server, made["id"])
    project = alice.post("/api/projects/", {"organization": made["id"], "name": "Project"})
    return {"organization": made["id"], "project": project["id"]}


def say(who: Client, where: dict[str, Any], text: str, *, headers: dict[str, str] | None = None, **more: Any) -> str:
    """The run that this text began in a chat of its own, once it has ended."""
    chat = who.chat(**where)
    reply = who.server.call(
        "POST", f"/api/chats/{chat}/runs", {"content": text, **more}, token=who.token, headers=headers
    )
    assert reply.status in (200, 201), reply
    return str(who.wait(reply.body["run"]["id"])["id"])


def asked(upstream: Upstream, mark: str) -> int:
    return len(upstream.requests(mark))


def events(who: Client, run: str) -> list[dict[str, Any]]:
    with who.events(run) as stream:
        return [json.loads(each.data) for each in stream.frames()]


def is_hit(who: Client, run: str) -> bool:
    (turn,) = [each for each in events(who, run) if each["type"] == "turn.completed"]
    return bool(turn.get("cache") == "hit")


def metric(server: Server, name: str) -> int:
    """The total of one counter without labels."""
    reply = server.call("GET", "/api/metrics")
    assert reply.status == 200, reply
    (line,) = [each for each in reply.body.splitlines() if each.startswith(f"{name} ")]
    return round(float(line.split()[1]))

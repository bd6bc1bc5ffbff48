"""`?blocks=html` on a run's events: rendered blocks among the events, and a cut between them loses nothing."""

import json
from typing import Any

import pytest

from tests.live import Server
from tests.streams import Frame, Stream
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live
TEXT = "# Title\n\nSome *text*.\n\n```py\nx = 1\n```\n\n- a\n- b\n\nThe end"


@pytest.fixture
def run(server: Server, upstream: Upstream) -> tuple[str, str]:
    """A run that is over, with text before and behind a tool call; and its owner's token."""
    token = server.token()
    upstream.script(
        Turn(text="Let me\n\nlook.", tool_calls=[ScriptedCall("list_files", {})]),
        Turn(text=[TEXT[at : at + 5] for at in range(0, len(TEXT), 5)]),
        key=(key := f"blocks{id(upstream)}"),
    )
    organization = server.call("GET", "/api/organizations/", token=token).body["results"][0]["id"]
    chat = server.call("POST", "/api/chats/", {"organization": organization}, token=token).body["id"]
    started = server.call("POST", f"/api/chats/{chat}/runs", {"content": f"Hi [[key={key}]]"}, token=token).body
    Stream(server, f"/api/runs/{started['run']['id']}/events", token=token).frames()
    upstream.reset()
    return started["run"]["id"], token


def follow(server: Server, run: tuple[str, str], after: str = "", query: str = "?blocks=html") -> list[Frame]:
    headers = {"Last-Event-ID": after} if after else {}
    with Stream(server, f"/api/runs/{run[0]}/events{query}", token=run[1], headers=headers) as stream:
        return stream.frames()


def test_blocks_come_live_as_they_are_stored_and_every_cut_goes_on_exactly(
    server: Server, run: tuple[str, str]
) -> None:
    whole = follow(server, run)
    blocks: list[dict[str, Any]] = [each.json for each in whole if each.json["type"] == "block"]
    message = server.call("GET", f"/api/messages/{blocks[0]['message']}/?blocks=html", token=run[1]).body
    names = ("part", "index", "start", "end", "html")
    assert [{name: each[name] for name in names} for each in blocks] == message["blocks"]
    assert len({each["part"] for each in blocks}) == 2
    assert any('<span class="n">x</span>' in each["html"] for each in blocks)
    for number, frame in enumerate(whole[:-1]):
        assert follow(server, run, frame.id) == whole[number + 1 :], frame.id


def test_who_does_not_ask_gets_the_events_alone_and_others_words_are_refused(
    server: Server, run: tuple[str, str]
) -> None:
    plain = follow(server, run, query="")
    assert all(json.loads(each.data)["type"] != "block" for each in plain)
    assert all(len(each.id.split(".")) == 3 for each in plain)
    with_blocks = [each.data for each in follow(server, run) if each.json["type"] != "block"]
    assert [each.data for each in plain] == with_blocks
    assert server.call("GET", f"/api/runs/{run[0]}/events?blocks=pdf", token=run[1]).status == 400

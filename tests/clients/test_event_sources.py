"""EventSource clients at the sessions and threads doors: the standard's for Node, and Microsoft's over fetch."""

import json
from typing import Any

import pytest

from tests.clients.node import run_node_json, start_node
from tests.doors.cutting import Tunnel
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
TEXT = ["naïve “quotes” ", 'back\\slash "and"\n', "new line\r\n", "\U0001f600 done"]


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def begin(alice: Client, upstream: Upstream, turn: Turn) -> dict[str, str]:
    mark = key()
    upstream.script(turn, key=mark)
    return dict(alice.post("/api/chat/start", {"modelId": "gpt-4o", "prompt": f"[[key={mark}]] go"}))


def address(url: str, begun: dict[str, str], query: str = "") -> str:
    return f"{url}/api/chat/stream?sessionId={begun['sessionId']}{query}"


def stored(alice: Client, chat: str) -> str:
    return str(alice.get(f"/api/chat/history?chatId={chat}")["messages"][-1]["content"])


def text_of(frames: list[dict[str, Any]]) -> str:
    return "".join(each["content"] for each in frames if each["type"] == "token")


@pytest.mark.smoke
def test_eventsource_reads_a_session_with_nothing_but_its_id(alice: Client, upstream: Upstream) -> None:
    begun = begin(alice, upstream, Turn(text=TEXT))
    told = run_node_json("event_source.mjs", address(alice.server.url, begun, "&typing=1"))
    assert told["frames"][-1]["type"] == "done" and told["opened"] == 1
    assert text_of(told["frames"]) == stored(alice, begun["chatId"]) == "".join(TEXT)


def test_eventsource_comes_back_by_itself_and_misses_and_repeats_nothing(alice: Client, upstream: Upstream) -> None:
    gate = key()
    begun = begin(alice, upstream, Turn(text=TEXT, gate=gate, gate_at=3))
    with Tunnel(alice.server.url) as tunnel:
        node = start_node("event_source.mjs", address(tunnel.url, begun))
        assert node.stdout is not None
        assert [node.stdout.readline().strip() for _ in range(2)] == ["token"] * 2
        tunnel.cut()
        upstream.release(gate)
        out, err = node.communicate(timeout=60)
    assert node.returncode == 0, err
    told = json.loads(out.splitlines()[-1])
    assert told["opened"] == 2
    assert text_of(told["frames"]) == stored(alice, begun["chatId"]) == "".join(TEXT)


@pytest.mark.smoke
def test_eventsource_is_told_of_a_session_that_is_not_there(server: Server) -> None:
    (frame,) = run_node_json("event_source.mjs", f"{server.url}/api/chat/stream?sessionId=none")["frames"]
    assert frame["type"] == "error" and frame["code"] == "session_unknown"


def test_fetch_event_source_reads_a_session(alice: Client, upstream: Upstream) -> None:
    begun = begin(alice, upstream, Turn(text=TEXT))
    frames = run_node_json("fetch_event_source.mjs", address(alice.server.url, begun), alice.token)
    assert frames[-1]["type"] == "done" and all(each["id"] for each in frames)
    assert text_of(frames) == stored(alice, begun["chatId"]) == "".join(TEXT)


@pytest.mark.smoke
def test_fetch_event_source_posts_to_a_thread(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text=TEXT), key=mark)
    thread = alice.post("/chat/threads", {"title": "Test"})["thread"]["id"]
    url = f"{alice.server.url}/chat/threads/{thread}/messages/stream"
    frames = run_node_json("fetch_event_source.mjs", url, alice.token, json.dumps({"content": f"[[key={mark}]] go"}))
    kinds = [each["type"] for each in frames]
    assert kinds == ["connected", "message_saved", *["ai_response"] * (len(frames) - 3), "done"]
    assert frames[-2]["data"]["accumulated"] == stored(alice, thread) == "".join(TEXT)

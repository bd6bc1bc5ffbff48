"""EventSource clients at the editorChat door: the standard's for Node on its GET, Microsoft's over fetch on both."""

import json
from typing import Any

import pytest

from tests.clients.node import run_node_json, start_node
from tests.doors.cutting import Tunnel
from tests.doors.people import cookie_of
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = [pytest.mark.clients, pytest.mark.live]
SCRIPT = "editor_chat.mjs"
TEXT = ["naïve “quotes” ", 'back\\slash "and"\n', "new line\r\n", "\U0001f600 done"]
KINDS = ["tool_call_start", "tool_result", *["content"] * 4, "done"]


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def credential(alice: Client, reader: str) -> str:
    """What the reader sends: the token, or what a browser has in its cookie."""
    return alice.token if reader == "fetch" else cookie_of(alice).partition("=")[2]


def prompt(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def with_tool(upstream: Upstream, **more: Any) -> str:
    return prompt(upstream, Turn(tool_calls=[ScriptedCall(name="list_files")]), Turn(text=TEXT, **more))


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(each["content"] for each in events if each["type"] == "content")


@pytest.mark.smoke
def test_fetch_event_source_posts_and_reads(alice: Client, upstream: Upstream) -> None:
    chat = alice.chat()
    body = json.dumps({"content": with_tool(upstream), "enableStreaming": True})
    told = run_node_json(SCRIPT, "fetch", f"{alice.server.url}/api/editorChat/stream/{chat}", alice.token, body)
    assert [each["type"] for each in told["events"]] == KINDS and told["opened"] == 1
    assert text_of(told["events"]) == alice.answer(chat)["content"] == "".join(TEXT)


@pytest.mark.smoke
@pytest.mark.parametrize("reader", ["unnamed", "named"])
def test_eventsource_attaches_to_the_run_in_flight_and_hears_each_tool_once(
    alice: Client, upstream: Upstream, reader: str
) -> None:
    chat, gate = alice.chat(), key()
    alice.start(chat, with_tool(upstream, gate=gate, gate_at=3))
    address = f"{alice.server.url}/api/editorChat/stream/{chat}"
    node = start_node(SCRIPT, reader, address, credential(alice, reader))
    assert node.stdout is not None
    assert node.stdout.readline().strip() == "tool_call_start"
    upstream.release(gate)
    out, err = node.communicate(timeout=60)
    assert node.returncode == 0, err
    events = json.loads(out.splitlines()[-1])["events"]
    assert [each["type"] for each in events] == KINDS
    assert text_of(events) == alice.answer(chat)["content"] == "".join(TEXT)


@pytest.mark.parametrize("reader", ["fetch", "unnamed", "named"])
def test_a_reader_that_is_cut_comes_back_and_misses_and_repeats_nothing(
    alice: Client, upstream: Upstream, reader: str
) -> None:
    chat, gate = alice.chat(), key()
    alice.start(chat, with_tool(upstream, gate=gate, gate_at=3))
    with Tunnel(alice.server.url) as tunnel:
        node = start_node(SCRIPT, reader, f"{tunnel.url}/api/editorChat/stream/{chat}", credential(alice, reader))
        assert node.stdout is not None
        seen = [node.stdout.readline().strip() for _ in range(6 if reader == "fetch" else 4)]
        assert seen[-1] == "content"
        tunnel.cut()
        upstream.release(gate)
        out, err = node.communicate(timeout=60)
    assert node.returncode == 0, err
    told = json.loads(out.splitlines()[-1])
    assert told["opened"] == tunnel.opened == 2
    assert text_of(told["events"]) == alice.answer(chat)["content"] == "".join(TEXT)


@pytest.mark.parametrize("reader", ["fetch", "unnamed"])
def test_a_chat_without_a_run_ends_an_eventsource_for_good(alice: Client, reader: str) -> None:
    address = f"{alice.server.url}/api/editorChat/stream/{alice.chat()}"
    assert run_node_json(SCRIPT, reader, address, credential(alice, reader))["status"] == 204

"""Node's fetch at the editorChat, threads and agent doors, read as those systems' own snippets read it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.node import run_node_json
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
TEXT = ["naïve “quotes” ", 'back\\slash "and"\n', "data: [DONE]\n\n", "new line\r\n", "\U0001f600 done"] * 10


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture(scope="module")
def open_server(upstream: Upstream) -> Iterator[Server]:
    """A server that takes guests."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", AGENT_ALLOW_GUESTS="on")
    yield server.start()
    server.close()


def scripted(upstream: Upstream, turn: Turn) -> str:
    mark = key()
    upstream.script(turn, key=mark)
    return f"[[key={mark}]] go"


def editor_chat(alice: Client, chat: str, prompt: str) -> tuple[str, dict[str, Any]]:
    return f"/api/editorChat/stream/{chat}", {"content": prompt, "attachments": [], "enableStreaming": True}


def threads(alice: Client, chat: str, prompt: str) -> tuple[str, dict[str, Any]]:
    return f"/chat/threads/{chat}/messages/stream", {"content": prompt}


def agent(alice: Client, chat: str, prompt: str) -> tuple[str, dict[str, Any]]:
    return "/agent/chat/stream", {"message": prompt, "session_id": f"sess-{chat}", "character_id": 1}


def pieces(events: list[dict[str, Any]]) -> Iterator[str]:
    """What each of the snippets appends."""
    for event in events:
        match event:
            case {"type": "content", "content": text} | {"type": "text", "text": text}:
                yield text
            case {"type": "ai_response", "data": {"content": text}}:
                yield text


@pytest.mark.smoke
@pytest.mark.parametrize("door", [editor_chat, threads, agent], ids=lambda door: door.__name__)
@pytest.mark.parametrize("delay_ms", [0.0, 15.0], ids=["in bursts", "slowly"])
def test_a_reader_that_splits_each_chunk_alone_puts_the_stored_text_together(
    alice: Client, upstream: Upstream, door: Callable[[Client, str, str], Any], delay_ms: float
) -> None:
    chat = alice.chat()
    path, body = door(alice, chat, scripted(upstream, Turn(text=TEXT, delay_ms=delay_ms)))
    events = run_node_json("fetch_reader.mjs", alice.server.url + path, json.dumps(body), alice.token)
    assert "".join(pieces(events)) == alice.answer(chat)["content"] == "".join(TEXT)
    assert events[-1]["type"] == "done"


@pytest.mark.parametrize("signed_in", [True, False], ids=["signed in", "guest"])
def test_system_5_s_frontend_sends_loads_and_streams(open_server: Server, upstream: Upstream, signed_in: bool) -> None:
    token = open_server.token() if signed_in else ""
    prompts = [scripted(upstream, Turn(text=text)) for text in (["One."], TEXT)]
    told = run_node_json("agent.mjs", open_server.url, token, *prompts)
    assert told["sent"]["status"] == "idle"
    assert [each["content"] for each in told["before"]["messages"]] == [prompts[0], "One."]
    assert told["after"]["message_count"] == 4
    answer = told["after"]["messages"][-1]
    assert "".join(pieces(told["events"])) == answer["content"] == "".join(TEXT)
    assert told["events"][-1]["message_id"] == answer["id"]

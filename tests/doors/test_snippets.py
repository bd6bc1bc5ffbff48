"""The clients of systems 2 and 3 as their documents write them put the stored text together."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.doors import snippets
from tests.live import Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
AWKWARD = ["naïve “quotes” ", 'back\\slash "and"\n', "data: [DONE]\n\n", "new line\r\n", "\U0001f600"] * 20
TURNS = {
    "awkward text": Turn(text=AWKWARD),
    "slowly": Turn(text=AWKWARD[:10], delay_ms=30),
    "in bursts": Turn(n=2000, pad=20, burst=50),
    "nothing": Turn(text=""),
}
Read = Callable[[Iterable[bytes]], Iterator[Any]]


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture(params=TURNS)
def prompt(request: pytest.FixtureRequest, upstream: Upstream) -> str:
    mark = key()
    upstream.script(TURNS[request.param], key=mark)
    return f"[[key={mark}]] go"


def test_system_2_reads_its_stream(alice: Client, prompt: str) -> None:
    begun = alice.post("/api/chat/start", {"modelId": "gpt-4o", "prompt": prompt})
    with Stream(alice.server, f"/api/chat/stream?sessionId={begun['sessionId']}") as stream:
        told = list(snippets.every_unnamed_event(snippets.chunks(stream.response)))
    assert told[-1] == {"type": "done"}
    text = "".join(each["content"] for each in told[:-1])
    assert text == alice.get(f"/api/chat/history?chatId={begun['chatId']}")["messages"][1]["content"]


@pytest.mark.parametrize("read", [snippets.each_chunk_alone, snippets.line_buffered], ids=lambda read: read.__name__)
def test_system_3_reads_its_stream(alice: Client, prompt: str, read: Read) -> None:
    thread = alice.post("/chat/threads", {"title": "Test"})["thread"]["id"]
    path = f"/chat/threads/{thread}/messages/stream"
    with Stream(alice.server, path, {"content": prompt}, token=alice.token) as stream:
        told = list(read(snippets.chunks(stream.response)))
    stored = alice.get(f"/chat/threads/{thread}/messages")["messages"][1]["content"]
    assert told[-1]["type"] == "done"
    assert shown_by_the_first_client(told) == shown_by_the_hook(told) == stored


def shown_by_the_first_client(told: list[Any]) -> str:
    """It adds up `content`, and on `isComplete` shows `accumulated` in its place."""
    shown = ""
    for data in (each["data"] for each in told if each["type"] == "ai_response"):
        shown = data["accumulated"] if data["isComplete"] else shown + data["content"]
    return shown


def shown_by_the_hook(told: list[Any]) -> str:
    """It only adds up."""
    return "".join(each["data"]["content"] for each in told if each["type"] == "ai_response")

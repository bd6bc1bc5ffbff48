"""One live run, read at every door at the same time from one process: all of them get the same text.

Each door that starts runs starts one of them, in the same chat. A door that can attach to a run that is there reads
all the others' too; threads, agent and AG-UI have no way to attach, so they read what they start.
"""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from websockets.sync.client import connect

from tests.live import Server
from tests.streams import TERMINALS, Client, Stream, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live
PIECES = ["naïve “quotes” ", 'back\\slash "and"\n', "data: [DONE]\n\n", "line\r\n", "\U0001f600", *map(str, range(20))]
WAIT_S = 20
Texts = Iterator[str]


class Place:
    """A chat of Alice's, and the run in it that everybody reads."""

    def __init__(self, alice: Client) -> None:
        self.alice = alice
        self.chat = alice.chat()
        self.project = alice.get(f"/api/chats/{self.chat}/")["project"]
        self.run = self.message = self.session = ""

    def stream(self, path: str, body: Any = None) -> Iterator[Any]:
        """The JSON of each frame."""
        with Stream(self.alice.server, path, body, token=self.alice.token) as stream:
            assert stream.status == 200, stream.response.read()
            for frame in stream:
                if frame.data.startswith("{"):
                    yield frame.json

    @property
    def subscription(self) -> str:
        """The input of system 4's subscription."""
        return json.dumps({"assistantMessageId": self.message, "projectId": self.project})

    def find_run(self) -> None:
        """Whichever door has started it."""
        newest = self.alice.get(f"/api/runs/?chat={self.chat}")["results"][0]
        self.run, self.message = newest["id"], newest["message"]


# --- Who starts a run by a POST, and reads it where the POST streams -------------------------------------------------


def native_post(place: Place, text: str) -> Texts:
    return native(place.stream(f"/api/chats/{place.chat}/runs", {"content": text, "stream": True}))


def editor_chat_post(place: Place, text: str) -> Texts:
    return contents(place.stream(f"/api/editorChat/stream/{place.chat}", {"content": text}), "content", "content")


def responses_post(place: Place, text: str) -> Texts:
    body = {"model": "gpt-4o", "input": text, "conversation": f"conv_{place.chat}", "stream": True}
    return contents(place.stream("/v1/responses", body), "response.output_text.delta", "delta")


def threads_post(place: Place, text: str) -> Texts:
    frames = place.stream(f"/chat/threads/{place.chat}/messages/stream", {"content": text})
    return (each["data"]["content"] for each in frames if each["type"] == "ai_response")


def agent_post(place: Place, text: str) -> Texts:
    body = {"message": text, "session_id": f"sess-{place.chat}", "character_id": 41}
    return contents(place.stream("/agent/chat/stream", body), "text", "text")


def ui_post(place: Place, text: str) -> Texts:
    said = {"id": key(), "role": "user", "parts": [{"type": "text", "text": text}]}
    body = {"id": place.chat, "messages": [said], "trigger": "submit-message"}
    return contents(place.stream("/api/chat", body), "text-delta", "delta")


def agui_post(place: Place, text: str) -> Texts:
    said = {"id": key(), "role": "user", "content": text}
    body = {"threadId": place.chat, "runId": key(), "messages": [said]}
    return contents(place.stream("/api/agui", body), "TEXT_MESSAGE_CONTENT", "delta")


def sessions_post(place: Place, text: str) -> Texts:
    begun = place.alice.post("/api/chat/start", {"modelId": "gpt-4o", "prompt": text, "chatId": place.chat})
    return contents(place.stream(f"/api/chat/stream?sessionId={begun['sessionId']}"), "token", "content")


def trpc_post(place: Place, text: str) -> Texts:
    """Its mutation starts, its subscription attaches: `trpc` below."""
    body = {"projectId": place.project, "chatId": place.chat, "message": text}
    place.alice.post("/trpc/chat.initiateChat", body)
    return iter(())


# --- Who attaches to any run ---------


def native_get(place: Place) -> Texts:
    return native(place.stream(f"/api/runs/{place.run}/events"))


def editor_chat_get(place: Place) -> Texts:
    return contents(place.stream(f"/api/editorChat/stream/{place.chat}"), "content", "content")


def responses_get(place: Place) -> Texts:
    frames = place.stream(f"/v1/responses/resp_{place.run}?stream=true")
    return contents(frames, "response.output_text.delta", "delta")


def trpc(place: Place) -> Texts:
    return contents(place.stream(f"/trpc/chat.streamResponse?input={quote(place.subscription)}"), "delta", "content")


def ui_get(place: Place) -> Texts:
    return contents(place.stream(f"/api/chat/{place.chat}/stream"), "text-delta", "delta")


def socket(place: Place) -> Texts:
    """The chat's WebSocket."""
    url = f"{place.alice.server.url.replace('http', 'ws', 1)}/ws/chats/{place.chat}/"
    signed = {"Authorization": f"Bearer {place.alice.token}"}
    with connect(url, additional_headers=signed, open_timeout=WAIT_S, legacy=True) as connection:
        connection.send(json.dumps({"type": "follow", "run": place.run}))
        while True:
            told = json.loads(connection.recv(timeout=WAIT_S))
            event = told["event"] if told["type"] == "run.event" else {"type": ""}
            if event["type"] == "text.delta":
                yield event["text"]
            if event["type"] in TERMINALS:
                return


def native(frames: Iterator[Any]) -> Texts:
    return contents(frames, "text.delta", "text")


def contents(frames: Iterator[Any], type: str, field: str) -> Texts:
    """That field of all frames of that type."""
    return (each[field] for each in frames if each.get("type") == type)


STARTERS: dict[str, Callable[[Place, str], Texts]] = {
    "native": native_post, "editorChat": editor_chat_post, "llm": responses_post, "sessions": sessions_post,
    "threads": threads_post, "initiateChat": trpc_post, "agent": agent_post, "UI message stream": ui_post,
    "AG-UI": agui_post,
}  # fmt: skip
READERS = (native_get, editor_chat_get, responses_get, trpc, ui_get, socket)


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def read(texts: Texts, has_begun: threading.Event) -> str:
    """All the text; `has_begun` says that there is some."""
    found = ""
    for text in texts:
        found += text
        has_begun.set()
    return found


@pytest.mark.parametrize("door", STARTERS)
def test_everybody_reads_the_same_text_while_it_is_written(alice: Client, upstream: Upstream, door: str) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(text=PIECES, gate=gate, gate_at=8), key=mark)
    place = Place(alice)
    with ThreadPoolExecutor(len(READERS) + 1) as pool:
        try:
            begun = [threading.Event() for _ in range(len(READERS) + 1)]
            first = pool.submit(lambda: read(STARTERS[door](place, f"[[key={mark}]] go"), begun[0]))
            upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), timeout_s=WAIT_S)
            place.find_run()
            readers = {
                each.__name__: pool.submit(read, each(place), begun[number]) for number, each in enumerate(READERS, 1)
            }
            assert all(each.wait(WAIT_S) for each in begun[door == "initiateChat" :])  # each has its part of it
        finally:
            upstream.release(gate)
        got = {name: done.result(WAIT_S) for name, done in readers.items()}
    if door != "initiateChat":
        got[door] = first.result()
    text = "".join(PIECES)
    assert got == dict.fromkeys(got, text)
    assert alice.answer(place.chat)["content"] == text


def test_everybody_reads_an_answer_of_two_subagents_at_once(alice: Client, upstream: Upstream) -> None:
    """Their words interleave in the log, and are nobody's answer."""
    mark, gate, inner = key(), key(), [key(), key()]
    calls = [ScriptedCall("content", {"task": f"[[key={each}]] Find it."}) for each in inner]
    upstream.script(Turn(text="I ask. ", tool_calls=calls), Turn(text=PIECES), key=mark)
    for each in inner:
        upstream.script(Turn(text=["not ", "for ", "you"], gate=gate, gate_at=2), key=each)
    place = Place(alice)
    alice.patch(f"/api/chats/{place.chat}/", {"archetype": "project_navigator"})
    alice.start(place.chat, f"[[key={mark}]] go")
    upstream.wait_for(lambda seen: sum(each.waits_at == gate for each in seen) == 2, timeout_s=WAIT_S)
    place.find_run()
    doors = [each for each in READERS if each not in (native_get, socket)]  # those two have words for subagents too
    with ThreadPoolExecutor(len(doors)) as pool:
        begun = {each.__name__: threading.Event() for each in doors}
        readers = {each.__name__: pool.submit(read, each(place), begun[each.__name__]) for each in doors}
        for each in begun.values():  # all of them read "I ask. " before it goes on
            each.wait(WAIT_S)
        upstream.release(gate)
        got = {name: done.result(WAIT_S) for name, done in readers.items()}
    said = [each for each in place.stream(f"/api/runs/{place.run}/events") if each["type"] == "text.delta"]
    assert len({each.get("agent", "") for each in said}) == 3
    got["native"] = "".join(each["text"] for each in said if not each.get("agent"))
    assert got == dict.fromkeys(got, "I ask. " + "".join(PIECES))
    assert alice.answer(place.chat)["content"] == got["native"]


# --- Again ------------------------------------------------------------------------------------------------------------

POSTS = ("native", "editorChat", "llm", "completions", "threads", "agent", "UI message stream", "AG-UI")
CALLING = [Turn(text="Let me look. ", reasoning="Hm.", tool_calls=[ScriptedCall("list_files", {})]), Turn(text=PIECES)]


def body_of(alice: Client, path: str, body: Any = None, **headers: str) -> bytes:
    """All the bytes of a stream."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with Stream(alice.server, path, body, token=alice.token, headers=named) as stream:
        assert stream.status == 200, stream.response.read()
        return bytes(stream.response.read())


def asked(place: Place, text: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is posted at each door that answers a POST with a stream."""
    part, said = [{"type": "text", "text": text}], {"id": key(), "role": "user"}
    session = {"session_id": f"sess-{place.chat}", "character_id": 41}
    bare = {"model": "gpt-4o", "stream": True}
    conversation = {"model": "parley/generalist", "conversation": f"conv_{place.chat}", "stream": True}
    thread = {"threadId": place.chat, "runId": key()}
    return {
        "native": (f"/api/chats/{place.chat}/runs", {"content": text, "stream": True}),
        "editorChat": (f"/api/editorChat/stream/{place.chat}", {"content": text}),
        "llm": ("/v1/responses", {**conversation, "input": text}),
        "completions": ("/v1/chat/completions", {**bare, "messages": [{"role": "user", "content": text}]}),
        "threads": (f"/chat/threads/{place.chat}/messages/stream", {"content": text}),
        "agent": ("/agent/chat/stream", {"message": text, **session}),
        "UI message stream": ("/api/chat", {"id": place.chat, "messages": [{**said, "parts": part}]}),
        "AG-UI": ("/api/agui", {**thread, "messages": [{**said, "content": text}]}),
    }


@pytest.mark.parametrize("door", POSTS)
def test_a_replay_is_byte_for_byte_the_live_stream(alice: Client, upstream: Upstream, door: str) -> None:
    """A POST that is sent again attaches to its run from the start."""
    mark, once = key(), key()
    upstream.script(*(CALLING if door != "completions" else CALLING[1:]), key=mark)
    path, body = asked(Place(alice), f"[[key={mark}]] go")[door]
    live = body_of(alice, path, body, Idempotency_Key=once)
    assert body_of(alice, path, body, Idempotency_Key=once) == live
    assert upstream.unused(mark) == 0


def test_who_attaches_later_reads_byte_for_byte_what_who_attached_live_did(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    first, second = CALLING
    upstream.script(first, Turn(text=second.text, gate=gate, gate_at=8), key=mark)
    place = Place(alice)
    begun = alice.post("/api/chat/start", {"modelId": "gpt-4o", "prompt": f"[[key={mark}]] go", "chatId": place.chat})
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), timeout_s=WAIT_S)
    place.find_run()
    paths = [
        f"/api/runs/{place.run}/events", f"/api/editorChat/stream/{place.chat}",
        f"/v1/responses/resp_{place.run}?stream=true", f"/api/chat/stream?sessionId={begun['sessionId']}",
        f"/trpc/chat.streamResponse?input={quote(place.subscription)}",
    ]  # fmt: skip
    with ThreadPoolExecutor(len(paths)) as pool:
        live = [pool.submit(body_of, alice, path) for path in paths]
        upstream.release(gate)
        for path, done in zip(paths, live, strict=True):
            assert body_of(alice, path) == done.result(WAIT_S), path


def test_chat_completions_keep_nothing_and_say_the_same(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text=PIECES), key=mark)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"[[key={mark}]] go"}], "stream": True}
    with Stream(alice.server, "/v1/chat/completions", body, token=alice.token) as stream:
        chunks = [each.json for each in stream if each.data != "[DONE]"]
    assert "".join(each["choices"][0]["delta"].get("content") or "" for each in chunks) == "".join(PIECES)

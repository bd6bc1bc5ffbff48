"""Wherever a reader is cut, it comes back to exactly the rest: nothing lost, nothing doubled."""

import random
import threading
from collections.abc import Iterator

import pytest

from tests.live import Server
from tests.streams import Client, Frame, Stream, client, key, text_of
from tests.upstream import ScriptedCall, Turn, Upstream

PIECES = 70  # in each of three turns


def turns(gate: str = "", delay_ms: float = 0) -> list[Turn]:
    """Three turns and some 200 deltas."""
    listing = [ScriptedCall("list_files", {})]
    return [
        Turn(n=PIECES, tool_calls=listing, delay_ms=delay_ms),
        Turn(n=PIECES, reasoning="Hm. ", tool_calls=listing, delay_ms=delay_ms),
        Turn(n=PIECES, text='Non-ASCII: é “x” \\ \n "', delay_ms=delay_ms, gate=gate),
    ]


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture
def finished(alice: Client, upstream: Upstream) -> Iterator[tuple[Client, str, str]]:
    mark = key()
    upstream.script(*turns(), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    alice.wait(run)
    yield alice, chat, run


def test_a_native_reader_cut_after_every_single_event(finished: tuple[Client, str, str]) -> None:
    alice, chat, run = finished
    with alice.events(run) as stream:
        whole = stream.frames()
    assert sum(each.json["type"] == "text.delta" for each in whole) > 3 * PIECES
    assert [each.json["seq"] for each in whole] == list(range(1, len(whole) + 1))
    for k, last in enumerate(whole[:-1], 1):
        with alice.events(run, after=last.id) as stream:
            assert whole[:k] + stream.frames() == whole
    with alice.events(run, after=whole[-1].id) as stream:
        assert stream.status == 204
    assert text_of(whole) == alice.answer(chat)["content"]


def test_an_editor_chat_reader_cut_after_every_single_frame(finished: tuple[Client, str, str]) -> None:
    alice, chat, _ = finished
    whole = editor_chat(alice, chat)
    for k, last in enumerate(whole[:-2], 1):
        assert whole[:k] + editor_chat(alice, chat, after=last.id) == whole
    content = "".join(each.json["content"] for each in whole[:-1] if each.json["type"] == "content")
    assert content == alice.answer(chat)["content"]


def test_what_editor_chat_streams_is_what_it_replays_and_what_is_stored(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(*turns(), key=mark)
    chat = alice.chat()
    body = {"content": f"[[key={mark}]] go", "attachments": [], "enableStreaming": True}
    with Stream(alice.server, f"/api/editorChat/stream/{chat}", body, token=alice.token) as stream:
        posted = stream.frames()
    replayed = [each for each in editor_chat(alice, chat) if not each.event]
    assert [each.data for each in posted] == [each.data for each in replayed]
    assert posted[-1].data == "[DONE]" and posted[-2].json["tokensUsed"]["total"] > 0
    content = "".join(each.json["content"] for each in posted[:-1] if each.json["type"] == "content")
    assert content == alice.answer(chat)["content"]


def test_32_readers_cut_at_random_places_while_the_run_goes_on(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(*turns(gate=gate, delay_ms=3), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    seeds = [random.Random(number) for number in range(32)]
    found: list[list[Frame]] = [[] for _ in seeds]
    readers = [
        threading.Thread(target=read_in_pieces, args=(alice, run, seed, frames))
        for seed, frames in zip(seeds, found, strict=True)
    ]
    for reader in readers:
        reader.start()
    upstream.release(gate)
    for reader in readers:
        reader.join(60)
    with alice.events(run) as stream:
        whole = stream.frames()
    assert [told for frames in found if (told := difference(frames, whole))] == []
    assert text_of(whole) == alice.answer(chat)["content"]


def test_a_run_does_not_mind_that_its_reader_left(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(n=20, gate=gate, gate_at=5), key=mark)
    chat = alice.chat()
    body = {"content": f"[[key={mark}]] go", "stream": True}
    with Stream(alice.server, f"/api/chats/{chat}/runs", body, token=alice.token) as stream:
        run = stream.until("text.delta")[-1].json["run"]
    upstream.release(gate)
    assert alice.wait(run)["status"] == "succeeded"
    assert alice.answer(chat)["content"] == "".join(f"{number} " for number in range(20))


BAD = ["x", "1", "..", "a.b.c", "1.1.-1", "{run}", "{run}.1", "{run}.1.1e9", "{run}.1.٣", "{run}.1.1.1.1", "x" * 5000]


@pytest.mark.parametrize("bad", BAD)
def test_a_malformed_cursor_is_refused(finished: tuple[Client, str, str], bad: str) -> None:
    alice, chat, run = finished
    from urllib.parse import quote

    for path in (f"/api/runs/{run}/events", f"/api/editorChat/stream/{chat}"):
        reply = alice.server.call("GET", f"{path}?after={quote(bad.replace('{run}', run))}", token=alice.token)
        assert reply.status == 400 and "after" in reply.body["error"]["fields"]


@pytest.mark.parametrize("unknown", ["{run}.1.999999", "{run}.7.3", "99999999-9999-4999-8999-999999999999.1.3"])
def test_an_unknown_cursor_gets_a_reset_and_the_whole(finished: tuple[Client, str, str], unknown: str) -> None:
    alice, _, run = finished
    with alice.events(run) as stream:
        whole = stream.frames()
    with alice.events(run, after=unknown.replace("{run}", run)) as stream:
        frames = stream.frames()
    assert frames[0].json == {"type": "log.reset", "run": run}
    assert frames[1:] == whole


def editor_chat(alice: Client, chat: str, after: str = "") -> list[Frame]:
    headers = {"Last-Event-ID": after} if after else None
    with Stream(alice.server, f"/api/editorChat/stream/{chat}", token=alice.token, headers=headers) as stream:
        return stream.frames()


def difference(frames: list[Frame], whole: list[Frame]) -> str:
    """Where a reader's frames leave the whole; empty where they are the same."""
    at = next((number for number, pair in enumerate(zip(frames, whole, strict=False)) if pair[0] != pair[1]), None)
    if at is not None:
        return f"frame {at} is {frames[at]} and not {whole[at]}, after {frames[at - 1].id}"
    return "" if len(frames) == len(whole) else f"{len(frames)} frames of {len(whole)}, the last {frames[-1:]}"


def read_in_pieces(alice: Client, run: str, seed: random.Random, frames: list[Frame]) -> None:
    """Read some, leave, come back with the last id, until the end."""
    while not frames or not frames[-1].is_end:
        with alice.events(run, after=frames[-1].id if frames else "") as stream:
            frames += stream.take(seed.randint(1, 40))

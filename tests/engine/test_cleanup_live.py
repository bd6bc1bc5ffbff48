"""A server makes its old logs small by itself, and what its doors say of them stays true."""

import time
from collections.abc import Iterator

import pytest

from tests.live import Server
from tests.streams import Client, Stream, client, key, text_of
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def alice(upstream: Upstream) -> Iterator[Client]:
    own = {"OPENAI_BASE_URL": upstream.url, "OPENAI_API_KEY": "none"}
    server = Server(CLEANUP_EVERY_S="1", CHAT_DELTA_RETENTION_S="0.1", **own)
    yield client(server.start())
    server.close()


def merged(alice: Client, run: str) -> list[object]:
    """The run's events, once they are few."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with alice.events(run) as stream:
            frames = stream.frames()
        if any(each.json.get("pieces", 1) > 1 for each in frames):
            return list(frames)
        time.sleep(0.1)
    raise AssertionError("the log stays as it was")


def test_it_cleans_up_by_itself_and_readers_still_get_the_answer(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(n=30, tool_calls=[ScriptedCall("list_files", {})]), Turn(n=40), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    with alice.events(run) as stream:
        whole = stream.frames()
    small = merged(alice, run)
    deltas = [each for each in small if each.json["type"] == "text.delta"]
    assert [each.json["pieces"] for each in deltas] == [30, 40] and small[-1] == whole[-1]
    assert text_of(small) == text_of(whole) == alice.answer(chat)["content"]
    inside = next(each for each in whole if each.json["type"] == "text.delta")
    with alice.events(run, after=inside.id) as stream:
        again = stream.frames()
    assert again[0].json["type"] == "log.reset" and again[1:] == small
    with alice.events(run, after=deltas[0].id) as stream:
        assert stream.frames() == small[small.index(deltas[0]) + 1 :]


def test_a_door_that_counts_refuses_a_place_that_is_gone(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(n=30), key=mark)
    body = {"model": "gpt-4.1-mini", "input": f"[[key={mark}]] go", "stream": True}
    with Stream(alice.server, "/v1/responses", body, token=alice.token) as stream:
        whole = stream.frames()
    id = whole[0].json["response"]["id"]
    merged(alice, id.removeprefix("resp_"))
    path = f"/v1/responses/{id}?stream=true"
    numbers = [each.json["sequence_number"] for each in whole[:-1] if each.json["type"].endswith("text.delta")]
    refused = alice.server.call("GET", f"{path}&starting_after={numbers[3]}", token=alice.token)
    assert (refused.status, refused.body["error"]["code"]) == (410, "response_compacted")
    for number in (0, numbers[-1]):
        with Stream(alice.server, f"{path}&starting_after={number}", token=alice.token) as stream:
            assert stream.frames()[-5:] == whole[-5:]

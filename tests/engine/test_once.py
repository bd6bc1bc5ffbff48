"""The same submit twice is one run; different ones on a busy chat wait, are refused, or interrupt."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.live import Reply, Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def at_once(count: int, send: Any) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


def test_20_identical_submits_with_one_key_are_one_run_and_one_call(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(n=5), Turn(text="must not be asked for"), key=mark)
    chat = alice.chat()
    body = {"content": f"[[key={mark}]] go"}

    def send(_: int) -> Reply:
        return alice.server.call(
            "POST", f"/api/chats/{chat}/runs", body, token=alice.token, headers={"Idempotency-Key": mark}
        )

    replies = at_once(20, send)
    assert {each.status for each in replies} == {201}
    assert len({each.body["run"]["id"] for each in replies}) == 1
    alice.wait(replies[0].body["run"]["id"])
    assert len(upstream.requests(mark)) == 1
    assert len(alice.get(f"/api/runs/?chat={chat}")["results"]) == 1


def test_a_streamed_submit_that_is_repeated_attaches_to_its_run_from_the_start(
    alice: Client, upstream: Upstream
) -> None:
    mark = key()
    upstream.script(Turn(n=5), key=mark)
    chat = alice.chat()
    body, headers = {"content": f"[[key={mark}]] go", "stream": True}, {"Idempotency-Key": mark}
    streams = []
    for _ in range(2):
        with Stream(alice.server, f"/api/chats/{chat}/runs", body, token=alice.token, headers=headers) as stream:
            streams.append(stream.frames())
    assert streams[0] == streams[1]


def test_one_key_with_another_body_is_refused(alice: Client, upstream: Upstream) -> None:
    mark, chat = key(), alice.chat()
    upstream.script(Turn(text="x"), key=mark)
    path = f"/api/chats/{chat}/runs"
    alice.post(path, {"content": f"[[key={mark}]] a"}, Idempotency_Key=mark)
    refused = alice.post(path, {"content": "b"}, Idempotency_Key=mark, expect=(422,))
    assert refused["error"]["code"] == "idempotency_key_reused"


def test_20_different_messages_at_once_are_one_live_run_and_19_queued_in_order(
    alice: Client, upstream: Upstream
) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(text="1", gate=gate), *[Turn(text=str(number)) for number in range(2, 21)], key=mark)
    chat = alice.chat()
    runs = at_once(20, lambda number: alice.start(chat, f"[[key={mark}]] {number}")["run"])
    found = alice.get(f"/api/runs/?chat={chat}")["results"]
    assert sorted(each["status"] for each in found) == ["queued"] * 19 + ["running"]
    upstream.release(gate)
    for each in runs:
        assert alice.wait(each["id"])["status"] == "succeeded"
    messages = alice.get(f"/api/chats/{chat}/messages/?page_size=100")["results"]
    assert [each["content"] for each in messages if each["role"] == "assistant"] == [str(n) for n in range(1, 21)]
    assert [each["position"] for each in messages] == list(range(1, 41))


def test_reject_refuses_and_names_the_live_run(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(text="1", gate=gate), key=mark)
    chat = alice.chat()
    live = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    body = {"content": "no", "if_busy": "reject"}
    refused = alice.post(f"/api/chats/{chat}/runs", body, expect=(409,))
    assert refused["error"]["fields"]["run"] == [live]
    upstream.release(gate)
    alice.wait(live)
    assert len(alice.get(f"/api/chats/{chat}/messages/")["results"]) == 2


def test_interrupt_stops_the_live_run_keeps_its_text_and_goes_on(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(n=9, gate=gate, gate_at=4), Turn(text="Second."), key=mark)
    chat = alice.chat()
    first = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    second = alice.start(chat, f"[[key={mark}]] rather this", if_busy="interrupt")["run"]["id"]
    assert alice.wait(first)["status"] == "cancelled"
    assert alice.wait(second)["status"] == "succeeded"
    answers = [each for each in alice.get(f"/api/chats/{chat}/messages/")["results"] if each["role"] == "assistant"]
    assert [each["content"] for each in answers] == ["0 1 2 ", "Second."]
    upstream.release(gate)

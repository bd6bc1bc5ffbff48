"""Stop: from anywhere, at any moment; the provider is let go within a second, what was said stays."""

import threading
import time

import pytest

from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def test_the_provider_sees_its_socket_closed_within_a_second_and_the_text_stays(
    alice: Client, upstream: Upstream
) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(n=10, gate=gate, gate_at=6), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    with alice.events(run) as stream:
        while '"4 "' not in stream.until("text.delta")[-1].data:
            pass
        asked = time.monotonic()
        alice.post(f"/api/runs/{run}/cancel", {})
        end = stream.frames()[-1].json
    (seen,) = upstream.wait_for(lambda seen: [each for each in seen if each.ended_at], key=mark)
    assert seen.end == "client_left" and seen.ended_at - asked < 5
    assert end["type"] == "run.cancelled" and end["usage"]["status"] == "estimated" and end["by"]
    answer = alice.answer(chat)
    assert (answer["content"], answer["status"]) == ("0 1 2 3 4 ", "cancelled")


def test_a_run_that_waits_for_the_providers_first_byte_is_stopped_too(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(fault="hang"), key=mark)
    run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: seen, key=mark)
    asked = time.monotonic()
    alice.post(f"/api/runs/{run}/cancel", {})
    upstream.wait_for(lambda seen: seen[0].end == "client_left", key=mark)
    assert time.monotonic() - asked < 5  # a lease lasts longer; `make chaos` holds it to a second
    assert alice.wait(run)["status"] == "cancelled"


def test_a_queued_run_is_cancelled_without_ever_running(alice: Client, upstream: Upstream) -> None:
    mark, gate = key(), key()
    upstream.script(Turn(n=3, gate=gate), key=mark)
    chat = alice.chat()
    first = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    second = alice.start(chat, f"[[key={mark}]] and then")["run"]["id"]
    assert alice.get(f"/api/runs/{second}/")["status"] == "queued"
    with alice.events(second) as stream:
        assert stream.take(1)[0].json["type"] == "run.queued"
        alice.post(f"/api/runs/{second}/cancel", {})
        assert stream.frames()[-1].json["type"] == "run.cancelled"
    upstream.release(gate)
    assert alice.wait(first)["status"] == "succeeded"
    assert len(upstream.requests(mark)) == 1


def test_cancelling_again_or_too_late_changes_nothing(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text="Done."), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    alice.wait(run)
    for _ in range(2):
        assert alice.post(f"/api/runs/{run}/cancel", {})["run"]["status"] == "succeeded"
    assert alice.answer(chat)["status"] == "completed"


def test_when_a_cancel_races_the_end_there_is_one_end_and_either_may_win(alice: Client, upstream: Upstream) -> None:
    ends = []
    for number in range(40):  # from an end long before the cancel to one long behind it, however slow the machine
        mark = key()
        upstream.script(Turn(n=5, delay_ms=1.2**number), key=mark)
        run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
        timer = threading.Timer(0.1, alice.post, (f"/api/runs/{run}/cancel", {}))
        timer.start()
        with alice.events(run) as stream:
            frames = stream.frames()
        timer.join()
        assert sum(each.is_end for each in frames) == 1
        ends.append(frames[-1].json["type"])
        status = alice.get(f"/api/runs/{run}/")["status"]
        assert {"run.completed": "succeeded", "run.cancelled": "cancelled"}[ends[-1]] == status
    assert set(ends) == {"run.completed", "run.cancelled"}

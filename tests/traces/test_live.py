"""Traces of a real server: they come to the collector, one a run whoever ends it, and no run waits for one."""

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.live import Server
from tests.streams import client, key
from tests.traces.collector import Collector, attributes
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAID = "words that somebody said"
RUNS = 30


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def test_a_run_s_spans_come_to_the_collector(
    new_server: Callable[..., Server], upstream: Upstream, collector: Collector
) -> None:
    server = new_server(
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_EXPORTER_OTLP_HEADERS="X-Key=planted%20key",
        OTEL_SERVICE_NAME="ours",
    ).start()
    upstream.script(Turn(tool_calls=[ScriptedCall("list_files")]), Turn(text=SAID), key=(mark := key()))
    alice = client(server)
    chat, parent = alice.chat(), {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    begun = alice.post(f"/api/chats/{chat}/runs", {"content": f"{SAID} [[key={mark}]]"}, **parent)
    alice.wait(begun["run"]["id"])
    collector.wait(lambda it: any(each.name.startswith("invoke_agent") for each in it.spans))
    mine = [each for each in collector.spans if each.trace_id.hex() == TRACE]
    assert [each.name.partition(" ")[0] for each in mine][:2] == ["invoke_agent", "chat"]
    assert sorted(each.name.partition(" ")[0] for each in mine) == ["chat", "chat", "execute_tool", "invoke_agent"]
    assert mine[0].parent_span_id.hex() == PARENT
    assert attributes(mine[0])["gen_ai.conversation.id"] == chat
    assert collector.headers[0]["x-key"] == "planted key"
    assert all(b"ours" in each and SAID.encode() not in each for each in collector.bodies)
    server.stop()
    assert "planted key" not in server.log()


def test_a_rating_comes_to_the_collector_as_an_event_of_its_run(
    new_server: Callable[..., Server], upstream: Upstream, collector: Collector
) -> None:
    server = new_server(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url).start()
    upstream.script(Turn(text=SAID), key=(mark := key()))
    alice = client(server)
    run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    alice.wait(run)
    answer = alice.get(f"/api/runs/{run}/")["message"]
    given = {"rating": "down", "reasons": ["wrong"], "comment": SAID}
    for told in (given, given | {"comment": "The same again."}, given | {"rating": "up"}):
        reply = server.call("PUT", f"/api/messages/{answer}/feedback/", told, token=alice.token)
        assert reply.status == 200, reply.body
    server.stop()  # it sends what it has before it ends
    mine = [each for each in collector.spans if each.trace_id.hex() == run.replace("-", "")]
    [root] = [each for each in mine if not each.parent_span_id]
    found = [each for each in collector.events if each.trace_id == root.trace_id]
    assert [each.event_name for each in found] == ["gen_ai.evaluation.result"] * 2
    assert [each.span_id for each in found] == [root.span_id] * 2
    score = "gen_ai.evaluation.score."
    told = [attributes(each) for each in found]
    assert [(each[f"{score}label"], each[f"{score}value"]) for each in told] == [("down", 0.0), ("up", 1.0)]
    assert not any(SAID.encode() in each or b"wrong" in each for each in collector.logs)


def test_a_run_that_another_process_went_on_with_is_one_trace(
    new_server: Callable[..., Server], upstream: Upstream, collector: Collector
) -> None:
    server = new_server(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url).start()
    upstream.script(Turn(text=["half "], fault="stall"), Turn(text="whole"), key=(mark := key()))
    alice = client(server)
    run = alice.start(alice.chat(), f"go [[key={mark}]]")["run"]["id"]
    with alice.events(run) as stream:
        stream.until("text.delta")
    server.kill()
    server.start_process()
    alice.wait(run)
    server.stop()  # it sends what it has before it ends
    mine = [each for each in collector.spans if each.trace_id.hex() == run.replace("-", "")]
    assert sum(each.name.startswith("invoke_agent") for each in mine) == 1
    assert [each.name for each in mine[0].events].count("run.started") == 2


def test_no_run_waits_for_a_collector_that_hangs(new_server: Callable[..., Server], upstream: Upstream) -> None:
    """As many runs, one after the other, without a collector and with one that never answers."""
    hanging = Collector(hangs=True)
    took = {}
    for endpoint in ("", hanging.url):
        server = new_server(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint).start()
        upstream.script(*[Turn(text="Good evening.")] * (RUNS + 1), key=(mark := key()))
        alice = client(server)
        alice.wait(alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"])
        begun_at = time.monotonic()
        for _ in range(RUNS):
            alice.wait(alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"])
        took[endpoint] = time.monotonic() - begun_at
        stopping_at = time.monotonic()
        assert server.stop() in (0, -signal.SIGTERM)  # by itself: it was not killed
        assert time.monotonic() - stopping_at < 10
    assert hanging.asked > 0, "it was never asked: nothing is shown"
    assert took[hanging.url] < 2 * took[""] + 2
    hanging.close()

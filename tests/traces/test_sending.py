"""The sender's bounds: what cannot be sent waits, is dropped, and counted; whoever hands it over waits for nothing."""

import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from chat.ops.tracing import sending
from chat.ops.tracing.sending import Sender

SPANS = [ReadableSpan("one"), ReadableSpan("two")]


class Exporter:
    """Takes batches when it is let to, and answers this."""

    def __init__(self, answers: bool | Exception = True) -> None:
        self.answers = answers
        self.may_go = threading.Event()
        self.batches: list[int] = []

    def export(self, spans: Sequence[ReadableSpan]) -> bool:
        self.may_go.wait()
        self.batches.append(len(spans))
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


def counts() -> dict[str, int]:
    return {labels[0][1]: count for labels, count in sending.spans_counted.take().items()}


@pytest.fixture(autouse=True)
def nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WAITING_MAX", 3)
    counts()


def test_a_collector_that_hangs_costs_what_does_not_fit_and_nobody_s_time() -> None:
    exporter = Exporter()
    sender = Sender(exporter.export, sending.spans_counted)
    sender.send(SPANS)
    while sender._waiting.qsize():
        time.sleep(0.01)  # the first is with the exporter, which hangs
    begun_at = time.monotonic()
    for _ in range(10):
        sender.send(SPANS)
    sender.flush(time.monotonic() + 0.1)
    assert time.monotonic() - begun_at < 1
    assert sender.is_full and counts() == {"dropped": 14}
    exporter.may_go.set()
    sender.flush(time.monotonic() + 10)
    assert counts() == {"sent": 8} and exporter.batches == [2, 6]


@pytest.mark.parametrize("answers", [False, ValueError("nonsense")])
def test_what_the_collector_refuses_is_counted_and_the_next_is_sent(answers: bool | Exception) -> None:
    exporter = Exporter(answers)
    exporter.may_go.set()
    sender = Sender(exporter.export, sending.spans_counted)
    for _ in range(2):
        sender.send(SPANS)
        sender.flush(time.monotonic() + 10)
    assert counts() == {"failed": 4} and exporter.batches == [2, 2]


def test_a_run_without_a_trace_is_nothing_to_send() -> None:
    exporter = Exporter()
    sender = Sender(exporter.export, sending.spans_counted)
    sender.send([])
    sender.flush(time.monotonic() + 10)
    assert exporter.batches == [] and counts() == {}

"""Spans to the collector, by a thread that nobody waits for."""

import logging
import queue
import threading
import time
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from chat.metering.counters import counter

WAITING_MAX = 1_000  # runs whose spans wait for the collector
TOGETHER_MAX = 100  # runs whose spans are sent at once
log = logging.getLogger(__name__)
counted = counter("parley_trace_spans_total", "Spans that were made for the collector.", "outcome")


class Sender:
    """Sends what it is given, in order. What a collector that is away leaves waiting is bounded; the rest is dropped
    and counted.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._waiting: queue.Queue[Sequence[ReadableSpan]] = queue.Queue(WAITING_MAX)
        # A daemon: a process that ends does not wait for a collector that hangs.
        threading.Thread(target=self._work, name="traces", daemon=True).start()

    @property
    def is_full(self) -> bool:
        """More would be dropped."""
        return self._waiting.full()

    def send(self, spans: Sequence[ReadableSpan]) -> None:
        """Take a run's spans. Waits for nothing; from any thread."""
        try:
            self._waiting.put_nowait(spans)
        except queue.Full:
            counted.add(len(spans), outcome="dropped")

    def flush(self, longest_s: float) -> None:
        """Return when all is sent, or after so long. Sync."""
        until = time.monotonic() + longest_s
        while self._waiting.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.02)

    def _work(self) -> None:
        while True:
            together = [self._waiting.get()]
            while len(together) < TOGETHER_MAX and not self._waiting.empty():
                together.append(self._waiting.get())
            self._export([span for spans in together for span in spans])
            for _ in together:
                self._waiting.task_done()

    def _export(self, spans: Sequence[ReadableSpan]) -> None:
        try:
            is_sent = self._exporter.export(spans) is SpanExportResult.SUCCESS
        except Exception:  # whatever a collector answers: nobody else would go on
            log.exception("spans could not be sent")
            is_sent = False
        counted.add(len(spans), outcome="sent" if is_sent else "failed")

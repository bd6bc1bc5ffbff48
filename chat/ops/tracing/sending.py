"""Spans and results of evaluations to the collector, each by a thread that nobody waits for."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from chat.metering.counters import Counter, counter

T = TypeVar("T")
WAITING_MAX = 1_000  # runs whose spans wait for the collector, or results
TOGETHER_MAX = 100  # of them that are sent at once
log = logging.getLogger(__name__)
spans_counted = counter("parley_trace_spans_total", "Spans that were made for the collector.", "outcome")
results_counted = counter("parley_trace_evaluations_total", "Ratings of answers that were told there.", "outcome")


class Sender(Generic[T]):
    """Sends what it is given, in order. What a collector that is away leaves waiting is bounded; the rest is dropped
    and counted.
    """

    def __init__(self, export: Callable[[Sequence[T]], bool], counted: Counter) -> None:
        """`export` says whether the collector has taken them."""
        self._export_to = export
        self._counted = counted
        self._waiting: queue.Queue[Sequence[T]] = queue.Queue(WAITING_MAX)
        # A daemon: a process that ends does not wait for a collector that hangs.
        threading.Thread(target=self._work, name="traces", daemon=True).start()

    @property
    def is_full(self) -> bool:
        """More would be dropped."""
        return self._waiting.full()

    def send(self, made: Sequence[T]) -> None:
        """Take a run's spans, or a result. Waits for nothing; from any thread."""
        try:
            self._waiting.put_nowait(made)
        except queue.Full:
            self._counted.add(len(made), outcome="dropped")

    def flush(self, until: float) -> None:
        """Return when all is sent, or it is so late by time.monotonic(). Sync."""
        while self._waiting.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.02)

    def _work(self) -> None:
        while True:
            together = [self._waiting.get()]
            while len(together) < TOGETHER_MAX and not self._waiting.empty():
                together.append(self._waiting.get())
            if all_made := [each for made in together for each in made]:
                self._export(all_made)
            for _ in together:
                self._waiting.task_done()

    def _export(self, made: Sequence[T]) -> None:
        try:
            is_sent = self._export_to(made)
        except Exception:  # whatever a collector answers: nobody else would go on
            log.exception("what a trace has could not be sent")
            is_sent = False
        self._counted.add(len(made), outcome="sent" if is_sent else "failed")

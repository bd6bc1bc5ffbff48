"""From a run's end to its spans, and from a rating to its event: what is stored is read when there is time for it, and
the senders get what is made of it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFault
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from accounts.db import db
from agents.installation import info_of
from chat.eventlog import stored
from chat.feedback import saying
from chat.feedback.saying import Given
from chat.metering.counters import Counter
from chat.models import Run
from chat.ops.tracing.evaluations import result_of
from chat.ops.tracing.sending import WAITING_MAX, Sender, results_counted, spans_counted
from chat.ops.tracing.spans import Traced, spans_of
from chat.runner import ending, runner

Heard = TypeVar("Heard")
Made = TypeVar("Made")
Export = Callable[[Sequence[Made]], bool]
EVERY_S = 1.0
LEAVE_S = 2.0  # a process that ends waits so long for what it has last
TRACES, LOGS = "/v1/traces", "/v1/logs"
log = logging.getLogger(__name__)


def begin() -> None:
    """From now on make a trace of each run that ends here, and an event of each rating that is given here."""
    tracing = Tracing()
    ending.WHEN_OVER.append(tracing.runs.hear)
    if settings.OTEL_LOGS_EXPORTER != "none":
        saying.WHEN_GIVEN.append(tracing.ratings.hear)
    runner.also.append(tracing.run)
    runner.at_leaving.append(tracing.leave)


class Line(Generic[Heard, Made]):
    """What was heard of, and what is made of it for the collector."""

    def __init__(self, make: Callable[[Heard], Sequence[Made]], to: Callable[[], Export[Made]], counted: Counter):
        self._make = make
        self._to = to
        self._counted = counted
        self._heard: deque[Heard] = deque()
        self._sender: Sender[Made] | None = None

    def hear(self, what: Heard) -> None:
        """It is stored. From any thread; does nothing but remember it."""
        if len(self._heard) < WAITING_MAX:
            self._heard.append(what)
        else:
            self._counted.add(outcome="dropped")  # one at least: nobody has counted them

    def begin(self) -> None:
        """There is a collector to send to, from now on."""
        self._sender = Sender(self._to(), self._counted)

    async def send_all(self) -> None:
        """One after the other: a run's log is read where requests are served too."""
        while self._heard and self._sender is not None and not self._sender.is_full:
            what = self._heard.popleft()
            try:
                self._sender.send(await db(self._make, what))
            except DatabaseFault as error:
                log.warning("%s is not traced, the database does not answer: %s", what, type(error).__name__)
            except Exception:
                log.exception("%s is not traced", what)

    def flush(self, until: float) -> None:
        """As a sender's."""
        if self._sender is not None:
            self._sender.flush(until)


class Tracing:
    """One per process."""

    def __init__(self) -> None:
        self.runs = Line(spans, _to_traces, spans_counted)
        self.ratings = Line(result, _to_logs, results_counted)

    async def run(self) -> None:
        """Make and send what there is to tell, for ever."""
        self.runs.begin()
        self.ratings.begin()
        while True:
            await asyncio.sleep(EVERY_S)
            await self._send_all()

    async def leave(self) -> None:
        """The process ends: what is there goes, if the collector takes it soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await self._send_all()
        until = time.monotonic() + LEAVE_S
        for each in (self.runs, self.ratings):
            await asyncio.to_thread(each.flush, until)

    async def _send_all(self) -> None:
        await self.runs.send_all()
        await self.ratings.send_all()


def spans(run_id: UUID) -> list[ReadableSpan]:
    """The spans of a run that is over; none where it is gone. Sync, two queries."""
    run = Run.objects.select_related("chat").filter(pk=run_id).first()
    return [] if run is None else spans_of(_traced(run), (each.event for each in stored(run_id)), server_of, resource())


def result(given: Given) -> list[ReadableLogRecord]:
    """The event of a rating; none where its answer is gone. Sync, one query."""
    run = Run.objects.select_related("chat").filter(message=given.message).first()
    return [] if run is None else result_of(given, _traced(run), resource())


def _traced(run: Run) -> Traced:
    organization = run.organization_id or (run.chat.organization_id if run.chat else "")
    return Traced(run.pk, run.kind, run.door, str(organization), run.traceparent, run.temperature)


def server_of(model: str) -> tuple[str, str]:
    """Whose the model is, and the host that is asked for it."""
    server = info_of(model).server
    return server.vendor, server.host


def resource() -> Resource:
    """Who says it: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, as everywhere."""
    return Resource.create({"service.name": settings.OTEL_SERVICE_NAME, "service.version": settings.PARLEY_VERSION})


def _to_traces() -> Export[ReadableSpan]:
    """What else OTEL_EXPORTER_OTLP_... says, such as a timeout or a certificate, the exporters read themselves."""
    exporter = OTLPSpanExporter(endpoint=_endpoint(TRACES), headers=settings.OTEL_EXPORTER_OTLP_HEADERS or None)
    return lambda made: exporter.export(made) is SpanExportResult.SUCCESS


def _to_logs() -> Export[ReadableLogRecord]:
    exporter = OTLPLogExporter(endpoint=_endpoint(LOGS), headers=settings.OTEL_EXPORTER_OTLP_HEADERS or None)
    return lambda made: exporter.export(made) is LogRecordExportResult.SUCCESS


def _endpoint(path: str) -> str:
    return settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip("/") + path

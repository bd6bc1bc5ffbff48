"""From a run's end to its spans: its log is read once it is stored, when there is time, and the sender gets them."""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFault
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from accounts.db import db
from agents.installation import info_of
from chat.eventlog import stored
from chat.models import Run
from chat.ops.tracing.sending import WAITING_MAX, Sender, counted
from chat.ops.tracing.spans import Traced, spans_of
from chat.runner import ending, runner

EVERY_S = 1.0
LEAVE_S = 2.0  # a process that ends waits so long for its last spans
PATH = "/v1/traces"
log = logging.getLogger(__name__)


def begin() -> None:
    """From now on make a trace of each run that ends here."""
    tracing = Tracing()
    ending.WHEN_OVER.append(tracing.hear)
    runner.also.append(tracing.run)
    runner.at_leaving.append(tracing.leave)


class Tracing:
    """One per process."""

    def __init__(self) -> None:
        self.ended: deque[UUID] = deque()
        self.sender: Sender | None = None

    def hear(self, run_id: UUID) -> None:
        """A run is over, and stored. From any thread; does nothing but remember it."""
        if len(self.ended) < WAITING_MAX:
            self.ended.append(run_id)
        else:
            counted.add(outcome="dropped")  # one at least: nobody has counted them

    async def run(self) -> None:
        """Make and send the spans of what has ended, for ever."""
        self.sender = Sender(_exporter())
        while True:
            await asyncio.sleep(EVERY_S)
            await self._send_all()

    async def leave(self) -> None:
        """The process ends: what is there goes, if the collector takes it soon."""
        if self.sender is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await self._send_all()
            await asyncio.to_thread(self.sender.flush, LEAVE_S)

    async def _send_all(self) -> None:
        """One after the other: a run's log is read where requests are served too."""
        while self.ended and self.sender is not None and not self.sender.is_full:
            run_id = self.ended.popleft()
            try:
                self.sender.send(await db(spans, run_id))
            except DatabaseFault as error:
                log.warning("run %s has no trace, the database does not answer: %s", run_id, type(error).__name__)
            except Exception:
                log.exception("run %s has no trace", run_id)


def spans(run_id: UUID) -> list[ReadableSpan]:
    """The spans of a run that is over; none where it is gone. Sync, two queries."""
    run = Run.objects.select_related("chat").filter(pk=run_id).first()
    return [] if run is None else spans_of(_traced(run), (each.event for each in stored(run_id)), server_of, resource())


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


def _exporter() -> OTLPSpanExporter:
    """What else OTEL_EXPORTER_OTLP_... says, such as a timeout or a certificate, it reads from the environment."""
    endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip("/") + PATH
    return OTLPSpanExporter(endpoint=endpoint, headers=settings.OTEL_EXPORTER_OTLP_HEADERS or None)

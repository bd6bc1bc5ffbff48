"""Tool calls as rows, written with the events they come from."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from agents import events as ev
from agents.events import AnyEvent
from chat.eventlog import effects, file_rows
from chat.models import ToolCall


def record(run_id: UUID, events: Iterable[AnyEvent]) -> None:
    """Make or complete the rows that these events speak of."""
    for event in events:
        match event:
            case ev.ToolCalled() | ev.ToolDeferred():
                ToolCall.objects.get_or_create(
                    run_id=run_id,
                    call=event.call,
                    defaults={
                        "agent": event.agent[:300],
                        "name": event.name[:100],
                        "arguments": event.arguments,
                        "called_at": _time(event.at),
                        "status": "called" if isinstance(event, ev.ToolCalled) else "deferred",
                    },
                )
            case ev.ToolReturned():
                _end(run_id, event, "returned", msgspec.json.encode(event.result).decode())
                file_rows.use(run_id, event)
            case ev.ToolFailed():
                _end(run_id, event, event.outcome, event.error)
            case _:
                pass


def _end(run_id: UUID, event: ev.ToolReturned | ev.ToolFailed, status: str, result: str) -> None:
    ToolCall.objects.filter(run_id=run_id, call=event.call).update(
        status=status, result=result, elapsed_ms=event.elapsed_ms, ended_at=_time(event.at)
    )
    effects.note(run_id, event)


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)

"""Erasing what a log says, for a deleted message. That the run was, and how it ended, stays."""

from msgspec.structs import replace

from agents import events as ev
from agents.errors import CODES
from agents.events import AnyEvent
from chat.eventlog.rows import Logged, insert, stored
from chat.models import Run, RunEvent


def erase(run: Run) -> None:
    """Leave of an ended run's log its first event and its end, so that readers still find it well formed.

    A reader whose cursor lies in what is gone gets a reset. Call it in the transaction that erases the rest.
    """
    kept = [_without_text(each.event) for each in stored(run.pk) if isinstance(each.event, KEPT)]
    RunEvent.objects.filter(run=run).delete()
    if kept:
        insert(run.pk, [Logged(run.attempt, seq, event) for seq, event in enumerate(kept, 1)]).save(force_insert=True)


KEPT = (ev.RunQueued, *ev.TERMINALS)


def _without_text(event: AnyEvent) -> AnyEvent:
    """A failure's message can quote what the provider or a tool said."""
    return replace(event, message=CODES[event.code]) if isinstance(event, ev.RunFailed) else event

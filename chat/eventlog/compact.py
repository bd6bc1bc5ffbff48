"""Making the log of an ended run small: first its deltas become one per block, at last only its answer stays.

What stays keeps its number. A reader whose place is gone gets a reset and the whole, as for any unknown place.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from msgspec.structs import replace

from agents import events as ev
from agents.events import DELTAS, TERMINALS
from chat.eventlog.rows import Logged, clean, first_of, insert, stored
from chat.models import OPEN, LogState, Run, RunEvent
from chat.sent import keeping

ROW_EVENTS = 500  # at most, in a row of a compacted log
# What tells the answer, and how the work is that it began; of the run's own agent.
ANSWER = (
    ev.RunQueued,
    ev.RunStarted,
    ev.TurnStarted,
    ev.TextDelta,
    ev.ReplyCompleted,
    ev.ToolDeferred,
    ev.WorkflowChanged,
    ev.WorkflowCompleted,
    ev.TurnCompleted,
    ev.MessageSaved,
    *TERMINALS,
)
Change = Callable[[list[Logged]], list[Logged]]


def due_for_merging(until: datetime) -> QuerySet[Run]:
    """The runs that ended before then, and whose deltas are still as they came."""
    return _ended(until).filter(log_state=LogState.WHOLE)


def due_for_cutting(until: datetime) -> QuerySet[Run]:
    """The runs that ended before then, and whose log still says more than their answer."""
    # Named, not excluded: so an index leads to these alone, and not through all that were cut before.
    return _ended(until).filter(log_state__in=(LogState.WHOLE, LogState.MERGED))


def merge_deltas(run_id: UUID) -> bool:
    """Make the deltas that follow each other one. False where somebody else has done it, or the run is open."""
    return _rewrite(run_id, LogState.WHOLE, LogState.MERGED, merged)


def cut_to_answer(run_id: UUID) -> bool:
    """Leave only what tells the answer: its text, what the client was to run, and the end. False as above."""
    keeping.forget_run(run_id)
    states = (LogState.WHOLE, LogState.MERGED)
    return any(_rewrite(run_id, each, LogState.ANSWER, answer_only) for each in states)


def merged(entries: Iterable[Logged]) -> list[Logged]:
    """The entries with maximal runs of one kind of delta, by one agent and attempt, as one entry each."""
    found: list[Logged] = []
    for is_delta, group in groupby(map(_without_state, entries), key=_block):
        alike = list(group)
        found += [_one(alike)] if is_delta else alike
    return found


def answer_only(entries: list[Logged]) -> list[Logged]:
    """The entries that tell the answer; taken-back turns, reasoning, tools and subagents are gone."""
    return merged(entry for entry in clean(entries, after=0) if _tells(entry))


def _ended(until: datetime) -> QuerySet[Run]:
    return Run.objects.filter(ended_at__lt=until).exclude(status__in=OPEN).order_by("ended_at")


def _rewrite(run_id: UUID, before: LogState, after: LogState, change: Change) -> bool:
    with transaction.atomic():
        is_ours = Run.objects.filter(pk=run_id, log_state=before).exclude(status__in=OPEN).update(log_state=after)
        if not is_ours:
            return False
        rows = list(rows_of(run_id, change(stored(run_id))))
        RunEvent.objects.filter(run_id=run_id).delete()
        RunEvent.objects.bulk_create(rows)
        return True


def rows_of(run_id: UUID, entries: Sequence[Logged]) -> Iterator[RunEvent]:
    """Rows of entries that follow each other, of one attempt each."""
    batch: list[Logged] = []
    for entry in entries:
        if batch and not (_follows(batch[-1], entry) and len(batch) < ROW_EVENTS):
            yield insert(run_id, batch)
            batch = []
        batch.append(entry)
    if batch:
        yield insert(run_id, batch)


def _without_state(entry: Logged) -> Logged:
    """Once a run is over nobody takes it up again: what its provider wants back stays with the message."""
    event = ev.without_state(entry.event)
    return entry if event is entry.event else Logged(entry.attempt, entry.seq, event)


def _follows(last: Logged, entry: Logged) -> bool:
    return last.attempt == entry.attempt and first_of(entry) == last.seq + 1


def _block(entry: Logged) -> tuple[object, ...]:
    """What entries that become one have in common; empty for those that stay."""
    event = entry.event
    return (entry.attempt, event.agent, type(event)) if isinstance(event, DELTAS) else ()


def _one(group: list[Logged]) -> Logged:
    first, last = group[0], group[-1]
    if first is last:
        return first
    deltas = [each.event for each in group if isinstance(each.event, ev.TextDelta | ev.ReasoningDelta)]
    text, pieces = "".join(each.text for each in deltas), sum(each.pieces for each in deltas)
    until = deltas[-1].until or deltas[-1].at
    return Logged(last.attempt, last.seq, replace(first.event, text=text, pieces=pieces, until=until))


def _tells(entry: Logged) -> bool:
    return not entry.event.agent and isinstance(entry.event, ANSWER)

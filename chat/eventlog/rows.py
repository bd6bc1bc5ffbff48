"""The log in the database: what is stored, and from where a reader goes on. Sync; call it through `db`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from django.conf import settings
from django.db.models import QuerySet

from accounts.db.compiled import Compiled
from agents import events as ev
from agents.events import AnyEvent
from chat.eventlog import statements
from chat.eventlog.cursor import Cursor
from chat.eventlog.statements import Row
from chat.models import OPEN, Run, RunEvent

AnEvent = TypeVar("AnEvent", bound=ev.Event)


class Logged(msgspec.Struct, frozen=True, gc=False):
    """An event with its place in the log. Nothing in it points back to it, so the garbage collector passes it by."""

    attempt: int
    seq: int
    event: AnyEvent

    def __iter__(self) -> Iterator[Any]:
        """So that it can be taken apart: attempt, seq, event."""
        return iter((self.attempt, self.seq, self.event))


@dataclass
class Page:
    """What a reader gets from the database."""

    events: list[Logged] = field(default_factory=list)
    is_reset: bool = False  # the cursor is unknown here: `events` is the whole log from its start
    is_ahead: bool = False  # the cursor's event is not stored yet: ask again
    is_over: bool = False  # the run has ended and nothing follows


def pieces_of(event: AnyEvent) -> int:
    """How many numbers the event takes: one, or of a compacted delta those of all its pieces."""
    return event.pieces if isinstance(event, (ev.TextDelta, ev.ReasoningDelta)) else 1


def first_of(entry: Logged) -> int:
    """The first of the numbers that the entry takes; its own is the last."""
    return entry.seq - pieces_of(entry.event) + 1


def numbered(attempt: int, first_seq: int, events: Iterable[AnyEvent]) -> Iterable[Logged]:
    """The events of a row, each with its number."""
    seq = first_seq - 1
    for event in events:
        seq += pieces_of(event)
        yield Logged(attempt, seq, event)


def row(run_id: UUID, entries: Sequence[Logged]) -> Row:
    """The row for entries of one attempt that follow each other."""
    first, last = entries[0], entries[-1]
    return Row(run_id, first.attempt, first_of(first), last.seq, ev.dump([each.event for each in entries]))


def insert(run_id: UUID, entries: Sequence[Logged]) -> RunEvent:
    """The same as a model, not saved."""
    return RunEvent(**row(run_id, entries)._asdict())


def first_events(run: Run, events: Sequence[AnyEvent]) -> None:
    """Store the events a run begins with, in the transaction that makes it."""
    statements.insert([row(run.id, [Logged(run.attempt, seq, event) for seq, event in enumerate(events, 1)])])


def stored(run_id: UUID) -> list[Logged]:
    """Every stored event of the run, taken-back turns included, in order."""
    return _entries(_rows(run_id))


def walk(run_id: UUID) -> Iterator[Logged]:
    """The same, one after the other: for who keeps none of them."""
    for attempt, first_seq, events in _in_order(RunEvent.objects.filter(run_id=run_id)).iterator():
        yield from numbered(attempt, first_seq, ev.load(events))


def read(run_id: UUID) -> list[AnyEvent]:
    """The run's events without the turns that were taken back: what a late reader sees."""
    return [each.event for each in clean(stored(run_id), after=0)]


def newest(run_id: UUID, type: type[AnEvent]) -> Iterator[AnEvent]:
    """The run's events of this one type, the newest first: only rows that hold one are brought, and read one by one."""
    tag = f'"type":"{type.__struct_config__.tag}"'
    rows = RunEvent.objects.filter(run_id=run_id, events__contains=tag).order_by("-first_seq")
    for events in rows.values_list("events", flat=True).iterator(chunk_size=20):
        yield from (each for each in reversed(ev.load(events)) if isinstance(each, type))


def page(run_id: UUID, after: Cursor | None) -> Page:
    """What follows the cursor; without one, the whole clean log."""
    found = _page(run_id, after)
    if found.events or found.is_ahead or Run.objects.filter(pk=run_id, status__in=OPEN).exists():
        return found
    found = _page(run_id, after)  # it may have ended between the two looks
    found.is_over = not found.events
    return found


def _page(run_id: UUID, after: Cursor | None, *, is_second_look: bool = False) -> Page:
    if after is None or after.seq == 0:
        return Page(clean(stored(run_id), after=0))
    at = RunEvent.objects.filter(run_id=run_id, first_seq__lte=after.seq, last_seq__gte=after.seq).first()
    if at is not None and at.attempt == after.attempt:
        return _following(run_id, after.seq)
    later = RunEvent.objects.filter(run_id=run_id, attempt__gt=after.attempt).order_by("first_seq").first()
    if later is not None and later.first_seq <= after.seq + 1:
        return _following(run_id, later.first_seq - 1)
    if at is None and later is None:
        if _may_come(run_id, after):
            return Page(is_ahead=True)
        if not is_second_look:  # the run may have ended since the first, and what was coming is stored now
            return _page(run_id, after, is_second_look=True)
    return _whole_again(run_id)


def _whole_again(run_id: UUID) -> Page:
    return Page(clean(stored(run_id), after=0), is_reset=True)


def event_at(cursor: Cursor) -> AnyEvent | None:
    """The event the cursor names, if the log holds it as written by that attempt."""
    row = RunEvent.objects.filter(
        run_id=cursor.run, attempt=cursor.attempt, first_seq__lte=cursor.seq, last_seq__gte=cursor.seq
    ).first()
    entries = numbered(row.attempt, row.first_seq, ev.load(row.events)) if row else ()
    return next((each.event for each in entries if each.seq == cursor.seq), None)


def clean(entries: list[Logged], *, after: int) -> list[Logged]:
    """The entries without superseded turns that began after seq `after`: nobody was shown those."""
    dropped: set[int] = set()
    for index, entry in enumerate(entries):
        if isinstance(entry.event, ev.TurnReset):
            dropped.update(_superseded(entries, index, after))
    return [entry for index, entry in enumerate(entries) if index not in dropped] if dropped else entries


def _superseded(entries: list[Logged], reset: int, after: int) -> Iterable[int]:
    agent = entries[reset].event.agent
    for start in range(reset - 1, -1, -1):
        event = entries[start].event
        if isinstance(event, ev.TurnStarted) and event.agent == agent:
            if entries[start].seq <= after:
                return ()
            return [index for index in range(start, reset + 1) if entries[index].event.agent == agent]
    return ()


def _following(run_id: UUID, seq: int) -> Page:
    rows = _rows_after(run_id, seq)
    entries = [each for each in _entries(rows) if each.seq > seq]
    if entries and first_of(entries[0]) <= seq:
        return _whole_again(run_id)  # the place is inside of what was compacted since
    return Page(clean(entries, after=seq))


def _entries(rows: Iterable[tuple[int, int, str]]) -> list[Logged]:
    return [entry for attempt, first_seq, events in rows for entry in numbered(attempt, first_seq, ev.load(events))]


def _in_order(rows: QuerySet[RunEvent]) -> QuerySet[RunEvent, tuple[int, int, str]]:
    return rows.order_by("first_seq").values_list("attempt", "first_seq", "events")


_rows: Compiled[tuple[int, int, str]] = Compiled(lambda run_id: _in_order(RunEvent.objects.filter(run_id=run_id)), UUID)
_rows_after: Compiled[tuple[int, int, str]] = Compiled(
    lambda run_id, seq: _in_order(RunEvent.objects.filter(run_id=run_id, last_seq__gt=seq)), UUID, int
)


def _may_come(run_id: UUID, after: Cursor) -> bool:
    """Whether the cursor can be of an event that was shown by its process and is not stored yet."""
    last = RunEvent.objects.filter(run_id=run_id).order_by("-last_seq").values_list("last_seq", flat=True).first() or 0
    is_near = after.seq - last <= settings.CHAT_UNSTORED_MAX_EVENTS
    return is_near and Run.objects.filter(pk=run_id, status__in=OPEN, attempt__gte=after.attempt).exists()


def grown(since: dict[UUID, int]) -> dict[UUID, list[Logged]]:
    """What was stored of these runs from the given seq on: one query for all of them."""
    found: dict[UUID, list[Logged]] = {}
    for run_id, attempt, first_seq, events in statements.grown(since):
        found.setdefault(run_id, []).extend(numbered(attempt, first_seq, ev.load(events)))
    return found

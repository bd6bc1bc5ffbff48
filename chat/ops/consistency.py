"""Does what is stored agree with itself? A sample of logs, what is said of their runs, leases, and usage by day. Sync.

Done by a chore once a day, and by `manage.py check_consistency`. The chore's row says what was found the last time,
whoever looked: the admin's first screen and the metrics read it by `last`.
"""

import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from chat.metering import usage_days
from chat.models import IMPORTED, OPEN, Chore, MessageStatus, Run, RunStatus, UsageDay, UsageDayBefore, UsageRecord
from chat.ops.log_check import audits

NAME = "consistency"  # of the chore
DAYS = 31  # of usage by day that are added up again
NOT_OVER = timedelta(days=2)  # the newest days: somewhere they may still be counted in
LATEST = timedelta(days=3)  # a record is written at its run's end, so near its day
RUNS_AT_ONCE = 20  # in a step
LEASES_MOST = 1_000
WARNED_MOST = 100  # of one round by the chore; the command names all
ENDED = [each for each in RunStatus if each not in OPEN]
ENDS = {
    RunStatus.SUCCEEDED: MessageStatus.COMPLETED,
    RunStatus.FAILED: MessageStatus.FAILED,
    RunStatus.CANCELLED: MessageStatus.CANCELLED,
}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """Something that does not hold."""

    kind: str  # logs, messages, leases, usage
    of: str  # a run's id, or a day
    said: str
    mend: Callable[[], object] | None = None  # None: a person has to look


@dataclass(frozen=True)
class Checked:
    """What was found the last time."""

    at: datetime
    faults: int
    told: dict[str, int]  # as the chore's row has it
    error: str


class Consistency:
    """One round: some runs or a day a step. A `sample` of 0: all runs."""

    def __init__(self, sample: int, *, repairs: bool = False, tell: Callable[[Fault], object] | None = None) -> None:
        self.counts = {"runs read": 0, "faults": 0, "repaired": 0}
        self._repairs = repairs
        self._tell = tell or self._warn
        self._work = self._all(sample)

    def step(self) -> bool:
        """Look at some more. False: that was all."""
        return next(self._work, False)

    def _all(self, sample: int) -> Iterator[bool]:
        ids = _sample(sample)
        for first in range(0, len(ids), RUNS_AT_ONCE):
            some = ids[first : first + RUNS_AT_ONCE]
            self._found(_of_runs(some))
            self.counts["runs read"] += len(some)
            yield True
        self._found(_of_leases())
        for day in _days():
            self._found(_of_usage(day))
            yield True

    def _found(self, faults: Iterator[Fault]) -> None:
        for each in faults:
            self.counts["faults"] += 1
            kind = f"in {each.kind}"
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self._tell(each)
            if self._repairs and each.mend is not None:
                each.mend()
                self.counts["repaired"] += 1

    def _warn(self, fault: Fault) -> None:
        if self.counts["faults"] <= WARNED_MOST:
            log.warning("%s %s: %s", fault.kind, fault.of, fault.said)


def chore() -> Consistency:
    """The chore's round, which repairs nothing."""
    return Consistency(settings.CONSISTENCY_SAMPLE)


def last() -> Checked | None:
    """What was found the last time; None: nobody has looked yet. One query."""
    row = Chore.objects.filter(name=NAME, ended_at__isnull=False).first()
    if row is None or row.ended_at is None:
        return None
    left = row.told.get("faults", 0) - row.told.get("repaired", 0)
    return Checked(row.ended_at, left, row.told, row.error)


def keep(counts: dict[str, int]) -> None:
    """Let the chore's row tell of a round that a person has made."""
    found = {"told": {name: count for name, count in counts.items() if count}, "ended_at": timezone.now(), "error": ""}
    Chore.objects.update_or_create(name=NAME, defaults=found, create_defaults=found | {"due_at": timezone.now()})


def _sample(count: int) -> list[UUID]:
    """So many runs that have ended, from a place in their order by id that is another each time; 0: all."""
    ended = Run.objects.filter(status__in=ENDED).order_by("pk").values_list("pk", flat=True)
    if not count:
        return list(ended)
    start = uuid.uuid4()
    behind = list(ended.filter(pk__gte=start)[:count])
    return [*behind, *ended.filter(pk__lt=start)[: count - len(behind)]]


def _of_runs(ids: list[UUID]) -> Iterator[Fault]:
    for found in audits(ids):
        # Looked at again: a log may have been made small between its run and its events.
        again = next(audits([UUID(found.run)]), found) if found.faults else found
        for said in again.faults:
            yield Fault("logs", found.run, said)
    unsaid = Run.objects.filter(pk__in=ids, status__in=ENDS, message__status=MessageStatus.IN_PROGRESS)
    for run in unsaid.select_related("message"):
        said = f"{run.status}, and its message {run.message_id} is in progress"
        yield Fault("messages", str(run.pk), said, partial(_end_message, run))


def _end_message(run: Run) -> None:
    message = run.answer
    still = type(message).objects.filter(pk=message.pk, status=MessageStatus.IN_PROGRESS)
    still.update(status=ENDS[RunStatus(run.status)])


def _of_leases() -> Iterator[Fault]:
    held = Run.objects.filter(status__in=ENDED, lease_expires_at__isnull=False).order_by()
    for run in list(held.only("pk", "status")[:LEASES_MOST]):
        yield Fault("leases", str(run.pk), f"{run.status}, and holds a lease", partial(_release, run.pk))


def _release(id: UUID) -> None:
    Run.objects.filter(pk=id, status__in=ENDED).update(owner=None, lease_expires_at=None)


def _days() -> list[date]:
    newest = timezone.localdate() - NOT_OVER
    return [newest - timedelta(days=back) for back in range(DAYS)]


def _of_usage(day: date) -> Iterator[Fault]:
    """Whether the day's tokens are those of its records, by organization and model."""
    if UsageDayBefore.objects.filter(day=day).exists():
        return  # an older version's, which is being moved
    records, counted = _sums(_records_of(day)), _sums(UsageDay.objects.filter(day=day))
    wrong = [key for key in records.keys() | counted.keys() if records.get(key) != counted.get(key)]
    if wrong:
        named = "; ".join(f"organization {place}, model {model}" for place, model in sorted(wrong, key=str)[:3])
        said = f"{len(wrong)} sums differ from those of the records, first: {named}"
        yield Fault("usage", str(day), said, partial(usage_days.rebuild, day, day))


def _records_of(day: date) -> Any:
    """The records that are counted in that day, as usage_days.rebuild places those that do not say it."""
    begin = datetime.combine(day, time.min, UTC)
    near = UsageRecord.objects.filter(created_at__gte=begin - LATEST, created_at__lt=begin + LATEST)
    ended, written = (TruncDate(each, tzinfo=UTC) for each in ("run__ended_at", "created_at"))
    return near.exclude(door=IMPORTED).annotate(on=Coalesce("day", ended, written)).filter(on=day)


def _sums(rows: Any) -> dict[tuple[UUID | None, str], tuple[int, ...]]:
    """(organization, model) -> what is counted of it; nothing of those of which it is nothing."""
    sums = {f"{name}_sum": Sum(name) for name in usage_days.TOKENS}
    found = rows.order_by().values_list("organization_id", "model").annotate(**sums)
    return {(place, model): tuple(counts) for place, model, *counts in found if any(counts)}

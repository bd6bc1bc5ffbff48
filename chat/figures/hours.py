"""Runs by the hour: how many ended and failed, and how long people waited for the first token. Sync.

An hour is one of UTC: in zones that are half an hour apart from it, one begins at half past. Times to the first token
are told to ten milliseconds, so that the database adds them up and few rows come back, however many runs there were.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, F, Func, Q, QuerySet

from accounts.models import Organization
from chat.models import Run, RunStatus

HOURS = 24
STEP_MS = 10

_STEPS = F("first_token_ms") / STEP_MS

Waits = Counter[int]  # runs by how many steps their first token took


@dataclass
class Spell:
    """What ended in a stretch of time."""

    ended: int = 0
    failed: int = 0
    waits: Waits = field(default_factory=Counter)

    def add(self, steps: int | None, count: int) -> None:
        """So many runs whose first token took so many steps; None: it never came."""
        self.ended += count
        if steps is not None:
            self.waits[steps] += count

    def within_ms(self, share: float) -> int | None:
        """The time within which that share of the first tokens came; None where none came."""
        left = int(self.waits.total() * share)
        for steps in sorted(self.waits):
            left -= self.waits[steps]
            if left < 0:
                return steps * STEP_MS
        return None


def by_hour(now: datetime, organization: Organization | None = None) -> dict[datetime, Spell]:
    """The last HOURS, this one included, the oldest first; those in which nothing ended too. Two queries."""
    newest = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = {newest - timedelta(hours=back): Spell() for back in reversed(range(HOURS))}
    ended: Any = ended_since(min(hours), organization).annotate(hour=_Hour("ended_at"), steps=_STEPS)
    for at, steps, count in ended.values_list("hour", "steps").annotate(Count("ended_at")):
        _of(hours, at).add(steps, count)
    for at, count in ended.filter(status=RunStatus.FAILED).values_list("hour").annotate(Count("ended_at")):
        _of(hours, at).failed = count
    return hours


def since(starts: Iterable[datetime], organization: Organization | None = None) -> list[Spell]:
    """What ended from each of these moments until now. Two queries."""
    starts = list(starts)
    counts = _counts(starts)
    ended: Any = ended_since(min(starts), organization)
    failed = ended.filter(status=RunStatus.FAILED).aggregate(**counts)
    spells = [Spell(failed=failed[name]) for name in counts]
    for steps, *many in ended.annotate(steps=_STEPS).values_list("steps").annotate(**counts):
        for spell, count in zip(spells, many, strict=True):
            spell.add(steps, count)
    return spells


def waits_by_model(ended: QuerySet[Run], starts: Iterable[datetime]) -> Iterable[Any]:
    """(model, steps, and how many runs of it since each of these moments)."""
    began = ended.filter(first_token_ms__isnull=False).annotate(steps=_STEPS)
    rows: Iterable[Any] = began.values_list("model", "steps").annotate(**_counts(starts))
    return rows


def ended_since(at: datetime, organization: Organization | None = None) -> QuerySet[Run]:
    """The runs that have ended since, of all or of this organization; in no order."""
    ended = Run.objects.filter(ended_at__gte=at).order_by()
    if organization is None:
        return ended
    return ended.filter(Q(organization=organization) | Q(chat__organization=organization))


def _counts(starts: Iterable[datetime]) -> dict[str, Count]:
    """Rows since each of these moments. Not their keys: then an index of the runs' ends answers by itself."""
    return {f"since_{number}": Count("ended_at", filter=Q(ended_at__gte=at)) for number, at in enumerate(starts)}


class _Hour(Func):
    """An hour of UTC, as 2026-11-30 23. TruncHour is Python on SQLite, called for each row."""

    template = "substr(%(expressions)s, 1, 13)"
    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The same there."""
        template = "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')"
        return self.as_sql(compiler, connection, template=template, **context)


def _of(hours: dict[datetime, Spell], at: str) -> Spell:
    """The hour of that name; a run that ends meanwhile, in the next hour, is in none that is shown."""
    return hours.get(datetime.fromisoformat(f"{at}:00:00+00:00"), Spell())

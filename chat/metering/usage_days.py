"""Usage by day, kept with the end of each run, and worked out anew from the records where it must be. Sync."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate

from accounts.db.writes import Add
from accounts.models import Organization
from agents.events import RunFailed
from chat.eventlog.projection import Fold
from chat.metering import zones
from chat.metering.costs import Spent, currency
from chat.metering.purposes import purpose_of
from chat.models import IMPORTED, Run, RunStatus, UsageDay, UsageDayBefore, UsageRecord
from chat.models.facts import RunFacts

TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
MONEY = ("cost_nanos", "priced_tokens")  # in OPENAI_PRICES_CURRENCY: what cost another one is not added up
EXTRA = ("unknown_cost_runs", "cache_hits")
COUNTS = ("runs", "failed", *TOKENS, *MONEY, *EXTRA)
BEFORE = ("runs", "failed", *TOKENS, *MONEY)

ZONES_APART = timedelta(days=2)  # a day of one zone is over everywhere by then

Counts = dict[str, int]


class Key(NamedTuple):
    """What a row is of."""

    day: date
    organization_id: UUID
    project_id: UUID | None
    user_id: UUID | None
    api_key_id: UUID | None
    door: str
    purpose: str
    model: str

    @property
    def id(self) -> UUID:
        """The row's: the same for the same, so that whoever comes first has made it for all."""
        told = "\n".join(map(str, self))
        return UUID(bytes=blake2b(told.encode(), digest_size=16).digest())


def day_of(run: RunFacts, fold: Fold) -> date:
    """The day that a run is counted in: that of its end, where its organization is."""
    assert fold.terminal is not None
    return zones.day_of(run.organization_id, datetime.fromtimestamp(fold.terminal.at, UTC))


def key_of(run: RunFacts, day: date, *, agent: str = "", model: str = "") -> Key:
    """The row in which this agent's use of the model is counted."""
    return Key(
        day,
        run.organization_id,
        run.project_id,
        run.user_id,
        run.api_key_id,
        run.door,
        purpose_of(run.kind, agent),
        model or run.model,
    )


def add(run: RunFacts, fold: Fold, spent: Spent, day: date) -> None:
    """Count a run that ends as its fold says: within the transaction that ends it."""
    add_up(counts_of(run, fold, spent, day))


def counts_of(run: RunFacts, fold: Fold, spent: Spent, day: date) -> dict[Key, Counts]:
    """What such a run counts, and in which rows."""
    found = {key_of(run, day): _no_counts() | {"runs": 1, "failed": int(isinstance(fold.terminal, RunFailed))}}
    for turn, cost in spent.turns:
        counts = found.setdefault(key_of(run, day, agent=turn.agent, model=turn.model), _no_counts())
        for name in TOKENS:
            counts[name] += getattr(turn.usage, name)
        counts["cache_hits"] += turn.from_cache
        if cost.counts:
            counts["cost_nanos"] += cost.nanos or 0
            counts["priced_tokens"] += turn.usage.total_tokens
        else:
            counts["unknown_cost_runs"] = 1
    return found


def add_up(found: Mapping[Key, Counts]) -> None:
    """Add these to the rows that there are, and make the others: one statement. Within a transaction."""
    rows = [row_of(key, counts) for key, counts in found.items() if any(counts.values())]
    if rows:
        _add(sorted(rows, key=lambda row: row.pk.bytes))  # always in one order: no two ends wait for each other


_add = Add(UsageDay, COUNTS)


def row_of(key: Key, counts: Counts) -> UsageDay:
    """The row, not saved."""
    return UsageDay(id=key.id, **key._asdict(), **counts)


@transaction.atomic
def rebuild(first: date, last: date) -> int:
    """Work these days out anew from the runs and usage records that are stored; how many rows they have now.

    Records stay when what they are of is deleted; runs go with their chats, and are not counted any more then.
    """
    UsageDay.objects.filter(day__gte=first, day__lte=last).delete()
    UsageDayBefore.objects.filter(day__gte=first, day__lte=last).delete()
    found: dict[Key, Counts] = {}
    for key, counts in (*_of_runs(first, last), *_of_records(first, last)):
        total = found.setdefault(key, _no_counts())
        for name, count in counts.items():
            total[name] += count
    UsageDay.objects.bulk_create((row_of(key, counts) for key, counts in found.items()), batch_size=1000)
    return len(found)


def move(most: int) -> int:
    """Move rows that processes of older versions have counted to where they are read; how many there were.

    Whatever these add later makes rows again, which are moved too.
    """
    with transaction.atomic():
        rows = list(UsageDayBefore.objects.select_for_update().order_by("pk")[:most])
        found: dict[Key, Counts] = {}
        for row in rows:
            key = Key(row.day, row.organization_id, row.project_id, row.user_id, None, "", "", row.model)
            total = found.setdefault(key, _no_counts())
            for name in BEFORE:
                total[name] += getattr(row, name)
            unpriced = row.input_tokens + row.output_tokens > row.priced_tokens
            total["unknown_cost_runs"] += row.runs if unpriced else 0
        add_up(found)
        UsageDayBefore.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _of_runs(first: date, last: date) -> Iterator[tuple[Key, Counts]]:
    """How many ended: on the day of their records, else by the zones that their organizations are in now."""
    records = UsageRecord.objects.filter(run=OuterRef("pk")).order_by()
    here = Run.objects.exclude(Exists(records.filter(door=IMPORTED)))
    for name in Organization.objects.order_by().values_list("timezone", flat=True).distinct():
        zone = zones.zone(name)
        since, until = (datetime.combine(day, time.min, zone) for day in (first - ZONES_APART, last + ZONES_APART))
        placed = here.filter(ended_at__gte=since, ended_at__lt=until).annotate(
            day=Coalesce(
                Subquery(records.filter(day__isnull=False).values("day")[:1]), TruncDate("ended_at", tzinfo=zone)
            ),
            where=Coalesce("organization_id", "chat__organization_id"),
            inside=Coalesce("project_id", "chat__project_id"),
        )
        there = placed.filter(where__in=Organization.objects.filter(timezone=name).values("pk"))
        named = there.filter(day__gte=first, day__lte=last)
        runs = named.values_list("day", "where", "inside", "user_id", "api_key_id", "door", "kind", "model")
        counted = runs.annotate(all=Count("pk"), bad=Count("pk", filter=Q(status=RunStatus.FAILED))).order_by()
        for *key, kind, model, every, failed in counted:
            yield _key((*key, purpose_of(kind), model)), {"runs": every, "failed": failed}


def _of_records(first: date, last: date) -> Iterator[tuple[Key, Counts]]:
    """What was used here. A record of an older version is of the day on which its run ended, in UTC. Where the run is
    gone, of that on which it was written: at the run's end.
    """
    ended, written = (TruncDate(each, tzinfo=UTC) for each in ("run__ended_at", "created_at"))
    dated = UsageRecord.objects.exclude(door=IMPORTED).annotate(on=Coalesce("day", ended, written))
    records = dated.filter(on__gte=first, on__lte=last)
    keyed = records.values_list(
        "on", "organization_id", "project_id", "user_id", "api_key_id", "door", "purpose", "model"
    )
    counted = (*TOKENS, *MONEY, *EXTRA)
    for *key, counts in _summed(keyed.annotate(**sums_of_records()).order_by(), len(counted)):
        yield _key(key), dict(zip(counted, counts, strict=True))


def sums_of_records() -> dict[str, Any]:
    """For `annotate`: what a row of a day has of its records."""
    is_ours = Q(cost_nanos__isnull=False, currency=currency())
    corrected: Any = Exists(UsageRecord.objects.filter(corrects=OuterRef("pk"), currency=currency()))
    tokens = F("input_tokens") + F("output_tokens")
    return {
        **{f"{name}_sum": Sum(name) for name in TOKENS},
        "cost_nanos_sum": Sum("cost_nanos", filter=is_ours, default=0),
        "priced_tokens_sum": Sum(tokens, filter=is_ours | corrected, default=0),
        "unknown_cost_runs_sum": Count("run_id", filter=~is_ours & ~corrected, distinct=True),
        "cache_hits_sum": Count("pk", filter=Q(from_cache=True)),
    }


def _summed(rows: Iterable[Sequence[Any]], count: int) -> Iterator[list[Any]]:
    """Each row's key, and its last values as one."""
    for row in rows:
        yield [*row[:-count], row[-count:]]


def _key(values: Iterable[Any]) -> Key:
    return Key(*values)


def _no_counts() -> Counts:
    return dict.fromkeys(COUNTS, 0)

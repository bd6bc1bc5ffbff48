"""Usage by day, kept with the end of each run, and worked out anew from the records where it must be. Sync."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from accounts.db.writes import Changes, Update
from agents.events import RunFailed
from chat.eventlog.projection import Fold
from chat.metering.costs import cost_of
from chat.models import Run, RunStatus, UsageDay, UsageRecord
from chat.models.facts import RunFacts

KEY = ("day", "organization_id", "project_id", "model", "user_id")
TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
MONEY = ("cost_nanos", "priced_tokens")  # in OPENAI_PRICES_CURRENCY: what cost another one is not added up
COUNTS = ("runs", "failed", *TOKENS, *MONEY)

Key = tuple[date, UUID, UUID | None, str, UUID]
Counts = dict[str, int]


def add(run: RunFacts, fold: Fold) -> None:
    """Count a run that ends as its fold says: within the transaction that ends it."""
    terminal = fold.terminal
    assert terminal is not None
    day = datetime.fromtimestamp(terminal.at, timezone.get_current_timezone()).date()
    by_model = {run.model: _no_counts() | {"runs": 1, "failed": int(isinstance(terminal, RunFailed))}}
    for each in fold.usages:
        counts = by_model.setdefault(each.model, _no_counts())
        for name in TOKENS:
            counts[name] += getattr(each.usage, name)
        cost = cost_of(each)
        if cost.nanos is not None and cost.currency == settings.OPENAI_PRICES_CURRENCY:
            counts["cost_nanos"] += cost.nanos
            counts["priced_tokens"] += each.usage.total_tokens
    for model in sorted(by_model):  # always in one order, so that no two ends wait for each other
        if any(by_model[model].values()):
            _add_to_row((day, run.organization_id, run.project_id, model, run.user_id), by_model[model])


@transaction.atomic
def rebuild(first: date, last: date) -> int:
    """Work these days out anew from the runs and usage records that are stored; how many rows they have now.

    What belonged to chats that are deleted by now is not stored any more, and so not counted any more.
    """
    UsageDay.objects.filter(day__gte=first, day__lte=last).delete()
    found: dict[Key, Counts] = {}
    for key, counts in _stored(first, last):
        total = found.setdefault(key, _no_counts())
        for name, count in counts.items():
            total[name] += count
    UsageDay.objects.bulk_create(
        (UsageDay(**dict(zip(KEY, key, strict=True)), **counts) for key, counts in found.items()), batch_size=1000
    )
    return len(found)


def _add_to_row(key: Key, counts: Counts) -> None:
    if _add(key, counts):
        return
    try:
        with transaction.atomic():
            UsageDay.objects.create(**dict(zip(KEY, key, strict=True)), **counts)
    except IntegrityError:  # another run of the same day made it in between
        _add(key, counts)


def _add(key: Key, counts: Counts) -> int:
    more = [counts[name] for name in COUNTS]
    if key[2] is None:
        return _add_without_project(*key[:2], *key[3:], *more)
    return _add_in_project(*key, *more)


def _added(rows: QuerySet[UsageDay], counts: Sequence[int]) -> Changes:
    return rows, {name: F(name) + count for name, count in zip(COUNTS, counts, strict=True)}


_add_in_project = Update(
    lambda *values: _added(UsageDay.objects.filter(**dict(zip(KEY, values[:5], strict=True))), values[5:]),
    *(date, UUID, UUID, str, UUID, *(int for _ in COUNTS)),
)
_add_without_project = Update(
    lambda day, organization, model, user, *counts: _added(
        UsageDay.objects.filter(day=day, organization_id=organization, project__isnull=True, model=model, user_id=user),
        counts,
    ),
    *(date, UUID, str, UUID, *(int for _ in COUNTS)),
)


def _stored(first: date, last: date) -> Iterator[tuple[Key, Counts]]:
    since, until = _midnight(first), _midnight(last + timedelta(days=1))
    ended = Run.objects.filter(ended_at__gte=since, ended_at__lt=until).annotate(day=TruncDate("ended_at"))
    placed = ended.annotate(
        where=Coalesce("organization_id", "chat__organization_id"), inside=Coalesce("project_id", "chat__project_id")
    )
    runs = placed.values_list("day", "where", "inside", "model", "user_id")
    counted = runs.annotate(all=Count("pk"), bad=Count("pk", filter=Q(status=RunStatus.FAILED))).order_by()
    for *key, every, failed in counted:
        yield _key(key), {"runs": every, "failed": failed}
    records = UsageRecord.objects.filter(run__ended_at__gte=since, run__ended_at__lt=until)
    dated = records.annotate(day=TruncDate("run__ended_at"))
    keyed = dated.values_list("day", "organization_id", "project_id", "model", "user_id")
    is_priced = Q(cost_nanos__isnull=False, currency=settings.OPENAI_PRICES_CURRENCY)
    sums = {
        **{f"{name}_sum": Sum(name) for name in TOKENS},
        "cost_nanos_sum": Sum("cost_nanos", filter=is_priced, default=0),
        "priced_tokens_sum": Sum(F("input_tokens") + F("output_tokens"), filter=is_priced, default=0),
    }
    for *key, first_sum, second, third, fourth, fifth, sixth in keyed.annotate(**sums).order_by():
        yield _key(key), dict(zip((*TOKENS, *MONEY), (first_sum, second, third, fourth, fifth, sixth), strict=True))


def _key(values: Iterable[Any]) -> Key:
    day, organization, project, model, user = values
    return day, organization, project, model, user


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _no_counts() -> Counts:
    return dict.fromkeys(COUNTS, 0)

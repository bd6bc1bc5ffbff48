"""What turns would have cost by the prices as they are accepted now: told, or put right by rows that correct. Sync.

A record is never changed. A correction beside it has no tokens, and the difference for a cost.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum

from agents.usage import Usage
from chat.eventlog.projection import TurnUsage
from chat.metering.costs import Cost, cost_of, currency
from chat.metering.usage_days import Key
from chat.models import Chat, Run, UsageDay, UsageRecord


@dataclass(frozen=True)
class Correction:
    """A record whose cost would be another now."""

    record: UsageRecord
    before: int | None  # nanos, corrections included; None: unknown
    cost: Cost

    @property
    def difference(self) -> int:
        """In nanos: what it costs more."""
        return (self.cost.nanos or 0) - (self.before or 0)


def corrections(first: date) -> Iterator[Correction]:
    """Of records that are counted in days since then, by the prices of when they were made.

    Not of what an accepted price is not known of, nor of another currency.
    """
    yield from _wrong(_records(day__gte=first).iterator(chunk_size=1000))


def _wrong(records: Iterable[UsageRecord]) -> Iterator[Correction]:
    for record in records:
        cost = cost_of(_turn(record), record.created_at)
        if cost.price is None or not cost.counts:
            continue
        corrected: int | None = record.corrected  # type: ignore[attr-defined]
        before = record.cost_nanos if corrected is None else (record.cost_nanos or 0) + corrected
        if cost.nanos != before:
            yield Correction(record, before, cost)


def _records(**which: Any) -> QuerySet[UsageRecord]:
    counted = UsageRecord.objects.filter(**which, corrects__isnull=True, currency__in=("", currency()))
    made = UsageRecord.objects.filter(corrects=OuterRef("pk")).order_by().values("corrects")
    return counted.annotate(corrected=Subquery(made.annotate(sum=Sum("cost_nanos")).values("sum"))).order_by("pk")


def _turn(record: UsageRecord) -> TurnUsage:
    tokens = (record.input_tokens, record.cached_tokens, record.output_tokens, record.reasoning_tokens)
    usage = Usage(*tokens, record.status, record.cache_write_tokens, record.from_cache)  # type: ignore[arg-type]
    return TurnUsage(record.agent, record.turn, record.attempt, record.model, usage)


@transaction.atomic
def correct(record: UsageRecord) -> Correction | None:
    """Write what the record would cost now, and count it where the record is: in its day, its run and its chat.

    None where it is right, as another repricing was quicker.
    """
    run = Run.objects.filter(pk__in=[record.run_id])
    chat = Chat.objects.filter(pk__in=run.values("chat"))
    for each in (chat, UsageRecord.objects.filter(pk=record.pk)):  # the chat first, as everywhere
        list(each.order_by().select_for_update().values_list("pk", flat=True))
    found = next(_wrong(_records(pk=record.pk, day__isnull=False)), None)  # asked under the lock: as it is now
    if found is not None:
        _write(found, run, chat)
    return found


def _write(found: Correction, run: QuerySet[Run], chat: QuerySet[Chat]) -> None:
    record, was_unknown = found.record, found.before is None
    tokens = record.input_tokens + record.output_tokens if was_unknown else 0
    _count(chat, found.difference, tokens)
    _count(run, found.difference, tokens)
    UsageRecord.objects.create(**_of(record), cost_nanos=found.difference, price_id=found.cost.price)
    _count(UsageDay.objects.filter(pk=_key(record).id), found.difference, tokens)
    if was_unknown:
        _forget_unknown(record)


def _count(rows: QuerySet[Any], nanos: int, tokens: int) -> None:
    rows.update(cost_nanos=F("cost_nanos") + nanos, priced_tokens=F("priced_tokens") + tokens)


def _of(record: UsageRecord) -> dict[str, Any]:
    same = ("run_id", "organization_id", "project_id", "user_id", "api_key_id", "door", "purpose", "day", "model")
    copied = {name: getattr(record, name) for name in (*same, "agent", "turn", "attempt", "status")}
    none = dict.fromkeys(("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"), 0)
    return {**copied, **none, "corrects": record.pk, "currency": currency()}


def _key(record: UsageRecord) -> Key:
    assert record.day is not None
    names = ("organization_id", "project_id", "user_id", "api_key_id", "door", "purpose", "model")
    return Key(record.day, *(getattr(record, name) for name in names))


def _forget_unknown(record: UsageRecord) -> None:
    """The run has nothing unknown in that row any more, if this was the last."""
    key = _key(record)
    alike = UsageRecord.objects.filter(run=record.run_id, corrects__isnull=True, cost_nanos__isnull=True)
    there = alike.filter(day=key.day, purpose=key.purpose, model=key.model).values_list("pk", flat=True)
    corrected = UsageRecord.objects.filter(corrects__in=list(there)).values("corrects").distinct().count()
    if corrected == len(there):
        UsageDay.objects.filter(pk=key.id, unknown_cost_runs__gt=0).update(unknown_cost_runs=F("unknown_cost_runs") - 1)

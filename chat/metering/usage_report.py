"""What was used in an organization, by day or month, by whom, at which door and for what: rows of numbers. Sync."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import TruncMonth

from accounts.errors import NotFound, refuse
from accounts.models import User
from accounts.permissions import permissions_in
from agents import costs
from chat.metering import names
from chat.metering.costs import currency
from chat.metering.usage_days import COUNTS
from chat.models import UsageDay

MOST_DAYS = 400
MOST_ROWS = 10_000
# What a row may be of, and where that is found.
COLUMNS = {
    "day": "day",
    "month": "month",
    "model": "model",
    "project": "project_id",
    "user": "user_id",
    "key": "api_key_id",
    "door": "door",
    "purpose": "purpose",
}
NAMED = tuple(names.TABLES)  # which have a name beside their id
SHOWN = ("runs", "failed", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")


@dataclass(frozen=True)
class Asked:
    """Which days, both included, and what a row is of."""

    organization_id: UUID
    first: date
    last: date
    by: tuple[str, ...]


@dataclass
class Row:
    """What was used by what its key says."""

    key: dict[str, Any]
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    @property
    def cost(self) -> dict[str, str] | None:
        """An amount as a text; None where nothing of it is known."""
        tokens = self.counts["input_tokens"] + self.counts["output_tokens"]
        if tokens and not self.counts["priced_tokens"]:
            return None
        return {"amount": costs.text_of(self.counts["cost_nanos"]), "currency": currency()}

    @property
    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        counted = {name: self.counts[name] for name in SHOWN}
        more = {"unknown_cost_runs": self.counts["unknown_cost_runs"], "cache_hits": self.counts["cache_hits"]}
        return {**self.key, **counted, "cost": self.cost, **more}


def report(user: User, asked: Asked) -> tuple[list[Row], Row]:
    """The rows, in the order of what they are of, and their sum. Members get their own, admins all.

    Raises NotFound for who is outside, and Invalid where there would be more than MOST_ROWS.
    """
    rows = list(_summed(_days_of(user, asked), asked.by)[: MOST_ROWS + 1])
    if len(rows) > MOST_ROWS:
        raise refuse("by", f"These would be more than {MOST_ROWS:,} rows. Ask for fewer days, or for less of each.")
    found = [Row(dict(zip(asked.by, values[:-1], strict=True)), values[-1]) for values in _read(rows, len(asked.by))]
    _name(found, asked.by)
    total = Row({})
    for each in found:
        for name, count in each.counts.items():
            total.counts[name] += count
    return found, total


def _days_of(user: User, asked: Asked) -> QuerySet[UsageDay]:
    has = permissions_in(user, organization=asked.organization_id)
    if not has:
        raise NotFound
    rows = UsageDay.objects.filter(organization=asked.organization_id, day__range=(asked.first, asked.last))
    return rows if "admin" in has else rows.filter(user=user)


def _summed(rows: QuerySet[UsageDay], by: Sequence[str]) -> QuerySet[UsageDay, tuple[Any, ...]]:
    """The key's values and then the counts."""
    if "month" in by:
        rows = rows.annotate(month=TruncMonth("day"))
    columns = [COLUMNS[each] for each in by]
    sums = {f"{name}_sum": Sum(name) for name in COUNTS}
    ordered = [F(each).asc(nulls_first=True) for each in columns]
    return rows.values_list(*columns).annotate(**sums).order_by(*ordered)


def _read(rows: Sequence[tuple[Any, ...]], length: int) -> Iterator[tuple[Any, ...]]:
    """The key's values as texts, and the counts by name."""
    for row in rows:
        yield *map(_text, row[:length]), dict(zip(COUNTS, row[length:], strict=True))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _name(rows: Sequence[Row], by: Sequence[str]) -> None:
    """Say beside an id what it is called, or was: null for people who are gone."""
    for kind in (each for each in by if each in NAMED):
        known = names.names_of(kind, {UUID(row.key[kind]) for row in rows if row.key[kind]})
        for row in rows:
            row.key[f"{kind}_name"] = known.get(UUID(row.key[kind])) if row.key[kind] else None

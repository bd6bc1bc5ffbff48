"""The prices that a person has accepted: rows, handed to agents.installation with those of the models. Sync."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby

from agents.prices import NANOS, Dated, Price, tiered
from chat.models import Price as Row


def dated(rows: Iterable[Row]) -> Iterator[Dated]:
    """Each model's prices with their tiers. A tier without a price for shorter requests is none."""
    ordered = sorted(rows, key=lambda row: (row.model, row.valid_from, row.above))
    for (model, valid_from), group in groupby(ordered, key=lambda row: (row.model, row.valid_from)):
        first, *tiers = group
        if first.above == 0:
            yield Dated(model, valid_from, tiered(_price(first), *((each.above, _price(each)) for each in tiers)))


def _price(row: Row) -> Price:
    cached = row.input if row.cached_input is None else row.cached_input
    write = None if row.cache_write is None else amount(row.cache_write)
    return Price(amount(row.input), amount(cached), amount(row.output), write, row.currency, row=row.pk)


def amount(nanos: int) -> Decimal:
    """Of the currency, as people write it."""
    return Decimal(nanos) / NANOS

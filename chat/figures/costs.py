"""What was used in money: what was kept as runs ended, and where nothing was, OPENAI_PRICES. Of the rest, no figure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Case, F, FloatField, Q, Sum, Value, When
from django.db.models.functions import Cast, NullIf
from django.utils.formats import number_format

from agents.installation import models
from agents.prices import NANOS, PER, Price, prices
from agents.usage import Usage
from chat.models import UsageRecord


class Used(NamedTuple):
    """Tokens of one model."""

    model: str
    input: int
    cached: int
    output: int
    nanos: int = 0  # what is known to have been paid for some of them
    priced: int = 0  # how many these are


@dataclass(frozen=True)
class Cost:
    """An amount, and how many tokens it leaves out because nobody knows their price."""

    amount: float
    unpriced_tokens: int = 0
    priced_tokens: int = 0

    def __str__(self) -> str:
        """The amount; a dash where nothing of it is known, and at least the amount where not all of it is."""
        if not self.priced_tokens:
            return "-"
        least = "≥ " if self.unpriced_tokens else ""
        shown = f"{least}{number_format(round(self.amount, 2), 2, force_grouping=True)}"
        if 0 < self.amount < 0.005:
            shown = f"{least or '< '}{number_format(0.01, 2)}"
        return f"{shown} {settings.OPENAI_PRICES_CURRENCY}"


def known() -> bool:
    """Whether any price is known here: where none is, nothing of money is shown."""
    return bool(_table()) or any(model.price is not None for model in models())


def _table() -> dict[str, Price]:
    """The operator's prices, for what was used before costs were kept."""
    return prices(settings.OPENAI_PRICES)


def used(record: UsageRecord) -> Used:
    """A record's tokens, and its cost if that was kept, in the currency that is shown."""
    counts = (record.model, record.input_tokens, record.cached_tokens, record.output_tokens)
    if record.cost_nanos is None or record.currency != settings.OPENAI_PRICES_CURRENCY:
        return Used(*counts)
    return Used(*counts, record.cost_nanos, record.input_tokens + record.output_tokens)


def cost_of(rows: Iterable[Used]) -> Cost:
    """Of these together."""
    table, amount, priced, unpriced = _table(), 0.0, 0, 0
    for row in rows:
        tokens = row.input + row.output
        rest = tokens - row.priced
        amount += row.nanos / NANOS
        if rest and (price := table.get(row.model)):
            amount += price.of(Usage(row.input, row.cached, row.output)) * rest / tokens / NANOS
            rest = 0
        priced += tokens - rest
        unpriced += rest
    return Cost(amount, unpriced, priced)


def sums(when: Q | None = None, *, prefix: str = "") -> dict[str, Any]:
    """For `annotate` and `aggregate` of days: what the database adds up, so that a cost needs no query of its own."""
    if not known():
        return {}
    table, when = _table(), when or Q()
    tokens = F("input_tokens") + F("output_tokens")
    rest = tokens - F("priced_tokens")
    share = Cast(rest, FloatField()) / NullIf(Cast(tokens, FloatField()), Value(0.0))
    cases = [When(model=model, then=_amount(price) * share) for model, price in table.items()]
    later = Case(*cases, default=0.0, output_field=FloatField())
    paid = Cast(F("cost_nanos"), FloatField()) / float(NANOS)
    named = Q(model__in=list(table))
    return {
        f"{prefix}amount": Sum(paid + later, filter=when or None, default=0.0),
        f"{prefix}tokens": Sum(tokens, filter=when or None, default=0),
        f"{prefix}unpriced": Sum(rest, filter=when & ~named, default=0),
    }


def read(row: dict[str, Any], *, prefix: str = "") -> Cost:
    """What `sums` found; nothing, where it was not asked."""
    if f"{prefix}amount" not in row:
        return Cost(0)
    unpriced = row[f"{prefix}unpriced"]
    return Cost(row[f"{prefix}amount"], unpriced, row[f"{prefix}tokens"] - unpriced)


def kept(nanos: int, priced: int, tokens: int) -> Cost:
    """What was kept of so many tokens, of which so many have a known cost."""
    return Cost(nanos / NANOS, tokens - priced, priced)


def _amount(price: Price) -> Any:
    fresh = F("input_tokens") - F("cached_tokens")
    input, cached, output = (float(each) for each in (price.input, price.cached, price.output))
    return (fresh * input + F("cached_tokens") * cached + F("output_tokens") * output) / float(PER)

"""What was used in money, as far as prices are known: OPENAI_PRICES. Of the rest there is no figure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Case, F, FloatField, Q, Sum, When
from django.utils.formats import number_format

from agents.prices import PER, Price, prices

SUMMED = ("input_tokens", "cached_tokens", "output_tokens")


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


def known() -> dict[str, Price]:
    """The prices of this installation by model; empty where none is set, and then nothing of money is shown."""
    return prices(settings.OPENAI_PRICES)


def cost_of(rows: Iterable[tuple[str, int, int, int]]) -> Cost:
    """Of these (model, input, cached, output) together."""
    table, amount, priced, unpriced = known(), 0.0, 0, 0
    for model, input_tokens, cached_tokens, output_tokens in rows:
        if price := table.get(model):
            amount += price.of(input_tokens, cached_tokens, output_tokens)
            priced += input_tokens + output_tokens
        else:
            unpriced += input_tokens + output_tokens
    return Cost(amount, unpriced, priced)


def sums(when: Q | None = None, *, prefix: str = "") -> dict[str, Any]:
    """For `annotate` and `aggregate`: what the database adds up, so that a cost needs no query of its own."""
    table = known()
    if not table:
        return {}
    tokens = F("input_tokens") + F("output_tokens")
    is_priced = Q(model__in=list(table))
    when = when or Q()
    cases = [When(model=model, then=_amount(price)) for model, price in table.items()]
    return {
        f"{prefix}amount": Sum(Case(*cases, default=0.0, output_field=FloatField()), filter=when or None, default=0.0),
        f"{prefix}priced": Sum(tokens, filter=when & is_priced, default=0),
        f"{prefix}unpriced": Sum(tokens, filter=when & ~is_priced, default=0),
    }


def read(row: dict[str, Any], *, prefix: str = "") -> Cost:
    """What `sums` found; nothing, where it was not asked."""
    if f"{prefix}amount" not in row:
        return Cost(0)
    return Cost(row[f"{prefix}amount"], row[f"{prefix}unpriced"], row[f"{prefix}priced"])


def _amount(price: Price) -> Any:
    fresh = F("input_tokens") - F("cached_tokens")
    return (fresh * price.input + F("cached_tokens") * price.cached + F("output_tokens") * price.output) / float(PER)

"""What tokens cost, as the installation says. A model without a price costs an unknown amount, never nothing.

A cost is whole nanos, billionths of the currency, worked out in whole numbers: no float has part in it. A price is
written as vendors write it, for a million tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation

from agents.usage import Usage

PER = 1_000_000  # tokens: what a price is for
NANOS = 1_000_000_000
FINEST = Decimal(1) / NANOS  # of the currency, for a million tokens
Number = Decimal | float | str  # as it is written: 0.1 is a tenth


@dataclass(frozen=True)
class Price:
    """Of a million tokens each. Raises ValueError for what is below 0."""

    input: Decimal
    cached: Decimal  # of the input that was read from the provider's cache
    output: Decimal  # reasoning included
    cache_write: Decimal | None = None  # of the input that was written to the provider's cache; None: as other input
    currency: str = "USD"
    long: "Price | None" = None  # of a whole request whose input has more than `long_from` tokens; None: the same
    long_from: int = 0
    row: int | None = None  # the id of the accepted price that this is; None: of settings, code or a package

    def __post_init__(self) -> None:
        """Refuse what would make a debt of a cost."""
        if any(each is not None and each < 0 for each in (self.input, self.cached, self.output, self.cache_write)):
            raise ValueError("a price is 0 or more")

    def of(self, usage: Usage) -> int:
        """What one request's tokens cost, in nanos; half a nano is a whole one. Never below 0.

        Input that was read from the cache or written to it is part of the input: more of it than that is not counted.
        """
        price = self.at(usage.input_tokens)
        cached = min(max(usage.cached_tokens, 0), usage.input_tokens)
        written = min(max(usage.written_tokens, 0), usage.input_tokens - cached)
        fresh = usage.input_tokens - cached - written
        write = price.input if price.cache_write is None else price.cache_write
        parts = ((fresh, price.input), (cached, price.cached), (written, write), (usage.output_tokens, price.output))
        return (sum(tokens * nanos(each) for tokens, each in parts) + PER // 2) // PER

    def at(self, input_tokens: int) -> "Price":
        """The price of a request with so much input: a tier replaces all that the ones below it say."""
        if self.long is not None and input_tokens > self.long_from:
            return self.long.at(input_tokens)
        return self


def priced(input: Number, cached: Number, output: Number, write: Number | None = None, currency: str = "USD") -> Price:
    """The price with these of a million tokens. Raises ValueError for what is none."""
    return Price(rate(input), rate(cached), rate(output), None if write is None else rate(write), currency)


def tiered(price: Price, *tiers: tuple[int, Price]) -> Price:
    """The price with those of longer requests: (tokens of input, above which it is this one), in any order."""
    long, long_from = None, 0
    for above, tier in sorted(tiers, key=lambda each: -each[0]):
        long, long_from = replace(tier, long=long, long_from=long_from), above
    return replace(price, long=long, long_from=long_from)


def rate(value: Number) -> Decimal:
    """A price of a million tokens, as it is written. Raises ValueError for what is none."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not found.is_finite() or found < 0:
        raise ValueError(f"{value!r} is no price: it is 0 or more")
    return found


def nanos(rate: Decimal) -> int:
    """A price of a million tokens in whole nanos."""
    return int(rate.quantize(FINEST) * NANOS)


@dataclass(frozen=True)
class Dated:
    """A price of a model that somebody has accepted, from then on."""

    model: str
    valid_from: datetime
    price: Price


def prices(texts: Iterable[str], currency: str = "USD") -> dict[str, Price]:
    """Model -> price, from texts such as `gpt-4o=2.50/1.25/10` (input/cached/output) or `gpt-4o=2.50/10`.

    Without its own price cached input costs what input does. Raises ValueError that quotes the text that is wrong.
    """
    return dict(_price(text.strip(), currency) for text in texts if text.strip())


def _price(text: str, currency: str) -> tuple[str, Price]:
    name, _, numbers = text.rpartition("=")
    try:
        values = [rate(each.strip()) for each in numbers.split("/")]
    except ValueError:
        values = []
    if not name or len(values) not in (2, 3):
        raise ValueError(
            f"{text!r} is not a price. Such as: gpt-4o=2.50/1.25/10 (input/cached/output) or gpt-4o=2.50/10"
        )
    return name, Price(values[0], values[-2], values[-1], currency=currency)

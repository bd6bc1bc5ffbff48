"""What tokens cost, as the installation says. A model without a price costs an unknown amount, never nothing."""

from collections.abc import Iterable
from dataclasses import dataclass

from agents.usage import Usage

PER = 1_000_000  # tokens: what a price is for
NANOS = 1_000_000_000


@dataclass(frozen=True)
class Price:
    """Of a million tokens each."""

    input: float
    cached: float  # of the input that was read from the provider's cache
    output: float  # reasoning included
    cache_write: float | None = None  # of the input that was written to the provider's cache; None: as other input
    currency: str = "USD"
    long: "Price | None" = None  # of a whole request whose input has more than `long_from` tokens; None: the same
    long_from: int = 0

    def of(self, input_tokens: int, cached_tokens: int, output_tokens: int, written_tokens: int = 0) -> float:
        """What one request's tokens cost; `input_tokens` includes the cached ones and those written to the cache."""
        if self.long is not None and input_tokens > self.long_from:
            return self.long.of(input_tokens, cached_tokens, output_tokens, written_tokens)
        write = self.input if self.cache_write is None else self.cache_write
        fresh = max(0, input_tokens - cached_tokens - written_tokens)
        inputs = fresh * self.input + cached_tokens * self.cached + written_tokens * write
        return (inputs + output_tokens * self.output) / PER

    def nanos_of(self, usage: Usage) -> int:
        """The same of a turn's usage, in billionths of the currency."""
        tokens = (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.written_tokens)
        return round(self.of(*tokens) * NANOS)


def prices(texts: Iterable[str], currency: str = "USD") -> dict[str, Price]:
    """Model -> price, from texts such as `gpt-4o=2.50/1.25/10` (input/cached/output) or `gpt-4o=2.50/10`.

    Without its own price cached input costs what input does. Raises ValueError that quotes the text that is wrong.
    """
    return dict(_price(text.strip(), currency) for text in texts if text.strip())


def _price(text: str, currency: str) -> tuple[str, Price]:
    name, _, numbers = text.rpartition("=")
    try:
        values = [float(each) for each in numbers.split("/")]
    except ValueError:
        values = []
    if not name or len(values) not in (2, 3) or not all(0 <= each < float("inf") for each in values):
        raise ValueError(
            f"{text!r} is not a price. Such as: gpt-4o=2.50/1.25/10 (input/cached/output) or gpt-4o=2.50/10"
        )
    return name, Price(values[0], values[-2], values[-1], currency=currency)

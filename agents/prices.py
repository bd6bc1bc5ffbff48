"""What tokens cost, as the installation says. A model without a price costs an unknown amount, never nothing."""

from collections.abc import Iterable
from dataclasses import dataclass

PER = 1_000_000  # tokens: what a price is for


@dataclass(frozen=True)
class Price:
    """Of a million tokens each."""

    input: float
    cached: float  # of the input that was read from the provider's cache
    output: float  # reasoning included

    def of(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> float:
        """What these tokens cost; `input_tokens` includes the cached ones."""
        fresh = input_tokens - cached_tokens
        return (fresh * self.input + cached_tokens * self.cached + output_tokens * self.output) / PER


def prices(texts: Iterable[str]) -> dict[str, Price]:
    """Model -> price, from texts such as `gpt-4o=2.50/1.25/10` (input/cached/output) or `gpt-4o=2.50/10`.

    Without its own price cached input costs what input does. Raises ValueError that quotes the text that is wrong.
    """
    return dict(_price(text.strip()) for text in texts if text.strip())


def _price(text: str) -> tuple[str, Price]:
    name, _, numbers = text.rpartition("=")
    try:
        values = [float(each) for each in numbers.split("/")]
    except ValueError:
        values = []
    if not name or len(values) not in (2, 3) or not all(0 <= each < float("inf") for each in values):
        raise ValueError(
            f"{text!r} is not a price. Such as: gpt-4o=2.50/1.25/10 (input/cached/output) or gpt-4o=2.50/10"
        )
    return name, Price(values[0], values[-2], values[-1])

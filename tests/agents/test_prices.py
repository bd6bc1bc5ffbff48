"""Prices are what the installation says; what it does not say has none."""

import pytest

from agents.prices import priced, prices
from agents.usage import Usage


def test_a_price_is_of_a_million_tokens_and_knows_cached_input() -> None:
    known = prices(["gpt-4o=2.50/1.25/10", " qwen3:8b=0/0", "openai/gpt-4o=3/12", ""])
    assert known == {"gpt-4o": priced(2.5, 1.25, 10), "qwen3:8b": priced(0, 0, 0), "openai/gpt-4o": priced(3, 3, 12)}
    assert known["gpt-4o"].of(Usage(1_000_000, 400_000, 100_000)) == 3_000_000_000


WRONG = ["gpt-4o", "gpt-4o=", "=1/2", "gpt-4o=1", "gpt-4o=a/b", "gpt-4o=-1/2", "m=nan/1", "m=inf/1", "m=1/2/3/4"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_not_a_price_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a price"):
        prices([text])

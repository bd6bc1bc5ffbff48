"""How much a turn may use, in tokens and in money: estimated before a model is asked, so that no more is spent."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from msgspec import UNSET

from agents.usage import Usage
from chat.eventlog.projection import Fold, TurnUsage
from chat.metering.costs import cost_of
from chat.models import Budget


@dataclass(frozen=True)
class Amount:
    """Tokens, input and output together, and what they cost."""

    tokens: int = 0
    nanos: int | None = 0  # None: nobody knows

    def of(self, budget: Budget) -> int | None:
        """What it is to a budget."""
        return self.nanos if budget.in_money else self.tokens

    def __add__(self, other: "Amount") -> "Amount":
        """Both."""
        unknown = self.nanos is None or other.nanos is None
        return Amount(self.tokens + other.tokens, None if unknown else (self.nanos or 0) + (other.nanos or 0))


def currency() -> str:
    """What money is counted in here."""
    return str(settings.OPENAI_PRICES_CURRENCY)


def cost(model: str, usage: Usage) -> int | None:
    """What a turn costs in the installation's currency; None where nobody knows, or where it is another one."""
    found = cost_of(TurnUsage("", 0, 0, model, usage))
    return found.nanos if found.currency == currency() else None


def most_of(model: str, input_tokens: int, output_tokens: int) -> int | None:
    """The most that a turn of so much costs, at the price that holds for so much input: none of it comes out of the
    provider's cache, and all of it may be written there.
    """
    written = Usage(input_tokens, 0, output_tokens, cache_write_tokens=input_tokens or UNSET)
    costs = [cost(model, each) for each in (Usage(input_tokens, 0, output_tokens), written)]
    return max((each for each in costs if each is not None), default=None)


def turn(model: str) -> Amount:
    """What a run reserves before anything is known of its first turn: the usual tokens, at their dearest."""
    tokens = int(settings.AGENTS_BUDGET_TURN_TOKENS)
    return Amount(tokens, dearest(most_of(model, *each) for each in ((tokens, 0), (0, tokens))))


def dearest(costs: Iterable[int | None]) -> int | None:
    """The highest; None where any is unknown."""
    found = list(costs)
    return None if None in found else max(each for each in found if each is not None)


def spent(fold: Fold) -> Amount:
    """What a run has used so far. What nobody has priced counts for no money, as it does in the records."""
    nanos = sum(cost(each.model, each.usage) or 0 for each in fold.usages)
    return Amount(fold.usage.total_tokens, nanos)

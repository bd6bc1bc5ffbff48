"""What turns cost, fixed when their run ends: by the price that is known then. Pure but for the catalog in memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from agents import costs as told
from agents.installation import price_of
from agents.usage import Usage
from chat.eventlog.projection import Fold, TurnUsage
from chat.models import Chat, Run


@dataclass(frozen=True)
class Cost:
    """Of one turn. None of it is known where `nanos` is None."""

    nanos: int | None = None  # billionths of the currency
    currency: str = ""
    price: int | None = None  # the row that it was counted by; None: a price of the settings, the code or the package

    @property
    def counts(self) -> bool:
        """Whether it is added up: in one currency only."""
        return self.nanos is not None and self.currency == currency()


@dataclass(frozen=True)
class Spent:
    """All turns of a run, each with what it cost. Worked out once: whatever is stored of a run's cost is this."""

    turns: tuple[tuple[TurnUsage, Cost], ...] = ()

    @property
    def nanos(self) -> int:
        """As far as it is known."""
        return sum(cost.nanos or 0 for _, cost in self.turns if cost.counts)

    @property
    def priced_tokens(self) -> int:
        """Of how many tokens that is."""
        return sum(turn.usage.total_tokens for turn, cost in self.turns if cost.counts)

    @property
    def estimated_tokens(self) -> int:
        """How many no provider has counted."""
        return sum(turn.usage.total_tokens for turn, _ in self.turns if turn.usage.status == "estimated")

    @property
    def told(self) -> told.Cost:
        """As people and programs are told of it."""
        usage = sum((turn.usage for turn, _ in self.turns), Usage())
        return told_of(self.nanos, self.priced_tokens, usage.total_tokens, usage.status)


def spent(fold: Fold) -> Spent:
    """What the run's turns cost by the prices of now."""
    return Spent(tuple((turn, cost_of(turn)) for turn in fold.usages))


def cost_of(turn: TurnUsage, at: datetime | None = None) -> Cost:
    """What the turn cost, by the prices of then. Tokens that nobody counted cost an unknown amount, as those without a
    price do; no tokens cost nothing.
    """
    usage = turn.usage
    if usage.status != "unknown" and (turn.from_cache or not usage.total_tokens):
        return Cost(0, currency())
    price = price_of(turn.model, at)
    if price is None or usage.status == "unknown":
        return Cost()
    return Cost(price.of(usage), price.currency[:10], price.at(usage.input_tokens).row)


def currency() -> str:
    """The one that costs are added up in."""
    return str(settings.OPENAI_PRICES_CURRENCY)[:10]


def of_run(run: Run) -> told.Cost:
    """What a run has cost."""
    return told_of(run.cost_nanos, run.priced_tokens, run.total_tokens, run.usage_status)


def of_chat(chat: Chat) -> told.Cost:
    """What the runs of a chat have cost."""
    sure = "estimated" if chat.estimated_tokens else "reported"
    return told_of(chat.cost_nanos, chat.priced_tokens, chat.total_tokens, sure)


def told_of(nanos: int, known: int, tokens: int, status: str) -> told.Cost:
    """A cost of so many tokens that are so sure, of which so many have a known one."""
    is_unsure = status == "unknown"
    return told.cost(
        nanos, currency(), known=known, tokens=tokens, is_estimated=status == "estimated", is_unsure=is_unsure
    )


def is_unknown(turns: Iterable[Cost]) -> bool:
    """Whether one of these is not added up."""
    return any(not each.counts for each in turns)

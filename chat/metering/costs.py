"""What turns cost, fixed when their run ends: by the price that is known then. Pure but for the catalog in memory."""

from dataclasses import dataclass

from agents.installation import price_of
from chat.eventlog.projection import TurnUsage


@dataclass(frozen=True)
class Cost:
    """Of one turn. None of it is known where `nanos` is None."""

    nanos: int | None = None  # billionths of the currency
    currency: str = ""


def cost_of(turn: TurnUsage) -> Cost:
    """What the turn cost. Tokens that nobody counted cost an unknown amount, as those without a price do.

    A kept reply costs nothing.
    """
    price = price_of(turn.model)
    if turn.from_cache:
        return Cost(0, price.currency[:10] if price else "")
    if price is None or turn.usage.status == "unknown":
        return Cost()
    return Cost(price.nanos_of(turn.usage), price.currency[:10])

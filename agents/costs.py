"""What was spent, as people and programs are told of it. Pure."""

from typing import Literal

import msgspec

from agents.prices import NANOS


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount of money: a text with nine places, since a float would round it."""

    amount: str | None  # null: nothing of it is known, which is not nothing
    currency: str
    # exact: of what the provider counted. estimated: of some that we counted. unknown: some has no known price, or was
    # not counted; the amount is what the rest cost.
    status: Literal["exact", "estimated", "unknown"] = "exact"


def cost(nanos: int, currency: str, *, known: int, tokens: int, is_estimated: bool, is_unsure: bool = False) -> Cost:
    """The cost of so many tokens, of which so many have a known one.

    `is_unsure`: there were tokens that nobody counted.
    """
    is_whole = known >= tokens and not is_unsure
    amount = text_of(nanos) if is_whole or known else None
    return Cost(amount, currency, "unknown" if not is_whole else "estimated" if is_estimated else "exact")


def text_of(nanos: int) -> str:
    """The amount with all of its nine places."""
    whole, rest = divmod(abs(nanos), NANOS)
    return f"{'-' if nanos < 0 else ''}{whole}.{rest:09d}"

"""The arithmetic of rates: so many in a window, some of them at once (GCRA, the generic cell rate algorithm). Pure.

What somebody has taken is one number, their debt: microseconds until all of it is forgotten. One more adds an interval,
time takes it off again, and it may not grow beyond a burst's. So there are no windows to begin anew, and of two limits
that are asked together either both are taken from or none.
"""

import functools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

US = 1_000_000  # microseconds of a second
EXPECTED = "a rate such as 120/60s:40 (requests/window:at once), or 0 for none"
MOST = 1_000_000  # of a quota and of a burst
MOST_WINDOW_S = 86_400
MOST_DEBT_S = 30 * 86_400  # how long a whole burst may take to be forgotten
_RATE = re.compile(r"([0-9]{1,7})/([0-9]{1,5})s:([0-9]{1,7})")


@dataclass(frozen=True)
class Rate:
    """`quota` in each window, and `burst` at once."""

    quota: int
    window_s: int
    burst: int

    @functools.cached_property
    def interval_us(self) -> int:
        """What one adds to the debt; rounded up, so that there is never more than the quota."""
        return -(-self.window_s * US // self.quota)

    @functools.cached_property
    def most_us(self) -> int:
        """The debt of a whole burst."""
        return self.burst * self.interval_us

    def lowered(self, by: "Rate") -> "Rate":
        """The slower of the two, with the smaller burst: what holds where somebody else may lower this one."""
        slower = max(self, by, key=lambda each: each.interval_us)
        return Rate(slower.quota, slower.window_s, min(self.burst, by.burst))


@functools.lru_cache(maxsize=64)
def read(text: str) -> Rate | None:
    """The rate that a setting says; None for `0`. Raises ValueError."""
    if text == "0":
        return None
    found = _RATE.fullmatch(text)
    quota, window_s, burst = (int(each) for each in found.groups()) if found else (0, 0, 0)
    if not (0 < quota <= MOST and 0 < window_s <= MOST_WINDOW_S and 0 < burst <= MOST):
        raise ValueError
    rate = Rate(quota, window_s, burst)
    if rate.most_us > MOST_DEBT_S * US:
        raise ValueError
    return rate


def taken(rates: Sequence[Rate], debts: Sequence[int]) -> list[int] | None:
    """The debts after one more of each; None where one of them has no room, and nothing is taken."""
    after = [debt + rate.interval_us for rate, debt in zip(rates, debts, strict=True)]
    return after if all(debt <= rate.most_us for rate, debt in zip(rates, after, strict=True)) else None


@dataclass(frozen=True)
class Standing:
    """How somebody stands with one limit: what is told in headers."""

    name: str
    quota: int
    window_s: int
    burst: int
    left: int  # how many more may come now
    reset_us: int  # until all is forgotten
    wait_us: int = 0  # of who was refused: until one more may come

    @property
    def reset_s(self) -> int:
        """In whole seconds, never too early."""
        return math.ceil(self.reset_us / US)

    @property
    def wait_s(self) -> int:
        """In whole seconds, never too early."""
        return math.ceil(self.wait_us / US)


def standing(name: str, rate: Rate, debt: int, *, is_refused: bool = False) -> Standing:
    """How it stands with that debt. It may be more than a burst's where the rate was lowered meanwhile."""
    left = max(0, rate.most_us - debt) // rate.interval_us
    wait = max(0, debt + rate.interval_us - rate.most_us) if is_refused else 0
    return Standing(name, rate.quota, rate.window_s, rate.burst, left, debt, wait)

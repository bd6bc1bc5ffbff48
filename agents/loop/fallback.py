"""Whom a turn is asked of, and who next where that one cannot answer. No Django.

Nobody goes on with another model's words: what it had said is taken back, and the turn is asked anew. A reply that is
stored is never asked again, so a tool that ran is not run twice.
"""

import time
from collections.abc import Sequence

from agents.errors import ProviderError
from agents.loop.target import Target
from agents.providers.base import ProviderRequest

DOWN_MAX = 1_000  # targets that are remembered at most
PATIENCE_S = 3.0  # a provider that asks to wait no longer is asked again, once, rather than another

# What says that it is down, or that it will not serve us: the next request would meet the same.
DOWN = frozenset(
    {"upstream_unavailable", "upstream_timeout", "upstream_rate_limited", "upstream_auth", "upstream_not_found"}
    | {"upstream_credit", "upstream_overloaded"}
)
# What another may do better. A request that was refused for what is in it, or that a filter refused, is not among them.
TRIGGERS = DOWN | {"upstream_interrupted", "upstream_incomplete", "upstream_malformed", "upstream_error"}
TRIGGERS |= {"upstream_tools"}
TOO_LONG = "upstream_context"  # only a larger window helps


class Memory:
    """Which targets are down, as far as this process has seen."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}

    def is_down(self, target: Target) -> bool:
        """It could not answer a moment ago."""
        return self._until.get(_key(target), 0.0) > time.monotonic()

    def note(self, target: Target, code: str, down_s: float) -> None:
        """It failed by this code; where that says that it is down, it is for so long."""
        if code in DOWN and down_s:
            if len(self._until) >= DOWN_MAX:
                self._until.clear()
            self._until[_key(target)] = time.monotonic() + down_s

    def clear(self, target: Target) -> None:
        """It answers."""
        self._until.pop(_key(target), None)


memory = Memory()


class Order:
    """The targets of one turn: the chat's own first, those that are down last."""

    def __init__(
        self, targets: Sequence[Target], request: ProviderRequest, *, down_s: float, known: Memory | None = None
    ) -> None:
        """`down_s`: how long one that could not answer is asked last, by this process."""
        self._down_s = down_s
        self._known = known or memory
        able = [each for each in targets if each is targets[0] or _can(each, request)]
        self._waiting = sorted(able, key=self._known.is_down) if len(able) > 1 else able  # in order otherwise
        self.current = self._waiting.pop(0)
        self._has_waited = False

    @property
    def left(self) -> list[Target]:
        """The current one, and those that may be asked behind it."""
        return [self.current, *self._waiting]

    def keep(self, targets: Sequence[Target]) -> None:
        """Of those behind the current one only these may be asked."""
        self._waiting = [each for each in self._waiting if each in targets]

    def answered(self) -> None:
        """The current one did."""
        self._known.clear(self.current)

    def move_on(self, error: ProviderError, *, may_wait: bool = True) -> bool:
        """Whether another one is asked now, in place of the current one, which failed so.

        `may_wait`: the current one can be asked again itself.
        """
        self._known.note(self.current, error.code, self._down_s)
        if may_wait and self._is_worth_waiting(error):
            self._has_waited = True
            return False
        place = next((number for number, each in enumerate(self._waiting) if self._helps(each, error)), None)
        if place is None:
            return False
        self.current = self._waiting.pop(place)
        self._has_waited = False
        return True

    def _is_worth_waiting(self, error: ProviderError) -> bool:
        """It says itself that it takes requests again in a moment; believed once."""
        if self._has_waited or not error.retryable or error.retry_after_s is None:
            return False
        return error.code == "upstream_rate_limited" and error.retry_after_s <= PATIENCE_S

    def _helps(self, target: Target, error: ProviderError) -> bool:
        if error.code == TOO_LONG:
            return target.model.context_tokens > self.current.model.context_tokens
        return error.code in TRIGGERS


def _can(target: Target, request: ProviderRequest) -> bool:
    """Whether it can do what this request wants at all: what it cannot see is told in words."""
    return not request.tools or target.model.has("tools")


def _key(target: Target) -> tuple[str, str]:
    return target.provider.maker, target.model.wire_name

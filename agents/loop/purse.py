"""What a run may use: each turn takes its share before the model is asked. The runner knows where it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from agents import tokens
from agents.providers.base import ProviderRequest
from agents.usage import Usage

RESERVE_TOKENS = 16  # beyond that, for what a server puts around a conversation
BUDGET = "budget"  # the reason of an end: no further turn is covered
CONCLUDE = """\
This is your last turn: what may be used here is nearly used up. Do not call tools. Answer now with what you have, and \
say in a sentence what is left to do."""


@dataclass(frozen=True)
class Share:
    """What one turn may use."""

    input_tokens: int
    output_tokens: int
    nanos: int | None = 0  # the most that it costs; None: nobody knows
    models: frozenset[str] | None = None  # that may be asked, by their ids; None: all
    is_last: bool = False  # what might follow it is not covered

    @property
    def tokens(self) -> int:
        """Both."""
        return self.input_tokens + self.output_tokens


class Purse(Protocol):
    """Where a run's turns take their shares from."""

    async def take(self, input_tokens: int, models: Sequence[str], ahead: int) -> Share:
        """The share of a turn with so much input, reserved. Raises QuotaExceeded.

        `models`: those that may be asked, in order. `ahead`: so many turns may have to follow this one.
        """

    def settle(self, share: Share, model: str, usage: Usage) -> None:
        """The turn is over: that model has used so much of its share, or more."""


def concluding(request: ProviderRequest) -> ProviderRequest:
    """The same as the last of its agent: told so, and without tools."""
    return replace(request, system="\n\n".join(filter(None, (request.system, CONCLUDE))), tools=(), tool_choice="auto")


def tokens_of(request: ProviderRequest) -> int:
    """How many tokens the request's input has, about."""
    return tokens.of_text(request.system) + tokens.of_messages(request.messages) + tokens.of_tools(request.tools)


def input_of(request: ProviderRequest) -> int:
    """More tokens than the request's input has, in all likelihood: a third more than estimated."""
    return tokens_of(request) * 4 // 3 + RESERVE_TOKENS

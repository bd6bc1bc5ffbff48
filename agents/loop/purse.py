"""What a run may use: each turn takes its share before the model is asked. The runner knows where it comes from."""

from dataclasses import dataclass
from typing import Protocol

from agents import tokens
from agents.providers.base import ProviderRequest

RESERVE_TOKENS = 16  # beyond that, for what a server puts around a conversation


@dataclass(frozen=True)
class Share:
    """What one turn may use."""

    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        """Both."""
        return self.input_tokens + self.output_tokens


class Purse(Protocol):
    """Where a run's turns take their shares from."""

    async def take(self, input_tokens: int) -> Share:
        """The share of a turn with so much input, reserved. Raises QuotaExceeded."""

    def settle(self, share: Share, used_tokens: int) -> None:
        """The turn is over and has used that much of its share, or more."""


def tokens_of(request: ProviderRequest) -> int:
    """How many tokens the request's input has, about."""
    return tokens.of_text(request.system) + tokens.of_messages(request.messages) + tokens.of_tools(request.tools)


def input_of(request: ProviderRequest) -> int:
    """More tokens than the request's input has, in all likelihood: a third more than estimated."""
    return tokens_of(request) * 4 // 3 + RESERVE_TOKENS

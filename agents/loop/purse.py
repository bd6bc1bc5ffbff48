"""What a run may use: each turn takes its share before the model is asked. The runner knows where it comes from."""

from dataclasses import dataclass
from typing import Protocol

from agents.providers.base import ProviderRequest


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


def input_of(request: ProviderRequest) -> int:
    """More tokens than the request's input has, in all likelihood: a third of its bytes, and some for each message."""
    texts = [request.system, *(str(each) for each in request.messages), *(str(each) for each in request.tools)]
    return sum(len(text.encode(errors="replace")) // 3 + 16 for text in texts)

"""Who makes a conversation shorter that is too long for its model: the loop is handed it. No Django."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Protocol

from agents.events import AnyEvent
from agents.messages import Message
from agents.providers.base import ProviderRequest

if TYPE_CHECKING:
    from agents.loop.job import Job

REASON = "context"  # of the reset of a turn whose conversation was too long after all


class Shortening(Protocol):
    """One run's."""

    @property
    def is_near(self) -> bool:
        """Whether the conversation may be too long before anything is asked."""
        ...

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation as it is told now, up to the message to answer: other ones once it is shorter."""
        ...

    def shorten(
        self, job: "Job", request: ProviderRequest, *, is_refused: bool
    ) -> AsyncGenerator[list[AnyEvent], None]:
        """Make it shorter where it is too long for this request, or was refused as that. Yields what happens.

        Never raises what a model's server does: then the conversation is as it was, or without its beginning.
        """
        ...

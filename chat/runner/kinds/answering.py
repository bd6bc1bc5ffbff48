"""An agent that answers a message of a chat: what it is told of the chat may be made shorter on the way."""

from uuid import UUID

from agents.loop.job import Job
from chat.models import Run
from chat.runner.kinds.agent import AgentWork
from chat.runner.shortening import Shortener


class AnswerWork(AgentWork):
    """One answer."""

    def __init__(self, run: Run, job: Job, begins_at: UUID | None, shortener: Shortener | None) -> None:
        super().__init__(run, job, begins_at)
        self.shortener = shortener

    @property
    def read_from(self) -> UUID | None:
        """As it was read last: it may have been too long at first."""
        return self.shortener.read_from if self.shortener is not None else self.begins_at

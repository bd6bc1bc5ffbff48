"""Indexing: a document of a project's knowledge becomes passages that are found (tools.knowledge.indexing).

Its steps are said in hundredths and without a name, and its run is seen by whoever began it alone: others in the
project may read less than this document.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from accounts.permissions import Permissions
from agents import events as ev
from agents.errors import WorkFailed
from agents.events import AnyEvent
from chat.eventlog.projection import Fold
from chat.models import Run
from chat.models.facts import RunFacts
from chat.models.runs import INDEX
from chat.runner.kinds.base import Kind
from tools.knowledge.errors import IndexingFailed
from tools.knowledge.indexing import Step, fail, index

NAME = INDEX
STOPPED = ("cancelled", "It was stopped.")
ENDED = ("failed", "It ended before it was done.")


class Asked(msgspec.Struct, frozen=True):
    """What an indexing was asked to do: its run's request."""

    document: UUID
    generation: int


class IndexWork:
    """One indexing. Whoever takes it over goes on behind the last batch that is stored."""

    input_tokens = 0
    read_from = None
    reason = "stop"
    result: Any = None

    def __init__(self, run: Run) -> None:
        self.timeout_s = float(settings.KNOWLEDGE_INDEX_TIMEOUT_S)
        self.asked = msgspec.convert(run.request, Asked)

    def goes_on_from(self, fold: Fold) -> None:
        """Where it goes on, the passages say."""

    def taken_back(self, at: float) -> list[AnyEvent]:
        """Nothing."""
        return []

    async def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        """How far it is. Raises WorkFailed; then what was found before is found as before."""
        try:
            async with aclosing(index(self.asked.document, self.asked.generation)) as steps:
                async for step in steps:
                    yield [_progress(step)]
        except IndexingFailed as error:
            raise WorkFailed(error.code, str(error), retryable=error.is_retryable) from error


def _progress(step: Step) -> ev.WorkProgressed:
    return ev.WorkProgressed(at=time.time(), text="Indexing", done=step.done, total=step.total)


def load(run: Run, events: list[AnyEvent], permissions: Permissions) -> IndexWork:
    """The work, from what was asked."""
    return IndexWork(run)


def end(run: RunFacts, fold: Fold) -> None:
    """Write to the document why it came to nothing; what it has come to is there already."""
    terminal = fold.terminal
    if isinstance(terminal, ev.RunCompleted) or not run.asked:
        return
    told = (terminal.code, terminal.message) if isinstance(terminal, ev.RunFailed) else STOPPED
    fail(msgspec.convert(run.asked, Asked).document, *(told if terminal is not None else ENDED))


KIND = Kind(NAME, load, end, asks_model=False)

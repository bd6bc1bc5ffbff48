"""A step of a chat's workflow: an answer that is asked for in the step's words, and what it leads to."""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from uuid import UUID

from msgspec import structs

from agents import events as ev
from agents.archetypes import registry
from agents.archetypes.base import Archetype
from agents.errors import ProviderError, QuotaExceeded, WorkFailed
from agents.events import AnyEvent
from agents.loop import Agent
from agents.loop.job import Job
from agents.loop.ledger import Ledger
from agents.messages import UserMessage
from agents.options import RunOptions
from agents.workflows import choosing
from agents.workflows.moving import Choice, decided
from chat.eventlog.projection import Fold
from chat.models import Run
from chat.runner.kinds.answering import AnswerWork
from chat.runner.shortening import Shortener
from chat.runner.workflows import Move, Standing, missing
from tools.capabilities import KNOWLEDGE, MEMORY

log = logging.getLogger(__name__)

ANSWERED = frozenset({"stop", "length", "sentence_limit"})  # ends that lead on: cut at a limit is an answer too


class StepWork(AnswerWork):
    """The answer, told as a step, and behind it where the workflow goes."""

    def __init__(
        self,
        run: Run,
        job: Job,
        begins_at: UUID | None,
        shortener: Shortener | None,
        standing: Standing,
        *,
        is_told: bool,
    ) -> None:
        super().__init__(run, job, begins_at, shortener)
        self.standing = standing
        self.move: Move | None = None
        self._is_told = is_told
        self._fold: Fold | None = None
        self._chosen: str | None = None

    def goes_on_from(self, fold: Fold) -> None:
        super().goes_on_from(fold)
        self._fold = fold

    async def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        """The agent's events, between where the workflow stands and what a model says of where it goes."""
        if not self._is_told:
            yield [self.standing.told()]
        answering = super().drive()
        self._require_tool()
        async with aclosing(answering) as happenings:
            async for events in happenings:
                yield events
        async with aclosing(self._decide()) as happenings:
            async for events in happenings:
                yield events

    def _require_tool(self) -> None:
        """Raise WorkFailed where the step's tool is none that its agent has here."""
        assert self.agent is not None
        tool = self.standing.step.tool
        if tool and tool not in {each.name for each in self.agent.specs()}:
            raise WorkFailed("tool_missing")

    async def _decide(self) -> AsyncGenerator[list[AnyEvent], None]:
        """Find where the step leads; asks a model where a rule is left to one."""
        step, standing = self.standing.step, self.standing
        if not standing.at.moves or self.reason not in ANSWERED or not self._is_done():
            return
        if missing(step, standing.answers):
            self.move = Move(None, standing.answers)
            return
        to = decided(step, standing.texts)
        if isinstance(to, Choice):
            async with aclosing(self._ask(to)) as asking:
                async for events in asking:
                    yield events
            to = self._chosen
        self.move = Move(to, standing.answers)

    def _is_done(self) -> bool:
        """Whether its tool has given a result, if it is one of a tool."""
        tool = self.standing.step.tool
        parts = self._fold.parts if self._fold is not None and tool else []
        returned = [each for each in parts if each["type"] == "tool_result" and each.get("name") == tool]
        return not tool or any(not each["is_error"] for each in returned)

    async def _ask(self, choice: Choice) -> AsyncGenerator[list[AnyEvent], None]:
        """Ask once. What cannot be asked, like what is no name of the list, leaves the step as it is.

        No reader is shown what it says: of its turn the log has that it was, and what it used.
        """
        assert self.agent is not None
        asked = choosing.question(
            choice, self.standing.step, self.run.question.content, self.agent.answer, self.run.pk.hex[:12]
        )
        job = replace(self.job, ledger=Ledger())  # a takeover asks again: the words of before are not kept
        chooser = Agent(job, choosing.CHOOSER, path=choosing.PATH, messages=(UserMessage(asked),))
        try:
            async with aclosing(chooser.work()) as happenings:
                async for events in happenings:
                    if told := [each for each in events if not isinstance(each, ev.DELTAS)]:
                        yield told
        except (ProviderError, QuotaExceeded) as error:
            log.warning("run %s: where the workflow goes cannot be asked: %s", self.run.pk, type(error).__name__)
            return
        self._chosen = choosing.chosen(choice, chooser.answer)


def archetype_of(run: Run, standing: Standing | None) -> Archetype:
    """Whose step it is: the step's own, else the run's."""
    return registry.get(standing.step.archetype if standing and standing.step.archetype else run.archetype)


def as_step(
    run: Run, job: Job, begins_at: UUID | None, shortener: Shortener | None, standing: Standing,
    events: Sequence[AnyEvent],
) -> StepWork:  # fmt: skip
    """The work of an answer, as the step wants it."""
    step, context = standing.step, job.context
    if step.context == "none":
        context = replace(context, capabilities=context.capabilities - {KNOWLEDGE, MEMORY})
        job = replace(job, briefing="")
    job = replace(job, context=context, options=_options(job.options, standing))
    is_told = any(isinstance(each, ev.WorkflowChanged) and each.workflow == standing.at.workflow for each in events)
    return StepWork(run, job, begins_at, shortener, standing, is_told=is_told)


def _options(asked: RunOptions, standing: Standing) -> RunOptions:
    """In memory alone: what a step is told stands in no run's row."""
    step = standing.step
    wanted: dict[str, Any] = {
        "instructions": "\n\n".join(filter(None, (step.instructions(), asked.instructions))),
        "max_output_tokens": step.max_tokens or asked.max_output_tokens,
        "max_sentences": step.sentences or asked.max_sentences,
    }
    return structs.replace(asked, **wanted, **({"tool_choice": step.tool} if step.tool else {}))

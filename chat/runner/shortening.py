"""What makes the conversation of one answer shorter that is too long for its model: `agents.loop.shortening`."""

import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from uuid import UUID

from django.conf import settings
from msgspec.structs import replace

from accounts.db import db, db_files
from agents import events as ev
from agents import tokens
from agents.errors import AgentError
from agents.events import AnyEvent
from agents.loop.job import Job
from agents.loop.purse import tokens_of
from agents.loop.window import Window
from agents.messages import Message as Said
from agents.providers.base import ProviderRequest
from chat import gate
from chat.attachments.reading import Later, NotHere, Reading
from chat.models import Run, UsageRecord
from chat.runner.compacting import Changed, compacted, told_of
from chat.runner.history import History, history
from chat.runner.planning import planned

log = logging.getLogger(__name__)
SMALL = 32_000  # tokens of room: what is told besides the conversation may be the most of it
FAILED_S = 600.0  # so long nobody tries again what has failed in a chat, unless the provider refuses its length
FAILED_MAX = 1_000  # chats of which a process knows that; then the oldest are forgotten
NEAR_PART = 2  # of the trigger: below that, nobody looks at what the provider has counted


Failed = tuple[UUID | None, str]  # a chat, and the model that was to write
_failed: dict[Failed, float] = {}  # when, of the process's clock, the oldest first


class Shortener:
    """One run's. What it cannot sum up loses its beginning, as it would without it."""

    def __init__(
        self, run: Run, read: History, window: Window, events: list[AnyEvent], reading: Callable[[], Reading]
    ) -> None:
        """`events`: of its log so far; `reading`: what is given of attached files, anew."""
        self.run, self.read, self.window, self.reading = run, read, window, reading
        self.turns = sum(isinstance(each, ev.TurnStarted) and each.agent == "compaction" for each in events)
        made = read.front.compaction if read.front is not None else None
        told = {each.upto for each in events if isinstance(each, ev.ContextCompacted)}
        self.untold = made if made is not None and made.run == run.pk and str(made.upto_id) not in told else None

    @property
    def is_near(self) -> bool:
        """Worth a closer look, or there is something to tell."""
        is_long = self.read.is_cut or self.read.tokens * NEAR_PART > self.window.trigger
        return is_long or self.window.room < SMALL or self.untold is not None

    @property
    def messages(self) -> tuple[Said, ...]:
        """The conversation as it is told now."""
        return self.read.messages

    @property
    def read_from(self) -> UUID | None:
        """The first message that is in it, where older ones are not."""
        return self.read.begins_at

    async def shorten(
        self, job: Job, request: ProviderRequest, *, is_refused: bool
    ) -> AsyncGenerator[list[AnyEvent], None]:
        """Compact where it is due, and read it anew. Yields what happens."""
        if self.untold is not None:  # by the attempt before this one
            yield [told_of(self.untold)]
            self.untold = None
        overhead = tokens_of(replace(request, messages=()))
        if is_refused:
            self.window = self.window.within(tokens_of(request) // 2)
        elif not await self._is_due(overhead):
            return
        own = job.archetype.model or self.run.model
        tried = (self.run.chat_id, gate.writing_model(gate.plan_at(self.run), own))
        if not job.is_among_older and (is_refused or not has_failed(tried)):
            async with aclosing(self._compacted(job, overhead, tried)) as steps:
                async for events in steps:
                    yield events
        if is_refused or self.turns:
            await self._read_again()

    async def _is_due(self, overhead: int) -> bool:
        """Whether it is too long, by our count or by what the provider said of the answer before."""
        if self.read.is_cut or self.read.light + overhead > self.window.trigger:
            return True
        if (self.read.light + overhead) * NEAR_PART <= self.window.trigger:
            return False
        return await db(reported, self.run, self.read) > self.window.trigger

    async def _compacted(self, job: Job, overhead: int, tried: Failed) -> AsyncGenerator[list[AnyEvent], None]:
        plan = await db(planned, self.run.question, self.window, overhead)
        if plan is None:
            return
        self.turns += 1
        try:
            async with aclosing(compacted(job, self.run, plan, self.turns)) as steps:
                async for events in steps:
                    yield events
            _failed.pop(tried, None)
        except (AgentError, TimeoutError) as error:
            if not isinstance(error, Changed):
                note_failed(tried)
            log.warning("run %s: the older part of its chat was not summed up: %r", self.run.pk, error)

    async def _read_again(self) -> None:
        try:
            self.read = await db(history, self.run.question, self.window, NotHere())
        except Later:
            self.read = await db_files(history, self.run.question, self.window, self.reading())


def has_failed(tried: Failed) -> bool:
    """Whether this failed a short while ago, in this process."""
    at = _failed.get(tried)
    return at is not None and time.monotonic() - at < FAILED_S


def note_failed(tried: Failed) -> None:
    """It has failed now."""
    _failed.pop(tried, None)
    _failed[tried] = time.monotonic()
    while len(_failed) > FAILED_MAX:
        del _failed[next(iter(_failed))]


def shortener_for(
    run: Run,
    read: History,
    window: Window,
    events: list[AnyEvent],
    reading: Callable[[], Reading],
    compact_at: int | None,
) -> Shortener | None:
    """An answer's; None where nothing is summed up: it is off, or the chat is not kept and nobody asked for it."""
    assert run.chat is not None
    if not settings.CHAT_COMPACT_AT_PERCENT or (run.chat.expires_at is not None and compact_at is None):
        return None
    return Shortener(run, read, window, events, reading)


def reported(run: Run, read: History) -> int:
    """How many tokens the conversation has as the provider counted its newest answer, and what is new; 0: nobody said.

    What was counted before the newest compaction says nothing any more. Sync.
    """
    question = run.question
    records = UsageRecord.objects.filter(run__message=question.parent_id, agent="", status="reported")
    if read.front is not None:
        records = records.filter(created_at__gt=read.front.compaction.created_at)
    record = records.order_by("-attempt", "-turn").first() if question.parent_id else None
    if record is None:
        return 0
    return record.input_tokens + record.output_tokens + tokens.of_text(question.content)

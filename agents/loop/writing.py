"""A text that is asked of a model in the midst of a run, as a turn of an agent of its own: it is counted and priced as
any other, and is no part of the answer. No Django.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from msgspec import structs

from agents import events as ev
from agents.archetypes.base import Archetype
from agents.events import AnyEvent
from agents.loop.job import Job, Tally
from agents.loop.reply import Reply, replies
from agents.messages import UserMessage
from agents.providers.base import ProviderRequest
from agents.usage import Usage


class Writing:
    """One such text. After `work()` has ended, `text` has it, `model` says who wrote it and `reason` why it ends."""

    def __init__(self, job: Job, archetype: Archetype, *, model: str, turn: int) -> None:
        """`turn`: from 1, of those that this run has asked this agent for."""
        # The answer's limits are the answer's; and nobody waits for it longer than for one try.
        self.job = replace(job, tally=Tally(), retry=replace(job.retry, max_attempts=1))
        self.archetype = archetype
        self.model = archetype.model or model
        self.turn = turn
        self.text = self.reason = ""

    async def work(self, asked: UserMessage, *, most_tokens: int, timeout_s: float) -> AsyncGenerator[list[AnyEvent]]:
        """Yield what happens, but for the words themselves.

        Raises ProviderError, LimitReached, QuotaExceeded or TimeoutError; what it has used by then is told.
        """
        path = self.archetype.name
        yield [ev.TurnStarted(at=self.job.now(), agent=path, turn=self.turn, model=self.model)]
        reply = Reply(self.job, path, self.turn, self.archetype.limits)
        try:
            async with (
                asyncio.timeout(timeout_s),
                aclosing(replies(self.job, self._request(asked, most_tokens), reply)) as pieces,
            ):
                async for events in pieces:
                    if told := [each for each in events if not isinstance(each, ev.DELTAS)]:
                        yield told
        except Exception:
            yield [self._taken_back(reply)]
            raise
        whole = reply.completed()
        self.text, self.model, self.reason = "".join(reply.text), whole.model or self.model, whole.finish_reason
        yield [structs.replace(whole, calls=(), state=None)]

    def _request(self, asked: UserMessage, most_tokens: int) -> ProviderRequest:
        return ProviderRequest(
            model=self.model,
            system=self.archetype.system_prompt(),
            messages=(asked,),
            max_output_tokens=most_tokens,
            user=str(self.job.context.user_id),
        )

    def _taken_back(self, reply: Reply) -> AnyEvent:
        usage = reply.counted() if reply.is_visible else reply.forgone()
        return ev.TurnReset(
            at=self.job.now(), agent=self.archetype.name, turn=self.turn, reason="failed", usage=usage or Usage()
        )

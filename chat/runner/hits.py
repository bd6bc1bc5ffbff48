"""Whose answers are kept, and which were told again: what is known here without a query."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from chat.models import Rules, Run
from chat.models.facts import facts_of

Verdict = Literal["hit", "miss", "off", ""]
WAIT_S = 0.25  # for a verdict, by who would say it in a header: an answer is looked for in a few milliseconds
TOLD_MAX = 1_000


class _Here:
    """What this process knows. On its loop, but for the organizations."""

    organizations: frozenset[UUID] = frozenset()  # whose rules keep answers, as of the last look
    told: OrderedDict[UUID, Verdict] = OrderedDict()  # by run
    waiting: dict[UUID, asyncio.Event] = {}


def look() -> None:
    """See which organizations keep answers. Sync, one query; each process does so every few seconds."""
    _Here.organizations = frozenset(Rules.objects.filter(cache_answers=True).values_list("organization", flat=True))


def may_be_on(organization_id: UUID) -> bool:
    """Whether the organization keeps answers, as far as this process knows. No query."""
    return organization_id in _Here.organizations


def tell(run_id: UUID, verdict: Verdict) -> None:
    """Where this run's answer comes from."""
    _Here.told[run_id] = verdict
    if len(_Here.told) > TOLD_MAX:
        _Here.told.popitem(last=False)
    if waiter := _Here.waiting.get(run_id):
        waiter.set()


@dataclass(frozen=True)
class Begun:
    """A run that a request has begun."""

    run_id: UUID
    is_off: bool
    is_under_way: bool  # in this process

    async def told(self, *, waits: bool) -> Verdict:
        """Where its answer comes from; empty where that is not known yet. `waits`: a moment, if it may soon be."""
        if self.is_off:
            return "off"
        if waits and self.is_under_way and self.run_id not in _Here.told:
            await self._wait()
        return _Here.told.get(self.run_id, "")

    async def _wait(self) -> None:
        waiter = _Here.waiting.setdefault(self.run_id, asyncio.Event())
        try:
            async with asyncio.timeout(WAIT_S):
                await waiter.wait()
        except TimeoutError:
            pass
        finally:
            _Here.waiting.pop(self.run_id, None)


def begun(run: Run) -> Begun:
    """What is known of a run that was just stored."""
    is_off = not may_be_on(facts_of(run).organization_id) or run.options.get("cache") == "never"
    return Begun(run.pk, is_off or run.request.get("store") is False, bool(run.attempt))

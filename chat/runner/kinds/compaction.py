"""Compactions by hand: a person wants the older part of a chat summed up, however short it is."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from django.conf import settings

from accounts.db import db
from accounts.permissions import Permissions
from agents.archetypes.compaction import compaction as archetype
from agents.errors import WorkFailed
from agents.events import AnyEvent
from agents.installation import info_of
from agents.loop.window import window_of
from agents.options import RunOptions
from chat.bus import notices
from chat.eventlog.projection import Fold
from chat.models import Chat, Compaction, Message, Run
from chat.models.facts import RunFacts
from chat.runner.compacting import compacted, made_by, told_of
from chat.runner.kinds.agent import AgentWork, job_of
from chat.runner.kinds.base import Kind
from chat.runner.planning import Plan, planned

NAME = "compaction"
NOTHING = "There is nothing to sum up: the newest messages always stay."


class CompactionWork(AgentWork):
    """One of them. Whoever takes it over looks first whether it is made."""

    reason = "stop"
    input_tokens = 0
    result: Any = None

    def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        """What happens. Raises WorkFailed where there is nothing to sum up any more."""
        return self._made()

    async def _made(self) -> AsyncGenerator[list[AnyEvent], None]:
        if made := await db(made_by, self.run.pk):
            yield [told_of(made)]
        else:
            plan = await db(plan_of, self.run.asked_in, self.run.request["leaf"])
            if plan is None:
                raise WorkFailed("internal", NOTHING)
            async with aclosing(compacted(self.job, self.run, plan, self.run.attempt)) as steps:
                async for events in steps:
                    yield events
        self.result = await db(found, self.run)


def plan_of(chat: Chat, leaf: Any) -> Plan | None:
    """What there is to sum up of the branch that ends in this message. Sync."""
    message = Message.objects.filter(chat=chat, pk=leaf).first()
    window = window_of(info_of(chat.model), settings.CHAT_CONTEXT_TOKENS)
    return planned(message, window, 0, by_hand=True) if message is not None else None


def load(run: Run, events: list[AnyEvent], permissions: Permissions) -> CompactionWork:
    """The work, from what was asked."""
    job = job_of(
        run,
        events,
        permissions,
        archetype=archetype,
        history=(),
        options=RunOptions(),
        timeout_s=settings.MEMORY_TIMEOUT_S,
    )
    return CompactionWork(run, job)


def end(run: RunFacts, fold: Fold) -> None:
    """Keep what it has come to with the run, and tell who looks at the chat."""
    if run.chat_id is None:
        return
    if result := found(run):
        Run.objects.filter(pk=run.id).update(request={**run.asked, "result": result})
    notices.tell(run.chat_id, run=run.id, has_changed=True)


def found(run: Run | RunFacts) -> dict[str, str] | None:
    """What it has come to: the id of what it made. Sync."""
    id = run.pk if isinstance(run, Run) else run.id
    made: Compaction | None = made_by(id)
    return {"compaction": str(made.pk)} if made is not None else None


KIND = Kind(NAME, load, end, found=found)

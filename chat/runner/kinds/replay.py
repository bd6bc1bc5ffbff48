"""Replays: what a run was asked is asked again, of another model or agent, and its tools give what they gave then.

It works in a chat of its own (chat.ops.replay); the chat that it is of is read, and nothing is written there. The same
kind lets a model judge an answer.
"""

from dataclasses import replace
from uuid import UUID

import msgspec
from django.conf import settings
from msgspec import structs

from accounts.permissions import Permissions
from agents import options
from agents.archetypes import registry
from agents.archetypes.judge import judge
from agents.errors import NoRights
from agents.events import AnyEvent
from agents.installation import info_of
from agents.loop import model_of
from agents.loop.attached import can_take
from agents.loop.job import Job
from agents.loop.window import window_of
from agents.messages import File
from agents.options import RunOptions
from chat.access import find_chat
from chat.attachments.reading import Reading
from chat.eventlog.projection import Fold
from chat.models import REPLAY, Run
from chat.models.facts import RunFacts
from chat.runner.briefing import briefing_of
from chat.runner.history import history
from chat.runner.kinds.agent import job_of
from chat.runner.kinds.base import Kind
from chat.runner.kinds.memory import TextWork, text_work
from chat.runner.recorded import Recording, allowed
from chat.runner.toolset import toolset_for
from tools.capabilities import ATTACHMENTS

TASK = "Say whether the answer in this material does what is expected of it."


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be done: a run's message is answered again, or `material` judged. Its run's request."""

    of: UUID | None = None
    archetype: str = ""
    max_nanos: int | None = None
    material: str = ""


def load(run: Run, events: list[AnyEvent], permissions: Permissions) -> TextWork:
    """The work. Raises NoRights where its person does not see any more what is replayed."""
    asked = msgspec.convert(run.request, Asked)
    if asked.of is None:
        return text_work(run, events, permissions, judge, TASK, asked.material)
    source = Run.objects.answers().select_related("chat", "input").filter(pk=asked.of).first()
    if source is None or find_chat(run.user, source.asked_in.pk) is None:
        raise NoRights
    return TextWork(run, _job(run, events, permissions, asked, source))


def _job(run: Run, events: list[AnyEvent], permissions: Permissions, asked: Asked, source: Run) -> Job:
    archetype = registry.get(asked.archetype)
    model, wished, recording = info_of(model_of(archetype, run.model)), _options(source, asked), Recording(source.pk)
    reading = Reading(lambda media_type: can_take(model, File("", media_type)))
    window = window_of(model, settings.CHAT_CONTEXT_TOKENS, settings.CHAT_COMPACT_AT_PERCENT or 100)
    read = history(source.question, window, reading)
    job = job_of(
        run,
        events,
        permissions,
        archetype=recording.archetype(archetype),
        history=read.messages,
        options=wished,
        timeout_s=settings.AGENTS_TIMEOUT_S,
        shown=read.whole,
    )
    has = job.context.capabilities | ({ATTACHMENTS} if reading.has_texts else set())
    return replace(
        job,
        context=replace(job.context, capabilities=frozenset(has)),
        toolset=recording.toolset(toolset_for(run)),
        briefing=briefing_of(source).text if archetype.is_briefed else "",
        judge=allowed,
    )


def _options(source: Run, asked: Asked) -> RunOptions:
    """What the request wanted, but for what only its client, its chat or its workflow could do."""
    wished = options.load(source.options)
    return structs.replace(
        wished, tools=(), tool_choice="auto", toolset={}, step=None, cache="never", max_nanos=asked.max_nanos
    )


def end(run: RunFacts, fold: Fold) -> None:
    """Nothing: who asked for it reads its log."""


KIND = Kind(REPLAY, load, end)

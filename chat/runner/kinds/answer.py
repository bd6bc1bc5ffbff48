"""Answers: the runs that people wait for. An agent reads the branch of messages, and its events are the answer."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from django.conf import settings

from accounts.db.writes import Update
from accounts.permissions import Permissions
from agents import events as ev
from agents import options
from agents.events import AnyEvent
from agents.installation import info_of
from agents.loop import ledger, model_of
from agents.loop.attached import can_take
from agents.loop.target import room_of
from agents.messages import File
from chat.attachments.reading import Reading
from chat.bus import notices
from chat.eventlog.projection import Fold
from chat.models import ANSWER, Message, MessageKind, MessageStatus, Run
from chat.models.facts import RunFacts
from chat.runner import states
from chat.runner.history import history
from chat.runner.kinds.agent import AgentWork, job_of
from chat.runner.kinds.base import Kind
from chat.runner.kinds.step import archetype_of, as_step
from chat.runner.toolset import toolset_for
from chat.runner.workflows import standing_of
from tools.capabilities import ATTACHMENTS

STATUSES: dict[type[AnyEvent], MessageStatus] = {
    ev.RunCompleted: MessageStatus.COMPLETED,
    ev.RunFailed: MessageStatus.FAILED,
    ev.RunCancelled: MessageStatus.CANCELLED,
}


def load(run: Run, events: list[AnyEvent], permissions: Permissions, reading: Reading | None = None) -> AgentWork:
    """The work of an answer, as far as its log has got. `reading`: what is given of attached files."""
    standing = standing_of(run)
    archetype = archetype_of(run, standing)
    model = info_of(model_of(archetype, run.model))
    reading = reading or Reading(lambda media_type: can_take(model, File("", media_type)))
    toolset, read = toolset_for(run), history(run.question, room_of(model, None), reading)
    job = job_of(
        run,
        events,
        permissions,
        archetype=archetype,
        history=read.messages,
        options=options.load(run.options),
        timeout_s=min(settings.AGENTS_TIMEOUT_S, standing.step.timeout_s if standing else settings.AGENTS_TIMEOUT_S),
    )
    if reading.has_texts:
        job = replace(job, context=replace(job.context, capabilities=job.context.capabilities | {ATTACHMENTS}))
    job = replace(job, toolset=toolset)
    if standing is not None:
        return as_step(run, job, read.begins_at, standing, events)
    return AgentWork(run, job, read.begins_at)


def begun(run: Run, first: Sequence[AnyEvent], permissions: Permissions, reading: Reading | None = None) -> AgentWork:
    """The same of a run that was just stored here with these events.

    A first turn among them is this attempt's own: it goes on with it and takes nothing back.
    """
    work = load(run, list(first), permissions, reading)
    work.job = replace(work.job, ledger=ledger.Ledger(), has_first_turn=isinstance(first[-1], ev.TurnStarted))
    return work


def end(run: RunFacts, fold: Fold) -> None:
    """Write the answer's message, and tell of it."""
    terminal = fold.terminal
    assert terminal is not None and run.chat_id is not None and run.message_id is not None
    failed = terminal if isinstance(terminal, ev.RunFailed) else None
    error = {"code": failed.code, "message": failed.message, "retryable": failed.retryable} if failed else None
    status, usage = STATUSES[type(terminal)].value, msgspec.to_builtins(fold.usage)
    at = datetime.fromtimestamp(terminal.at, UTC)
    _answer(
        run.message_id,
        fold.content,
        fold.parts,
        fold.makes or MessageKind.TEXT.value,
        status,
        fold.model or run.model,
        usage,
        error,
        at,
    )
    if fold.states:
        states.keep(run.message_id, fold.states)
    notices.tell(run.chat_id, changed=[run.message_id], run=run.id)


_answer = Update(
    lambda id, content, parts, kind, status, model, usage, error, at: (
        Message.objects.filter(pk=id),
        {
            "content": content,
            "parts": parts,
            "kind": kind,
            "status": status,
            "model": model,
            "usage": usage,
            "error": error,
            "updated_at": at,
        },
    ),
    *(UUID, str, dict, str, str, str, dict, dict, datetime),
)

KIND = Kind(ANSWER, load, end)

"""Answers: the runs that people wait for. An agent reads the branch of messages, and its events are the answer."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
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
from agents.loop.window import Window, window_of
from agents.messages import File
from agents.model_info import ModelInfo
from chat.attachments.reading import Reading
from chat.bus import notices
from chat.eventlog.projection import Fold
from chat.models import ANSWER, Message, MessageKind, MessageStatus, Run
from chat.models.facts import RunFacts
from chat.runner import kept, states
from chat.runner.briefing import NOTHING, briefing_of
from chat.runner.history import history
from chat.runner.kinds.agent import job_of
from chat.runner.kinds.answering import AnswerWork
from chat.runner.kinds.base import Kind
from chat.runner.kinds.command import CommandWork
from chat.runner.kinds.step import archetype_of, as_step
from chat.runner.shortening import shortener_for
from chat.runner.toolset import toolset_for
from chat.runner.workflows import standing_of
from tools.capabilities import ATTACHMENTS, MEMORY

STATUSES: dict[type[AnyEvent], MessageStatus] = {
    ev.RunCompleted: MessageStatus.COMPLETED,
    ev.RunFailed: MessageStatus.FAILED,
    ev.RunCancelled: MessageStatus.CANCELLED,
}


def load(
    run: Run, events: list[AnyEvent], permissions: Permissions, reading: Reading | None = None
) -> AnswerWork | CommandWork:
    """The work of an answer, as far as its log has got. `reading`: what is given of attached files."""
    standing = standing_of(run)
    if run.command:
        return CommandWork(run, events, permissions)
    archetype = archetype_of(run, standing)
    model = info_of(model_of(archetype, run.model))
    asked = options.load(run.options)
    again = partial(Reading, lambda media_type: can_take(model, File("", media_type)))
    reading, window = reading or again(), _window(model, asked.compact_at)
    toolset, read = toolset_for(run), history(run.question, window, reading)
    job = job_of(
        run,
        events,
        permissions,
        archetype=archetype,
        history=read.messages,
        options=asked,
        timeout_s=min(settings.AGENTS_TIMEOUT_S, standing.step.timeout_s if standing else settings.AGENTS_TIMEOUT_S),
        shown=read.whole,
    )
    briefing = briefing_of(run) if archetype.is_briefed else NOTHING
    has = {*([ATTACHMENTS] if reading.has_texts else []), *([MEMORY] if briefing.may_remember else [])}
    if has:
        job = replace(job, context=replace(job.context, capabilities=job.context.capabilities | has))
    shortener = shortener_for(run, read, window, events, again, asked.compact_at)
    answers = kept.answers_for(run, permissions, asked.cache)
    job = replace(job, toolset=toolset, briefing=briefing.text, shortening=shortener, answers=answers)
    if standing is not None:
        return as_step(run, job, read.begins_at, shortener, standing, events)
    return AnswerWork(run, job, read.begins_at, shortener)


def _window(model: ModelInfo, compact_at: int | None) -> Window:
    """What this model reads of a chat, and what is too much: less, where the request wants it."""
    window = window_of(model, settings.CHAT_CONTEXT_TOKENS, settings.CHAT_COMPACT_AT_PERCENT or 100)
    return window if compact_at is None else window.compacted_at(compact_at)


def begun(
    run: Run, first: Sequence[AnyEvent], permissions: Permissions, reading: Reading | None = None
) -> AnswerWork | CommandWork:
    """The same of a run that was just stored here with these events.

    A first turn among them is this attempt's own: it goes on with it and takes nothing back.
    """
    work = load(run, list(first), permissions, reading)
    if isinstance(work, CommandWork):
        return work
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
        fold.attachments,
        MessageKind.COMMAND.value if run.command else fold.makes or MessageKind.TEXT.value,
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
    lambda id, content, parts, attachments, kind, status, model, usage, error, at: (
        Message.objects.filter(pk=id),
        {
            "content": content,
            "parts": parts,
            "attachments": attachments,
            "kind": kind,
            "status": status,
            "model": model,
            "usage": usage,
            "error": error,
            "updated_at": at,
        },
    ),
    *(UUID, str, dict, dict, str, str, str, dict, dict, datetime),
)

KIND = Kind(ANSWER, load, end)

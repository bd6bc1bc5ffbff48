"""Rows to test with: what a message and its answered, or open, run leave in the database."""

import time
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from agents import events as ev
from agents.usage import Usage
from chat.eventlog.rows import Logged, insert, stored
from chat.models import Chat, Message, MessageRole, MessageStatus, Run, RunStatus, ToolCall
from chat.services.messages import add_message, lock_chat

OVER = {RunStatus.SUCCEEDED: MessageStatus.COMPLETED, RunStatus.FAILED: MessageStatus.FAILED}


@transaction.atomic
def say(chat: Chat, user: User, text: str = "What is in here?", **fields: Any) -> Message:
    """A message of the user's at the end of the chat."""
    locked = lock_chat(chat)
    return add_message(locked, locked.leaf, role=MessageRole.USER, author=user, content=text, **fields)


@transaction.atomic
def answer(chat: Chat, user: User, status: RunStatus = RunStatus.SUCCEEDED, text: str = "A README.") -> Run:
    """A message and its run of that status; its log and tool call hold `text`, as does the answer once it is over."""
    question = say(chat, user)
    is_over = status in OVER
    message = add_message(
        lock_chat(chat),
        question,
        role=MessageRole.ASSISTANT,
        status=OVER.get(status, MessageStatus.IN_PROGRESS),
        content=text if is_over else "",
        parts=[{"type": "text", "text": text}] if is_over else [],
    )
    run = Run.objects.create(
        chat=chat,
        user=user,
        input=question,
        message=message,
        position=message.position,
        status=status,
        attempt=1,
        archetype=chat.archetype,
        model=chat.model,
        temperature=0.7,
        request={"said": text},
        ended_at=timezone.now() if is_over else None,
    )
    insert(run.pk, [Logged(1, seq, each) for seq, each in enumerate(_events(run, text, is_over), 1)]).save()
    ToolCall.objects.create(
        run=run, call="call_1", name="read_file", arguments={"path": text}, result=text, called_at=timezone.now()
    )
    return run


def ask_for(run: Run, call: str, name: str = "write_file", arguments: Any = None, **fields: Any) -> None:
    """A call of the run waits for a person."""
    event = ev.ApprovalRequested(
        at=time.time(), call=call, name=name, arguments=arguments or {}, expires_at=time.time() + 60, **fields
    )
    append(run, event)


def append(run: Run, *events: ev.AnyEvent) -> None:
    """More events at the end of the run's log."""
    first = stored(run.pk)[-1].seq + 1
    insert(run.pk, [Logged(run.attempt, seq, event) for seq, event in enumerate(events, first)]).save()


def _events(run: Run, text: str, is_over: bool) -> list[ev.AnyEvent]:
    at = time.time()
    ids = {"chat": str(run.chat_id), "input": str(run.input_id), "message": str(run.message_id)}
    begun: list[ev.AnyEvent] = [
        ev.RunQueued(at=at, archetype=run.archetype, model=run.model, **ids),
        ev.RunStarted(at=at, attempt=1),
        ev.TurnStarted(at=at, turn=1, model=run.model),
        ev.TextDelta(at=at, text=text),
    ]
    usage = Usage(10, 0, 5, 0)
    ended: list[ev.AnyEvent] = [
        ev.ReplyCompleted(at=at, turn=1, finish_reason="stop", usage=usage),
        ev.TurnCompleted(at=at, turn=1),
        ev.MessageSaved(at=at, message=str(run.message_id)),
        ev.RunFailed(at=at, code="internal", message=text, retryable=False, usage=usage)
        if run.status == RunStatus.FAILED
        else ev.RunCompleted(at=at, reason="stop", usage=usage),
    ]
    return begun + ended if is_over else begun

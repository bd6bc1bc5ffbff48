"""Decisions on calls that come by a door's own request, and the reader who follows what they lead to. Sync."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.http import HttpRequest

from accounts.db import db
from accounts.errors import Conflict, NotFound
from accounts.models import User
from agents import events as ev
from chat.doors import starting
from chat.doors.asking import Answer
from chat.doors.base import Encoder, RunInfo
from chat.doors.reading import Reader
from chat.eventlog import Logged, stored
from chat.eventlog.cursor import Cursor
from chat.eventlog.projection import fold
from chat.models import OPEN, Chat, Run, RunStatus
from chat.services.approvals import resolve_approval

Found = TypeVar("Found")
TRIES, PAUSE_S = 40, 0.05  # a client that is asked may be quicker than the run is to wait


class StillWorking(Conflict):
    """The call was asked for, and its run is about to wait, or has something else to do before."""

    code = "not_waiting"
    message = "The run does not wait for a decision yet. Send it again."


async def patiently(read: Callable[[HttpRequest], Found], request: HttpRequest) -> Found:
    """What `read` gives, tried again for two seconds while the run is still at work. Raises StillWorking after that."""
    for _ in range(TRIES):
        try:
            return await db(read, request)
        except StillWorking:
            await asyncio.sleep(PAUSE_S)
    return await db(read, request)


@dataclass(frozen=True)
class Answered:
    """A reader of the rest of a run, and the part that its client has had."""

    reader: Reader
    seen: Sequence[Logged]
    decided: frozenset[str]  # calls, those of this request among them
    request: dict[str, Any]  # what the door knows of the request that answers

    def encoder(self, make: Callable[[RunInfo, frozenset[str]], Encoder]) -> Encoder:
        """An encoder that has said what was seen, and goes on behind it."""
        info = replace(self.reader.info, request={**self.reader.info.request, **self.request})
        encoder = make(info, self.decided)
        for each in self.seen:
            encoder.encode(each.attempt, each.seq, each.event)
        encoder.is_over = False
        return encoder


def answered(
    request: HttpRequest, user: User, chat: Chat | None, answers: Sequence[Answer], about: dict[str, Any]
) -> Answered | None:
    """Decide what still waits of these calls, and read on from there; None where they are of no run that is open, nor
    of one that an earlier request with this Idempotency-Key has answered.

    What somebody decided meanwhile stays as they did. Raises what `resolve_approval` does, and StillWorking.
    """
    run = _run_of(chat, answers) or _run_before(request, user, chat, answers)
    if run is None:
        return None
    _, reader = starting.start_by(request, user, lambda: _decided(user, run, answers))
    entries = stored(run.pk)
    seen = _before({each.call for each in answers}, entries)
    after = Cursor(run.pk, seen[-1].attempt, seen[-1].seq)
    return Answered(replace(reader, after=after), seen, decided_in(entries), about)


def decided_in(entries: Sequence[Logged]) -> frozenset[str]:
    """The calls that somebody has decided on in this part of a log."""
    return frozenset(each.event.call for each in entries if isinstance(each.event, ev.ApprovalResolved))


def _run_of(chat: Chat | None, answers: Sequence[Answer]) -> Run | None:
    """The chat's open run that has asked for one of these calls."""
    if chat is None or not answers:
        return None
    calls = {each.call for each in answers}
    run = chat.runs.answers().filter(status__in=OPEN).select_related("chat").order_by("position").first()
    asked = (each.event for each in stored(run.pk)) if run else ()
    is_its = any(isinstance(each, ev.ApprovalRequested) and each.call in calls for each in asked)
    return run if is_its else None


def _run_before(request: HttpRequest, user: User, chat: Chat | None, answers: Sequence[Answer]) -> Run | None:
    """The run that this very request has answered before, while its log still says so: it may have ended since."""
    if chat is None or not answers or (known := starting.run_before(request, user)) is None:
        return None
    run = chat.runs.answers().filter(pk=known).select_related("chat").first()
    decided = decided_in(stored(run.pk)) if run else frozenset()
    return run if any(each.call in decided for each in answers) else None


def _decided(user: User, run: Run, answers: Sequence[Answer]) -> Run:
    asked = fold(each.event for each in stored(run.pk)).open_approvals
    still = [each for each in answers if each.call in asked]
    if still and not Run.objects.filter(pk=run.pk, status=RunStatus.WAITING).exists():
        raise StillWorking
    for each in still:
        _decide(user, run, each)
    return run


def _decide(user: User, run: Run, answer: Answer) -> None:
    decision = "allow" if answer.is_allowed else "deny"
    try:
        resolve_approval(user=user, run=run, call=answer.call, decision=decision, **answer.more)
    except NotFound:
        pass  # somebody was quicker
    except Conflict as error:
        if error.code != "not_waiting":
            raise


def _before(calls: set[str], entries: Sequence[Logged]) -> Sequence[Logged]:
    """The log up to the first answer to what was asked last of one of these calls: some are asked for again."""
    end, is_open = len(entries), False
    for number, each in enumerate(entries):
        match each.event:
            case ev.ApprovalRequested(call=call) if call in calls:
                is_open = True
            case ev.ApprovalResolved(call=call) if call in calls and is_open:
                end, is_open = number, False
            case _:
                pass
    return entries[:end]

"""The end of a run: its last events, its message, its usage and the claim of the next run, in one transaction. Sync."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import F

from agents import events as ev
from agents.events import AnyEvent, Terminal
from agents.usage import Usage
from chat import budgets, notices, usage_days
from chat.eventlog import Fenced, Logged
from chat.eventlog.rows import insert
from chat.models import Chat, Message, MessageStatus, Run, RunStatus, UsageRecord
from chat.projection import Fold
from chat.runner import lease
from chat.toolcalls import record

STOPPED = "The run ended while this ran. It may or may not have taken effect."


@dataclass(frozen=True)
class Ending:
    """A run that is over, as the process that holds it sees it."""

    run_id: UUID
    attempt: int
    fold: Fold  # closed; holds the terminal
    entries: list[Logged]  # the last events, the terminal one last
    claims_next: bool  # whether this process takes the chat's next run
    expects: RunStatus = RunStatus.RUNNING


def last_events(fold: Fold, message_id: UUID, end: Callable[[Usage], Terminal]) -> list[AnyEvent]:
    """Close what is open in the fold, and end it: the events of that, the terminal one last."""
    now = time.time()
    events: list[AnyEvent] = [
        ev.ToolFailed(at=now, agent=each.agent, call=each.call, name=each.name, error=STOPPED, outcome="unknown")
        for each in fold.open_calls.values()
    ]
    events += [
        ev.AgentReturned(at=now, agent=each.agent, call=each.call, name=each.name) for each in fold.open_agents.values()
    ]
    for event in events:
        fold.apply(event)
    fold.close()
    terminal = end(fold.usage)
    fold.apply(terminal)
    return [*events, ev.MessageSaved(at=now, message=str(message_id)), terminal]


def store_ending(ending: Ending) -> tuple[UUID, int] | None:
    """Write it all, or nothing. Gives the chat's next run, claimed, if there is one and it was wanted.

    Raises Fenced where the run is not this attempt's any more.
    """
    with transaction.atomic():
        run = _locked(ending)
        insert(run.id, ending.entries).save(force_insert=True)
        record(run.id, [each.event for each in ending.entries])
        usage = ending.fold.usage
        _save_message(run, ending.fold, usage)
        _save_usage(run, ending.fold)
        _save_run(run, ending.fold, usage)
        _add_to_chat(run.chat, usage)
        usage_days.add(run, ending.fold)
        if run.reserved_tokens:
            budgets.settle(run, usage.total_tokens)
        notices.tell(run.chat_id, changed=[run.message_id], run=run.id)
        return lease.claim_next(run.chat_id) if ending.claims_next else None


def _locked(ending: Ending) -> Run:
    """The run, its chat locked before it: everybody locks in this order."""
    chat = Chat.objects.select_for_update(of=("self",)).filter(runs=ending.run_id).first()
    mine = Run.objects.select_for_update().filter(pk=ending.run_id, attempt=ending.attempt, status=ending.expects)
    run = mine.first()
    if chat is None or run is None:
        raise Fenced
    run.chat = chat
    return run


STATUSES: dict[type[AnyEvent], tuple[RunStatus, MessageStatus]] = {
    ev.RunCompleted: (RunStatus.SUCCEEDED, MessageStatus.COMPLETED),
    ev.RunFailed: (RunStatus.FAILED, MessageStatus.FAILED),
    ev.RunCancelled: (RunStatus.CANCELLED, MessageStatus.CANCELLED),
}


def _save_message(run: Run, fold: Fold, usage: Usage) -> None:
    terminal = fold.terminal
    assert terminal is not None
    failed = terminal if isinstance(terminal, ev.RunFailed) else None
    error = {"code": failed.code, "message": failed.message, "retryable": failed.retryable} if failed else None
    Message.objects.filter(pk=run.message_id).update(
        content=fold.content,
        parts=fold.parts,
        status=STATUSES[type(terminal)][1],
        model=run.model,
        usage=msgspec.to_builtins(usage),
        error=error,
        updated_at=_time(terminal.at),
    )


def _save_usage(run: Run, fold: Fold) -> None:
    UsageRecord.objects.bulk_create(
        UsageRecord(
            run=run,
            organization_id=run.chat.organization_id,
            project_id=run.chat.project_id,
            user_id=run.user_id,
            agent=each.agent[:300],
            turn=each.turn,
            attempt=each.attempt,
            model=each.model,
            input_tokens=each.usage.input_tokens,
            cached_tokens=each.usage.cached_tokens,
            output_tokens=each.usage.output_tokens,
            reasoning_tokens=each.usage.reasoning_tokens,
            status=each.usage.status,
        )
        for each in fold.usages
    )


def _save_run(run: Run, fold: Fold, usage: Usage) -> None:
    terminal = fold.terminal
    assert terminal is not None
    run.status = STATUSES[type(terminal)][0]
    run.owner, run.lease_expires_at = None, None
    run.ended_at = _time(terminal.at)
    run.turns, run.retries = fold.turns, fold.retries
    if fold.first_token_at:
        run.first_token_ms = max(0, int((fold.first_token_at - fold.started_at) * 1000))
    match terminal:
        case ev.RunCompleted(reason=reason) | ev.RunCancelled(reason=reason):
            run.end_reason = reason[:40]
        case ev.RunFailed(code=code, message=message):
            run.error_code, run.error_message = code, message
    run.input_tokens, run.cached_tokens = usage.input_tokens, usage.cached_tokens
    run.output_tokens, run.reasoning_tokens = usage.output_tokens, usage.reasoning_tokens
    run.usage_status = usage.status
    run.save()


def _add_to_chat(chat: Chat, usage: Usage) -> None:
    Chat.objects.filter(pk=chat.pk).update(
        input_tokens=F("input_tokens") + usage.input_tokens,
        cached_tokens=F("cached_tokens") + usage.cached_tokens,
        output_tokens=F("output_tokens") + usage.output_tokens,
        reasoning_tokens=F("reasoning_tokens") + usage.reasoning_tokens,
        last_activity_at=lease.db_now(),
    )


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)

"""The end of a run: its last events, its message, its usage and the claim of the next run, in one transaction. Sync."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import F

from accounts.db.writes import Changes, Insert, Update
from agents import events as ev
from agents.events import AnyEvent, Terminal
from agents.usage import Usage
from chat.bus import notices
from chat.eventlog import Fenced, Logged, rows, statements
from chat.eventlog.projection import Fold
from chat.eventlog.tool_rows import record
from chat.metering import budgets, usage_days
from chat.models import Chat, Message, MessageStatus, Run, RunStatus, UsageRecord
from chat.models.facts import RunFacts
from chat.runner import lease

STOPPED = "The run ended while this ran. It may or may not have taken effect."


@dataclass(frozen=True)
class Ending:
    """A run that is over, as the process that holds it sees it."""

    run: RunFacts
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
    run, usage = ending.run, ending.fold.usage
    with transaction.atomic():
        # The chat before its run: everybody locks in this order.
        if not (_add_to_chat(run.chat_id, usage) and _end_run(ending, usage)):
            raise Fenced
        statements.insert([rows.row(run.id, ending.entries)])
        record(run.id, [each.event for each in ending.entries])
        _save_message(run, ending.fold, usage)
        _save_usage(run, ending.fold)
        usage_days.add(run, ending.fold)
        if run.reserved_tokens:
            budgets.settle(run.organization_id, usage.total_tokens)
        notices.tell(run.chat_id, changed=[run.message_id], run=run.id)
        return lease.claim_next(run.chat_id) if ending.claims_next else None


STATUSES: dict[type[AnyEvent], tuple[RunStatus, MessageStatus]] = {
    ev.RunCompleted: (RunStatus.SUCCEEDED, MessageStatus.COMPLETED),
    ev.RunFailed: (RunStatus.FAILED, MessageStatus.FAILED),
    ev.RunCancelled: (RunStatus.CANCELLED, MessageStatus.CANCELLED),
}


def _save_message(run: RunFacts, fold: Fold, usage: Usage) -> None:
    terminal = fold.terminal
    assert terminal is not None
    failed = terminal if isinstance(terminal, ev.RunFailed) else None
    error = {"code": failed.code, "message": failed.message, "retryable": failed.retryable} if failed else None
    status = STATUSES[type(terminal)][1].value
    told = msgspec.to_builtins(usage)
    _answer(run.message_id, fold.content, fold.parts, status, run.model, told, error, _time(terminal.at))


_answer = Update(
    lambda id, content, parts, status, model, usage, error, at: (
        Message.objects.filter(pk=id),
        {
            "content": content,
            "parts": parts,
            "status": status,
            "model": model,
            "usage": usage,
            "error": error,
            "updated_at": at,
        },
    ),
    *(UUID, str, dict, str, str, dict, dict, datetime),
)


def _save_usage(run: RunFacts, fold: Fold) -> None:
    records = [
        UsageRecord(
            run_id=run.id,
            organization_id=run.organization_id,
            project_id=run.project_id,
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
    ]
    if records:
        _add_records(records)


_add_records = Insert(UsageRecord)


def _end_run(ending: Ending, usage: Usage) -> bool:
    """Set the run's row, if it is still that attempt's: one conditional UPDATE."""
    fold, terminal = ending.fold, ending.fold.terminal
    assert terminal is not None
    first_ms = max(0, int((fold.first_token_at - fold.started_at) * 1000)) if fold.first_token_at else None
    status, at = STATUSES[type(terminal)][0].value, _time(terminal.at)
    counts = (fold.turns, fold.retries, first_ms)
    mine = (ending.run.id, ending.attempt, ending.expects.value)
    return bool(_over(*mine, status, at, *counts, usage.status, *_why(terminal), *_tokens(usage)))


def _over_rows(
    id: UUID,
    attempt: int,
    expects: str,
    status: str,
    at: datetime,
    turns: int,
    retries: int,
    first_ms: int,
    usage_status: str,
    reason: str,
    code: str,
    message: str,
    *tokens: int,
) -> Changes:
    return Run.objects.filter(pk=id, attempt=attempt, status=expects), {
        "status": status,
        "owner": None,
        "lease_expires_at": None,
        "ended_at": at,
        "turns": turns,
        "retries": retries,
        "first_token_ms": first_ms,
        "usage_status": usage_status,
        "end_reason": reason,
        "error_code": code,
        "error_message": message,
        **dict(zip(usage_days.TOKENS, tokens, strict=True)),
    }


_over = Update(
    _over_rows, UUID, int, str, str, datetime, int, int, int, str, str, str, str, *(int for _ in usage_days.TOKENS)
)


def _why(terminal: Terminal) -> tuple[str, str, str]:
    """The reason of an end, or the code and the message of a failure."""
    match terminal:
        case ev.RunFailed(code=code, message=message):
            return "", code, message
        case ev.RunCompleted(reason=reason) | ev.RunCancelled(reason=reason):
            return reason[:40], "", ""


def _tokens(usage: Usage) -> list[int]:
    return [getattr(usage, name) for name in usage_days.TOKENS]


def _add_to_chat(chat_id: UUID, usage: Usage) -> bool:
    """Count the run's tokens, which locks the chat to the end of the transaction. False where it is gone."""
    return bool(_count(chat_id, *_tokens(usage)))


_count = Update(
    lambda id, *tokens: (
        Chat.objects.filter(pk=id),
        {"last_activity_at": lease.db_now()}
        | {name: F(name) + more for name, more in zip(usage_days.TOKENS, tokens, strict=True)},
    ),
    *(UUID, *(int for _ in usage_days.TOKENS)),
)


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)

"""The end of a run: its last events, what it has come to, its usage and the claim of what follows, in one transaction.

Sync.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from msgspec import structs

from accounts.db.writes import Changes, Insert, Update
from agents import events as ev
from agents.events import AnyEvent, Terminal
from agents.usage import Usage
from chat.eventlog import Fenced, Logged, rows, statements
from chat.eventlog.projection import Fold
from chat.eventlog.tool_rows import record
from chat.metering import budgets, run_counts, usage_days
from chat.metering.amounts import Amount
from chat.metering.costs import Spent, spent
from chat.metering.purposes import purpose_of
from chat.models import ANSWER, Chat, Run, RunStatus, UsageRecord
from chat.models.facts import RunFacts
from chat.runner import capacity, jobs, lease, older, pictures, workflows
from chat.runner.kinds import DRIVERS, title
from chat.runner.lease import Claimed
from chat.sent import keeping
from chat.sent.waiting import Waiting
from chat.webhooks import telling

COUNTED = (*usage_days.TOKENS, *usage_days.MONEY)  # of a run
IN_CHATS = (*COUNTED, "estimated_tokens")
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
    read_from: UUID | None = None  # see chat.models.Run, as of the next
    provider_error: dict[str, Any] | None = None
    move: workflows.Move | None = None  # what a workflow's step has come to
    sent: Sequence[Waiting] = ()  # what went to models and is not stored yet
    unreadable: tuple[str, ...] = ()  # pictures that the provider could not read, as chat.runner.history names them


def last_events(
    fold: Fold, message_id: UUID | None, end: Callable[[Usage], Terminal], *, is_refused: bool = False
) -> list[AnyEvent]:
    """Close what is open in the fold, and end it: the events of that, the terminal one last.

    `is_refused`: the provider took no request of the last turn.
    """
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
    fold.close(is_refused=is_refused, at=now)
    terminal = end(fold.usage)
    fold.apply(terminal)
    saved = [] if message_id is None else [ev.MessageSaved(at=now, message=str(message_id))]
    return [*events, *saved, terminal]


@dataclass(frozen=True)
class Following:
    """What the end of a run has left to do: runs that this process has claimed with it, and such as wait for any."""

    claimed: list[Claimed]
    waiting: list[UUID]
    entries: list[Logged] = field(default_factory=list)  # the run's last events as they are stored


def store_ending(ending: Ending) -> Following:
    """Write it all, or nothing. Gives the chat's next run, or work that has room now, claimed if that was wanted.

    Raises Fenced where the run is not this attempt's any more.
    """
    run, usage, paid = ending.run, ending.fold.usage, spent(ending.fold)
    requests = keeping.rows(ending.sent)
    with transaction.atomic():
        # Everybody locks in the order chat, organization, run, message, budgets.
        if not _hold_place(run, usage, paid) or not _end_run(ending, usage, paid):
            raise Fenced
        entries = _with_cost(_with_moves(ending), paid)
        statements.insert([rows.row(run.id, entries)])
        record(run.id, [each.event for each in entries])
        keeping.store(requests)
        if run.kind in DRIVERS:  # else it is of another version's kind, and was stopped before it began
            DRIVERS[run.kind].end(run, ending.fold)
        if ending.unreadable:
            pictures.mark_unreadable(run, ending.unreadable)
        if ending.fold.unseen:
            pictures.mark_unseen(run, ending.fold.unseen)
        following = _after_work(ending) if run.kind != ANSWER else _after_answer(ending)
        day = usage_days.day_of(run, ending.fold)
        _save_usage(run, paid, day)
        usage_days.add(run, ending.fold, paid, day)
        if run.reserved_tokens:
            assert ending.fold.terminal is not None
            budgets.settle(run, Amount(usage.total_tokens, paid.nanos), _time(ending.fold.terminal.at))
        following = following if run.kind != ANSWER else _begin_what_follows(ending, following)
        if run.kind not in capacity.BRIEF:
            telling.run_ended(run, ending.fold)
        transaction.on_commit(partial(_is_over, run, ending.fold, paid))
        return replace(following, entries=entries)


def _is_over(run: RunFacts, fold: Fold, paid: Spent) -> None:
    """The end is stored: tell whoever counts."""
    run_counts.ended(run, fold, paid)
    for hear in WHEN_OVER:
        hear(run.id)


def _with_moves(ending: Ending) -> list[Logged]:
    """The last events; before the terminal one, where the workflow goes of which the run was a step."""
    terminal = ending.fold.terminal
    assert terminal is not None
    told = workflows.after_end(ending.run, terminal, ending.move)
    if not told:
        return ending.entries
    *before, last = ending.entries
    return [*before, *(Logged(last.attempt, seq, each) for seq, each in enumerate([*told, last.event], last.seq))]


def _with_cost(entries: list[Logged], paid: Spent) -> list[Logged]:
    """The terminal event says what the run cost; not while processes are up that could not read that."""
    *before, last = entries
    if not isinstance(last.event, Terminal) or older.are_up():
        return entries
    return [*before, Logged(last.attempt, last.seq, structs.replace(last.event, cost=paid.told))]


def _hold_place(run: RunFacts, usage: Usage, paid: Spent) -> bool:
    """Lock where the run works, and count its tokens in its chat. False where the chat is gone."""
    if run.chat_id is not None and not _add_to_chat(run, usage, paid):
        return False
    if run.kind != ANSWER and run.kind not in capacity.BRIEF:
        capacity.lock(run.organization_id)
    return True


def _after_answer(ending: Ending) -> Following:
    """The chat's next answer."""
    assert ending.run.chat_id is not None
    following = lease.claim_next(ending.run.chat_id) if ending.claims_next else None
    return Following([following] if following else [], [])


def _begin_what_follows(ending: Ending, following: Following) -> Following:
    """With what an answer's end begins; last, since it may take from the budget."""
    begun = [work for begin in AT_END if (work := begin(ending.run, ending.fold, ending.claims_next)) is not None]
    claimed = [claim for _, claim in begun if claim is not None]
    waiting = [work.pk for work, claim in begun if claim is None]
    return Following([*following.claimed, *claimed], [*following.waiting, *waiting])


def _after_work(ending: Ending) -> Following:
    """What has room now. Brief work has taken none, and no message waits for it."""
    run = ending.run
    if run.kind in capacity.BRIEF:
        return Following([], [])
    jobs.changed(run.id)
    return Following(capacity.claim_waiting(run.organization_id, list(DRIVERS)) if ending.claims_next else [], [])


WHEN_OVER: list[Callable[[UUID], None]] = []  # what hears of a run whose end is stored; it does its work later
# What begins when an answer has ended, in its transaction: given the run, its fold, and whether to claim for here.
AT_END: list[Callable[[RunFacts, Fold, bool], tuple[Run, Claimed | None] | None]] = [title.after_answer]

STATUSES: dict[type[AnyEvent], RunStatus] = {
    ev.RunCompleted: RunStatus.SUCCEEDED,
    ev.RunFailed: RunStatus.FAILED,
    ev.RunCancelled: RunStatus.CANCELLED,
}


def _save_usage(run: RunFacts, paid: Spent, day: date) -> None:
    if records := records_of(run, paid, day):
        _add_records(records)


def records_of(run: RunFacts, paid: Spent, day: date) -> list[UsageRecord]:
    """What each turn of the run used, not saved."""
    return [
        UsageRecord(
            run_id=run.id,
            organization_id=run.organization_id,
            project_id=run.project_id,
            user_id=run.user_id,
            api_key_id=run.api_key_id,
            door=run.door,
            purpose=purpose_of(run.kind, each.agent),
            day=day,
            agent=each.agent[:300],
            turn=each.turn,
            attempt=each.attempt,
            model=each.model,
            input_tokens=each.usage.input_tokens,
            cached_tokens=each.usage.cached_tokens,
            output_tokens=each.usage.output_tokens,
            reasoning_tokens=each.usage.reasoning_tokens,
            cache_write_tokens=each.usage.written_tokens,
            cost_nanos=cost.nanos,
            currency=cost.currency,
            price_id=cost.price,
            from_cache=each.from_cache,
            status=each.usage.status,
        )
        for each, cost in paid.turns
    ]


_add_records = Insert(UsageRecord)


def _end_run(ending: Ending, usage: Usage, paid: Spent) -> bool:
    """Set the run's row, if it is still that attempt's: one conditional UPDATE."""
    fold, terminal = ending.fold, ending.fold.terminal
    assert terminal is not None
    first_ms = max(0, int((fold.first_token_at - fold.started_at) * 1000)) if fold.first_token_at else None
    status, at = STATUSES[type(terminal)].value, _time(terminal.at)
    counts = (fold.turns, fold.retries, first_ms)
    mine = (ending.run.id, ending.attempt, ending.expects.value)
    learned = (ending.provider_error, ending.read_from)
    return bool(
        _over(*mine, status, at, *counts, usage.status, *_why(terminal), *learned, *_tokens(usage), *_money(paid))
    )


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
    provider_error: dict[str, Any] | None,
    read_from: UUID | None,
    *counts: int,
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
        "provider_error": provider_error,
        "read_from": read_from,
        **dict(zip(COUNTED, counts, strict=True)),
    }


_over = Update(
    _over_rows,
    *(UUID, int, str, str, datetime, int, int, int, str, str, str, str, dict, UUID),
    *(int for _ in COUNTED),
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


def _money(paid: Spent) -> list[int]:
    return [paid.nanos, paid.priced_tokens]


def _add_to_chat(run: RunFacts, usage: Usage, paid: Spent) -> bool:
    """Count the run's tokens and their cost, which locks the chat to the end of the transaction. False: it is gone."""
    count = _count_active if run.kind == ANSWER else _count  # what is done to a chat by itself is no activity in it
    return bool(count(run.chat_id, *_tokens(usage), *_money(paid), paid.estimated_tokens))


def _counted(id: UUID, *counts: int) -> Changes:
    more = {name: F(name) + count for name, count in zip(IN_CHATS, counts, strict=True)}
    return Chat.objects.filter(pk=id), more


def _counted_active(id: UUID, *counts: int) -> Changes:
    rows, more = _counted(id, *counts)
    return rows, {"last_activity_at": lease.db_now()} | more


_count = Update(_counted, UUID, *(int for _ in IN_CHATS))
_count_active = Update(_counted_active, UUID, *(int for _ in IN_CHATS))


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)

"""Waiting for a person: no lease and no task, only rows. Sync.

Deciding is one compare-and-set under the chat's lock; once nothing is open the run is queued, first in its chat.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.audit.models import ActorKind
from agents import events as ev
from agents.events import AnyEvent
from chat.eventlog import Fenced, Logged, stored
from chat.eventlog.projection import Fold, fold
from chat.eventlog.rows import insert
from chat.models import Chat, Run, RunStatus
from chat.models.facts import RunFacts, facts_of
from chat.runner.lease import Claimed, claim_next, claim_queued
from chat.webhooks import telling

Decision = Literal["allowed", "denied"]
Scope = Literal["once", "chat"]
Input = dict[str, dict[str, Any]]  # by the key of each form


@transaction.atomic
def store_asking(run: RunFacts, attempt: int, asked: Mapping[str, ev.ApprovalRequested]) -> None:
    """Let go of a run that waits for decisions on these calls, and tell webhooks of it. Raises Fenced."""
    store_waiting(run.id, attempt, min(each.expires_at for each in asked.values()))
    telling.approval_requested(run, sorted(asked))


def store_waiting(run_id: UUID, attempt: int, until: float) -> None:
    """Let go of a run that waits for approvals, the first of which expires at `until`. Raises Fenced."""
    mine = Run.objects.filter(pk=run_id, attempt=attempt, status=RunStatus.RUNNING, cancel_requested_at__isnull=True)
    count = mine.update(
        status=RunStatus.WAITING, owner=None, lease_expires_at=None, waits_until=datetime.fromtimestamp(until, UTC)
    )
    if not count:
        raise Fenced


def open_approvals(run: Run) -> dict[str, ev.ApprovalRequested]:
    """The calls of the run that wait for a decision, by id."""
    return _folded(run).open_approvals


def decide(
    run: Run,
    calls: dict[str, Decision],
    *,
    by: str,
    reason: str,
    claims: bool,
    scope: Scope = "once",
    input: Input | None = None,
) -> Claimed | None:
    """Store decisions on open calls of a waiting run whose chat is locked, if it has one.

    `input` is what was answered to the forms of a call that is decided on alone.
    Gives the run, claimed for this process, where nothing is open any more and `claims` says so.
    """
    entries = stored(run.pk)
    asked = fold(each.event for each in entries).open_approvals
    decided: list[AnyEvent] = [
        ev.ApprovalResolved(
            at=time.time(), agent=asked[call].agent, call=call, name=asked[call].name, decision=decision, by=by,
            reason=reason, scope=scope, input=input or {},
        )
        for call, decision in calls.items()
    ]  # fmt: skip
    first = entries[-1].seq + 1
    insert(run.pk, [Logged(run.attempt, seq, event) for seq, event in enumerate(decided, first)]).save()
    for call, decision in calls.items():
        _note(run, asked[call], decision, by, scope)
    if set(asked) - set(calls):
        return None
    Run.objects.filter(pk=run.pk, status=RunStatus.WAITING).update(status=RunStatus.QUEUED, waits_until=None)
    return _claim(run) if claims else None


def _note(run: Run, asked: ev.ApprovalRequested, decision: Decision, by: str, scope: Scope) -> None:
    """Tell the audit log who decided so; by themselves calls are denied that nobody decided on in time."""
    audit.record(
        f"approval.{decision}", actor=audit.Actor(ActorKind.PERSON, UUID(by)) if by else audit.SYSTEM,
        organization_id=facts_of(run).organization_id, object_type="run", object_id=run.pk,
        detail={"call": asked.call, "tool": asked.name, **({"scope": scope} if decision == "allowed" else {})},
    )  # fmt: skip


def _claim(run: Run) -> Claimed | None:
    """The run, which is first in its chat; or, of no chat or answering nothing, this very run."""
    if run.is_answer and run.chat_id is not None:
        return claim_next(run.chat_id)
    return (run.pk, run.attempt + 1) if claim_queued(run.pk) else None


def expire() -> list[UUID]:
    """Deny what nobody decided in time; the runs whose logs grew."""
    due = Run.objects.filter(status=RunStatus.WAITING, waits_until__lt=timezone.now())
    return [run_id for run_id, chat_id in due.values_list("pk", "chat_id")[:50] if _expire(run_id, chat_id)]


@transaction.atomic
def _expire(run_id: UUID, chat_id: UUID | None) -> bool:
    if chat_id is not None:
        Chat.objects.select_for_update().filter(pk=chat_id).first()
    run = Run.objects.filter(pk=run_id, status=RunStatus.WAITING, waits_until__lt=timezone.now()).first()
    if run is None:
        return False
    denied: dict[str, Decision] = dict.fromkeys(open_approvals(run), "denied")
    decide(run, denied, by="", reason="Nobody decided in time.", claims=False)
    return True


def _folded(run: Run) -> Fold:
    return fold(each.event for each in stored(run.pk))

"""Allowing or denying a tool call that waits for a person."""

from typing import Any

from django.db import transaction

from accounts.errors import Conflict, NotFound, refuse
from accounts.models import User
from accounts.permissions import require
from chat.access import permissions_over
from chat.models import Run, RunStatus
from chat.runner import runner
from chat.runner.waiting import Decision, decide, open_approvals
from chat.services import rules
from chat.services.messages import lock_chat

DECISIONS: dict[str, Decision] = {"allow": "allowed", "deny": "denied"}
REASON_MAX_CHARS = 500


@transaction.atomic
def resolve_approval(*, user: User, run: Run, call: str, decision: Any, reason: Any = "") -> Run:
    """Decide on one call; the run goes on once nothing waits any more. Needs write where it works.

    Raises NotFound for a call that does not wait, Conflict when the run does not.
    """
    require(permissions_over(user, run), "write")
    if not isinstance(decision, str) or decision not in DECISIONS:
        raise refuse("decision", f"Expected one of: {', '.join(DECISIONS)}.")
    if not isinstance(reason, str) or len(reason) > REASON_MAX_CHARS:
        raise refuse("reason", f"Expected a text of at most {REASON_MAX_CHARS} characters.")
    if run.chat is not None:
        lock_chat(run.chat)
    run = Run.objects.select_for_update(of=("self",)).select_related("chat").get(pk=run.pk)
    if run.status != RunStatus.WAITING:
        raise Conflict("The run does not wait for a decision.", code="not_waiting")
    if call not in open_approvals(run):
        raise NotFound
    text = rules.check_storable(reason, "reason")
    claims = runner.owner_here() is not None
    claimed = decide(run, {call: DECISIONS[decision]}, by=str(user.pk), reason=text, claims=claims)
    transaction.on_commit(lambda: runner.grew(run.pk))
    transaction.on_commit(lambda: runner.wake(run.pk, claimed[1] if claimed else None))
    run.refresh_from_db()
    return run

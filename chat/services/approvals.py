"""Allowing or denying a tool call that waits for a person, once or for a while; answering what one asks for."""

import json
import logging
from typing import Any

from django.db import transaction

from accounts.errors import Conflict, Invalid, NotAllowed, NotFound, refuse
from accounts.models import User
from accounts.permissions import SAYING, require
from agents.events import ApprovalRequested
from agents.loop.judging import digest_asked
from chat.access import permissions_over
from chat.models import Run, RunStatus
from chat.runner import older, runner
from chat.runner.judging import GRANTABLE
from chat.runner.waiting import Decision, Input, Scope, decide, open_approvals
from chat.services import grants, rules
from chat.services.asked_tools import as_now, forms_of
from chat.services.messages import lock_chat
from tools.cleaning import clean_json
from tools.forms import faults_in

log = logging.getLogger(__name__)

DECISIONS: dict[str, Decision] = {"allow": "allowed", "deny": "denied"}
SCOPES = ("once", "chat")
REASON_MAX_CHARS = 500
DIGEST_MAX_CHARS = 64
INPUT_MAX_BYTES = 16_000  # of JSON, UTF-8: what one answers to a call's forms
ONLY_THEIRS = "This call is made with the rights of whoever the run works for: only they may allow it. You may deny it."
NOT_BY_KEY = "Only a person may answer this: by their own sign-in or token, not by an API key and not as a guest."
CHANGED = "This is not the call that was shown: its arguments have another digest. Look at it again."
TOO_WEAK = "To allow this call one needs the permission to {needs} here, as the tool does. You may deny it."


@transaction.atomic
def resolve_approval(
    *,
    user: User,
    run: Run,
    call: str,
    decision: Any,
    reason: Any = "",
    scope: Any = "once",
    digest: Any = None,
    input: Any = None,
) -> Run:
    """Decide on one call; the run goes on once nothing waits any more. Needs write where it works, of a person.

    Allowing needs what the tool needs, too; what is made with the rights of the run's person only they may allow. With
    `scope` "chat" later calls of the tool in the chat are not asked for, for a while, and those of this run that wait
    are allowed as well. `digest` is that of the call as it was shown. A call with forms is allowed by `input`, what is
    answered to each. Raises NotFound for a call that does not wait, Conflict when the run does not or for another
    digest, NotAllowed, Invalid.
    """
    require(permissions_over(user, run), "write")
    _check(decision, reason, scope, digest)
    text = rules.check_storable(reason, "reason")
    if user.key is not None or user.is_guest:
        raise NotAllowed(NOT_BY_KEY, code="not_by_key")
    run = _locked(run)
    waiting = open_approvals(run)
    asked = waiting.get(call)
    if asked is None:
        raise NotFound
    if digest is not None and digest != digest_asked(asked):
        raise Conflict(CHANGED, code="changed", fields={"digest": [CHANGED]})
    is_for_chat = decision == "allow" and scope == "chat"
    if decision == "allow":
        _require_to_allow(user, run, asked)
    given = _input(asked, decision, scope, input)
    calls = [call]
    if is_for_chat:
        grants.give(user=user, run=run, tool=asked.name, risk=as_now(run, asked).risk)
        calls += [id for id, other in waiting.items() if id != call and _is_granted_too(user, run, asked, other)]
    told: Scope = "chat" if is_for_chat and not older.are_up() else "once"
    claims = runner.owner_here() is not None
    decisions = dict.fromkeys(calls, DECISIONS[decision])
    claimed = decide(run, decisions, by=str(user.pk), reason=text, claims=claims, scope=told, input=given)
    for each in calls:
        log.info("call %s of %s in run %s: %s by %s, %s", each, asked.name, run.pk, decision, user.pk, scope)
    transaction.on_commit(lambda: runner.grew(run.pk))
    transaction.on_commit(lambda: runner.wake(run.pk, claimed[1] if claimed else None))
    run.refresh_from_db()
    return run


def _check(decision: Any, reason: Any, scope: Any, digest: Any) -> None:
    if not isinstance(decision, str) or decision not in DECISIONS:
        raise refuse("decision", f"Expected one of: {', '.join(DECISIONS)}.")
    if not isinstance(reason, str) or len(reason) > REASON_MAX_CHARS:
        raise refuse("reason", f"Expected a text of at most {REASON_MAX_CHARS} characters.")
    if scope not in SCOPES:
        raise refuse("scope", f"Expected one of: {', '.join(SCOPES)}.")
    if scope == "chat" and decision != "allow":
        raise refuse("scope", "Expected once: a denial holds for this very call.")
    if digest is not None and (not isinstance(digest, str) or len(digest) > DIGEST_MAX_CHARS):
        raise refuse("digest", "Expected the digest of the approval.requested event, or none.")


def _input(asked: ApprovalRequested, decision: str, scope: str, input: Any) -> Input | None:
    """What is answered to the call's forms; None where it has none, or it is denied. Raises Invalid."""
    if input is not None and (decision != "allow" or not asked.forms):
        raise refuse("input", "Expected none: a denial has none, and neither has a call that asks for nothing.")
    if decision != "allow" or not asked.forms:
        return None
    if scope != "once":
        raise refuse("scope", "Expected once: what is answered holds for this very call.")
    answers = clean_json(input)
    if len(json.dumps(answers, ensure_ascii=False).encode()) > INPUT_MAX_BYTES:
        raise refuse("input", f"Expected at most {INPUT_MAX_BYTES:,} bytes of JSON.")
    if faults := dict(faults_in(forms_of(asked), answers)):
        raise Invalid(" ".join(map(": ".join, faults.items())), fields={name: [each] for name, each in faults.items()})
    return {each.key: answers.get(each.key, {}) for each in asked.forms}


def _locked(run: Run) -> Run:
    """The run as it is under its chat's lock. Raises Conflict where it does not wait."""
    if run.chat is not None:
        lock_chat(run.chat)
    run = Run.objects.select_for_update(of=("self",)).select_related("chat").get(pk=run.pk)
    if run.status != RunStatus.WAITING:
        raise Conflict("The run does not wait for a decision.", code="not_waiting")
    return run


def _require_to_allow(user: User, run: Run, asked: ApprovalRequested) -> None:
    needs = as_now(run, asked)
    if needs.as_person and run.user_id != user.pk:
        raise NotAllowed(ONLY_THEIRS, code="only_theirs")
    if needs.permission not in permissions_over(user, run):
        raise NotAllowed(TOO_WEAK.format(needs=SAYING[needs.permission]), code="tool_needs_more")


def _is_granted_too(user: User, run: Run, asked: ApprovalRequested, other: ApprovalRequested) -> bool:
    """Whether another call that waits is one of the tool that the user has just allowed in the chat, and may allow."""
    if other.name != asked.name or other.forms or as_now(run, other).risk not in GRANTABLE:
        return False
    try:
        _require_to_allow(user, run, other)
    except NotAllowed:
        return False
    return True

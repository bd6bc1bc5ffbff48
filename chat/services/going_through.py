"""Chats that go through a workflow: beginning, deciding, cancelling, and the runs that nobody asks for. Sync.

Where a run is a step, and where its end leads, says chat.runner.workflows.
"""

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.errors import Conflict, NotAllowed, NotFound, RequestError, Unavailable, refuse
from accounts.models import User
from accounts.permissions import require
from agents import events as ev
from agents.options import AtStep
from agents.workflows.definition import Step
from agents.workflows.moving import decided
from chat.access import permissions_on
from chat.bus import notices
from chat.eventlog.projection import Fold
from chat.models import Chat, Run, Workflow, WorkflowRun, WorkflowVersion
from chat.models.facts import RunFacts
from chat.runner import older, workflows
from chat.runner.lease import Claimed
from chat.runner.workflows import Move
from chat.services.approvals import DECISIONS, NOT_BY_KEY
from chat.services.messages import lock_chat
from chat.services.runs import start_by_itself

log = logging.getLogger(__name__)

NOT_NOW = "A process of another version is still up that knows no workflows. Try again soon."


def begin_chosen(chat: Chat, user: User, workflow: UUID) -> None:
    """Send a new chat through a workflow of its place. Raises Invalid where none of it is published there."""
    chosen = Workflow.objects.visible_to(user).usable_in(chat.organization_id, chat.project_id).filter(pk=workflow)
    version = WorkflowVersion.objects.published().filter(workflow__in=chosen).order_by("-number").first()
    if version is None:
        raise refuse("workflow", "Expected a workflow of the chat's project or organization that is published.")
    if older.are_up():
        raise Unavailable(NOT_NOW)
    _begin(chat, version)


def begin_default(chat: Chat) -> None:
    """Send a new chat through what is the default of its project, else of its organization."""
    usable = Workflow.objects.usable_in(chat.organization_id, chat.project_id).filter(is_default=True)
    versions = WorkflowVersion.objects.published().filter(workflow__in=usable)
    version = versions.order_by(F("workflow__project").asc(nulls_last=True), "-number").first()
    if version is not None and not older.are_up():
        _begin(chat, version)


def _begin(chat: Chat, version: WorkflowVersion) -> None:
    row = WorkflowRun(chat=chat, version=version)
    first = workflows.definition_of(row).steps[0]
    row.step, row.status = first.id, workflows.status_at(first)
    row.save(force_insert=True)
    chat.has_workflow = True
    chat.save(update_fields=["has_workflow"])


def standing(chat: Chat) -> WorkflowRun:
    """Where the chat stands, or stood at the end. Raises NotFound where it has gone through no workflow."""
    rows = WorkflowRun.objects.select_related("version__workflow").filter(chat=chat)
    row = rows.order_by("-created_at", "-id").first()
    if row is None:
        raise NotFound
    return row


@transaction.atomic
def decide(*, user: User, chat: Chat, decision: Any, seq: Any = None) -> WorkflowRun:
    """Allow or deny what the workflow waits for; it goes on by that. Needs write in the chat, of a person.

    `seq`: of the step as it was shown. Raises Conflict where it waits for no decision, or for another one by now.
    """
    require(permissions_on(user, chat), "write")
    if not isinstance(decision, str) or decision not in DECISIONS:
        raise refuse("decision", f"Expected one of: {', '.join(DECISIONS)}.")
    if user.key is not None or user.is_guest:
        raise NotAllowed(NOT_BY_KEY, code="not_by_key")
    lock_chat(chat)
    row = standing(chat)
    definition = workflows.definition_of(row)
    step = definition.step(row.step)
    if step is None or step.kind != "approval" or not row.goes_on:
        raise Conflict("The workflow waits for no decision.", code="not_waiting")
    if seq is not None and seq != row.seq:
        raise Conflict("The workflow is at another step by now. Look at it again.", code="changed")
    answers = {**row.answers, step.id: {"decision": decision, "by": str(user.pk)}}
    to = decided(step, workflows.in_words(answers))
    workflows.move(row, definition, Move(to if isinstance(to, str) else None, answers))
    log.info("workflow %s of chat %s: %s by %s at %s", row.pk, chat.pk, decision, user.pk, step.id)
    _begin_tool(row, user, chat)
    notices.tell(chat.pk, has_changed=True)
    return row


@transaction.atomic
def cancel(*, user: User, chat: Chat) -> WorkflowRun:
    """End the workflow where it stands; the chat goes on without it. Needs write in the chat."""
    require(permissions_on(user, chat), "write")
    lock_chat(chat)
    row = standing(chat)
    if not row.goes_on or not workflows.cancel(row):
        raise Conflict("The workflow is over.", code="workflow_over")
    log.info("workflow %s of chat %s cancelled by %s", row.pk, chat.pk, user.pk)
    notices.tell(chat.pk, has_changed=True)
    return row


def shown(row: WorkflowRun) -> Mapping[str, Any]:
    """Where it stands, in words: never what a model is told at a step."""
    definition = workflows.definition_of(row)
    step = definition.step(row.step)
    at = {"id": row.step, "name": step.name, "kind": step.kind} if step is not None and row.goes_on else None
    place = {"index": definition.index(row.step), "total": len(definition.steps)}
    return {
        "id": str(row.pk),
        "workflow": str(row.version.workflow_id),
        "name": row.version.workflow.name,
        "version": row.version.number,
        "status": row.status,
        "seq": row.seq,
        "step": at and {**at, **place},
        "answers": workflows.in_words(row.answers),
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }


def after_answer(run: RunFacts, fold: Fold, claims: bool) -> tuple[Run, Claimed | None] | None:
    """Begin the tool's step that the workflow is at, where nobody has to ask for it. In the run's last transaction.

    Either the run's end has led there, or a decision has while the run was under way.
    """
    if run.step is None or not workflows.may_follow(fold.terminal):
        return None
    row = WorkflowRun.objects.going_on().select_related("version__workflow").filter(pk=run.step.workflow).first()
    if row is not None and _is_next(row, run.step, fold):
        _begin_tool(row, User.objects.get(pk=run.user_id), Chat.objects.get(pk=row.chat_id))
    return None


def _is_next(row: WorkflowRun, at: AtStep, fold: Fold) -> bool:
    """Whether a tool's step begins by itself behind a run: the first time, and again where that run has called nothing.

    What a call has done, or a person has denied, is not repeated before somebody asks for it.
    """
    step = workflows.definition_of(row).step(row.step)
    if step is None or step.kind != "tool":
        return False
    if at.moves and (at.step, at.seq) == (row.step, row.seq):
        has_called = any(each["type"] in ("tool_call", "tool_result") for each in fold.parts)
        return not has_called and not (isinstance(fold.terminal, ev.RunFailed) and fold.terminal.code == "poison")
    return not workflows.was_tried(row)


def _begin_tool(row: WorkflowRun, user: User, chat: Chat) -> None:
    """Begin a step that is a tool's, on behalf of whose word led to it. Where it cannot be begun, it stays."""
    step = workflows.definition_of(row).step(row.step)
    if step is None or step.kind != "tool" or not row.goes_on:
        return
    try:
        with transaction.atomic():  # whatever fails here fails alone
            start_by_itself(user=user, chat=chat, said=_said(step))
    except RequestError as error:
        log.info("workflow %s: the step %s waits for the next message: %s", row.pk, step.id, error)


def _said(step: Step) -> str:
    """What stands in the chat before the answer."""
    return f"Next step: {step.name}"

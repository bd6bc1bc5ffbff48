"""Work that answers nothing: beginning it by the rights of the person it is for. Sync."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.errors import Conflict, RequestError
from accounts.models import User
from accounts.permissions import Permission, Permissions, permissions_in, require
from chat.access import get_chat, permissions_on
from chat.models import OPEN, Run, RunStatus
from chat.runner import runner
from chat.runner.beginning import WorkOrder, begin_work
from chat.runner.kinds import DRIVERS
from chat.services.messages import lock_chat
from tools.base import ToolContext
from tools.errors import ToolError
from tools.handed_down import Begun


@transaction.atomic
def start_work(*, user: User, kind: str, order: WorkOrder, needs: Permission = "write") -> Run:
    """Begin work of a kind, for a chat or for a project: its run, queued where there is no room for it yet.

    Conflict, naming the run, while another of that kind works on its subject. Raises NotAllowed, TooMany,
    QuotaExceeded.
    """
    require(_permissions(user, order), needs)
    if order.chat is not None:
        lock_chat(order.chat)
    _require_only(kind, order.subject)
    try:
        with transaction.atomic():
            order = replace(order, api_key_id=order.api_key_id or (user.key.pk if user.key else None))
            run, claimed = begin_work(DRIVERS[kind], order, claims=runner.owner_here() is not None)
    except IntegrityError:  # somebody was quicker
        _require_only(kind, order.subject)
        raise
    transaction.on_commit(lambda: runner.wake(run.pk, claimed[1] if claimed else None))
    return run


def begin_for_tool(ctx: ToolContext, kind: str, asked: dict[str, Any]) -> Begun:
    """Work for the chat of a tool call, answered by the model that called; tools.handed_down.begin_work says more."""
    if ctx.chat_id is None:
        raise ToolError("There is no chat here that work could be begun for.")
    try:
        run = _begun_once(ctx, kind, asked)
    except RequestError as error:
        raise ToolError(error.message) from error
    return Begun(run.pk, waits=run.status == RunStatus.QUEUED)


@transaction.atomic
def _begun_once(ctx: ToolContext, kind: str, asked: dict[str, Any]) -> Run:
    """The run that this call has begun already, else one that it begins now: the chat's lock is between the two."""
    assert ctx.chat_id is not None
    user = User.objects.get(pk=ctx.user_id)
    chat = lock_chat(get_chat(user, ctx.chat_id))
    before = Run.objects.filter(parent=ctx.run_id, kind=kind, subject=ctx.call_id).first()
    if before is not None:
        return before
    parent = Run.objects.only("model", "door", "api_key").get(pk=ctx.run_id)
    order = WorkOrder(
        user_id=user.pk,
        chat=chat,
        parent_id=ctx.run_id,
        subject=ctx.call_id,
        model=parent.model,
        door=parent.door,
        api_key_id=parent.api_key_id,
        asked=asked,
    )
    return start_work(user=user, kind=kind, order=order)


def _permissions(user: User, order: WorkOrder) -> Permissions:
    if order.chat is not None:
        return permissions_on(user, order.chat)
    return permissions_in(user, organization=order.organization_id, project=order.project_id)


def _require_only(kind: str, subject: str) -> None:
    """Raise Conflict where another works on it; where two ask at once, a constraint of the table holds."""
    other = under_way(kind, subject) if subject else None
    if other is not None:
        raise Conflict(f"Run {other} works on it already.", code="work_under_way", fields={"run": [str(other)]})


def under_way(kind: str, subject: str) -> UUID | None:
    """The open run of that kind that works on this, if there is one."""
    return Run.objects.filter(kind=kind, subject=subject, status__in=OPEN).values_list("pk", flat=True).first()

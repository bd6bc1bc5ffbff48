"""Work that answers nothing: beginning it by the rights of the person it is for. Sync."""

from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.errors import Conflict
from accounts.models import User
from accounts.permissions import Permission, Permissions, permissions_in, require
from chat.access import permissions_on
from chat.models import OPEN, Run
from chat.runner import runner
from chat.runner.beginning import WorkOrder, begin_work
from chat.runner.kinds import DRIVERS
from chat.services.messages import lock_chat


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
            run, claimed = begin_work(DRIVERS[kind], order, claims=runner.owner_here() is not None)
    except IntegrityError:  # somebody was quicker
        _require_only(kind, order.subject)
        raise
    transaction.on_commit(lambda: runner.wake(run.pk, claimed[1] if claimed else None))
    return run


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

"""Work that answers nothing: beginning it by the rights of the person it is for. Sync."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.errors import Conflict
from accounts.models import Project, User
from accounts.permissions import Permission, permissions_in, require
from chat.access import permissions_on
from chat.models import OPEN, Chat, Run
from chat.runner import runner
from chat.runner.beginning import begin_work
from chat.runner.kinds import DRIVERS
from chat.services.messages import lock_chat


@transaction.atomic
def start_work(
    *,
    user: User,
    kind: str,
    chat: Chat | None = None,
    project: Project | None = None,
    parent: Run | None = None,
    subject: str = "",
    model: str = "",
    asked: Mapping[str, Any] | None = None,
    needs: Permission = "write",
) -> Run:
    """Begin work of a kind, for a chat or for a project: its run, queued where there is no room for it yet.

    `subject` is the id of what it works on: Conflict, naming the run, while another of that kind works on it. Raises
    TooMany, QuotaExceeded, NotAllowed.
    """
    if chat is not None:
        require(permissions_on(user, chat), needs)
        lock_chat(chat)
    elif project is not None:
        require(permissions_in(user, organization=project.organization_id, project=project), needs)
    _require_only(kind, subject)
    run, claimed = begin_work(
        DRIVERS[kind],
        user_id=user.pk,
        chat=chat,
        project=project,
        parent_id=parent.pk if parent else None,
        subject=subject,
        model=model,
        asked=dict(asked or {}),
        claims=runner.owner_here() is not None,
    )
    transaction.on_commit(lambda: runner.wake(run.pk, claimed[1] if claimed else None))
    return run


def _require_only(kind: str, subject: str) -> None:
    """A constraint of the table holds where two ask at once."""
    other = under_way(kind, subject) if subject else None
    if other is not None:
        raise Conflict(f"Run {other} works on it already.", code="work_under_way", fields={"run": [str(other)]})


def under_way(kind: str, subject: str) -> UUID | None:
    """The open run of that kind that works on this, if there is one."""
    return Run.objects.filter(kind=kind, subject=subject, status__in=OPEN).values_list("pk", flat=True).first()

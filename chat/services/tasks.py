"""Tasks of a project: making, changing and deleting them. All of it needs write in the project."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.counts import require_room
from accounts.errors import Conflict, NotFound
from accounts.models import Project, User
from accounts.permissions import permissions_in, require
from chat.access import find_project
from chat.models import Task
from chat.services import rules


def create_task(*, user: User, project: UUID, **fields: Any) -> Task:
    """A new task of the project."""
    place = find_project(user, project)
    if place is None:
        raise NotFound(fields={"project": ["There is no such project, or you may not see it."]})
    _require_write(user, place)
    require_room(Task.objects.filter(project=place), "TASKS_PER_PROJECT", "tasks", "project")
    return _saved(Task(project=place, **_checked(fields)))


def change_task(*, user: User, task: Task, **changes: Any) -> Task:
    """Set title, status or external id."""
    _require_write(user, task.project)
    for name, value in _checked(changes).items():
        setattr(task, name, value)
    return _saved(task)


@transaction.atomic
def delete_task(*, user: User, task: Task) -> None:
    """Delete it. Chats, messages and sessions that were about it stay."""
    _require_write(user, task.project)
    task.delete()


def _require_write(user: User, project: Project) -> None:
    require(permissions_in(user, organization=project.organization_id, project=project), "write")


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    for name in ("title", "external_id"):
        if name in fields:
            fields[name] = rules.check_storable(fields[name], name)
    return fields


def _saved(task: Task) -> Task:
    try:
        with transaction.atomic():
            task.save(force_update=not task._state.adding)
    except IntegrityError:
        told = {"external_id": ["Another task of this project has it."]}
        raise Conflict("The project has a task of that external id.", code="external_id_taken", fields=told) from None
    return task

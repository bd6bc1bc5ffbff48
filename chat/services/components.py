"""Components that builds have written, as they lie in the project. Sync."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.errors import NotFound
from accounts.models import User
from chat.access import get_run
from chat.models import Run, RunStatus
from tools.components.tool import KIND
from tools.errors import ToolFault
from tools.git.repository import Repository


@dataclass(frozen=True)
class Component:
    """One file of code, as its build committed it."""

    run: UUID
    name: str
    kind: str
    path: str
    bytes: int
    commit: str
    attempts: int
    code: str


def get_component(user: User, run_id: UUID) -> Component:
    """What that build has written, for whoever may read its chat. Raises NotFound where it has written nothing, too."""
    run = get_run(user, run_id)
    result = result_of(run)
    if result is None or run.kind != KIND or run.project_id is None:
        raise NotFound
    named = {name: run.request[name] for name in ("name", "kind")}
    return Component(run=run.pk, **named, **result, code=_code(run.project_id, result))


def result_of(run: Run) -> dict[str, Any] | None:
    """What work that answers nothing has come to, where its kind keeps that; None of an answer."""
    if run.is_answer or run.status != RunStatus.SUCCEEDED:
        return None
    result = run.request.get("result")
    return dict(result) if isinstance(result, dict) else None


def _code(project_id: UUID, result: dict[str, Any]) -> str:
    """As of its commit: what was written there later is another's. Raises NotFound where the commit is gone."""
    try:
        return Repository(project_id).at_commit(result["commit"]).read(result["path"])
    except ToolFault as fault:
        raise NotFound from fault

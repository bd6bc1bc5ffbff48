"""The beginning of a run: its row, claimed for this process where it can start at once, and its first events. Sync.

chat.services.runs begins answers, with messages and rights; what is said here holds for runs of all kinds.
"""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.db.writes import Insert
from accounts.errors import Unavailable
from accounts.models import Project
from agents import events as ev
from agents.archetypes import registry
from agents.errors import UnknownArchetype
from agents.events import AnyEvent
from agents.loop import model_of
from chat import gate
from chat.bus.bell import PROCESS
from chat.eventlog import first_events
from chat.models import Chat, Process, Run, RunStatus
from chat.runner import capacity, jobs
from chat.runner.kinds.base import Kind
from chat.runner.lease import Claimed, clock, expiry
from chat.runner.reserving import reserve

UP_S = 30.0  # a process whose row is older is down

add_runs = Insert(Run)


def place_for(owner: UUID | None) -> dict[str, Any]:
    """The fields of a run that begins at once in the process that is its owner; none where it waits."""
    if owner is None:
        return {}
    return {
        "status": RunStatus.RUNNING,
        "owner": owner,
        "attempt": 1,
        "lease_expires_at": expiry(),
        "started_at": timezone.now(),
    }


def beginning(run: Run) -> list[AnyEvent]:
    """The first events of a run's log: that it is there and, where it was claimed, that it starts."""
    now = time.time()
    queued = ev.RunQueued(
        at=now,
        chat=str(run.chat_id or ""),
        input=str(run.input_id or ""),
        message=str(run.message_id or ""),
        archetype=run.archetype,
        model=run.model,
        kind=run.kind,
    )
    return [queued, ev.RunStarted(at=now, attempt=run.attempt), *_first_turn(run, now)] if run.attempt else [queued]


def _first_turn(run: Run, now: float) -> list[AnyEvent]:
    """What the agent of an answer would say first, and would have stored by itself; nothing where there is none.

    Nor where a workflow's step may have another agent, with a model of its own: it says so itself, as a command does.
    """
    if not run.is_answer or run.command or (run.chat is not None and run.chat.has_workflow):
        return []
    try:
        model = model_of(registry.get(run.archetype), run.model)
    except UnknownArchetype:
        return []
    return [ev.TurnStarted(at=now, turn=1, model=model)]


@dataclass(frozen=True, kw_only=True)
class WorkOrder:
    """Work to be begun: for a chat, or for a project and no chat; `user_id` is on whose behalf."""

    user_id: UUID
    chat: Chat | None = None
    project: Project | None = None
    parent_id: UUID | None = None  # the run that begins it
    subject: str = ""  # the id of what it works on
    api_key_id: UUID | None = None  # by which it is begun
    model: str = ""
    door: str = "native"  # of the run that begins it
    asked: dict[str, Any] = field(default_factory=dict)

    @property
    def organization_id(self) -> UUID:
        """Where it is counted."""
        place = self.chat or self.project
        assert place is not None, "work is for a chat or for a project"
        return place.organization_id

    @property
    def project_id(self) -> UUID | None:
        """Its own, or its chat's."""
        if self.chat is not None:
            return self.chat.project_id
        return self.project.pk if self.project else None


def begin_work(kind: Kind, order: WorkOrder, *, claims: bool) -> tuple[Run, Claimed | None]:
    """Store work that answers nothing: its run and, where it `claims` and there is room, this process's claim.

    Within a transaction, of a caller who has looked at rights; a chat is locked. Nothing is told: the caller wakes the
    runner after the commit. Raises NotAllowed, TooMany, QuotaExceeded, or Unavailable while an older process is up.
    """
    _require_known(kind)
    if kind.asks_model:
        gate.admit_work(order.organization_id, order.chat, order.model)
    has_room = capacity.has_room(kind.name, order.organization_id, order.project_id)
    if not has_room:
        capacity.check_queue(order.organization_id)
    shown = [] if order.parent_id is None or kind.name in capacity.BRIEF else jobs.hold(order.parent_id)
    run = _run(kind, order, owner=PROCESS if claims and has_room else None)
    add_runs([run])
    first_events(run, beginning(run))
    jobs.begun(run, shown)
    return run, (run.pk, 1) if run.attempt else None


def _run(kind: Kind, order: WorkOrder, *, owner: UUID | None) -> Run:
    run = Run(
        kind=kind.name,
        user_id=order.user_id,
        chat=order.chat,
        organization_id=order.organization_id,
        project_id=order.project_id,
        parent_id=order.parent_id,
        subject=order.subject,
        model=order.model,
        door=order.door,
        api_key_id=order.api_key_id,
        request=order.asked,
        position=0,
        temperature=order.chat.temperature if order.chat else None,
        **place_for(owner),
    )
    if kind.asks_model:
        reserve(run)
    return run


def _require_known(kind: Kind) -> None:
    """An older process would take the run for an answer, also one that only serves: while one is up, none begins."""
    up = Process.objects.filter(seen_at__gte=clock() - timedelta(seconds=UP_S))
    if up.exclude(kinds__contains=f" {kind.name} ").exists():
        raise Unavailable(f"A process of another version is still up that does not know {kind.name}. Try again soon.")

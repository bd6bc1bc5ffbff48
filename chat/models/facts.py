"""What stays true of a run for as long as it lasts: in memory instead of its rows, which are many times as large."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from agents.options import AtStep
from chat.models import Run, TitledBy


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run, as whoever executes and ends it needs it."""

    id: UUID
    kind: str
    chat_id: UUID | None
    organization_id: UUID
    project_id: UUID | None
    user_id: UUID
    message_id: UUID | None  # the answer's, of one that answers
    subject: str
    asked: dict[str, Any]  # of work that answers nothing
    wants_title: bool  # its chat is named by the first words of its first message only
    model: str
    reserved_tokens: int
    crashes: int
    is_stopped: bool  # somebody asked for that before it was begun here
    stopped_by: str  # who; empty where they are gone
    door: str = ""  # by which it came, and by which key
    api_key_id: UUID | None = None
    step: AtStep | None = None  # of its chat's workflow, once it is begun
    reserved_nanos: int = 0
    command: str = ""  # that it carries out, where no model answers


def facts_of(run: Run) -> RunFacts:
    """The facts of a run. Sync, where its chat is not loaded."""
    place = run.chat if run.organization_id is None else run
    assert place is not None and place.organization_id is not None, "the database lets no run be nowhere"
    return RunFacts(
        run.pk,
        run.kind,
        run.chat_id,
        place.organization_id,
        place.project_id,
        run.user_id,
        run.message_id,
        run.subject,
        {} if run.is_answer else run.request,
        run.chat is not None and run.chat.is_listed and run.chat.titled_by == TitledBy.NOBODY and not run.command,
        run.model,
        run.reserved_tokens,
        run.crashes,
        run.cancel_requested_at is not None,
        str(run.cancel_requested_by_id or ""),
        run.door,
        run.api_key_id,
        step_of(run),
        run.reserved_nanos,
        run.command,
    )


def step_of(run: Run) -> AtStep | None:
    """The step that the run is, as it was noted when it began."""
    noted = run.options.get("step")
    return msgspec.convert(noted, AtStep) if noted else None

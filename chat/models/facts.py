"""What stays true of a run for as long as it lasts: in memory instead of its rows, which are many times as large."""

from dataclasses import dataclass
from uuid import UUID

from chat.models import Run


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run, as whoever executes and ends it needs it."""

    id: UUID
    chat_id: UUID
    organization_id: UUID
    project_id: UUID | None
    user_id: UUID
    message_id: UUID
    model: str
    reserved_tokens: int
    crashes: int
    is_stopped: bool  # somebody asked for that before it was begun here
    stopped_by: str  # who; empty where they are gone


def facts_of(run: Run) -> RunFacts:
    """The facts of a run. Sync, where its chat is not loaded."""
    return RunFacts(
        run.pk,
        run.chat_id,
        run.chat.organization_id,
        run.chat.project_id,
        run.user_id,
        run.message_id,
        run.model,
        run.reserved_tokens,
        run.crashes,
        run.cancel_requested_at is not None,
        str(run.cancel_requested_by_id or ""),
    )

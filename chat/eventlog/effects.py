"""Tool calls that changed something, or may have, told to the audit log in the transaction that stores their end."""

from uuid import UUID

from accounts import audit
from accounts.audit.models import ActorKind
from agents import events as ev
from agents.archetypes.registry import every_with_subagents
from agents.installation import toolset_of
from chat.models import REPLAY, Run
from chat.models.facts import facts_of


def note(run_id: UUID, event: ev.ToolReturned | ev.ToolFailed) -> None:
    """Write an entry, unless the call only read or was not made: then nothing is asked of the database.

    A tool that nobody knows by now may have changed something. A replay's have done nothing.
    """
    outcome = "returned" if isinstance(event, ev.ToolReturned) else event.outcome
    if outcome == "refused" or _reads_everywhere(event.name):
        return
    row = Run.objects.select_related("chat").get(pk=run_id)
    run = facts_of(row)
    if row.kind == REPLAY or _reads_in(run.project_id, event.name):
        return
    audit.record(
        "tool.effect", actor=audit.Actor(ActorKind.SYSTEM, None, run.user_id), organization_id=run.organization_id,
        object_type="run", object_id=run_id, outcome="ok" if outcome == "returned" else "failed",
        detail={"call": event.call, "tool": event.name, "status": outcome},
    )  # fmt: skip


def _reads_everywhere(name: str) -> bool:
    """Whether it is a subagent, whose own calls are told, or a tool that reads in each archetype that has it."""
    archetypes = list(every_with_subagents())
    found = [tool for each in archetypes for tool in each.tools if tool.name == name]
    if not found:
        return any(name == agent.name for each in archetypes for agent in each.subagents)
    return all(tool.permission == "read" for tool in found)


def _reads_in(project_id: UUID | None, name: str) -> bool:
    """Whether it is a tool of this project, such as another house's, that says that it reads, and is believed."""
    return any(tool.name == name and tool.permission == "read" for tool in toolset_of(project_id) or ())

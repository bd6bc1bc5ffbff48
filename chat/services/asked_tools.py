"""The tool of a call that waits for a person: as the event tells, and, of what an older log does not, as it is today.
Sync.
"""

from dataclasses import dataclass

from accounts.permissions import Permission
from agents import events as ev
from agents.archetypes import registry
from agents.archetypes.base import Archetype
from agents.errors import UnknownArchetype
from agents.installation import toolset_of
from chat.models import Run
from chat.models.facts import facts_of
from tools.base import Tool
from tools.forms import Form


@dataclass(frozen=True)
class Needs:
    """What to allow the call takes, and what it may do."""

    permission: Permission
    as_person: bool
    risk: str  # "": nobody knows


def as_now(run: Run, asked: ev.ApprovalRequested) -> Needs:
    """The same. Of a tool that is gone writing is needed, as of every approval; the call will be refused."""
    if asked.permission:
        return Needs(asked.permission, asked.as_person, asked.risk)
    tool = tool_of(run, asked)
    if tool is None:
        return Needs("write", asked.as_person, asked.risk)
    return Needs(tool.permission, asked.as_person or tool.as_person, asked.risk or tool.risk)


def forms_of(asked: ev.ApprovalRequested) -> tuple[Form, ...]:
    """What the call wants from a person before it goes on; nothing where it has not begun."""
    return tuple(Form(key=each.key, message=each.message, schema=each.schema, url=each.url) for each in asked.forms)


def tool_of(run: Run, asked: ev.ApprovalRequested) -> Tool | None:
    """The tool as the agent that asks has it today; None where it has it no more."""
    try:
        archetype: Archetype | None = registry.get(run.archetype)
    except UnknownArchetype:
        return None
    for step in filter(None, asked.agent.split("/")):
        name = step.partition(":")[0]
        archetype = next((each for each in archetype.subagents if each.name == name), None) if archetype else None
    own = archetype.tools if archetype else ()
    beside = () if asked.agent else toolset_of(facts_of(run).project_id) or ()
    return next((each for each in (*own, *beside) if each.name == asked.name), None)

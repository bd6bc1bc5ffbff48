"""For the tests of own apps: call a tool as a person, without a model."""

import uuid
from typing import Any

from asgiref.sync import async_to_sync

from tools.base import Tool, ToolContext
from tools.errors import ToolFault
from tools.executor import execute

EVERYTHING = frozenset({"read", "write", "deploy", "admin"})


class NotReturned(ToolFault):
    """The tool was not run, or it failed; the text is what the model is told."""


def context_of(person: Any, **changes: Any) -> ToolContext:
    """A context for this person, outside of projects, in which every permission is theirs."""
    values: dict[str, Any] = {
        "user_id": person.pk,
        "organization_id": uuid.uuid4(),
        "project_id": None,
        "chat_id": None,
        "run_id": uuid.uuid4(),
        "branch": "",
        "author_name": "",
        "author_email": "",
        "permissions": EVERYTHING,
        "capabilities": frozenset(),
        "on_behalf": "admin",
    }
    return ToolContext(**{**values, **changes})


def call(tool: Tool, person: Any, **arguments: Any) -> Any:
    """What the tool gives this person, arguments and result checked as in a run. Raises NotReturned."""
    told = async_to_sync(execute)(tool, context_of(person), arguments)
    if told.outcome != "returned":
        raise NotReturned(told.error or "no text")
    return told.result

"""Arguments of the tools: their schemas, and values of them."""

from typing import Any
from uuid import UUID

from accounts.errors import refuse

Arguments = dict[str, Any]
Schema = dict[str, Any]


def text(description: str, most: int = 0) -> Schema:
    """A text, of so many characters at most."""
    return {"type": "string", "description": description, **({"maxLength": most} if most else {})}


def number(description: str, least: int, most: int | None = None) -> Schema:
    """A whole number."""
    return {"type": "integer", "description": description, "minimum": least, **({"maximum": most} if most else {})}


CHAT = text("the id of a chat")
PROJECT = text("the id of a project; list_chats names yours")
RUN = text("the id of a run")


def takes(*required: str, **properties: Schema) -> Schema:
    """The schema of these arguments, and of no others."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": False}


def id_of(arguments: Arguments, name: str) -> UUID:
    """The id that this argument is. Raises Invalid."""
    found = optional_id(arguments, name)
    if found is None:
        raise refuse(name, "Expected an id.")
    return found


def optional_id(arguments: Arguments, name: str) -> UUID | None:
    """The same, or None where it is left out."""
    if arguments.get(name) is None:
        return None
    try:
        return UUID(arguments[name])
    except ValueError:
        raise refuse(name, "Expected an id, as an earlier answer has it.") from None

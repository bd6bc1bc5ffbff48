"""What a message and a chat's choices may be. Every door's services ask here; chat.services.attachments has files.

Each function gives the value to store or raises Invalid naming the field and what was expected.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from accounts.errors import Invalid, refuse
from agents.archetypes import registry
from agents.errors import UnknownArchetype
from agents.installation import has_model, model_names, successor_of
from agents.messages import ToolSpec
from agents.options import EFFORTS
from chat.services.slack import check_thread

TITLE_MAX_CHARS = 200
FALLBACKS_MAX = 8


def check_text(value: Any, field: str = "content") -> str:
    """The text of a message."""
    limit = settings.CHAT_MESSAGE_MAX_CHARS
    if not isinstance(value, str) or not value.strip():
        raise refuse(field, f"Expected a text of 1 to {limit} characters.")
    if len(value) > limit:
        raise refuse(field, f"Expected at most {limit} characters; these are {len(value)}.")
    return check_storable(value, field)


def check_said(value: Any, files: Sequence[Any], field: str = "content") -> str:
    """The text of a person's message, which may be empty where files come with it."""
    is_blank = isinstance(value, str) and not value.strip()
    return "" if files and is_blank else check_text(value, field)


def check_storable(value: str, field: str) -> str:
    """A text without what a database cannot keep: NUL and lone surrogates."""
    if "\x00" in value:
        raise refuse(field, "Expected no NUL characters.")
    if any("\ud800" <= each <= "\udfff" for each in value):
        raise refuse(field, "Expected no lone surrogates: send well-formed Unicode.")
    return value


def check_title(value: Any) -> str:
    """A chat's title; may be empty."""
    if not isinstance(value, str) or len(value) > TITLE_MAX_CHARS:
        raise refuse("title", f"Expected a text of at most {TITLE_MAX_CHARS} characters.")
    return check_storable(value.strip(), "title")


def check_model(value: Any) -> str:
    """The name of a model in the catalog."""
    if not has_model(value):
        raise _gone(value, "") if isinstance(value, str) and successor_of(value) else _no_model()
    return str(value)


def check_chats_model(value: str) -> str:
    """The model that a chat has had since it was chosen: it may have left the catalog."""
    if not has_model(value):
        raise _gone(value, "chat's ")
    return value


def _no_model() -> Invalid:
    return refuse("model", f"Expected one of: {', '.join(model_names())}.")


def _gone(name: str, whose: str) -> Invalid:
    """Of a model that was offered once; `fields` has its successor where one is known."""
    successor = successor_of(name)
    instead = f": its successor is {successor}." if successor else f"; expected one of: {', '.join(model_names())}."
    choose = f"Choose another one{' for the chat' if whose else ''}"
    told = f"The {whose}model {name} is not offered any more. {choose}{instead}"
    fields = {"model": [told], **({"successor": [successor]} if successor else {})}
    return Invalid(told, code="model_gone", fields=fields)


def check_client_tools(archetype: str, tools: Sequence[ToolSpec]) -> None:
    """Raise Invalid where a tool that the client runs has the name of one of the agent's own.

    The model could not tell them apart, and a call meant for ours would be answered by the client.
    """
    if taken := {each.name for each in tools} & registry.get(archetype).tool_names:
        raise refuse("tools", f"Expected other names than the agent's own: {', '.join(sorted(taken))}.")


def check_archetype(value: Any) -> str:
    """The name of a registered archetype, in the case it is stored in."""
    try:
        return registry.get(value if isinstance(value, str) else "").name
    except UnknownArchetype as error:
        raise refuse("archetype", f"Expected one of: {', '.join(error.names)}.") from None


def check_temperature(value: Any) -> float | None:
    """A number from 0 to 2, or None: nobody has chosen one."""
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 <= value <= 2:
        raise refuse("temperature", "Expected a number from 0 to 2.")
    return float(value)


def check_effort(value: Any) -> str:
    """How much a model is to reason; empty, as for None: as much as it does by itself."""
    if value is None or value == "":
        return ""
    if value not in EFFORTS:
        raise refuse("effort", f"Expected one of: {', '.join(EFFORTS)}.")
    return str(value)


def check_fallbacks(value: Any) -> list[str] | None:
    """Models that answer where the chosen one cannot, in order. [] is nobody; None: nothing is said here."""
    if value is None:
        return None
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if not is_list or len(value) > FALLBACKS_MAX or len(set(value)) < len(value):
        raise refuse("fallbacks", f"Expected null, or a list of at most {FALLBACKS_MAX} names of models, each once.")
    if not all(map(has_model, value)):
        raise refuse("fallbacks", f"Expected one of: {', '.join(model_names())}.")
    return list(value)


def check_metadata(value: Any) -> dict[str, Any]:
    """A JSON object of the caller's own, kept and given back. Of what is in it a thread of Slack alone has a form."""
    if not isinstance(value, dict):
        raise refuse("metadata", "Expected a JSON object.")
    if len(json.dumps(value, ensure_ascii=False)) > settings.CHAT_METADATA_MAX_CHARS:
        raise refuse("metadata", f"Expected at most {settings.CHAT_METADATA_MAX_CHARS} characters as JSON.")
    check_thread(value)
    return value

"""What a message, an attachment and a chat's choices may be. Every door's services ask here.

Each function gives the value to store or raises Invalid naming the field and what was expected.
"""

import base64
import json
import math
import unicodedata
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from accounts.errors import refuse
from accounts.normal import normal
from agents.archetypes import registry
from agents.errors import UnknownArchetype
from agents.installation import has_model, model_names
from agents.messages import ToolSpec
from tools import pictures

ATTACHMENT_TYPES = ("file", "image")
# `unreadable` is what we say of a picture: who sends one back as they got it, as an edit does, leaves it in.
ATTACHMENT_FIELDS = frozenset({"type", "name", "content", "url", "unreadable"})
ATTACHMENT_NAME_MAX_CHARS = 255  # composed (NFC), as file systems count: a Mac sends each accent apart
# Controls, line ends and half characters have no place in a name; nor has what turns the order of what is read:
# "photo\u202egnp.exe" looks like a picture. Joiners and spaces of every kind are in names that people have.
NAME_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
URL_MAX_CHARS = 2_000
PICTURES = "PNG, JPEG, GIF or WebP"
PICTURE_SIDE_MAX_PX = 30_000  # beyond any camera's and any server's: a header that says more is made up
TITLE_MAX_CHARS = 200


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
        raise refuse("model", f"Expected one of: {', '.join(model_names())}.")
    return str(value)


def check_chats_model(value: str) -> str:
    """The model that a chat has had since it was chosen: it may have left the catalog."""
    if not has_model(value):
        gone = f"The chat's model {value} is not offered any more. Choose another one for the chat"
        raise refuse("model", f"{gone}; expected one of: {', '.join(model_names())}.")
    return value


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


def check_temperature(value: Any) -> float:
    """A number from 0 to 2."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 <= value <= 2:
        raise refuse("temperature", "Expected a number from 0 to 2.")
    return float(value)


def check_metadata(value: Any) -> dict[str, Any]:
    """A JSON object of the caller's own, kept and given back, never read by us."""
    if not isinstance(value, dict):
        raise refuse("metadata", "Expected a JSON object.")
    if len(json.dumps(value, ensure_ascii=False)) > settings.CHAT_METADATA_MAX_CHARS:
        raise refuse("metadata", f"Expected at most {settings.CHAT_METADATA_MAX_CHARS} characters as JSON.")
    return value


def check_attachments(value: Any) -> list[dict[str, Any]]:
    """Files and images that come with a message: `{type, name, content}` or `{type, name, url}`."""
    most = settings.CHAT_ATTACHMENTS_MAX
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise refuse("attachments", "Expected a list of {type, name, content} or {type, name, url}.")
    if len(value) > most:
        raise refuse("attachments", f"Expected at most {most}; these are {len(value)}.")
    return [_attachment(each, f"attachments.{number}") for number, each in enumerate(value)]


def _attachment(value: Any, field: str) -> dict[str, Any]:
    """One attachment. It has text in `content` (files) or an address in `url`; nothing is fetched here."""
    if not isinstance(value, dict):
        raise refuse(field, "Expected an object {type, name, content} or {type, name, url}.")
    if unknown := sorted(set(value) - ATTACHMENT_FIELDS):
        raise refuse(f"{field}.{unknown[0]}", "Unknown field. Expected type, name and content or url.")
    if value.get("type") not in ATTACHMENT_TYPES:
        raise refuse(f"{field}.type", f"Expected one of: {', '.join(ATTACHMENT_TYPES)}.")
    if ("content" in value) == ("url" in value):
        raise refuse(field, "Expected either content or url.")
    kind, name = value["type"], _check_name(value.get("name", ""), f"{field}.name")
    if "content" in value:
        return {"type": kind, "name": name, "content": _check_content(value["content"], kind, f"{field}.content")}
    is_data = kind == "image" and isinstance(value["url"], str) and value["url"][:5].lower() == "data:"
    marks = {"unreadable": True} if _check_flag(value.get("unreadable", False), f"{field}.unreadable") else {}
    if is_data:
        url = _check_picture(value["url"], name, f"{field}.url", is_sent=not marks)
    else:
        url = _check_url(value["url"], f"{field}.url")
    return {"type": kind, "name": name, "url": url, **marks}


def _check_flag(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise refuse(field, "Expected true or false.")
    return value


def _check_name(value: Any, field: str) -> str:
    if not isinstance(value, str) or not _is_short(value, ATTACHMENT_NAME_MAX_CHARS):
        raise refuse(field, f"Expected a text of at most {ATTACHMENT_NAME_MAX_CHARS} characters.")
    if any(unicodedata.category(each) in NAME_REFUSED or each in TURNING for each in value):
        raise refuse(field, "Expected no line breaks, control characters or marks that turn the direction of writing.")
    return value


def _is_short(name: str, limit: int) -> bool:
    """Whether it has so many characters at most when composed, which makes one of four at most: seen first."""
    return len(name) <= 4 * limit and len(normal("NFC", name)) <= limit


def _check_content(value: Any, kind: str, field: str) -> str:
    if kind == "image":
        raise refuse(field, "An image comes by url: https: or a data: URL.")
    return check_storable(_check_length(value, field), field)


def _check_picture(value: str, name: str, field: str, *, is_sent: bool) -> str:
    """A picture's bytes as a data: URL. What kind it is its bytes say, whatever its sender calls it.

    One that no model server can read would be refused with each later message of the chat, so it is refused here;
    what is marked as such already is not sent, and may stay where it is damaged.
    """
    head, _, data = _check_length(value, field).partition(",")
    kind = _kind_of(head, data, is_sent)
    if kind not in pictures.TAKEN:
        told = f"{name}: this is {kind}" if name else f"This is {kind}"
        raise refuse(field, f"{told}. Expected {PICTURES}: convert it first.")
    return f"data:image/{kind};base64,{''.join(data.split())}"


def _kind_of(head: str, data: str, is_sent: bool) -> str:
    """What the bytes of a data: URL are: one of the kinds that are taken, or what else, in words."""
    if not head.lower().endswith(";base64"):
        return "not in base64"
    try:
        found = base64.b64decode("".join(data.split()), validate=True)
    except ValueError:
        return "no valid base64"
    if kind := pictures.kind_of(found):
        return (_fault_of(found) if is_sent else "") or kind
    return pictures.named(found) if found else "empty"


def _fault_of(picture: bytes) -> str:
    """What is wrong with a picture by its header, in words; empty where nothing is.

    One whose header is cut off is taken: a provider that cannot read it says so, and it is left out from then on.
    """
    size = pictures.size_of(picture)
    if size is not None and max(size) > PICTURE_SIDE_MAX_PX:
        return f"a picture of {size[0]} × {size[1]} pixels, and at most {PICTURE_SIDE_MAX_PX} a side are taken"
    return ""


def _check_url(value: Any, field: str) -> str:
    """An https: address. Whoever fetches it later guards where it leads."""
    if not _is_https(value):
        raise refuse(field, f"Expected an https: address, or for an image a base64 data: URL ({PICTURES}).")
    return check_storable(str(value), field)


def _check_length(value: Any, field: str) -> str:
    limit = settings.CHAT_ATTACHMENT_MAX_CHARS
    if not isinstance(value, str) or not 1 <= len(value) <= limit:
        raise refuse(field, f"Expected a text of 1 to {limit} characters.")
    return value


def _is_https(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > URL_MAX_CHARS or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0 and not parts.username
    except ValueError:
        return False

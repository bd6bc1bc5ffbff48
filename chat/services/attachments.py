"""What may come with a message: texts, pictures, PDFs and sounds, known by their bytes, whatever their sender says.

Each function gives the value to store or raises Invalid naming the field and what was expected. Nothing is fetched.
What was uploaded before is named by its id; whose it may be, chat.attachments.using says.
"""

import base64
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from accounts.errors import refuse
from agents import media
from chat.attachments.names import check_name
from chat.services.rules import check_storable
from tools import pictures

TYPES = ("file", "image", "audio")
# `unreadable` and `unseen` are what we say of one: who sends it back as they got it, as an edit does, leaves them in.
# So are `why` the first, and `linked`: an image that came by its address.
MARKS = ("unreadable", "unseen", "why", "linked")
FIELDS = frozenset({"type", "name", "content", "url", *MARKS})
# Of one that was uploaded. All but the first two is what we say of it, which comes back as it was got.
FIELDS_BY_ID = frozenset({"type", "id", "name", "media_type", "bytes", "width", "height", "seconds", *MARKS})
URL_MAX_CHARS = 2_000
PICTURES = "PNG, JPEG, GIF or WebP"
EXPECTED = {"image": f"{PICTURES}: convert it first", "audio": "WAV or MP3", "file": "a PDF, or a text in content"}
PICTURE_SIDE_MAX_PX = 30_000  # beyond any camera's and any server's: a header that says more is made up


def check_attachments(value: Any) -> list[dict[str, Any]]:
    """Files, images and sounds that come with a message: `{type, id}`, `{type, name, content}` or `{type, name, url}`.

    Those with an id are not looked up here: chat.attachments.using.claimed does, once the chat is locked.
    """
    most = settings.CHAT_ATTACHMENTS_MAX
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise refuse("attachments", "Expected a list of {type, id}, {type, name, content} or {type, name, url}.")
    if len(value) > most:
        raise refuse("attachments", f"Expected at most {most}; these are {len(value)}.")
    return [_attachment(each, f"attachments.{number}") for number, each in enumerate(value)]


def _attachment(value: Any, field: str) -> dict[str, Any]:
    """One attachment. It has text in `content` (files), its bytes in a data: URL, or an address in `url`."""
    if not isinstance(value, dict):
        raise refuse(field, "Expected an object {type, id}, {type, name, content} or {type, name, url}.")
    if "id" in value:
        return _by_id(value, field)
    if unknown := sorted(set(value) - FIELDS):
        raise refuse(f"{field}.{unknown[0]}", "Unknown field. Expected type, name and content or url.")
    if value.get("type") not in TYPES:
        raise refuse(f"{field}.type", f"Expected one of: {', '.join(TYPES)}.")
    if ("content" in value) == ("url" in value):
        raise refuse(field, "Expected one of id, content and url.")
    _check_unseen(value.get("unseen", []), f"{field}.unseen")
    kind, name = value["type"], check_name(value.get("name", ""), f"{field}.name")
    if "content" in value:
        return {"type": kind, "name": name, "content": _check_content(value["content"], kind, f"{field}.content")}
    marks = {"unreadable": True} if _check_flag(value.get("unreadable", False), f"{field}.unreadable") else {}
    return {**_check_source(value["url"], kind, name, f"{field}.url", is_sent=not marks), **marks}


def _by_id(value: dict[str, Any], field: str) -> dict[str, Any]:
    """One that was uploaded before: what its row says of it is not believed of a request."""
    try:
        id = UUID(value["id"]) if isinstance(value["id"], str) else None
    except ValueError:
        id = None
    if id is None:  # before what else is wrong: an id that is none is no reason to drop what came with it
        raise refuse(f"{field}.id", "Expected the id that POST /api/attachments/ gave.")
    if unknown := sorted(set(value) - FIELDS_BY_ID):
        raise refuse(f"{field}.{unknown[0]}", "Unknown field. Expected type and id, and no content or url.")
    if value.get("type") not in TYPES:
        raise refuse(f"{field}.type", f"Expected one of: {', '.join(TYPES)}.")
    return {"type": value["type"], "id": str(id)}


def _check_flag(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise refuse(field, "Expected true or false.")
    return value


def _check_unseen(value: Any, field: str) -> None:
    """Names of models, which is nothing that a new message has: they are taken and not kept."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise refuse(field, "Expected a list of texts, or nothing: it is told, not asked.")


def _check_content(value: Any, kind: str, field: str) -> str:
    if kind == "image":
        raise refuse(field, "An image comes by url: https: or a data: URL.")
    if kind == "audio":
        raise refuse(field, "A sound comes by url: a base64 data: URL.")
    return check_storable(_check_length(value, field), field)


def _check_source(value: Any, kind: str, name: str, field: str, *, is_sent: bool) -> dict[str, Any]:
    """The type, name and url of what comes by an address or as its bytes."""
    if isinstance(value, str) and value[:5].lower() == "data:":
        return _check_bytes(value, kind, name, field, is_sent=is_sent)
    if kind == "audio":
        raise refuse(field, "Expected a base64 data: URL (WAV or MP3): sounds are not fetched.")
    return {"type": kind, "name": name, "url": _check_url(value, field)}


def _check_bytes(value: str, kind: str, name: str, field: str, *, is_sent: bool) -> dict[str, Any]:
    """Bytes as a data: URL. A file that is a sound is one.

    What no model server can read would be refused with each later message of the chat, so it is refused here; what is
    marked as such already is not sent, and may stay where it is damaged.
    """
    head, _, data = _check_length(value, field).partition(",")
    found, fault = _decoded(head, data)
    media_type = "" if fault else _media_type(found, kind)
    fault = fault or _fault_of(found, media_type, kind, is_sent=is_sent)
    if fault:
        told = f"{name}: this" if name else "This"
        raise refuse(field, f"{told} is {fault}. Expected {EXPECTED[kind]}.")
    is_sound = media_type.startswith("audio/")
    url = f"data:{media_type};base64,{''.join(data.split())}"
    return {"type": "audio" if is_sound else kind, "name": name, "url": url}


def _decoded(head: str, data: str) -> tuple[bytes, str]:
    """The bytes of a data: URL, or what is wrong with it, in words."""
    if not head.lower().endswith(";base64"):
        return b"", "not in base64"
    try:
        return base64.b64decode("".join(data.split()), validate=True), ""
    except ValueError:
        return b"", "no valid base64"


def _media_type(data: bytes, kind: str) -> str:
    """What these bytes are, of what may come as this type; empty where they are nothing of it."""
    if kind == "image":
        found = pictures.kind_of(data)
        return f"image/{found}" if found else ""
    media_type = media.type_of(data)
    return "" if kind == "audio" and media_type == media.PDF else media_type


def _fault_of(data: bytes, media_type: str, kind: str, *, is_sent: bool) -> str:
    """What is wrong with these bytes, in words; empty where nothing is.

    A picture whose header is cut off is taken: a provider that cannot read it says so, and it is left out from then on.
    """
    if not media_type:
        return _named(data, kind) if data else "empty"
    size = pictures.size_of(data) if is_sent and media_type.startswith("image/") else None
    if size is not None and max(size) > PICTURE_SIDE_MAX_PX:
        return f"a picture of {size[0]} × {size[1]} pixels, and at most {PICTURE_SIDE_MAX_PX} a side are taken"
    return ""


def _named(data: bytes, kind: str) -> str:
    """What these bytes are, in words."""
    if kind == "image":
        return pictures.named(data)
    found = "a picture" if pictures.kind_of(data) else pictures.named(data)
    return found if found != pictures.UNKNOWN else "nothing that is known here"


def _check_url(value: Any, field: str) -> str:
    """An https: address. Whoever fetches it later guards where it leads."""
    if not _is_https(value):
        raise refuse(
            field,
            f"Expected an https: address, or a base64 data: URL: of an image ({PICTURES}), a PDF, a WAV or an MP3.",
        )
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

"""Files that came with messages, as the page shows them: a picture small, a sound to be heard, others by their name.

What was uploaded is at addresses of its own (`/api/attachments/`); a picture that came within a message, at one of the
page's.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.formats import number_format

from chat.models import Attachment, AttachmentState, Message, TextState
from chat.page.words import fault, say
from chat.runner.files import unseen_by
from tools.pictures import TAKEN

HEADS = tuple(f"data:image/{kind};base64," for kind in TAKEN)  # as they are stored
SHOWN_WIDTH_PX, SHOWN_HEIGHT_PX = 320, 200  # of a picture in a message; static/chat/attachments.js has the same
Shown = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """What a browser shows."""

    media_type: str  # one of those that hold no script
    data: bytes


def shown_files(messages: Sequence[Message]) -> dict[UUID, list[Shown]]:
    """Each message's files: what each is called, and where it is. The page asks no other host. One query at most."""
    rows = _rows(messages)
    return {
        message.pk: [_shown(message, number, each, rows) for number, each in enumerate(message.attachments)]
        for message in messages
    }


def of_calls(message: Message, shown: Sequence[Shown]) -> dict[str, list[Shown]]:
    """Of an answer's files, those that came of each of its calls, by call."""
    by_id = {str(each.get("id")): file for each, file in zip(message.attachments, shown, strict=True)}
    results = (part for part in message.parts if part["type"] == "tool_result" and part.get("attachments"))
    found = {part["call"]: [by_id[id] for id in part["attachments"] if id in by_id] for part in results}
    return {call: files for call, files in found.items() if files}


def beside_calls(message: Message, shown: Sequence[Shown]) -> list[Shown]:
    """The others: those that came with the message itself."""
    named = {id for part in message.parts for id in part.get("attachments", ())}
    pairs = zip(message.attachments, shown, strict=True)
    return [file for each, file in pairs if str(each.get("id")) not in named]


def picture(message: Message, number: int) -> Picture | None:
    """The picture at that place among the message's files; None where there is none."""
    found = message.attachments[number] if number < len(message.attachments) else {}
    if not _is_picture(found):
        return None
    head, _, text = found["url"].partition(",")
    try:
        return Picture(head.removeprefix("data:").removesuffix(";base64"), base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None


def _rows(messages: Iterable[Message]) -> dict[str, Attachment]:
    """The uploaded ones that are there, by id. Who sees a message sees what it has."""
    ids = {each["id"] for message in messages for each in message.attachments if each.get("id")}
    found = Attachment.objects.filter(pk__in=ids, state=AttachmentState.READY) if ids else ()
    return {str(each.pk): each for each in found}


def _shown(message: Message, number: int, each: dict[str, Any], rows: dict[str, Attachment]) -> Shown:
    told = _told(each)
    why = {"unreadable": told} if told else {}
    if each.get("id"):
        return _kind(_stored(each, rows.get(str(each["id"]))) | why)
    name = str(each.get("name") or "")
    if not _is_picture(each):
        return _kind({"name": name or str(each.get("type", "")), **why})
    place = reverse("page-picture", args=[message.pk, number])
    shown = {"name": name or say("picture"), "picture": place, "large": place, **why}
    return {**shown, "kind": "unreadable" if why else ""}  # a small one, whose size nobody knows


def _stored(each: dict[str, Any], row: Attachment | None) -> Shown:
    """One that was uploaded; what it is, by its row, or where that is gone, by what the message says of it."""
    is_image = each.get("type") == "image"
    name = str(each.get("name") or (say("picture") if is_image else each.get("type", "")))
    if row is None:
        return {"name": name, "unreadable": say("fileGone")}
    base = f"/api/attachments/{row.pk}"
    if is_image:
        width, height = _fitted(row.width or 0, row.height or 0)
        return {
            "name": name,
            "picture": f"{base}/thumbnail",
            "large": f"{base}/content",
            "width": width,
            "height": height,
        }
    return {
        "name": name,
        "content": f"{base}/content",
        "size": _size(row.bytes),
        "is_sound": row.type == "audio",
        **_text(row),
    }


def _kind(shown: Shown) -> Shown:
    """With the classes of its element."""
    kinds = {"shown": "picture", "sound": "is_sound", "unreadable": "unreadable"}
    return {**shown, "kind": " ".join(name for name, fact in kinds.items() if shown.get(fact))}


def _text(row: Attachment) -> Shown:
    """What is to be read in it: where it is, or why it is not there."""
    if row.text_state == TextState.FAILED:
        return {"unreadable": say("textFailed", why=fault(row.text_error))}
    if row.text_state == TextState.PENDING:
        return {"note": say("textPending")}
    if row.text_state == TextState.READY and row.text_chars:
        return {"text": reverse("page-attachment-text", args=[row.pk])}
    return {}


def _fitted(width: int, height: int) -> tuple[int, int]:
    """As large as it is shown, so that nothing moves when it comes; 0 where its size is not known."""
    if not width or not height:
        return 0, 0
    scale = min(1, SHOWN_WIDTH_PX / width, SHOWN_HEIGHT_PX / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _size(count: int) -> str:
    """As people say it: 12 kB, 1.2 MB."""
    if count < 1_000_000:
        return f"{number_format(-(-count // 1000), force_grouping=True)} kB"
    return f"{megabytes(count)} MB"


def megabytes(count: int) -> str:
    """So many bytes in megabytes, as people write the number: 1.2, and 2 without more."""
    tenths = round(count / 100_000)
    return str(number_format(tenths / 10 if tenths % 10 else tenths // 10))


def _told(each: dict[str, Any]) -> str:
    """Why a model has not seen it; empty where it has, as far as is known."""
    if each.get("unreadable"):
        return " ".join(filter(None, [say("notReadable"), str(each.get("why") or "")]))
    models = unseen_by(each)
    return say("notShownTo", models=", ".join(models)) if models else ""


def _is_picture(each: dict[str, Any]) -> bool:
    return each.get("type") == "image" and str(each.get("url", "")).startswith(HEADS)

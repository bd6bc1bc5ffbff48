"""Pictures that came with messages, as the page shows them: a small one, and its bytes at an address of their own."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from chat.models import Message
from chat.page.words import say
from chat.runner.files import unseen_by
from tools.pictures import TAKEN

HEADS = tuple(f"data:image/{kind};base64," for kind in TAKEN)  # as they are stored


@dataclass(frozen=True)
class Picture:
    """What a browser shows."""

    media_type: str  # one of those that hold no script
    data: bytes


def shown_files(message: Message) -> list[dict[str, str]]:
    """The message's files: what each is called, and of a picture where its bytes are. The page asks no other host."""
    return [_shown(message, number, each) for number, each in enumerate(message.attachments)]


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


def _shown(message: Message, number: int, each: dict[str, Any]) -> dict[str, str]:
    name = str(each.get("name") or "")
    told = _told(each)
    why = {"unreadable": told} if told else {}
    if not _is_picture(each):
        return {"name": name or str(each.get("type", "")), **why}
    return {"name": name or say("picture"), "picture": reverse("page-picture", args=[message.pk, number]), **why}


def _told(each: dict[str, Any]) -> str:
    """Why a model has not seen it; empty where it has, as far as is known."""
    if each.get("unreadable"):
        return " ".join(filter(None, [say("notReadable"), str(each.get("why") or "")]))
    models = unseen_by(each)
    return say("notShownTo", models=", ".join(models)) if models else ""


def _is_picture(each: dict[str, Any]) -> bool:
    return each.get("type") == "image" and str(each.get("url", "")).startswith(HEADS)

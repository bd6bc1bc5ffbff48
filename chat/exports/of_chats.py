"""A chat to read: as Markdown, text, JSON or PDF, for whoever reads it."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.http.fields import Closed, Id, Text
from accounts.models import User
from accounts.plans import require_feature
from chat import audience
from chat.access import get_chat
from chat.exports import conversation
from chat.exports.conversation import ALL, LEAF, PARTS, Asked, Head
from chat.exports.forms import FORMS
from chat.exports.pdf.press import PART_CHARS, printed
from chat.exports.writing import Place, Writing, put
from chat.metering.answers import weights
from chat.models import Chat

PDF = "pdf"
FORMATS = {name: (form.content_type, form.ending) for name, form in FORMS.items()} | {PDF: ("application/pdf", "pdf")}
NAME_CHARS = 80
PAUSE_S = 0.0005  # after each message: a thread that makes Markdown harmless lets others go on


class HowMuch(Closed):
    """Which messages, and what of them."""

    branch = serializers.ChoiceField(
        [LEAF, ALL], required=False, default=LEAF, help_text="leaf: the newest branch; all: every message, by position."
    )

    def get_fields(self) -> dict[str, Any]:
        """With a field whose name is a word of Python."""
        told = f"Some of {', '.join(PARTS)}, with a comma between: what answers were made with."
        return {**super().get_fields(), "with": Text(required=False, default="", allow_blank=True, help_text=told)}

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """With the names apart, each once."""
        names = tuple(dict.fromkeys(each.strip() for each in values["with"].split(",") if each.strip()))
        if not set(names) <= set(PARTS):
            raise serializers.ValidationError({"with": [f"Expected some of these: {', '.join(PARTS)}."]})
        return {**values, "with": names}


class OfChat(HowMuch):
    """Which chat, and how much of it."""

    chat = Id()


def place(user: User, asked: Mapping[str, Any], format: str) -> Place:
    """One that they see, and that may leave as a file."""
    chat = get_chat(user, asked["chat"])
    require_form(chat, format)
    return Place(chat.organization_id, chat, name_of(chat))


def require_form(chat: Chat, format: str) -> None:
    """Raise Conflict where what the chat holds is not for every member, NotAllowed where the plan has no PDF."""
    audience.require_exportable(chat)
    if format == PDF:
        require_feature(chat.organization_id, "export_pdf")


def takes_long(chat: Chat, asked: Asked) -> bool:
    """Whether it is more than is set as PDF while one waits."""
    ids = conversation.head_of(chat, asked).ids
    return len(ids) > settings.EXPORT_PDF_INLINE or sum(weights(ids).values()) > PART_CHARS


def name_of(chat: Chat) -> str:
    """Of its file: its title, as file systems take it; a browser makes what else is odd in it harmless."""
    safe = "".join(each if each.isalnum() or each in " -_" else " " for each in chat.title)
    return " ".join(safe.split())[:NAME_CHARS].strip() or f"chat-{chat.pk}"


def asked_of(values: Mapping[str, Any]) -> Asked:
    """What was asked for."""
    return Asked(values["branch"], values["with"])


def write(writing: Writing) -> Iterator[int]:
    """Piece by piece."""
    assert writing.place.chat is not None
    asked = asked_of(writing.asked)
    head = conversation.head_of(writing.place.chat, asked)
    writing.total = len(head.ids)
    if writing.format == PDF:
        yield from printed(head, asked, writing.path)
    else:
        yield from _written(head, asked, writing)


def _written(head: Head, asked: Asked, writing: Writing) -> Iterator[int]:
    form, done = FORMS[writing.format], 0
    with writing.path.open("wb") as file:
        put(file, form.head(head), settings.EXPORT_MAX_BYTES)
        for batch in conversation.read(head, asked):
            for each in batch:
                put(file, form.message(each, done == 0), settings.EXPORT_MAX_BYTES)
                done += 1
                time.sleep(PAUSE_S)
            yield done
        put(file, form.tail)

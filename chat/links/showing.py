"""What a link shows of a chat: the texts of one branch, up to a message. Sync.

No reasoning, no tools and what they gave, no attachments; no commands, whose answers tell of other chats.
"""

from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.utils.safestring import SafeString

from accounts import look
from chat.links.opening import Opened
from chat.markdown import blocks
from chat.markdown.links import place_of
from chat.metering.answers import fitting
from chat.models import Message, MessageKind, MessageRole, MessageStatus
from chat.page.tree import Tree
from chat.page.words import say

SHOWN_MESSAGES = 50  # at once; the next ones are a page of their own


@dataclass(frozen=True)
class Shown:
    """One message."""

    message: Message
    author: str
    texts: tuple[SafeString | str, ...]  # an answer's are HTML
    sources: tuple[dict[str, Any], ...]

    @property
    def is_deleted(self) -> bool:
        """Whether a tombstone is left of it."""
        return self.message.status == MessageStatus.DELETED


@dataclass(frozen=True)
class Page:
    """Some messages, oldest first, and behind which position the next ones are; None: there are no more."""

    messages: list[Shown]
    more: int | None


def page_of(opened: Opened, after: int) -> Page:
    """The link's messages behind that position, as many as one answer holds."""
    tree = Tree(opened.chat)
    path = [each for each in tree.path_to(opened.link.until_id) if tree.positions[each] > after]
    found = _stored(fitting(path[:SHOWN_MESSAGES]))
    with blocks.for_answer():
        fit = list(takewhile(blocks.fits, found))
        shown = [_shown(each, opened) for each in fit if _is_said(each)]
    last = fit[-1] if fit else None
    return Page(shown, last.position if last and last.pk != path[-1] else None)


def _stored(ids: list[UUID]) -> list[Message]:
    return list(Message.objects.filter(pk__in=ids).select_related("author").order_by("position"))


def _is_said(message: Message) -> bool:
    """Whether it is something that people said or were answered, and over."""
    is_talk = message.role in (MessageRole.USER, MessageRole.ASSISTANT) and message.kind != MessageKind.COMMAND
    return is_talk and message.status != MessageStatus.IN_PROGRESS


def _shown(message: Message, opened: Opened) -> Shown:
    if message.role == MessageRole.USER:
        return Shown(message, _name(message, opened), (message.content,), ())
    return Shown(message, look.name(), tuple(blocks.html_of(message).values()), _sources(message))


def _name(message: Message, opened: Opened) -> str:
    """Strangers are not told who is who."""
    known = message.author.display_name if message.author and not opened.is_public else ""
    return known or str(message.get_role_display())


def _sources(message: Message) -> tuple[dict[str, Any], ...]:
    """What its marks stand for, by number: what it is called and where it is, and no word of it."""
    found = {each["n"]: each for each in reversed(message.parts) if each["type"] == "citation"}
    return tuple(_source(n, each.get("title", ""), each.get("url", "")) for n, each in sorted(found.items()))


def _source(n: int, title: str, url: str) -> dict[str, Any]:
    """It is a link where the page of the chat would make one of its address in a text."""
    return {"n": n, "title": title or url or say("sourceUntitled"), "url": url if place_of(url) else ""}

"""What of a chat people read: its messages in order, piece by piece, with as much of each as was asked for. Sync."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from chat.eventlog.drafts import attach_drafts
from chat.exports.words import name_of, state_of
from chat.metering.answers import fitting
from chat.models import Chat, Message, MessageRole, MessageStatus
from chat.page.tree import Tree

AT_ONCE = 100  # messages that are read in one query, as far as they are no longer than one answer may be
LEAF, ALL = "leaf", "all"
TOOLS, REASONING = "tools", "reasoning"
# Which parts of an answer are told, by what was asked for besides its texts.
PARTS = {TOOLS: ("tool_call", "tool_result"), REASONING: ("reasoning",)}


@dataclass(frozen=True)
class Asked:
    """Which messages of a chat, and what of them."""

    branch: str = LEAF
    besides: tuple[str, ...] = ()  # some of TOOLS, REASONING

    @property
    def kinds(self) -> set[str]:
        """Of an answer's parts, which are told."""
        return {"text", "citation", *(kind for each in self.besides for kind in PARTS[each])}


@dataclass(frozen=True)
class Head:
    """What stands above the messages."""

    id: UUID
    title: str
    model: str
    created_at: datetime
    at: datetime  # of the export
    ids: Sequence[UUID] = field(repr=False)  # of the messages
    branch: str = LEAF


@dataclass(frozen=True)
class Said:
    """One message, ready to be written."""

    id: UUID
    parent: UUID | None
    position: int
    answers: int | None  # the position of its parent
    role: str
    kind: str
    status: str
    author: UUID | None
    name: str
    model: str
    at: datetime
    state: str
    parts: list[dict[str, Any]]
    files: list[dict[str, Any]]

    @property
    def is_markdown(self) -> bool:
        """Whether its texts are: what people wrote is not, as in the page."""
        return self.role == MessageRole.ASSISTANT

    @property
    def sources(self) -> list[dict[str, Any]]:
        """What it names, by number, each once."""
        found = {each["n"]: each for each in reversed(self.parts) if each["type"] == "citation"}
        return [found[number] for number in sorted(found)]

    @property
    def chars(self) -> int:
        """How long it is, about."""
        return sum(len(str(part.get("text", part))) for part in self.parts)


def head_of(chat: Chat, asked: Asked) -> Head:
    """The head, with the ids of all messages in order. One query."""
    tree = Tree(chat)
    ids = tree.path() if asked.branch == LEAF else list(tree.positions)
    title = chat.title or _("New chat")
    return Head(chat.pk, title, chat.model, chat.created_at, timezone.now(), ids, asked.branch)


def read(head: Head, asked: Asked) -> Iterator[list[Said]]:
    """The messages, AT_ONCE at a time, fewer of long ones; those that are gone by now are left out."""
    at = 0
    while ids := fitting(head.ids[at : at + AT_ONCE]):
        yield _said(ids, asked)
        at += len(ids)


def _said(ids: Sequence[UUID], asked: Asked) -> list[Said]:
    rows = Message.objects.filter(pk__in=ids).select_related("author", "run", "parent").order_by("position")
    messages = list(rows.defer("parent__content", "parent__parts", "parent__attachments"))
    attach_drafts(messages)
    return [_one(each, asked) for each in messages]


def _one(row: Message, asked: Asked) -> Said:
    is_gone = row.status == MessageStatus.DELETED
    return Said(
        **{name: getattr(row, name) for name in ("id", "position", "role", "kind", "status", "model")},
        parent=row.parent_id,
        answers=row.parent.position if row.parent else None,
        author=row.author_id,
        name=name_of(row),
        at=row.created_at,
        state=state_of(row),
        parts=[] if is_gone else [each for each in _parts(row) if each["type"] in asked.kinds],
        files=[] if is_gone else [_file(each) for each in row.attachments],
    )


def _parts(row: Message) -> list[dict[str, Any]]:
    if row.parts or not row.content:
        return list(row.parts)
    return [{"type": "text", "text": row.content}]


def _file(attachment: dict[str, Any]) -> dict[str, Any]:
    """What is told of an attached file: not what is in it."""
    return {name: attachment[name] for name in ("type", "name", "id") if attachment.get(name)}

"""Which messages of a branch a compaction stands for, and what stays whole. Sync.

What stays begins with a message that a person or a client wrote, if there is one near; never with the result of a
client's tool, so that a call and its result are not parted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from agents.loop.lighter import KEEP_MESSAGES, KEEP_PART
from agents.loop.window import Window
from agents.tokens import of_messages, of_text
from chat.models import Compaction, Message, MessageRole, MessageStatus
from chat.runner import material
from chat.runner.history import COMPACTED, FIELDS, STATE, branch
from chat.runner.said import said_of

BEGINS = (MessageRole.USER, MessageRole.SYSTEM)
LOOKS_BACK = 4  # messages behind which what stays may begin, so that it begins with a question
READ_MESSAGES = 1_000  # of those that it stands for: the newest ones

Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is to be compacted."""

    chat_id: UUID
    leaf: UUID  # the message to answer
    upto: UUID
    upto_position: int
    first: UUID | None  # that stays whole
    before: str  # the summary so far
    lines: list[str]  # what is said in the messages, oldest first
    messages: int
    tokens_before: int
    tokens_kept: int  # of those that stay
    most_tokens: int  # of the summary
    deleted: int  # messages that are deleted, up to the last one that it stands for


@dataclass(frozen=True)
class _Older:
    """The branch before what stays, up to an earlier compaction."""

    ids: list[UUID]  # oldest first
    first: UUID | None  # the person's first message of the whole branch
    earlier: Compaction | None


def planned(question: Message, window: Window, overhead: int, *, by_hand: bool = False) -> Plan | None:
    """What is to be compacted so that this message's branch fits; None where there is nothing older to do it to.

    `overhead`: tokens of what is told besides the conversation. `by_hand`: somebody wants it, however short it is.
    """
    rows = _Branch(question)
    older = rows.before(question)
    first = _tokens(older.first) if older.first else 0
    room = window.room - overhead - window.summary
    is_whole = 0 < first <= room - of_messages(said_of(_own(question), {}))
    tail, kept = _tail(question, _keep(question, window, by_hand), room - first * is_whole)
    ids = _covered(older.ids, tail)
    is_whole = is_whole and (older.earlier is not None or older.first in ids)
    told = [each for each in ids if not (is_whole and each == older.first)]
    if not told:
        return None
    upto = ids[-1]
    found = _contents(told)
    before = older.earlier.summary if older.earlier else ""
    tokens = sum(of_messages(said_of(each, {})) for each in found) + of_text(before)
    is_long = len(ids) + len(tail) > settings.CHAT_CONTEXT_MESSAGES
    if not (by_hand or is_long) and tokens <= 2 * window.summary:
        return None  # it would be no shorter
    return Plan(
        chat_id=question.chat_id,
        leaf=question.pk,
        upto=upto,
        upto_position=rows.position(upto),
        first=older.first if is_whole else None,
        before=before,
        lines=material.lines(found),
        messages=len(ids) + (older.earlier.messages if older.earlier else 0),
        tokens_before=tokens + kept + first * is_whole,
        tokens_kept=kept + first * is_whole,
        most_tokens=window.summary,
        deleted=deleted(question.chat_id, rows.position(upto)),
    )


def deleted(chat_id: UUID, position: int) -> int:
    """How many messages of a chat are deleted, up to a position."""
    return Message.objects.filter(chat=chat_id, position__lte=position, status=MessageStatus.DELETED).count()


class _Branch:
    """The chat's tree, without what was said in it."""

    def __init__(self, question: Message) -> None:
        found = Message.objects.filter(chat=question.chat_id, position__lte=question.position).order_by()
        fields = ("pk", "parent_id", "position", "role", "status", COMPACTED)
        self.rows: dict[UUID, Row] = {each["pk"]: each for each in found.values(*fields)}

    def position(self, id: UUID) -> int:
        return int(self.rows[id]["position"])

    def before(self, question: Message) -> _Older:
        """All on the way to the message, itself included."""
        ids, at, earlier = list[UUID](), question.pk, None
        while at in self.rows:
            row = self.rows[at]
            if row[COMPACTED] is not None and at != question.pk:
                earlier = Compaction.objects.get(pk=row[COMPACTED])
                break
            ids.append(at)
            at = row["parent_id"]
        ids.reverse()
        return _Older(ids, earlier.first if earlier else self._first(ids), earlier)

    def _first(self, ids: list[UUID]) -> UUID | None:
        said = (each for each in ids if self.rows[each]["role"] == MessageRole.USER)
        return next((each for each in said if self.rows[each]["status"] != MessageStatus.DELETED), None)


def _keep(question: Message, window: Window, by_hand: bool) -> int:
    """How many tokens of the newest stay whole; by hand of a short chat a part of it, as of a window."""
    if not by_hand:
        return window.keep
    size = sum(of_messages(said_of(row, {})) for row in _newest(question))
    return min(window.keep, size // KEEP_PART)


def _newest(question: Message) -> Iterator[Row]:
    """The rows of its branch, newest first, up to an earlier compaction."""
    for row in branch(question):
        if row[COMPACTED] is not None:
            return
        yield row


def _tail(question: Message, keep: int, most: int) -> tuple[list[Row], int]:
    """The rows that stay, newest first, and their tokens: the last one at least, and no more than `most`."""
    tail, tokens, enough = list[Row](), 0, 0
    results: dict[str, Row] = {}
    sizes = list[int]()
    for row in _newest(question):
        size = of_messages(said_of(row, results))
        if len(tail) >= KEEP_MESSAGES and tokens >= keep:
            enough = enough or len(tail)
            if tail[-1]["role"] in BEGINS or len(tail) - enough >= LOOKS_BACK:
                break
        if tail and tokens + size > most:
            break
        tail.append(row)
        sizes.append(size)
        tokens += size
    while len(tail) > 1 and tail[-1]["role"] == MessageRole.TOOL:
        tail.pop()
        tokens -= sizes.pop()
    return tail, tokens


def _covered(ids: list[UUID], tail: list[Row]) -> list[UUID]:
    begins = ids.index(tail[-1]["pk"]) if tail else len(ids)
    return ids[:begins]


def _contents(ids: list[UUID]) -> list[Row]:
    """What the newest of them hold, oldest first."""
    rows = Message.objects.filter(pk__in=ids[-READ_MESSAGES:]).exclude(status=MessageStatus.DELETED)
    return list(rows.order_by("position").values(*FIELDS, STATE))


def _own(message: Message) -> Row:
    return {name: getattr(message, name) for name in FIELDS} | {STATE: None}


def _tokens(id: UUID) -> int:
    """Of one message."""
    rows = Message.objects.filter(pk=id).values(*FIELDS, STATE)
    return sum(of_messages(said_of(row, {})) for row in rows)

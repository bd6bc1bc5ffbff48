"""Which messages of a branch a compaction stands for, and what stays whole. Sync.

What stays begins with a message that a person or a client wrote, if there is one near; never with the result of a
client's tool, so that a call and its result are not parted.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from agents.loop.lighter import KEEP_MESSAGES, KEEP_PART, Newest
from agents.loop.window import Window
from agents.tokens import of_messages, of_text
from chat.models import Compaction, Message, MessageKind, MessageRole, MessageStatus
from chat.runner import material
from chat.runner.history import COMPACTED, FIELDS, branch
from chat.runner.said import STATE, said_of

BEGINS = (MessageRole.USER, MessageRole.SYSTEM)
LOOKS_BACK = 4  # messages behind which what stays may begin, so that it begins with a question
READ_MESSAGES = 1_000  # of those that it stands for: the newest ones

Row = dict[str, Any]
# What changes by an edit or a deletion: each message of a person's with the time of its last change, and each one that
# is deleted. It does not by an answer that ends, unless a run notes something at the message's attachments.
Said = frozenset[tuple[UUID, datetime | None]]


@dataclass(frozen=True)
class Plan:
    """What is to be compacted."""

    chat_id: UUID
    leaf: UUID  # the message to answer
    upto: UUID
    upto_position: int
    whole: list[UUID]  # that it covers, and that are told as they are
    before: str  # the summary so far
    lines: list[str]  # what is said in the messages, oldest first
    messages: int
    tokens_before: int
    tokens_kept: int  # of those that stay
    most_tokens: int  # of the summary
    room: int  # what the model that answers may be asked
    said: "Said"  # up to the last one that it stands for, as it was before anything was read


@dataclass(frozen=True)
class _Older:
    """The branch before what stays, up to an earlier compaction."""

    ids: list[UUID]  # oldest first
    earlier: Compaction | None


def planned(question: Message, window: Window, overhead: int, *, by_hand: bool = False) -> Plan | None:
    """What is to be compacted so that this message's branch fits; None where there is nothing older to do it to.

    `overhead`: tokens of what is told besides the conversation. `by_hand`: somebody wants it, however short it is.
    """
    tree = _Branch(question)
    older = tree.before(question)
    if not older.ids:
        return None
    most = window.room - overhead - window.summary
    whole, size = _whole(tree.always_whole(older), most - of_messages(said_of(_own(question), {})))
    tail, kept = _tail(question, _keep(question, window, by_hand), most - size)
    ids = older.ids[: older.ids.index(tail[-1]["pk"])]
    no_longer = [UUID(each) for each in older.earlier.whole if UUID(each) not in whole] if older.earlier else []
    told = [*no_longer, *(each for each in ids if each not in whole)]
    if len(told) == len(no_longer):
        return None
    found, before = _contents(told), older.earlier.summary if older.earlier else ""
    tokens = sum(of_messages(said_of(each, {})) for each in found) + of_text(before)
    is_long = len(ids) + len(tail) > settings.CHAT_CONTEXT_MESSAGES
    if not (by_hand or is_long) and tokens <= 2 * window.summary:
        return None  # it would be no shorter
    upto = tree.rows[ids[-1]]["position"]
    return Plan(
        chat_id=question.chat_id,
        leaf=question.pk,
        upto=ids[-1],
        upto_position=upto,
        whole=[each for each in whole if tree.rows[each]["position"] <= upto],
        before=before,
        lines=material.lines(found),
        messages=len(ids) + (older.earlier.messages if older.earlier else 0),
        tokens_before=tokens + kept + size,
        tokens_kept=kept + size,
        most_tokens=window.summary,
        room=window.room,
        said=_said(row for row in tree.rows.values() if row["position"] <= upto),
    )


def said_by(chat_id: UUID, position: int) -> Said:
    """What a chat's messages are now, up to a position: another one where any was edited or deleted."""
    rows = Message.objects.filter(chat=chat_id, position__lte=position).order_by()
    return _said(rows.values("pk", "role", "status", "updated_at"))


def _said(rows: Iterable[Mapping[str, Any]]) -> Said:
    return frozenset(
        (row["pk"], row["updated_at"] if row["role"] == MessageRole.USER else None)
        for row in rows
        if row["role"] == MessageRole.USER or row["status"] == MessageStatus.DELETED
    )


class _Branch:
    """The chat's tree, without what was said in it."""

    def __init__(self, question: Message) -> None:
        found = Message.objects.filter(chat=question.chat_id, position__lte=question.position).order_by()
        fields = ("pk", "parent_id", "position", "role", "status", "kind", "updated_at", COMPACTED)
        self.rows: dict[UUID, Row] = {each["pk"]: each for each in found.values(*fields)}

    def before(self, question: Message) -> _Older:
        """All on the way to the message, itself included; commands are none."""
        ids, at = list[UUID](), question.pk
        while at in self.rows:
            row = self.rows[at]
            if at != question.pk and (earlier := _still(row[COMPACTED])):
                return _Older(ids[::-1], earlier)
            if row["kind"] != MessageKind.COMMAND:
                ids.append(at)
            at = row["parent_id"]
        return _Older(ids[::-1], None)

    def always_whole(self, older: _Older) -> list[UUID]:
        """The first message of a person, and what clients told the model, oldest first."""
        said = [each for each in older.ids if self.rows[each]["status"] != MessageStatus.DELETED]
        systems = [each for each in said if self.rows[each]["role"] == MessageRole.SYSTEM]
        if older.earlier is not None:
            return [*map(UUID, older.earlier.whole), *systems]
        first = [each for each in said if self.rows[each]["role"] == MessageRole.USER][:1]
        return [*first, *systems]


def _still(id: UUID | None) -> Compaction | None:
    """The compaction, if there is one and it was not forgotten meanwhile."""
    return Compaction.objects.filter(pk=id).first() if id is not None else None


def _whole(ids: list[UUID], most: int) -> tuple[list[UUID], int]:
    """Those of them that there is room for, the first ones first, and their tokens."""
    rows = {row["pk"]: row for row in Message.objects.filter(pk__in=ids).values(*FIELDS, STATE)}
    fit, tokens = list[UUID](), 0
    for id in ids:
        size = of_messages(said_of(rows[id], {})) if id in rows else most + 1
        if tokens + size <= most:
            fit.append(id)
            tokens += size
    return fit, tokens


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
        if row["kind"] != MessageKind.COMMAND:
            yield row


def _tail(question: Message, keep: int, most: int) -> tuple[list[Row], int]:
    """The rows that stay, newest first, and their tokens without old, large results: the last one at least, no
    more than `most`, and half of as many rows as are read at once.
    """
    tail, sizes, newest, enough = list[Row](), list[int](), Newest(keep), 0
    results: dict[str, Row] = {}
    for row in _newest(question):
        before = newest.tokens
        newest.all_told(said_of(row, results))
        if len(tail) >= KEEP_MESSAGES and before >= keep:
            enough = enough or len(tail)
            if tail[-1]["role"] in BEGINS or len(tail) - enough >= LOOKS_BACK:
                break
        is_full = newest.tokens > most or len(tail) >= settings.CHAT_CONTEXT_MESSAGES // 2
        if is_full and tail and tail[-1]["role"] != MessageRole.TOOL:
            break
        tail.append(row)
        sizes.append(newest.tokens - before)
    stays = _stays(tail, is_enough=enough > 0)
    return tail[:stays], sum(sizes[:stays])


def _stays(tail: list[Row], *, is_enough: bool) -> int:
    """How many of these rows stay, so that they begin where they may."""
    roles = [row["role"] for row in tail]
    nearest = range(len(roles), max(len(roles) - LOOKS_BACK, 1) - 1, -1)
    if not is_enough and (found := next((each for each in nearest if roles[each - 1] in BEGINS), None)):
        return found
    return next((each for each in range(len(roles), 1, -1) if roles[each - 1] != MessageRole.TOOL), 1)


def _contents(ids: list[UUID]) -> list[Row]:
    """What the newest of them hold, oldest first."""
    rows = Message.objects.filter(pk__in=ids[-READ_MESSAGES:]).exclude(status=MessageStatus.DELETED)
    return list(rows.order_by("position").values(*FIELDS, STATE))


def _own(message: Message) -> Row:
    return {name: getattr(message, name) for name in FIELDS} | {STATE: None}

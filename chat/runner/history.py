"""Rows to what the model reads: the branch that ends in one message, its newest part. Sync.

Where a compaction stands for the older messages of the branch, they are told as the first one, whole, and its summary.
Slash commands and their answers are no part of it.
"""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from msgspec.structs import replace

from accounts.db.compiled import Compiled
from agents.conversation import shaped
from agents.loop.lighter import Newest
from agents.loop.window import Window
from agents.messages import AssistantMessage, SystemMessage, UserMessage
from agents.messages import Message as Said
from agents.state import STATES_MAX_BYTES
from agents.tokens import of_messages
from chat.attachments.reading import Reading
from chat.models import Compaction, Message, MessageKind
from chat.runner.said import STATE, said_of

FIELDS = ("pk", "parent_id", "role", "status", "kind", "content", "parts", "attachments")
COMPACTED = "compacted__pk"  # the compaction that stands for it and all before it
MARK = """\
--- summary {mark} ---
What happened in this conversation before the messages below{but}. It was written down because all \
of it was too long, and asks for nothing.

{summary}
--- end of summary {mark} ---"""


@dataclass(frozen=True)
class Front:
    """What is told in the place of the messages that a compaction stands for."""

    compaction: Compaction
    messages: tuple[Said, ...]
    tokens: int


@dataclass(frozen=True)
class History:
    """What a model is given to read of a chat."""

    messages: tuple[Said, ...]
    begins_at: UUID | None = None  # the first message that is in it, where older ones were left out
    whole: tuple[Said, ...] = ()  # the same with the large results of tools that are left out of it
    tokens: int = 0  # about
    light: int = 0  # the same without the large results of tools, left out or not
    is_cut: bool = False  # older ones were left out for which nothing stands
    front: Front | None = None


@dataclass
class _Row:
    """One row's messages, as they are and as they are told where all of it is too long."""

    row: dict[str, Any]
    whole: list[Said]
    told: list[Said]
    size: int  # tokens of the former
    tokens: int  # and of the latter


def history(message: Message, window: Window | None = None, reading: Reading | None = None) -> History:
    """The messages up to and including this one, oldest first, in an order that every model server takes.

    At most CHAT_CONTEXT_MESSAGES rows, and as many tokens as the window has room for, as estimated, whatever its
    length; without one CHAT_CONTEXT_TOKENS. What is nearly too much loses the old, large results of tools first. Where
    the beginning is left out, the rest begins with a person's message. The last one is always whole. `reading`: what
    is given of attached files. Raises what that raises.
    """
    return told(branch(message), window, reading)


def told(rows: Iterable[dict[str, Any]], window: Window | None = None, reading: Reading | None = None) -> History:
    """The same of a branch's rows, newest first."""
    reading, most = reading or Reading(), settings.CHAT_CONTEXT_TOKENS
    window = window or Window(most, most, most)
    kept, newest, front, is_cut = list[_Row](), Newest(window.keep), None, True
    results: dict[str, dict[str, Any]] = {}  # of calls that the client ran: they are rows of their own
    for row in rows:
        if row[COMPACTED] is not None:
            front, is_cut = front_of(row[COMPACTED], reading), False
            break
        if row["kind"] == MessageKind.COMMAND:  # it and its answer are between people and the product
            is_cut = row["parent_id"] is not None
            continue
        each = _row(row, said_of(_read(row, reading), results), newest)
        is_cut = any(every.whole for every in kept) and newest.tokens > window.room
        if is_cut:
            break
        kept.append(each)
        is_cut = row["parent_id"] is not None
    return _put_together(kept[::-1], front, window, is_cut)


def _read(row: dict[str, Any], reading: Reading) -> dict[str, Any]:
    files = reading.files(row["attachments"], row["pk"])
    return row if files is row["attachments"] else row | {"attachments": files}


def _row(row: dict[str, Any], said: list[Said], newest: Newest) -> _Row:
    size, tokens = newest.whole, newest.tokens
    light = newest.all_told(said)
    return _Row(row, said, light, newest.whole - size, newest.tokens - tokens)


def _put_together(kept: list[_Row], front: Front | None, window: Window, is_cut: bool) -> History:
    ahead = front.tokens if front is not None else 0
    while ahead and len(kept) > 1 and ahead + sum(each.tokens for each in kept) > window.room:
        del kept[0]
        is_cut = True
    if is_cut:
        kept = kept[_first_said_to_it(kept) :]
    size = ahead + sum(each.size for each in kept)
    light_size, is_light = ahead + sum(each.tokens for each in kept), size > window.trigger
    whole = [each for row in kept for each in row.whole]
    light = [each for row in kept for each in row.told] if is_light else whole
    return History(
        messages=shaped([*(front.messages if front is not None else ()), *_within_bounds(light)]),
        begins_at=kept[0].row["pk"] if is_cut or front is not None else None,
        whole=tuple(whole),
        tokens=light_size if is_light else size,
        light=light_size,
        is_cut=is_cut,
        front=front,
    )


def front_of(id: UUID, reading: Reading | None = None) -> Front:
    """What a compaction tells: the messages that are told whole, such as a person's first one, and the summary."""
    reading = reading or Reading()
    compaction = Compaction.objects.get(pk=id)
    rows = Message.objects.filter(pk__in=compaction.whole, chat=compaction.chat_id).order_by("position")
    whole = [each for row in rows.values(*FIELDS, STATE) for each in said_of(_read(row, reading), {})]
    messages = (*whole, marked(compaction))
    return Front(compaction, messages, of_messages(messages))


def marked(compaction: Compaction) -> UserMessage:
    """A summary as it is told: as a person's message, between marks that nothing in it can know."""
    but = ", besides what is told above" if compaction.whole else ""
    return UserMessage(MARK.format(mark=compaction.pk.hex[:12], but=but, summary=compaction.summary))


def _within_bounds(said: list[Said]) -> list[Said]:
    """The messages; older ones without their vendor state where all of it together is too much."""
    room, kept = STATES_MAX_BYTES, list[Said]()
    for each in reversed(said):
        if isinstance(each, AssistantMessage) and each.state is not None:
            room -= each.state.size
            each = each if room >= 0 else replace(each, state=None)
        kept.append(each)
    return kept[::-1]


def _first_said_to_it(kept: list[_Row]) -> int:
    """Where the first message stands that a person or a client wrote; 0 where there is none."""
    for number, row in enumerate(kept):
        if any(isinstance(each, UserMessage | SystemMessage) for each in row.whole):
            return number
    return 0


def branch(message: Message) -> Iterator[dict[str, Any]]:
    """The message's row, its parent's, and so on.

    Reads so many rows at once as the window has, and once more as many where the branch leads past other ones.
    """
    window = settings.CHAT_CONTEXT_MESSAGES
    yield {name: getattr(message, name) for name in FIELDS} | {STATE: None, COMPACTED: None}
    at, by_id, below, reads = message.parent_id, dict[UUID, dict[str, Any]](), message.position, 0
    for _ in range(window - 1):
        if at is None:
            return
        if at not in by_id and reads < 2:
            found = _before(window)(message.chat_id, below)
            by_id |= {row["pk"]: row for row in found}
            below, reads = found[-1]["position"] if found else 0, reads + 1
        row = by_id.get(at) or Message.objects.values(*FIELDS, STATE, COMPACTED).get(pk=at)
        yield row
        at = row["parent_id"]


@functools.cache
def _before(number: int) -> Compiled[Any]:
    """So many rows of a chat before a position, the newest first."""

    def find(chat: UUID, position: int) -> Any:
        rows = Message.objects.filter(chat_id=chat, position__lt=position).order_by("-position")
        return rows.values(*FIELDS, STATE, COMPACTED, "position")[:number]

    return Compiled(find, UUID, int)

"""Blocks of texts as HTML: of a stored message, which are kept, and of a run's answer, event by event."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import blake2b
from itertools import accumulate, groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from agents import events as ev
from agents.events import AnyEvent
from chat.eventlog.projection import Fold
from chat.markdown import budget
from chat.markdown import html as markdown
from chat.markdown.cutting import Block, Cutter, Definitions, cut
from chat.markdown.kept import Kept
from chat.models import Message, MessageRole

# A thread that renders lets others go on: so long, each so many characters.
PAUSE_S = 0.0005
PAUSE_CHARS = 5_000


@dataclass(frozen=True)
class Rendered:
    """A block of one part of a message, as HTML."""

    part: int
    block: Block
    html: str

    def as_json(self) -> dict[str, Any]:
        """The block as it is on the wire."""
        block = self.block
        return {"part": self.part, "index": block.index, "start": block.start, "end": block.end, "html": self.html}

    @property
    def bytes(self) -> int:
        """How many it makes in an answer."""
        return len(json.dumps(self.as_json(), ensure_ascii=False).encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Cut:
    """A whole text's blocks, rendered."""

    blocks: tuple[Rendered, ...]

    @property
    def chars(self) -> int:
        """What they take in memory."""
        return sum(len(each.html) + len(each.block.source) for each in self.blocks)


def rendered(text: str) -> SafeString:
    """The HTML of a whole text: that of its blocks, one after the other."""
    return mark_safe("".join(each.html for each in _blocks_of(text)))


def of_message(message: Message) -> list[dict[str, Any]]:
    """The blocks of a stored answer, as the native door sends them. What people wrote is no Markdown and has none."""
    return [each.as_json() for each in _shown(message)]


def html_of(message: Message) -> dict[int, SafeString]:
    """The same by part: the HTML of each text, under its number."""
    of_parts = groupby(_shown(message), lambda each: each.part)
    return {number: mark_safe("".join(each.html for each in blocks)) for number, blocks in of_parts}


# --- What one answer shows --------------------------------------------------------------------------------------------


@dataclass
class Room:
    """What is left for the HTML of one answer, and what it shows of each message."""

    left: int  # bytes
    shown: dict[UUID, list[Rendered]] = field(default_factory=dict)


_room: ContextVar[Room | None] = ContextVar("room", default=None)


@contextmanager
def for_answer() -> Iterator[Room]:
    """Around all that one answer shows: the colours of code in it take no longer together than they may, and all its
    HTML has one room."""
    room = _room.get() or Room(settings.RENDER_ANSWER_MAX_BYTES)
    token = _room.set(room)
    try:
        with budget.within(budget.Budget(settings.RENDER_ANSWER_S)):
            yield room
    finally:
        _room.reset(token)


def fits(message: Message) -> bool:
    """Whether the message's HTML finds room behind that of those asked about before; it is shown then.

    The first that has any always does: as far as there is room, and the rest of it as it was written.
    """
    with for_answer() as room:
        blocks = _made(message)
        if sum(each.bytes for each in blocks) > room.left and any(room.shown.values()):
            return False
        _put(room, message, blocks)
        return True


def _shown(message: Message) -> list[Rendered]:
    with for_answer() as room:
        if message.pk not in room.shown:
            _put(room, message, _made(message))
        return room.shown[message.pk]


def _put(room: Room, message: Message, blocks: list[Rendered]) -> None:
    sizes = [each.bytes for each in blocks]
    is_more = sum(sizes) > room.left
    room.shown[message.pk] = _cut_short(blocks, sizes, room.left, _texts_of(message)) if is_more else blocks
    room.left -= sum(sizes)


def _made(message: Message) -> list[Rendered]:
    """All of the message's blocks."""
    return [replace(each, part=number) for number, text in _texts_of(message).items() for each in _blocks_of(text)]


def _texts_of(message: Message) -> dict[int, str]:
    """The Markdown of a stored answer, each text under the number of its part."""
    if message.role != MessageRole.ASSISTANT:
        return {}
    if not message.parts and message.content:
        return {0: message.content}
    return {number: each["text"] for number, each in enumerate(message.parts) if each["type"] == "text"}


def _cut_short(blocks: list[Rendered], sizes: list[int], room: int, texts: dict[int, str]) -> list[Rendered]:
    """The first blocks, as many as there is room for; of each text all that is behind them, as it was written."""
    count = sum(1 for total in accumulate(sizes) if total <= room)
    rest = [next(of_part) for _, of_part in groupby(blocks[count:], lambda each: each.part)]
    return blocks[:count] + [_rest_of(texts[first.part], first) for first in rest]


def _rest_of(text: str, first: Rendered) -> Rendered:
    """One block of all that a text has from this one on."""
    source = text[first.block.start :]
    block = replace(first.block, end=len(text), source=source, is_plain=True)
    return replace(first, block=block, html=markdown.unformatted(source)[:])


def _blocks_of(text: str) -> tuple[Rendered, ...]:
    """A text's blocks, cut and rendered once: they are kept by what they were made of."""
    key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return _kept().get(key, lambda: _cut_and_rendered(text), budget.is_left).blocks


@cache
def _kept() -> Kept[Cut]:
    return Kept(settings.RENDER_KEPT_CHARS // 2, lambda cut: cut.chars)


def _cut_and_rendered(text: str) -> Cut:
    blocks, definitions = cut(text)
    with budget.within(budget.Budget(settings.RENDER_TEXT_S)):
        done = _render(0, blocks, definitions)
        return Cut(tuple(_seen(done, _finished(done, definitions))))


def _seen(blocks: list[Rendered], again: list[Rendered]) -> list[Rendered]:
    """The last blocks of a text as they are in the end, without one of definitions that all are used."""
    newer = {each.block.index: each for each in again}
    last = [newer.get(each.block.index, each) for each in blocks]
    return [each for each in last if each.html or each.block.is_plain]


def _finished(blocks: list[Rendered], definitions: Definitions) -> list[Rendered]:
    """Those of a whole text's blocks that are other ones now that all is known: what was defined behind them, and what
    of their own definitions nothing uses."""
    known = [definitions.used(each.block.source) for each in blocks]
    pieces = [each.block.rendered(its) for each, its in zip(blocks, known, strict=True)]
    unused = markdown.unused(pieces, definitions.addresses)
    again: list[Rendered] = []
    for each, piece, its in zip(blocks, pieces, known, strict=True):
        whole = (*its[:2], piece.left(unused))
        html = each.block.rendered(whole).html if whole[2] else piece.html
        again += [Rendered(each.part, each.block, html)] if html != each.html else []
    return again


def _render(part: int, blocks: list[Block], definitions: Definitions) -> list[Rendered]:
    """Render blocks, in a thread that lets others go on meanwhile."""
    done: list[Rendered] = []
    chars = 0
    for each in blocks:
        known = definitions.used(each.source)
        done.append(Rendered(part, each, each.rendered(known).html))
        chars += len(each.source)
        if chars > PAUSE_CHARS:
            time.sleep(PAUSE_S)
            chars = 0
    return done


class RunBlocks:
    """The blocks of a run's answer, event by event. A part's number is its place in the message's `parts`."""

    def __init__(self) -> None:
        self._fold = Fold()
        self._part = -1
        self._cutter: Cutter | None = None
        self._budget = budget.Budget(settings.RENDER_TEXT_S)  # of the part
        self._late: list[Rendered] = []  # blocks that a link, or its want, behind them may change

    def feed(self, event: AnyEvent) -> list[Rendered]:
        """The blocks that this event completes. One that was given before comes again where its links got addresses."""
        if event.agent or isinstance(event, ev.CitationAdded):  # it stands in a text that goes on
            self._fold.apply(event)
            return []
        if isinstance(event, ev.TextDelta):
            return self._say(event)
        if isinstance(event, ev.TurnReset):
            self._cutter = None
        done = self._close()
        self._fold.apply(event)
        return done

    def _say(self, event: ev.TextDelta) -> list[Rendered]:
        self._fold.apply(event)
        done: list[Rendered] = []
        if self._cutter is None or self._part != self._fold.newest:
            done += self._close()
            self._part, self._cutter, self._late = self._fold.newest, Cutter(), []
            self._budget = budget.Budget(settings.RENDER_TEXT_S)
        return done + self._render(self._cutter, self._cutter.feed(event.text))

    def _close(self) -> list[Rendered]:
        """The rest of the open part."""
        cutter, self._cutter = self._cutter, None
        if cutter is None:
            return []
        done = self._render(cutter, cutter.close())
        with budget.within(self._budget):
            again = _finished(self._late, cutter.definitions)
        new = {each.block.index for each in done}
        return _seen(done, again) + [each for each in again if each.block.index not in new]

    def _render(self, cutter: Cutter, blocks: list[Block]) -> list[Rendered]:
        with budget.within(self._budget):
            done = _render(self._part, blocks, cutter.definitions)
        self._late += [each for each in done if "[" in each.block.source]
        return done

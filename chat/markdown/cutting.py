"""A Markdown text cut into blocks while it is written, so that each is rendered once, as soon as it is whole.

A block is one paragraph, list, table, code ... at the text's own level. The cut of a whole text and the cuts of the
same text that comes piece by piece are the same, wherever the pieces end. So are the bounds: what is looked at for
blocks is never longer than RENDER_BLOCK_MAX_CHARS, and a block that does not end in it is shown as it was written.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

from django.conf import settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from chat.markdown import grammar
from chat.markdown import html as markdown

DEFINITIONS = 1_000  # links, and footnotes, that one text may define
BLOCKS = 5_000  # of a text, that are formatted
_LINE_END = re.compile(r"\r\n|\n|\r(?!\Z)")  # a CR that is the last of its piece may be the first half of a line end


@dataclass(frozen=True)
class Block:
    """One block of a text: its number, and its place in code points. `source` is the Markdown between them."""

    index: int
    start: int
    end: int
    source: str
    is_plain: bool = False  # shown as it was written
    has_failed: bool = False  # and not because there is too much of it

    def rendered(self, known: markdown.Known) -> markdown.Piece:
        """The block rendered with these definitions."""
        if self.is_plain:
            return markdown.Piece(markdown.unformatted(self.source, has_failed=self.has_failed)[:])  # plain, for JSON
        return markdown.piece(self.source, known)


@dataclass
class Definitions:
    """What a text defines, for all of its blocks: the first of a label counts."""

    addresses: dict[str, str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def used(self, source: str) -> markdown.Known:
        """Those that this piece of the text may use."""
        return markdown.used(source, self.addresses, self.notes)

    def add(self, outline: "Outline", lines: int) -> None:
        """Take in those that end within so many lines."""
        for label, address, line in outline.addresses:
            if line <= lines and len(self.addresses) < DEFINITIONS:
                self.addresses.setdefault(label, address)
        for label, line in outline.notes:
            if line <= lines and len(self.notes) < DEFINITIONS:
                self.notes.setdefault(label)


@dataclass(frozen=True)
class Outline:
    """The blocks of a piece of text: the number of the line behind each, and what is defined in them."""

    ends: list[int]
    sure: int  # so many of the ends stay, whatever comes behind the piece
    addresses: list[tuple[str, str, int]]
    notes: list[tuple[str, int]]


def outline_of(text: str) -> Outline:
    """The blocks of a text; none where they cannot be told."""
    env: dict[str, Any] = {}
    try:
        tokens = _outline().parse(text, env)
    except Exception as error:  # whatever a model wrote
        markdown.tell(error, "finding blocks")
        return Outline([], 0, [], [])
    top = [each for each in tokens if each.map and each.level == 0 and each.nesting >= 0]
    unsure = [at for at, each in enumerate(top) if _may_end_elsewhere(each)]
    return Outline(
        [each.map[1] for each in top if each.map],
        min([len(top) - 1, *unsure]),
        [(label, each["href"], each["map"][1]) for label, each in env.get("references", {}).items()],
        [(each.meta["label"], each.map[1]) for each in tokens if each.type == "footnote_reference_open" and each.map],
    )


def _may_end_elsewhere(token: Token) -> bool:
    """Once there is more: a fence that holds Markdown, a formula that is still open."""
    return (token.type == "fence" and token.info in grammar.MARKDOWN) or bool(token.meta.get("is_open"))


@cache
def _outline() -> MarkdownIt:
    return grammar.outline()


class Mode(Enum):
    """What a cutter is in."""

    TEXT = "text"
    FENCE = "fence"  # fenced code ends with its closing line, and with nothing else
    LONG_FENCE = "long fence"  # the rest of one that was too long
    LONG = "long"  # the rest of a block that was too long, up to an empty line
    REST = "rest"  # behind what is formatted of a text


@dataclass
class Cutter:
    """Cuts one text. `feed` it piece by piece, then `close` it."""

    definitions: Definitions = field(default_factory=Definitions)  # met so far
    _open: str = ""  # what is in no block yet
    _start: int = 0  # where that begins
    _count: int = 0  # of blocks
    _lines: list[int] = field(default_factory=list)  # ends of the lines in `_open`
    _next_look: int = 1  # look for blocks once there are so many lines
    _mode: Mode = Mode.TEXT
    _fence: grammar.Fence | None = None
    _looked: int = 0  # so many lines were looked at, one by one
    _is_begun: bool = False  # one of those was not empty
    _bare: int = 0  # the end of the first line that would end the fence if it held none; 0 where there is none yet

    def feed(self, text: str) -> list[Block]:
        """The blocks that this piece completes."""
        size = settings.RENDER_BLOCK_MAX_CHARS
        return [each for at in range(0, len(text), size) for each in self._feed(text[at : at + size])]

    def _feed(self, text: str) -> list[Block]:
        self._open += text
        before = len(self._lines)
        self._find_lines()
        return self._steps() if len(self._lines) > before or self._is_full() else []

    def close(self) -> list[Block]:
        """The blocks of what is left: no more will come."""
        self._end_lines()
        blocks = self._steps()
        while self._mode is Mode.FENCE and self._open:  # nobody has ended it
            blocks += self._end_fence()
            rest, self._open, self._lines = self._open, "", []
            blocks += self.feed(rest)
            self._end_lines()
            blocks += self._steps()
        return blocks + self._last()

    def _end_lines(self) -> None:
        """The last line ends where the text does."""
        if self._open and (not self._lines or self._lines[-1] < len(self._open)):
            self._lines.append(len(self._open))

    def _find_lines(self) -> None:
        at = self._lines[-1] if self._lines else 0
        while match := _LINE_END.search(self._open, at):
            at = match.end()
            self._lines.append(at)

    def _is_full(self) -> bool:
        return len(self._open) > 2 * int(settings.RENDER_BLOCK_MAX_CHARS)

    def _steps(self) -> list[Block]:
        """Go on as long as something is cut, or found to be something else."""
        blocks: list[Block] = []
        before = None
        while before != (before := (self._mode, self._count, self._start)):
            blocks += self._step()
        return blocks

    def _step(self) -> list[Block]:
        match self._mode:
            case Mode.TEXT:
                return self._in_text()
            case Mode.FENCE | Mode.LONG_FENCE:
                return self._in_fence(self._fence)
            case Mode.LONG:
                return self._in_long()
            case Mode.REST:
                return self._at_bound(settings.RENDER_BLOCK_MAX_CHARS, Mode.REST)

    def _in_text(self) -> list[Block]:
        """Cut what is whole; what is open is not looked at again with each line."""
        if self._start >= settings.RENDER_TEXT_MAX_CHARS or self._count >= BLOCKS:
            self._mode = Mode.REST
            return []
        if self._begins_fence():
            return []
        if bound := self._bound(settings.RENDER_BLOCK_MAX_CHARS):
            return self._look(bound) or self._at_bound(settings.RENDER_BLOCK_MAX_CHARS, Mode.LONG)
        if len(self._lines) < self._next_look:
            return []
        self._next_look = len(self._lines) + 1 + len(self._lines) // 8
        return self._look(self._lines[-1])

    def _begins_fence(self) -> bool:
        """Whether the first line that is not empty opens one."""
        while not self._is_begun and self._looked < len(self._lines):
            line = self._line(self._looked)
            self._looked += 1
            self._is_begun = bool(line.strip())
            self._fence = grammar.Fence.opened_by(line.rstrip("\r\n"))
            if self._fence:
                self._mode = Mode.FENCE
        return self._fence is not None and self._mode is Mode.FENCE

    def _look(self, to: int) -> list[Block]:
        outline = outline_of(self._open[:to])
        return self._cut(outline, outline.ends[: max(outline.sure, 0)])

    def _in_fence(self, fence: grammar.Fence | None) -> list[Block]:
        is_plain = self._mode is Mode.LONG_FENCE
        bound = self._bound(settings.RENDER_TEXT_MAX_CHARS) or len(self._open)
        while fence and self._looked < len(self._lines) and self._lines[self._looked] <= bound:
            self._looked += 1
            if stop := self._end_in(fence, self._looked - 1):
                self._mode = Mode.TEXT
                return self._cut_at(stop, is_plain)
        return self._at_bound(settings.RENDER_TEXT_MAX_CHARS, Mode.LONG_FENCE)

    def _end_in(self, fence: grammar.Fence, line: int) -> int:
        """Where the fence ends, told of its next line; 0 while it goes on. Each line is looked at once."""
        text = self._line(line)
        if fence.ends_with(text):
            return self._lines[line]
        if not self._bare and fence.holds_markdown and grammar.Fence(fence.mark).ends_with(text):
            self._bare = self._lines[line]
        return self._bare if fence.is_given_up else 0

    def _in_long(self) -> list[Block]:
        """Text is text again behind an empty line."""
        bound = self._bound(settings.RENDER_BLOCK_MAX_CHARS) or len(self._open)
        while self._looked < len(self._lines) and self._begin_of(self._looked) < bound:
            if not self._line(self._looked).strip():
                self._mode = Mode.TEXT
                return self._cut_at(self._begin_of(self._looked), True)
            self._looked += 1
        return self._at_bound(settings.RENDER_BLOCK_MAX_CHARS, Mode.LONG)

    def _bound(self, most: int) -> int:
        """The end of the first line that ends so far from the start, or what is there of one without an end; else 0."""
        at = bisect_left(self._lines, most)
        if at < len(self._lines) and self._lines[at] <= 2 * most:
            return self._lines[at]
        return 2 * most if len(self._open) > 2 * most else 0

    def _at_bound(self, most: int, mode: Mode) -> list[Block]:
        """Where it has become too long, cut it there; what comes is the rest of it."""
        bound = self._bound(most)
        if not bound:
            return []
        self._mode = mode
        return self._cut_at(bound, True)

    def _end_fence(self) -> list[Block]:
        """Cut an open fence where it ends if no more comes."""
        outline = outline_of(self._open)
        self._mode = Mode.TEXT
        return self._cut(outline, outline.ends[:1]) or self._cut_at(len(self._open), True, has_failed=True)

    def _last(self) -> list[Block]:
        """The rest, of which no more comes. Behind the last block there may be definitions alone."""
        if self._mode is not Mode.TEXT:
            return self._cut_at(len(self._open), True)
        outline = outline_of(self._open)
        has_failed = not outline.ends and not outline.addresses
        lines = len(self._lines)
        blocks = self._cut(outline, outline.ends)
        self.definitions.add(outline, lines)
        is_over = self._count >= BLOCKS
        if not self._open.strip() and not is_over:
            return blocks
        return blocks + self._cut_at(len(self._open), has_failed or is_over, has_failed=has_failed)

    def _line(self, number: int) -> str:
        return self._open[self._begin_of(number) : self._lines[number]]

    def _begin_of(self, line: int) -> int:
        return self._lines[line - 1] if line else 0

    def _cut(self, outline: Outline, ends: list[int]) -> list[Block]:
        """The blocks that end behind the lines of these numbers; the rest stays open."""
        ends = ends[: max(BLOCKS - self._count, 0)]
        stops = [self._lines[min(end, len(self._lines)) - 1] for end in ends]
        blocks: list[Block] = []
        begin = 0
        for stop in stops:
            if stop > begin:
                blocks.append(self._block(begin, stop))
                begin = stop
        if begin:
            self.definitions.add(outline, ends[-1])
            self._keep(begin)
        return blocks

    def _cut_at(self, stop: int, is_plain: bool, *, has_failed: bool = False) -> list[Block]:
        """One block up to here."""
        if not stop:
            self._keep(0)
            return []
        block = self._block(0, stop, is_plain, has_failed)
        self._keep(stop)
        return [block]

    def _block(self, begin: int, stop: int, is_plain: bool = False, has_failed: bool = False) -> Block:
        self._count += 1
        start, end, source = self._start + begin, self._start + stop, self._open[begin:stop]
        return Block(self._count - 1, start, end, source, is_plain, has_failed)

    def _keep(self, begin: int) -> None:
        """Go on with what is behind the last cut, as if it had come just now."""
        self._open, self._start = self._open[begin:], self._start + begin
        self._lines = [each - begin for each in self._lines if each > begin]
        self._looked, self._is_begun, self._next_look, self._bare = 0, False, 1, 0


# --- Whole texts ------------------------------------------------------------------------------------------------------


def cut(text: str) -> tuple[list[Block], Definitions]:
    """The blocks of a whole text, and its definitions."""
    cutter = Cutter()
    blocks = cutter.feed(text) + cutter.close()
    return blocks, cutter.definitions

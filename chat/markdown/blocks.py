"""A Markdown text cut into blocks while it is written, so that each is rendered once, as soon as it is whole. Pure.

A block is one paragraph, list, table, code ... at the text's own level. The cut of a whole text and the cuts of the
same text that comes piece by piece are the same, wherever the pieces end.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from agents import events as ev
from agents.events import AnyEvent
from chat.eventlog.projection import Fold
from chat.markdown import html as markdown
from chat.models import Message, MessageRole

_LINE_END = re.compile(r"\r\n|\n|\r(?!\Z)")  # a CR that is the last of its piece may be the first half of a line end
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")


@dataclass(frozen=True)
class Block:
    """One block of a text: its number, and its place in code points. `source` is the Markdown between them."""

    index: int
    start: int
    end: int
    source: str

    def html(self, references: markdown.References) -> str:
        """The block rendered; `references` are those of its text."""
        return markdown.render(self.source, references)[:]  # a plain string: it goes into JSON


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

    def rendered_with(self, references: markdown.References) -> "Rendered":
        """The same block by these link definitions."""
        return Rendered(self.part, self.block, self.block.html(references))


@dataclass
class Cutter:
    """Cuts one text. `feed` it piece by piece, then `close` it."""

    references: dict[str, Any] = field(default_factory=dict)  # link definitions met so far
    _open: str = ""  # what is in no block yet
    _start: int = 0  # where that begins
    _count: int = 0  # of blocks
    _lines: list[int] = field(default_factory=list)  # ends of the lines in `_open`
    _next_look: int = 1  # look for blocks once there are so many lines
    _fence: str = ""  # that opens `_open`, if it is fenced code

    def feed(self, text: str) -> list[Block]:
        """The blocks that this piece completes."""
        blocks: list[Block] = []
        at = max(0, len(self._open) - 1, self._seen())  # a CR at the end may have been half a line end
        self._open += text
        while match := _LINE_END.search(self._open, at):
            self._lines.append(match.end())
            blocks += self._look()
            at = self._seen()
        return blocks

    def _seen(self) -> int:
        return self._lines[-1] if self._lines else 0

    def close(self) -> list[Block]:
        """The blocks of what is left: no more will come."""
        if not self._open:
            return []
        self._lines = [match.end() for match in re.finditer(r"\r\n|\n|\r|\Z", self._open)]
        return self._cut(markdown.ends_of_blocks(self._open, self.references))

    def _look(self) -> list[Block]:
        """Cut what is whole in the lines that are there; a long block is not looked at again with each line."""
        if self._fence:
            return self._look_for_fence()
        before = self._lines[-2] if len(self._lines) > 1 else 0
        if not self._open[:before].strip():
            self._fence = self._opening_fence(self._open[before : self._lines[-1]])
        if len(self._lines) < self._next_look:
            return []
        self._next_look = len(self._lines) + 1 + len(self._lines) // 8
        whole = markdown.ends_of_blocks(self._open[: self._lines[-1]], self.references)[:-1]
        return self._cut(whole)

    def _opening_fence(self, line: str) -> str:
        opening = _FENCE.match(line.rstrip("\r\n"))
        return opening[1] if opening else ""

    def _look_for_fence(self) -> list[Block]:
        """Fenced code ends with its closing line, and with nothing else."""
        line = self._open[self._lines[-2] : self._lines[-1]].rstrip(" \t\r\n")
        fence = line.lstrip(" ")
        is_end = len(fence) >= len(self._fence) and set(fence) == {self._fence[0]} and len(line) - len(fence) <= 3
        return self._cut([len(self._lines)]) if is_end else []

    def _cut(self, ends: list[int]) -> list[Block]:
        """The blocks that end behind the lines of these numbers; the rest stays open."""
        blocks: list[Block] = []
        begin = 0
        for end in ends:
            stop = self._lines[min(end, len(self._lines)) - 1]
            if stop > begin:
                blocks.append(Block(self._count, self._start + begin, self._start + stop, self._open[begin:stop]))
                self._count += 1
                begin = stop
        if begin:
            self._keep(begin)
        return blocks

    def _keep(self, begin: int) -> None:
        """Go on with what is behind the last cut, as if it had come just now."""
        self._open, self._start = self._open[begin:], self._start + begin
        self._lines, self._fence, self._next_look = [], "", 1


def cut(text: str) -> tuple[list[Block], markdown.References]:
    """The blocks of a whole text, and its link definitions."""
    cutter = Cutter()
    blocks = cutter.feed(text) + cutter.close()
    return blocks, cutter.references


def rendered(text: str) -> SafeString:
    """The HTML of a whole text: that of its blocks, one after the other."""
    blocks, references = cut(text)
    return mark_safe("".join(each.html(references) for each in blocks))


def of_message(message: Message) -> list[dict[str, Any]]:
    """The blocks of a stored answer, as the native door sends them. What people wrote is no Markdown and has none."""
    if message.role != MessageRole.ASSISTANT:
        return []
    texts = [(number, each["text"]) for number, each in enumerate(message.parts) if each["type"] == "text"]
    if not message.parts and message.content:
        texts = [(0, message.content)]
    return [each.as_json() for number, text in texts for each in _of_text(number, text)]


def _of_text(part: int, text: str) -> list[Rendered]:
    blocks, references = cut(text)
    return [Rendered(part, each, each.html(references)) for each in blocks]


class RunBlocks:
    """The blocks of a run's answer, event by event. A part's number is its place in the message's `parts`."""

    def __init__(self) -> None:
        self._fold = Fold()
        self._part = -1
        self._cutter: Cutter | None = None
        self._late: list[Rendered] = []  # blocks that a link defined behind them may change

    def feed(self, event: AnyEvent) -> list[Rendered]:
        """The blocks that this event completes. One that was given before comes again where its links got addresses."""
        if event.agent:
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
        if self._cutter is None or self._part != self._fold.size - 1:
            done += self._close()
            self._part, self._cutter, self._late = self._fold.size - 1, Cutter(), []
        return done + self._render(self._cutter, self._cutter.feed(event.text))

    def _close(self) -> list[Rendered]:
        """The rest of the open part."""
        cutter, self._cutter = self._cutter, None
        if cutter is None:
            return []
        done = self._render(cutter, cutter.close())
        again = [each.rendered_with(cutter.references) for each in self._late]
        return done + [new for old, new in zip(self._late, again, strict=True) if new.html != old.html]

    def _render(self, cutter: Cutter, blocks: list[Block]) -> list[Rendered]:
        done = [Rendered(self._part, each, each.html(cutter.references)) for each in blocks]
        self._late += [each for each in done if "[" in each.block.source]
        return done

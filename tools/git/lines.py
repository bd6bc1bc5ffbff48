"""Two texts compared, line by line, as git does it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

import pygit2

from tools.git.bounds import FILE_MAX_LINES

CONTEXT_LINES = 3
Sign = Literal["+", "-", " ", "@"]
SIGNS: dict[str, Sign] = {"+": "+", "-": "-", " ": " "}


@dataclass(frozen=True)
class Line:
    """One line of a comparison: new, gone, the same in both, or (@) where the next lines stand."""

    sign: Sign
    text: str


def compared(old: str, new: str, *, context: int = CONTEXT_LINES) -> Iterator[Line]:
    """The lines that differ, with some around them; none where the texts are the same.

    libgit2 does it, whose time grows with the square of the lines. So its time is bounded for texts of any kind by
    their lines: where there are more, all that lies between the same beginning and the same end goes and comes.
    """
    if max(old.count("\n"), new.count("\n")) >= FILE_MAX_LINES:
        return _exchanged(old, new, context)
    return _compared(old, new, context)


def _exchanged(old: str, new: str, context: int) -> Iterator[Line]:
    if old == new:
        return
    before, after = old.removesuffix("\n").split("\n"), new.removesuffix("\n").split("\n")
    first = _same(before, after)
    last = _same(before[first:][::-1], after[first:][::-1])
    end, stop = len(before) - last, len(after) - last
    yield from (Line(" ", each) for each in after[max(0, first - context) : first])
    yield from (Line("-", each) for each in before[first:end])
    yield from (Line("+", each) for each in after[first:stop])
    yield from (Line(" ", each) for each in after[stop : stop + context])


def _same(before: list[str], after: list[str]) -> int:
    """How many lines at the beginning are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))


def _compared(old: str, new: str, context: int) -> Iterator[Line]:
    # The patch points into these bytes and does not keep them: they have to live as long as it is read.
    before, after = old.encode(errors="replace"), new.encode(errors="replace")
    patch = pygit2.Patch.create_from(before, after, context_lines=context)
    for number, hunk in enumerate(patch.hunks):
        if number:
            yield Line("@", f"{hunk.new_start}")
        for line in hunk.lines:
            if line.origin in SIGNS:  # the others say that there is no line break at an end
                yield Line(SIGNS[line.origin], line.content.removesuffix("\n"))

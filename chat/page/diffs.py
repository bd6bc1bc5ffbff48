"""A unified diff as the page shows it: rows of a table, below one another or side by side.

Whoever wrote the files may be hostile: every text passes `_text`, which escapes it and makes visible what browsers
hide.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import ngettext

from tools.hidden import replaced

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")
MODE = re.compile(r"(old|new) mode (\d+)")
SIGNS = {"+": "add", "-": "del", " ": "same"}
NO_END = "\\ No newline at end of file"


@dataclass
class Line:
    """One line: `sign` is +, - or a space, `old` and `new` are its numbers."""

    sign: str
    old: int
    new: int
    text: str
    has_end: bool = True


@dataclass
class Hunk:
    """Lines that stand together, behind some that are the same and not shown."""

    skipped: int
    heading: str  # what git takes for the function they are in
    lines: list[Line] = field(default_factory=list)


def hunks_of(patch: str) -> list[Hunk]:
    """The hunks of one file's patch; a patch that was cut ends where it was cut."""
    found: list[Hunk] = []
    old = new = seen = 0
    for row in patch.split("\n"):
        if match := HUNK.fullmatch(row):
            old, new = int(match[1]), int(match[3])
            found.append(Hunk(max(0, new - seen - 1) if match[4] != "0" else 0, match[5]))
        elif found and row[:1] in SIGNS:
            found[-1].lines.append(Line(row[0], old, new, row[1:]))
            old, new = old + (row[0] != "+"), new + (row[0] != "-")
            seen = new - 1
        elif row == NO_END and found and found[-1].lines:
            found[-1].lines[-1].has_end = False
    return found


def modes_of(patch: str) -> tuple[str, str] | None:
    """The file's modes, old and new, where they differ."""
    found = dict(MODE.findall(patch.partition("\n@@")[0]))
    return (found["old"], found["new"]) if {"old", "new"} <= found.keys() else None


def rows_of(hunks: list[Hunk], *, is_split: bool) -> SafeString:
    """The rows of the table: three cells each, or four side by side."""
    rows = [row for each in hunks for row in _hunk(each, is_split)]
    return mark_safe("".join(rows))  # all texts in it are escaped by _text


def shown(text: str) -> SafeString:
    """A name, on one line, with what is hidden in it made visible."""
    return mark_safe(_text(text).replace("\n", '<span class="odd">LF</span>'))


def count_of(hunks: list[Hunk]) -> int:
    """How many lines are shown."""
    return sum(len(each.lines) for each in hunks)


def _hunk(hunk: Hunk, is_split: bool) -> Iterator[str]:
    if told := _skipped(hunk):
        yield f'<tr class="gap"><td colspan="{4 if is_split else 3}">{told}</td></tr>'
    yield from _split(hunk.lines) if is_split else map(_unified, hunk.lines)


def _skipped(hunk: Hunk) -> str:
    count = hunk.skipped
    told = ngettext("%(count)s unchanged line", "%(count)s unchanged lines", count) % {"count": count} if count else ""
    return " · ".join(filter(None, (escape(told), _text(hunk.heading))))


def _unified(line: Line) -> str:
    old, new = "" if line.sign == "+" else line.old, "" if line.sign == "-" else line.new
    return f'<tr class="{SIGNS[line.sign]}">{_number(old)}{_number(new)}{_code(line)}</tr>'


def _split(lines: list[Line]) -> Iterator[str]:
    """What went stands beside what came in its place."""
    gone: list[Line] = []
    come: list[Line] = []
    for line in [*lines, Line(" ", 0, 0, "")]:
        if line.sign == "-":
            if come:
                yield from _beside(gone, come)
                gone, come = [], []
            gone.append(line)
        elif line.sign == "+":
            come.append(line)
        else:
            yield from _beside(gone, come)
            gone, come = [], []
            if line.new or line.old:
                yield f"<tr>{_number(line.old)}{_code(line)}{_number(line.new)}{_code(line)}</tr>"


def _beside(gone: list[Line], come: list[Line]) -> Iterator[str]:
    for at in range(max(len(gone), len(come))):
        left, right = (side[at] if at < len(side) else None for side in (gone, come))
        yield f"<tr>{_side(left, left.old if left else '')}{_side(right, right.new if right else '')}</tr>"


def _side(line: Line | None, number: int | str) -> str:
    return f"{_number(number)}{_code(line)}" if line else '<td class="no"></td><td class="none"></td>'


def _number(number: int | str) -> str:
    """Numbers are drawn by the style sheet, so that who copies lines copies no numbers."""
    return f'<td class="no" data-n="{number}"></td>'


def _code(line: Line) -> str:
    text, kind = _text(line.text), SIGNS[line.sign]
    end = "" if line.has_end else '<span class="odd">⌀</span>'
    return f'<td class="{kind}"><span class="sign">{line.sign}</span>{text}{end}</td>'


def _text(text: str) -> str:
    """Escaped, and without anything that the eye does not see."""
    return replaced(str(escape(text)), _named)


def _named(char: str) -> str:
    name = "CR" if char == "\r" else f"U+{ord(char):04X}"
    return f'<span class="odd">{name}</span>'

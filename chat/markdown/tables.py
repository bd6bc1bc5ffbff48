r"""Tables whose bars within code and formulas end no cell: `a|b`, \(|x|\).

Of a row with too many cells, the last one has the rest. The rule is markdown-it's own: it sees other characters in
place of such bars, which its cells get back.
"""

import re

from markdown_it.rules_block import StateBlock
from markdown_it.rules_block import table as known

_STAND_IN = "\ufdd0"  # of a bar: Unicode promises that it is no character
# Code and formulas, what is escaped, and bars. A formula in a row is no longer than 400 characters.
_MARKS = re.compile(
    r"`[^`]*`|\\\((?:(?!\\\)).){1,400}\\\)|\\\[(?:(?!\\\]).){1,400}\\\]|\$\$[^$]{1,400}\$\$"
    r"|(?<![\w$\\])\$(?![\s$\d])[^$`]{1,400}(?<![\s\\])\$(?![\w$({])|\\+\||\\.|\|"
)
_BARE = re.compile(r"(?<!\\)\|")
_UNDER_HEAD = re.compile(r"[-:|][-:| \t]+")


def table(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """A table, from its head on."""
    if first + 2 > last or not _UNDER_HEAD.fullmatch(_line(state, first + 1)) or _STAND_IN in state.src:
        return known(state, first, last, silent)
    source, before = state.src, len(state.tokens)
    state.src = _masked(state, first, first + 1 if silent else last)
    try:
        found = known(state, first, last, silent)
    finally:
        state.src = source
    for token in state.tokens[before:]:
        token.content = token.content.replace(_STAND_IN, "|")
    return found


def _masked(state: StateBlock, first: int, last: int) -> str:
    """The text, with the bars of the table's lines that end no cell as others; it is as long as before."""
    columns = _line(state, first + 1).strip().strip("|").count("|") + 1
    parts, end = [], 0
    for number in range(first, last):
        line = _line(state, number)
        is_left = number > first + 1 and state.sCount[number] < state.blkIndent  # the list item around it has ended
        if is_left or not line.strip():
            break
        if (masked := _masked_row(line, columns if number > first else len(line))) != line:
            begin = state.bMarks[number] + state.tShift[number]
            parts += [state.src[end:begin], masked]
            end = begin + len(line)
    return "".join([*parts, state.src[end:]])


def _masked_row(line: str, columns: int) -> str:
    if line.count("|") < 2:
        return line
    row = line.rstrip()
    begin, stop = row.startswith("|"), len(row) - row.endswith("|")
    cells = 1

    def mask(found: re.Match[str]) -> str:
        nonlocal cells
        if found[0] != "|":
            return _BARE.sub(_STAND_IN, found[0])
        is_border = not begin <= found.start() < stop
        cells += not is_border
        return "|" if is_border or cells <= columns else _STAND_IN

    return _MARKS.sub(mask, line)


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]

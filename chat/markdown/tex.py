r"""Formulas: \(x\), \[x\], $$x$$ and, where it can be nothing else, $x$. Found as they were written, shown as MathML.

What cannot be read as a formula is shown as its source. The converter is native code that follows the nesting of what
it reads on the stack, so what is nested deeply does not reach it.
"""

import re
from functools import cache
from html import escape

from django.conf import settings
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from math_core import LatexToMathML

NESTING = 40  # of braces, and of commands one right behind the other
_LEFT = re.compile(r"\\(?:left|begin|middle|color|textcolor)(?![a-zA-Z])|\\sqrt\s*\[")  # nest without a brace
_CHAIN = re.compile(rf"(?:(?:\\[a-zA-Z]+|[\^_])[\s.]*){{{NESTING}}}")
_CLOSING = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
# A price is no formula, nor are the variables of a shell.
_DOLLARS = re.compile(r"\$(?![\s$])([^$`\n]{1,400})(?<![\s\\])\$(?![\w$({])")
_PRICE = re.compile(r"\d[\d.,]*\s*[^\s\\^_=+{}\d.,-]")
# Numbers and variables, with no word among them.
_TERM = re.compile(r"(?!.*\s[a-zA-Z]{2})(?:[a-zA-Z]{1,2}(?![a-zA-Z])|\\[a-zA-Z]+|[\d\s+*/=<>()^_{}|!.,:-])+")
# Brackets that somebody escaped: a number of a note, or words.
_WORDS = re.compile(r"\s*(?:\d+(?:\s*[-,–]\s*\d+)*|\w{3,}[\w\s.,'’-]*)\s*")
# What stands on lines that are none of a formula with empty lines in it.
_OTHER = re.compile(r"\$\$|\\\[|```|~~~|#{1,6}\s|\d+[.)]\s|[*+-]\s+\*\*|.*\\\(")
_COMMAND = re.compile(r"\\[a-zA-Z]+(?:\{[^{}]*\})?")
_BETWEEN = r"[,;:.!?*_`\"'’()\[\]]{0,3} [*_`\"'‘(\[]{0,3}"  # two words
_PROSE = re.compile(
    rf"[^\W\d_]{{3}}{_BETWEEN}[^\W\d_]{{2}}|[^\W\d_]{{2}}{_BETWEEN}[^\W\d_]{{3}}"
    r"|^\W*[^\W\d_]{4,}\W*$|[^\W\d_a-zA-Z]{5}"
)
_EMPTY = re.compile(r"\n\s*\n")
_ALIGNED = re.compile(r'<mtd style="text-align: (left|right);[^"]*"')


def mathml(source: str, *, is_block: bool) -> str:
    """The formula as MathML; empty where it cannot be read. It has its source with it, for who copies or listens."""
    if len(source) > settings.RENDER_MATH_MAX_CHARS or _is_deep(source):
        return ""
    try:
        made = _converter().convert_with_local_state(_EMPTY.sub("\n", source), displaystyle=is_block)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # what goes wrong in native code is no Exception
        return ""
    return _ALIGNED.sub(r'<mtd class="\1"', made)


def _is_deep(source: str) -> bool:
    depth = deepest = 0
    for each in source:
        depth += (each == "{") - (each == "}")
        deepest = max(deepest, depth)
    return deepest > NESTING or len(_LEFT.findall(source)) > 2 * NESTING or _CHAIN.search(source) is not None


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML(annotation=True, fancy_error=False, max_expansions=0)


def shown(source: str, mark: str, *, is_block: bool) -> str:
    """A formula's HTML, or its source with its marks."""
    if made := mathml(source, is_block=is_block):
        return made
    return f'<span class="math" dir="ltr">{escape(mark + source + _CLOSING.get(mark, mark))}</span>'


def inline(state: StateInline, silent: bool) -> bool:
    """A formula within a line."""
    mark = state.src[state.pos : state.pos + 2]
    if mark not in _CLOSING:
        return mark[:1] == "$" and _dollars(state, silent)
    furthest = min(state.posMax, state.pos + settings.RENDER_MATH_MAX_CHARS + 4)
    end = state.src.find(_CLOSING[mark], state.pos + 2, furthest)
    source = state.src[state.pos + 2 : end] if end >= 0 else ""
    if not source.strip(" \n$") or (mark == "\\[" and _WORDS.fullmatch(source)):
        return False
    return _take(state, silent, source, mark, end + 2)


def _dollars(state: StateInline, silent: bool) -> bool:
    before = state.src[state.pos - 1 : state.pos]
    found = _DOLLARS.match(state.src, state.pos, state.posMax)
    if found is None or before.isalnum() or before in ("$", "\\", "_") or _is_price(found[1]):
        return False
    return _take(state, silent, found[1], "$", found.end())


def _is_price(source: str) -> bool:
    """Whether it is an amount and what is said of it, not a number of something."""
    return _PRICE.match(source) is not None and _TERM.fullmatch(source) is None


def _take(state: StateInline, silent: bool, source: str, mark: str, end: int) -> bool:
    if not silent:
        token = state.push("math", "math", 0)
        token.content, token.markup = source, mark
    state.pos = end
    return True


def block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    r"""A formula on lines of its own, from a line that begins with `$$` or `\[`. Some in it may be empty.

    One that does not end, or has words behind it, is a paragraph of its lines up to an empty one.
    """
    if state.is_code_block(first):
        return False
    line = _line(state, first)
    mark, closing = line[:2], _CLOSING.get(line[:2])
    if closing is None or mark == "\\(" or line.startswith("$$$") or _is_inline(line, closing):
        return False
    if silent:
        return not (mark == "$$" and _is_within(state, first))
    end, is_open = _end_of(state, closing, first, last), False
    if end < last and state.isEmpty(end):
        beyond = _end_beyond(state, closing, first, last)
        end, is_open = beyond or end, beyond is None
    lines = state.getLines(first, end, state.blkIndent, False).strip()
    if lines.find(closing, 2) == len(lines) - 2 and len(lines) > 4 and lines[2:-2].strip():
        token = state.push("math_block", "math", 0)
        token.content, token.markup, token.map = lines[2:-2], mark, [first, end]
    else:
        _paragraph(state, lines, first, end, is_open)
    state.line = end
    return True


def _is_within(state: StateBlock, line: int) -> bool:
    """Whether the open paragraph, which begins at `state.line`, has a formula that this line ends."""
    begun = state.src.count("$$", state.bMarks[state.line], state.bMarks[line])
    return state.parentType == "paragraph" and begun % 2 == 1


def _is_inline(line: str, closing: str) -> bool:
    """Whether it ends on its own line, with words in it or behind it."""
    end = line.find(closing, 2)
    return end >= 0 and (bool(line[end + 2 :].strip()) or _WORDS.fullmatch(line[2:end]) is not None or end == 2)


def _end_of(state: StateBlock, closing: str, first: int, last: int) -> int:
    """The number of the line behind it."""
    for line in range(first, last):
        text = _line(state, line)
        if not text.strip() or (line > first and state.sCount[line] < state.blkIndent):
            return line
        if text.find(closing, 2 if line == first else 0) >= 0:
            return line + 1
    return last


def _end_beyond(state: StateBlock, closing: str, first: int, last: int) -> int | None:
    """The number of the line behind it, beyond an empty line; 0 where it has no end, None where one may come yet."""
    begin = state.bMarks[first] + state.tShift[first] + 2
    for line in range(first, last):
        text = _line(state, line).rstrip()
        end = text.find(closing, 2 if line == first else 0)
        if end >= 0:
            source = state.src[begin : state.bMarks[line] + state.tShift[line] + end]
            return line + 1 if end == len(text) - 2 and source.strip("> \t\n") else 0
        is_out = bool(text) and state.sCount[line] < state.blkIndent
        if is_out or state.eMarks[line] - begin > settings.RENDER_MATH_MAX_CHARS or (line > first and _is_other(text)):
            return 0
    return None


def _is_other(line: str) -> bool:
    """Whether a line is none of a formula: it has a mark that begins something else, or words."""
    return _OTHER.match(line) is not None or _PROSE.search(_COMMAND.sub("", line)) is not None


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _paragraph(state: StateBlock, text: str, first: int, end: int, is_open: bool) -> None:
    opening = state.push("paragraph_open", "p", 1)
    opening.map, opening.meta = [first, end], {"is_open": is_open}
    token = state.push("inline", "", 0)
    token.content, token.map, token.children = text, [first, end], []
    state.push("paragraph_close", "p", -1)

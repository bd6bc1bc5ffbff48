"""The Markdown that models write: CommonMark, and what of its dialects they use. Pure; its HTML is not safe yet.

A rule for blocks decides by the lines that it has seen and never takes back what it has said: the blocks of a text's
beginning are then blocks of the text, so that an answer is cut while it is written as it is when it is read again.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline, emphasis, strikethrough
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from chat.markdown import links, tables, tex

DEPTH = 100  # of blocks in blocks, twice a list's own; a block that is deeper is shown as it was written
MARKDOWN = frozenset(("markdown", "md", "mdx"))  # what such a fence holds may have fences of its own
FENCES = 8  # in one another
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})[ \t]*([^ \t]*)(.*)$")
_BREAK = re.compile(r"<br[ \t]*/?>", re.IGNORECASE)
_TASK = re.compile(r"\[([ xX])\][ \t]+")
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u303f\u3040-\u30ff\u3100-\u318f\u31a0-\u31bf\u31f0-\u33ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)


def markdown() -> MarkdownIt:
    """The whole grammar."""
    known = _blocks().enable("strikethrough")
    known.options.update(store_labels=True, inline_definitions=True)
    known.inline.ruler.before("escape", "tex", tex.inline)
    known.inline.ruler.before("autolink", "br", _br)
    known.inline.ruler.at("emphasis", _emphasis)
    known.inline.ruler.at("strikethrough", _strikethrough)
    known.inline.ruler.push("bare_link", links.bare)
    known.inline.add_terminator_char("w")
    known.core.ruler.push("tasks", _tasks)
    known.core.ruler.push("labels", _labels)
    known.core.ruler.push("definitions", links.definitions)
    known.core.ruler.push("links", links.honest)
    known.core.ruler.push("direction", _direct)
    return known


def outline() -> MarkdownIt:
    """Finds blocks alone: what is in them is not looked at."""
    return _blocks().disable("inline")


def _blocks() -> MarkdownIt:
    known = MarkdownIt("commonmark", {"html": False, "breaks": True, "xhtmlOut": False, "maxNesting": DEPTH})
    footnote_plugin(known.enable("table"), inline=False, move_to_end=False)
    known.block.ruler.at("table", tables.table, {"alt": ["paragraph", "reference"]})
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    known.block.ruler.before("fence", "markdown_fence", _markdown_fence, interrupts)
    known.block.ruler.before("fence", "tex_block", tex.block, interrupts)
    return known


# --- Fences -----------------------------------------------------------------------------------------------------------


@dataclass
class Fence:
    """An open fence, told of its lines. One that holds Markdown ends behind the fences that are in it."""

    mark: str
    holds_markdown: bool = False
    inner: list[str] = field(default_factory=list)  # the marks of those open within
    is_given_up: bool = False  # more are open than anybody means: it was never one that holds fences

    @classmethod
    def opened_by(cls, line: str) -> "Fence | None":
        """The fence that this line opens."""
        found = _FENCE.match(line)
        return cls(found[1], found[2].lower() in MARKDOWN) if found else None

    def ends_with(self, line: str) -> bool:
        """Whether this line ends it."""
        found = _FENCE.match(line.rstrip(" \t\r\n"))
        if found and not found[2] and _closes(found[1], self.inner[-1] if self.inner else self.mark):
            return not (self.inner and self.inner.pop())
        if found and found[2] and self.holds_markdown:
            self.inner.append(found[1])
            self.is_given_up = len(self.inner) > FENCES
        return False


def _closes(mark: str, opening: str) -> bool:
    return mark[0] == opening[0] and len(mark) >= len(opening)


def _markdown_fence(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """A fence that holds Markdown. One that nobody ends is ended as any other, by the first mark like its own."""
    fence = None if state.is_code_block(first) else Fence.opened_by(_line(state, first))
    if fence is None or not fence.holds_markdown:
        return False
    if silent:
        return True
    end, is_closed = _end_of(state, fence, first, last)
    token = state.push("fence", "code", 0)
    token.info, token.markup = "markdown", fence.mark
    token.content = state.getLines(first + 1, end, state.sCount[first], True)
    state.line = end + is_closed
    token.map = [first, state.line]
    return True


def _end_of(state: StateBlock, fence: Fence, first: int, last: int) -> tuple[int, bool]:
    """The line that ends it, and whether that is its mark and not just the end of what it is in."""
    plain, bare = Fence(fence.mark), -1
    for line in range(first + 1, last):
        if not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
            return (bare, True) if bare >= 0 else (line, False)
        text = "" if state.is_code_block(line) else _line(state, line)
        if fence.ends_with(text):
            return line, True
        if bare < 0 and plain.ends_with(text):
            bare = line
        if bare >= 0 and fence.is_given_up:
            break
    return (bare, True) if bare >= 0 else (last, False)


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


# --- Within a block ---------------------------------------------------------------------------------------------------


def _br(state: StateInline, silent: bool) -> bool:
    """`<br>`, the one tag that models cannot do without: in a cell of a table."""
    found = _BREAK.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = found.end()
    return True


def _emphasis(state: StateInline, silent: bool) -> bool:
    """Stars and lines also work beside the punctuation of languages that put no spaces between words."""
    return _beside_cjk(emphasis.tokenize, state, silent)


def _strikethrough(state: StateInline, silent: bool) -> bool:
    return _beside_cjk(strikethrough.tokenize, state, silent)


def _beside_cjk(tokenize: Callable[[StateInline, bool], bool], state: StateInline, silent: bool) -> bool:
    """Take a mark; one between characters of such a language may open and close."""
    known, start = len(state.delimiters), state.pos
    if not tokenize(state, silent):
        return False
    before, behind = state.src[start - 1 : start] or " ", state.src[state.pos : state.pos + 1] or " "
    if _is_free(state.src[start : state.pos], before, behind):
        for each in state.delimiters[known:]:
            each.open, each.close = each.open or not behind.isspace(), each.close or not before.isspace()
    return True


def _is_free(mark: str, before: str, behind: str) -> bool:
    """Whether it is one by its neighbours: of a star one is enough; a single line between words is part of a name."""
    if mark[0] == "*":
        return bool(_CJK.match(before) or _CJK.match(behind))
    is_name = mark == "_" and before.isalnum() and behind.isalnum()
    return bool(_CJK.match(before) and _CJK.match(behind)) and not is_name


def _labels(state: StateCore) -> None:
    """Tell in `env` which labels the links and pictures use, and what is defined: (label, address)."""
    state.env["uses"] = frozenset(
        str(each.meta["label"]) for block in state.tokens for each in _within(block) if "label" in each.meta
    )
    state.env["defines"] = tuple(
        (str(each.meta["id"]), str(each.meta["url"])) for each in state.tokens if each.type == "definition"
    )


def _within(token: Token) -> Iterator[Token]:
    """Its links and pictures, and those in the words of pictures."""
    for child in token.children or ():
        if child.type in ("link_open", "image"):
            yield child
            yield from _within(child)


def _tasks(state: StateCore) -> None:
    """`[ ]` and `[x]` at the start of a list's item are boxes; the item has a class."""
    tokens = state.tokens
    for item, paragraph, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if item.type == "list_item_open" and paragraph.type == "paragraph_open" and inline.children:
            text = inline.children[0]
            if text.type == "text" and (found := _TASK.match(text.content)):
                text.content = ("☐ " if found[1] == " " else "☑ ") + text.content[found.end() :]
                item.attrSet("class", "task")


_DIRECTED = frozenset(
    (
        *("paragraph_open", "heading_open", "bullet_list_open", "ordered_list_open", "blockquote_open", "table_open"),
        "footnote_reference_open",
    )
)
_ALIGNED = re.compile("text-align:(left|center|right)")


def _direct(state: StateCore) -> None:
    """Each block is written in the direction of its own first word, code from left to right. Cells are aligned."""
    for token in state.tokens:
        if token.level == 0 and token.type in _DIRECTED:
            token.attrSet("dir", "auto")
        if found := _ALIGNED.match(str(token.attrs.pop("style", ""))):
            token.attrSet("class", found[1])
        for child in token.children or ():
            if child.type == "code_inline":
                child.attrSet("dir", "ltr")


def depth_of(tokens: Sequence[Token]) -> int:
    """How deep blocks lie in one another."""
    return max((each.level for each in tokens), default=0)

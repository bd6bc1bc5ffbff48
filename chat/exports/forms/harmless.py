"""Texts inside a Markdown file: no HTML runs, no picture is loaded, no link leads where the page would not lead. Pure.

A text is left as it was written, as far as a strict reader finds nothing of these in it: a block in which one does is
written with each of its marks escaped. So whoever opens the file sees the words, and nobody hears of it.
"""

import re
from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from chat.markdown.links import place_of

MARK = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&:@/=\"'])")
BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
FENCE = re.compile(r"`{3,}")
DEPTH = 100
LEVELS = 18  # blocks in blocks: at 20 some readers pass over all the rest of a file
CHARS = 200_000  # a longer text is not looked at: it is written as code
BRACKETS = 10_000_000


def harmless(text: str) -> str:
    """The text, with what does harm escaped, and what it leaves open closed."""
    if len(text) > CHARS or text.count("[") * len(text) > BRACKETS:
        return fenced(text)
    tokens = _strict().parse(text, {})
    harmful = {line for first, last in _harmful(tokens) for line in range(first, last)}
    lines = [_escaped_line(line) if at in harmful else line for at, line in enumerate(text.split("\n"))]
    return "\n".join([*lines, *_closing(tokens, lines)])


def escaped(text: str) -> str:
    """The text with no markup in it, whatever it says."""
    return MARK.sub(r"\\\1", text)


def fenced(text: str) -> str:
    """The text as a block of code that nothing in it ends."""
    longest = max((len(each) for each in FENCE.findall(text)), default=2)
    return f"{'`' * (longest + 1)}\n{text.rstrip()}\n{'`' * (longest + 1)}"


@cache
def _strict() -> MarkdownIt:
    """A reader that takes HTML and every link, as some do."""
    known = MarkdownIt("commonmark", {"html": True, "inline_definitions": True, "maxNesting": DEPTH})
    known.validateLink = lambda url: True  # type: ignore[method-assign]
    return known.enable(["table", "strikethrough"])


def _harmful(tokens: list[Token]) -> Iterator[tuple[int, int]]:
    """The lines of each block with something that does harm."""
    top = [0, 0]
    for token in tokens:
        top = token.map if token.level == 0 and token.map else top
        if token.level >= LEVELS:
            yield top[0], top[1]
        elif token.map and (
            token.type == "html_block" or _is_led_astray(token) or any(map(_harms, token.children or ()))
        ):
            yield token.map[0], token.map[1]


def _harms(token: Token) -> bool:
    match token.type:
        case "html_inline":
            return not BREAK.fullmatch(token.content)
        case "image":
            return True
        case "link_open":
            return not place_of(str(token.attrGet("href") or ""))
        case _:
            return False


def _is_led_astray(token: Token) -> bool:
    """Whether it defines an address that is none: another text may use it."""
    return token.type == "definition" and not place_of(str(token.meta["url"]))


def _escaped_line(line: str) -> str:
    """Escaped, and still as far to the right as it was, but for what would make code of it."""
    inner = line.lstrip()
    return " " * min(len(line) - len(inner), 3) + escaped(inner)


def _closing(tokens: list[Token], lines: list[str]) -> list[str]:
    """The end of a fence that the text leaves open: all that follows it would be code."""
    last = next((each for each in reversed(tokens) if each.level == 0 and each.map), None)
    if last is None or last.type != "fence" or last.map is None:
        return []
    end = lines[last.map[1] - 1].strip() if last.map[1] - last.map[0] > 1 else ""
    is_closed = len(end) >= len(last.markup) and set(end) == {last.markup[0]}
    return [] if is_closed else [last.markup]

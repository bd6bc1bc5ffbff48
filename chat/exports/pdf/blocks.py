"""Texts as the values that the template sets: blocks and what is in them, of Markdown or as they were written. Pure.

What the page shows as text is text here: no raw HTML, no pictures from elsewhere, links that say where they lead.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from chat.markdown import grammar

Node = dict[str, Any]
Inline = str | Node

# One paragraph of 2 MB takes 650 MB to set, and 200 kB of code 24 s to colour.
PARAGRAPH_CHARS = 50_000
COLOURED_CHARS = 20_000  # of one block of code, as in the page
COLOURED_OF_ALL = 200_000
MARKDOWN_CHARS = 200_000  # a longer text is set as it was written
BRACKETS = 10_000_000  # as in chat.markdown.html: brackets times length
DEPTH = 8  # what lies deeper is set beside what it lies in: the template's functions nest only so far
COLUMNS = 30  # of a table
ADDRESS_CHARS = 8_000  # of a link: typst takes no longer one
WORD_CHARS = 60  # a longer word may not fit in a line
LINE_CHARS, LEAST_CHARS = 80, 8  # the same of a table's columns together, and of each
LEADING = re.compile(r"^[ \t]+", re.MULTILINE)
MARKS = {"em_open": "i", "strong_open": "b", "s_open": "s"}


class Ink:
    """How much code may still be coloured."""

    def __init__(self) -> None:
        self.left = COLOURED_OF_ALL

    def colours(self, code: str, language: str) -> str:
        """The language to colour the code by; empty: it is set as it is."""
        if not language or len(code) > min(COLOURED_CHARS, self.left):
            return ""
        self.left -= len(code)
        return language.lower()


def plain(text: str) -> list[Node]:
    """A text as it was written: a paragraph for each that is one, its lines kept."""
    pieces = re.split(r"\n[ \t]*\n", text.strip("\n"))
    return [_paragraph(part) for piece in pieces if piece.strip() for part in _cut(piece)]


def code(text: str, language: str = "", ink: Ink | None = None) -> list[Node]:
    """A text as a block of code."""
    colours = (ink or Ink()).colours(text, language)
    return [{"t": "code", "l": colours, "x": _breakable(each)} for each in _cut(text.rstrip("\n"))]


def markdown(text: str, ink: Ink) -> list[Node]:
    """The blocks of a Markdown text."""
    if len(text) > MARKDOWN_CHARS or text.count("[") * len(text) > BRACKETS:
        return plain(text)
    tokens = _markdown().parse(text, {})
    if grammar.depth_of(tokens) >= grammar.DEPTH - 1:
        return plain(text)
    return _blocks(Reading(tokens), ink, 0)


def is_rtl(text: str) -> bool:
    """Whether its first letter that has a direction is written from right to left."""
    for each in text:
        kind = unicodedata.bidirectional(each)
        if kind in ("R", "AL"):
            return True
        if kind == "L":
            return False
    return False


def as_code(value: Any) -> list[Node]:
    """A JSON value, or a text, as a block of code."""
    if isinstance(value, str):
        return code(value)
    return code(json.dumps(value, ensure_ascii=False, indent=2), "json")


@cache
def _markdown() -> MarkdownIt:
    return grammar.markdown()


class Reading:
    """Tokens, read one after the other."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def until(self, closing: str) -> Iterator[Token]:
        """The next ones up to the one of that type, which is read too; "": all."""
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.type == closing:
                return
            yield token


# --- Blocks -----------------------------------------------------------------------------------------------------------


def _blocks(reading: Reading, ink: Ink, depth: int, closing: str = "") -> list[Node]:
    found: list[Node] = []
    for token in reading.until(closing):
        found += _block(token, reading, ink, depth)
    return found


def _block(token: Token, reading: Reading, ink: Ink, depth: int) -> list[Node]:
    match token.type:
        case "paragraph_open":
            return _said(reading, "paragraph_close", "p")
        case "heading_open":
            return _said(reading, "heading_close", "h", n=int(token.tag[1:]))
        case "bullet_list_open":
            return _list(reading, ink, depth, "bullet_list_close", "ul")
        case "ordered_list_open":
            start = int(token.attrs.get("start", 1))
            return _list(reading, ink, depth, "ordered_list_close", "ol", s=min(start, 10**9))
        case "blockquote_open":
            return _within("q", _blocks(reading, ink, depth + 1, "blockquote_close"), depth)
        case "fence" | "code_block":
            return code(token.content, token.info.split(maxsplit=1)[0] if token.info.split() else "", ink)
        case "math_block":
            return code(token.content.strip("\n"))
        case "table_open":
            return _table(reading)
        case "hr":
            return [{"t": "hr"}]
        case "footnote_reference_open":
            note = _blocks(reading, ink, depth + 1, "footnote_reference_close")
            return _numbered(f"[{token.meta['label']}] ", note)
        case "inline":
            return [_directed({"t": "p", "c": _inline(token.children or [])}, token.content)]
        case _:
            return []


def _said(reading: Reading, closing: str, kind: str, **more: Any) -> list[Node]:
    """What one inline token says."""
    tokens = list(reading.until(closing))
    text = "".join(each.content for each in tokens)
    children = [child for each in tokens for child in each.children or ()]
    if len(text) > PARAGRAPH_CHARS:
        return plain(text)
    return [_directed({"t": kind, "c": _inline(children), **more}, text)]


def _list(reading: Reading, ink: Ink, depth: int, closing: str, kind: str, **more: Any) -> list[Node]:
    items = [
        _blocks(reading, ink, depth + 1, "list_item_close")
        for each in reading.until(closing)
        if each.type == "list_item_open"
    ]
    if depth >= DEPTH:
        return [block for item in items for block in item]
    return [{"t": kind, "i": items, "d": any(item[0].get("d") for item in items[:1] if item), **more}]


def _within(kind: str, blocks: list[Node], depth: int) -> list[Node]:
    if depth >= DEPTH:
        return blocks
    return [{"t": kind, "b": blocks, "d": bool(blocks and blocks[0].get("d"))}]


def _numbered(label: str, note: list[Node]) -> list[Node]:
    """A note with its label before its first words."""
    if note and note[0]["t"] == "p":
        return [{**note[0], "c": [label, *note[0]["c"]]}, *note[1:]]
    return [{"t": "p", "c": [label]}, *note]


def _table(reading: Reading) -> list[Node]:
    rows: list[list[Node]] = []
    align: list[str] = []
    for token in reading.until("table_close"):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            inner = list(reading.until(f"{token.type[:2]}_close"))
            text = "".join(each.content for each in inner)
            cell = _directed({"c": _inline([child for each in inner for child in each.children or ()])}, text)
            rows[-1].append(cell)
            if len(rows) == 1:
                align.append(str(token.attrGet("class") or ""))
    if not rows or not align:
        return []
    if len(align) > COLUMNS:
        return [{"t": "p", "c": _joined(row)} for row in rows]
    is_turned = any(cell.get("d") for cell in rows[0])
    most = max(LEAST_CHARS, LINE_CHARS // len(align))
    head, *others = [[_narrow(cell, most) for cell in _filled(row, len(align))] for row in rows]
    return [{"t": "table", "a": align, "h": head, "r": others, "d": is_turned}]


def _narrow(node: Node, most: int) -> Node:
    """The same with places to break a line in each word of more characters."""
    if "c" not in node:
        return {**node, "x": _breakable(node["x"], most)} if "x" in node else node
    return {
        **node,
        "c": [_breakable(part, most) if isinstance(part, str) else _narrow(part, most) for part in node["c"]],
    }


def _filled(row: list[Node], count: int) -> list[Node]:
    return (row + [{"c": []}] * count)[:count]


def _joined(row: list[Node]) -> list[Inline]:
    """The cells of a row that has too many, in one line."""
    return [part for cell in row for part in (*cell["c"], " | ")]


def _paragraph(text: str) -> Node:
    lines: list[Inline] = []
    for line in LEADING.sub(lambda found: "\u00a0" * len(found[0]), text).split("\n"):
        lines += [_breakable(line), {"t": "br"}]
    return _directed({"t": "p", "c": lines[:-1]}, text)


def _directed(node: Node, text: str) -> Node:
    return {**node, "d": True} if is_rtl(text) else node


# --- Within a block ---------------------------------------------------------------------------------------------------


def _inline(tokens: Sequence[Token]) -> list[Inline]:
    return _spans(Reading(tokens), "", 0)


def _spans(reading: Reading, closing: str, depth: int) -> list[Inline]:
    found: list[Inline] = []
    for token in reading.until(closing):
        found += _span(token, reading, depth)
    return found


def _span(token: Token, reading: Reading, depth: int) -> list[Inline]:
    if token.type in MARKS:
        inner = _spans(reading, token.type.replace("_open", "_close"), depth + 1)
        return inner if depth >= DEPTH else [{"t": MARKS[token.type], "c": inner}]
    match token.type:
        case "text":
            return [_breakable(token.content)] if token.content else []
        case "softbreak" | "hardbreak":
            return [{"t": "br"}]
        case "code_inline" | "math":
            return [{"t": "c", "x": _breakable(token.content)}]
        case "link_open":
            inner = _spans(reading, "link_close", depth + 1)
            address = str(token.attrGet("href"))
            is_set = depth < DEPTH and len(address) <= ADDRESS_CHARS
            return [{"t": "a", "u": address, "c": inner}] if is_set else inner
        case "footnote_ref":
            return [f"[{token.meta['label']}]"]
        case _:
            return [_breakable(token.content)] if token.content else []


def _breakable(text: str, most: int = WORD_CHARS) -> str:
    """With places to break a line in words of more characters. Without the controls that no font has."""
    clean = "".join(each for each in text if each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cs"))
    return _word(most).sub(lambda found: found[0] + "\u200b", clean)


@cache
def _word(most: int) -> re.Pattern[str]:
    """That many characters of a word, behind which it goes on: of scripts in which a line breaks at spaces alone."""
    return re.compile(rf"[^\s\u200b\u2e80-\ua4cf\uac00-\ud7ff]{{{most}}}(?=[^\s\u200b])")


def _cut(text: str) -> list[str]:
    """The text in pieces that a page can be made of."""
    return [text[at : at + PARAGRAPH_CHARS] for at in range(0, len(text), PARAGRAPH_CHARS)]

"""A document's text cut into passages of 800 to 1,200 characters. No Django: it runs in the child (tools.parsing).

A heading begins a new passage, and is in the path of all below it. Within its section a passage ends with a paragraph,
else with a sentence; the next one begins a little before. A fence stays whole unless it is longer than a passage.
What comes back are places in the text and no text: the child says little, and a passage is what stands there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

LEAST, MOST, OVERLAP = 800, 1_200, 100  # characters
DEPTH = 20  # of blocks in blocks
PAGE_END = "\f"  # in a text that is not Markdown: no passage goes beyond it
_SENTENCE = re.compile(r"(?:[.!?…][\"'”’)\]]*\s+)|[。！？]+\s*")
_LINE = re.compile(r"\n+")
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
_BLANK = re.compile(r"\s")

Span = tuple[int, int]  # in the text
Cut = tuple[int, int, tuple[Span, ...]]  # where a passage is, and the headings that it stands under


@dataclass(frozen=True)
class Block:
    """A paragraph, a list, a fence."""

    start: int
    end: int
    heading: int = 0  # its rank; 0: it is none
    is_fence: bool = False
    has_lines: bool = False  # each of them says something of its own


@dataclass
class Section:
    """What stands under one heading."""

    path: tuple[Span, ...] = ()
    blocks: list[Block] = field(default_factory=list)
    has_body: bool = False  # more than headings


@dataclass(frozen=True)
class Atom:
    """What is not cut further."""

    end: int
    ends_block: bool
    is_fence: bool


def markdown(data: bytes) -> list[Cut]:
    """The passages of a text in Markdown."""
    return cut(data.decode(), is_markdown=True)


def plain(data: bytes) -> list[Cut]:
    """The passages of any other text."""
    return cut(data.decode(), is_markdown=False)


def cut(text: str, *, is_markdown: bool) -> list[Cut]:
    """The passages, in their order."""
    sections = _sections(list(_markdown_blocks(text))) if is_markdown else _pages(text)
    return [(*span, section.path) for section in sections for span in _passages(text, section) if span[0] < span[1]]


def _markdown_blocks(text: str) -> Iterator[Block]:
    known = MarkdownIt("commonmark", {"maxNesting": DEPTH}).enable("table")
    known.disable(["inline", "reference", "html_block"])  # what these would say of a block is not asked
    lines = [0, *accumulate(len(each) + 1 for each in text.split("\n"))]
    for token in known.parse(text):
        if token.level == 0 and token.map and token.nesting >= 0:
            start, end = lines[token.map[0]], min(lines[token.map[1]], len(text))
            yield _block(token, start, end)


def _block(token: Token, start: int, end: int) -> Block:
    heading = int(token.tag[1:]) if token.type == "heading_open" else 0
    is_fence = token.type in ("fence", "code_block")
    has_lines = token.type in ("bullet_list_open", "ordered_list_open", "table_open")
    return Block(start, end, heading, is_fence, has_lines)


def _pages(text: str) -> Iterator[Section]:
    start = 0
    for page in text.split(PAGE_END):
        end = start + len(page)
        yield Section(blocks=list(_paragraphs(text, start, end)))
        start = end + len(PAGE_END)


def _paragraphs(text: str, start: int, end: int) -> Iterator[Block]:
    for found in _BLANK_LINES.finditer(text, start, end):
        yield Block(start, found.start())
        start = found.end()
    yield Block(start, end)


def _sections(blocks: list[Block]) -> Iterator[Section]:
    """A heading begins one; headings that nothing follows begin the next together with it."""
    section, above = Section(), list[Block]()
    for block in blocks:
        if block.heading:
            above = [*(each for each in above if each.heading < block.heading), block]
            if section.has_body:
                yield section
                section = Section()
            section.path = tuple((each.start, each.end) for each in above)
        section.blocks.append(block)
        section.has_body = section.has_body or not block.heading
    if section.blocks:
        yield section


def _passages(text: str, section: Section) -> Iterator[Span]:
    start = end = section.blocks[0].start
    good = fence_end = -1  # where a paragraph has ended and it would be long enough; where the newest fence has
    for atom in _atoms(text, section):
        while atom.end - start > MOST and end > start:
            at = good if good > start else end
            yield _trimmed(text, start, at)
            back = _overlap(text, max(at - OVERLAP, start, fence_end), at)
            start, good = back if atom.end - back <= MOST else at, -1
        end = atom.end
        fence_end = end if atom.is_fence else fence_end
        if atom.ends_block and end - start >= LEAST:
            good = end
    yield _trimmed(text, start, end)


def _overlap(text: str, least: int, at: int) -> int:
    """Where the next passage begins that is cut off here: at a word's beginning, where there is one."""
    found = _BLANK.search(text, least, at)
    return found.end() if found and found.end() < at else least


def _trimmed(text: str, start: int, end: int) -> Span:
    """Without the blank lines around it; blanks at the beginning of its first line may mean something."""
    part = text[start:end]
    whole = part.rstrip()
    lead = re.match(r"(?:[ \t]*\n)*", whole)
    return start + (lead.end() if lead else 0), start + len(whole)


def _atoms(text: str, section: Section) -> Iterator[Atom]:
    for block in section.blocks:
        if block.is_fence and block.end - block.start <= MOST:
            yield Atom(block.end, True, True)
            continue
        ends = _LINE if block.is_fence or block.has_lines else _SENTENCE
        for end in _ends(text, block, ends):
            yield Atom(end, end == block.end, block.is_fence)


def _ends(text: str, block: Block, pattern: re.Pattern[str]) -> Iterator[int]:
    """Where the sentences or lines of a block end; of one that is too long, where its words do."""
    start = block.start
    for end in (*(found.end() for found in pattern.finditer(text, block.start, block.end)), block.end):
        while end - start > MOST:
            start = _last_blank(text, start, start + MOST - OVERLAP)
            yield start
        if end > start:
            yield end
            start = end


def _last_blank(text: str, start: int, end: int) -> int:
    """The last place behind a blank, not too near to the start; else the end."""
    middle = (start + end) // 2
    blanks = [each.end() for each in _BLANK.finditer(text, middle, end)]
    return blanks[-1] if blanks else end

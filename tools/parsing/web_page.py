"""Web pages, by selectolax: their text as Markdown has it, block by block, without scripts and what is hidden."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tools.parsing.parts import Parts
from tools.parsing.plain import decoded, latin_1

LEFT_OUT = frozenset(["head", "script", "style", "template", "noscript", "svg", "iframe", "object", "datalist"])
HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = frozenset(
    [
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "dd",
            "details",
            "dialog",
            "div",
            "dl",
            "dt",
            "fieldset",
        ),
        *("figcaption", "figure", "footer", "form", "header", "hr", "main", "nav", "ol", "p", "pre", "section"),
        *("summary", "table", "ul", *HEADINGS),
    ]
)
LINES = {"li": "- ", "tr": ""}  # in a line of their own, which begins so
CELLS = ("td", "th")
CHARSET = re.compile(rb"<meta[^>]{0,300}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
CHARSET_WITHIN_BYTES = 4_096
SPACES = re.compile(r"[ \t\r\n\f]+")
PIECES_MAX_CHARS = 4_000_000  # beyond what is kept by far


def read(data: bytes, parts: Parts) -> tuple[str, str | None]:
    """One part, and the page's title."""
    text, charset = _decoded(data)
    page = LexborHTMLParser(text)
    title = page.css_first("title")
    parts.add(_tidy("".join(_within(_pieces(page.root)))))
    return (title.text() if title else ""), charset


def _decoded(data: bytes) -> tuple[str, str]:
    """By its first bytes, as UTF-8, by what it says of itself, or as Latin-1."""
    text, charset = decoded(data)
    if charset != "latin-1":
        return text, charset
    named = CHARSET.search(data[:CHARSET_WITHIN_BYTES])
    try:
        charset = named[1].decode().lower() if named else charset
        return (latin_1(data) if charset in ("latin-1", "utf-8") else data.decode(charset, "replace")), charset
    except (LookupError, ValueError):
        return latin_1(data), "latin-1"


def _within(pieces: Iterator[str]) -> Iterator[str]:
    room = PIECES_MAX_CHARS
    for each in pieces:
        yield each
        room -= len(each)
        if room < 0:
            return


def _pieces(root: LexborNode | None) -> Iterator[str]:
    """What stands between and in the elements, in order. Without recursion: pages are nested as deep as they like."""
    node, in_pre = root, 0
    while node is not None:
        is_open = node.is_element_node and not _is_left_out(node)
        if is_open:
            in_pre += node.tag == "pre"
            yield _before(node, in_pre)
        elif node.is_text_node:
            yield (node.text_content or "") if in_pre else SPACES.sub(" ", node.text_content or "")
        if is_open and (below := node.first_child) is not None:
            node = below
            continue
        while node is not None:
            if node.is_element_node and not _is_left_out(node):
                yield _after(node, in_pre)
                in_pre -= node.tag == "pre"
            if root is not None and node.mem_id == root.mem_id:  # `==` would compare all that is in them
                return
            if (beside := node.next) is not None:
                node = beside
                break
            node = node.parent


def _is_left_out(node: LexborNode) -> bool:
    return node.tag in LEFT_OUT or "hidden" in node.attributes


def _before(node: LexborNode, in_pre: int) -> str:
    tag = node.tag or ""
    if tag == "br":
        return "\n"
    if tag == "img":
        return SPACES.sub(" ", node.attributes.get("alt") or "")
    if tag in LINES:
        return f"\n{LINES[tag]}"
    fence = "```\n" if tag == "pre" and in_pre == 1 else ""
    heading = f"{'#' * HEADINGS[tag]} " if tag in HEADINGS else ""
    return f"\n\n{fence}{heading}" if tag in BLOCKS else ""


def _after(node: LexborNode, in_pre: int) -> str:
    tag = node.tag or ""
    if tag in CELLS:
        return " | "
    if tag in LINES:
        return "\n"
    fence = "\n```" if tag == "pre" and in_pre == 1 else ""
    return f"{fence}\n\n" if tag in BLOCKS else ""


def _tidy(text: str) -> str:
    """Lines without what is around them, at most one empty one between two; fenced ones as they are."""
    lines: list[str] = []
    is_fenced = False
    for line in text.split("\n"):
        if line.startswith("```"):
            is_fenced = not is_fenced
        shown = line if is_fenced else line.strip(" |\t\r\f") if line.strip() != "-" else ""
        if shown or is_fenced or (lines and lines[-1]):
            lines.append(shown)
    return "\n".join(lines).strip("\n")

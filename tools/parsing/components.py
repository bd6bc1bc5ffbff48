"""The code of components: what is wrong with it, at most MOST findings `{line, column, what}`. Read, and never run."""

import ast
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from tree_sitter import Language, Node, Parser

from tools.parsing.css import faults_of
from tools.parsing.python import first_error

MOST = 20
SHOWN_CHARS = 60  # of what was not expected
Finding = dict[str, Any]
# Elements of HTML that have no end tag, or may do without one.
OPEN = frozenset(
    [
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"),
        *("html", "head", "body", "p", "li", "dt", "dd", "rt", "rp", "option", "optgroup", "colgroup", "caption"),
        *("thead", "tbody", "tfoot", "tr", "td", "th"),
    ]
)
JAVASCRIPT = ("", "module", "text/javascript", "application/javascript", "text/ecmascript", "text/babel", "text/jsx")


# What a browser reads as text, and the grammar as a tag: a `<` with no name behind it. Scripts and such are left.
LITERAL = re.compile(rb"<!--.*?-->|<(script|style)\b.*?</\1|<(?![A-Za-z/!?])", re.DOTALL | re.IGNORECASE)
ATTACH = re.compile(rb"\{@attach\s")  # of Svelte 5: newer than the grammar, which knows what it is like, `{...x}`


def react(source: bytes) -> list[Finding]:
    """TSX with a default export."""
    root = _parsed(_tsx(), source)
    found = _errors(root, source)
    if not found and not any(map(_is_default, root.children)):
        found = [_told(source, 0, 0, "there is no `export default`: the module has to export its component so")]
    return found


def html(source: bytes) -> list[Finding]:
    """HTML and nothing beside it; scripts are JavaScript, styles CSS."""
    if around := _around(source, b"<", b">"):
        return around
    source = LITERAL.sub(_bare, source)
    root = _parsed(_html(), source)
    found = [*_errors(root, source), *_unclosed(root, source), *_inner(root, source, _javascript)]
    if not found and not _has(root, "element", "script_element", "style_element"):
        found = [_told(source, 0, 0, "there is no element in it")]
    return found[:MOST]


def svelte(source: bytes) -> list[Finding]:
    """A Svelte file and nothing beside it; scripts are TypeScript, styles CSS."""
    if around := _around(source, b"<{", b">}"):
        return around
    source = ATTACH.sub(b"{...     ", source)
    root = _parsed(_svelte(), source)
    return [*_errors(root, source), *_unclosed(root, source), *_inner(root, source, _typescript)][:MOST]


def python(source: bytes) -> list[Finding]:
    """A Python module that says something."""
    if error := first_error(source):
        return [{"line": error["line"], "column": error["column"], "what": error["message"]}]
    if all(isinstance(each, ast.Expr) for each in ast.parse(source).body):
        return [_told(source, 0, 0, "there is nothing in it but expressions: a module defines or assigns something")]
    return []


def _tsx() -> Language:
    import tree_sitter_typescript

    return Language(tree_sitter_typescript.language_tsx())


def _typescript() -> Language:
    import tree_sitter_typescript

    return Language(tree_sitter_typescript.language_typescript())


def _javascript() -> Language:
    import tree_sitter_javascript

    return Language(tree_sitter_javascript.language())


def _html() -> Language:
    import tree_sitter_html

    return Language(tree_sitter_html.language())


def _svelte() -> Language:
    import tree_sitter_svelte

    return Language(tree_sitter_svelte.language())


def _parsed(language: Language, source: bytes) -> Node:
    return Parser(language).parse(source).root_node


def _bare(found: re.Match[bytes]) -> bytes:
    return b"." if found[0] == b"<" else found[0]


def _place(source: bytes, at: int) -> tuple[int, int]:
    """Row and column, in bytes, from 0."""
    before = source[:at]
    return before.count(b"\n"), at - (before.rfind(b"\n") + 1)


def _around(source: bytes, first: bytes, last: bytes) -> list[Finding]:
    """A finding where text stands before the code or behind it: a grammar takes that for text of the page."""
    bare = source.strip()
    if bare[:1] not in (first[i : i + 1] for i in range(len(first))):
        return [_told(source, 0, 0, "it begins with text that is no code")]
    if bare[-1:] not in (last[i : i + 1] for i in range(len(last))):
        row = source.rstrip().count(b"\n")
        return [_told(source, row, 0, "it ends with text that is no code")]
    return []


def _unclosed(root: Node, source: bytes) -> Iterator[Finding]:
    """Elements without their end, where that may not be left out: the grammar ends them by itself."""
    for node in _walk(root):
        start = node.children[0] if node.type == "element" and node.children else None
        if start is None or start.type != "start_tag" or node.children[-1].type == "end_tag":
            continue
        name = next((each.text or b"" for each in start.children if each.type == "tag_name"), b"").decode()
        if name.lower() not in OPEN:
            yield _told(source, *start.start_point, f"`</{name}>` is missing")


def _inner(root: Node, source: bytes, language: Callable[[], Language]) -> Iterator[Finding]:
    """What is wrong in scripts and styles, whose insides the outer grammar does not look at."""
    for node in _walk(root):
        if node.type not in ("script_element", "style_element"):
            continue
        body = next((each for each in node.children if each.type == "raw_text"), None)
        if body is None or not body.text or not _is_checked(node):
            continue
        if node.type == "style_element":
            faults = islice(faults_of(body.text), MOST)
            yield from (_told(source, *_place(source, body.start_byte + each.at), each.what) for each in faults)
        else:
            yield from _errors(_parsed(language(), body.text), source, *body.start_point)


def _is_checked(element: Node) -> bool:
    """Whether what it holds is in the language that is expected there, and not data or another."""
    attributes = {name: value for name, value in map(_attribute, _walk(element)) if name}
    if element.type == "style_element":
        return attributes.get("lang", "css") in ("", "css", "postcss")
    return attributes.get("type", "") in JAVASCRIPT


def _attribute(node: Node) -> tuple[str, str]:
    if node.type != "attribute" or not node.text:
        return "", ""
    name, _, value = node.text.decode(errors="replace").partition("=")
    return name.strip().lower(), value.strip().strip("\"'").lower()


def _errors(root: Node, source: bytes, row: int = 0, column: int = 0) -> list[Finding]:
    """What the grammar could not read; the tree begins at this place of the source."""
    found: list[Finding] = []
    for node in _walk(root, only_faulty=True):
        if _is_fault(node):
            at_row, at_column = node.start_point
            what = f"`{node.type}` is missing" if node.is_missing else f"this was not expected: `{_shown(node)}`"
            found.append(_told(source, row + at_row, at_column + (0 if at_row else column), what))
        if len(found) == MOST:
            break
    return found


def _is_fault(node: Node) -> bool:
    """A place that the grammar could not read, but for an `&` in the text of a page, which every browser reads."""
    text = (node.text or b"").lstrip()
    is_ampersand = text.startswith(b"&") and not set(b"<>") & set(text)
    return node.is_missing or node.type == "erroneous_end_tag" or (node.is_error and not is_ampersand)


def _walk(root: Node, *, only_faulty: bool = False) -> Iterator[Node]:
    """The nodes in order, without recursion: code may be nested as deep as it likes."""
    cursor, is_down = root.walk(), True
    while True:
        node = cursor.node
        if is_down and node is not None:
            yield node
        if is_down and node is not None and (not only_faulty or _may_hold_faults(node)) and cursor.goto_first_child():
            continue
        if cursor.goto_next_sibling():
            is_down = True
        elif cursor.goto_parent():
            is_down = False
        else:
            return


# The end tag of nothing is a node of its own and counts as no error of what it lies in.
WITH_STRAYS = ("document", "element", "fragment")


def _may_hold_faults(node: Node) -> bool:
    """Not what was not read and lies in one line: that is told as one."""
    is_line = node.is_error and node.start_point[0] == node.end_point[0]
    return (node.has_error and not is_line) or node.type in WITH_STRAYS


def _has(root: Node, *types: str) -> bool:
    return any(node.type in types for node in _walk(root))


def _is_default(node: Node) -> bool:
    if node.type != "export_statement":
        return False
    clauses = [each for each in node.children if each.type == "export_clause"]
    named = [each.child_by_field_name("alias") for clause in clauses for each in clause.named_children]
    names = [each.text for each in named if each is not None]
    return b"default" in names or any(each.type == "default" for each in node.children)


def _shown(node: Node) -> str:
    text = (node.text or b"")[: 4 * SHOWN_CHARS].decode(errors="replace").strip()
    line = text.split("\n")[0]
    return line if len(line) <= SHOWN_CHARS else f"{line[:SHOWN_CHARS]}…"


def _told(source: bytes, row: int, column: int, what: str) -> Finding:
    """Columns are counted in characters, as people see them; a grammar counts bytes."""
    lines = source.split(b"\n", row + 1)
    before = lines[row][:column] if row < len(lines) else b""
    return {"line": row + 1, "column": len(before.decode(errors="replace")) + 1, "what": what}

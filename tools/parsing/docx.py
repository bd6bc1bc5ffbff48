"""Word files (.docx), by zipfile and expat. Source: ECMA-376 part 1, 17.3 and 17.7. What is unpacked is counted.

Paragraphs, headings as Markdown's, the cells of a row in one line. Left out: headers, footers, notes, comments, text
that was deleted, and what stands in place of a drawing for programs that do not know it.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from tools.parsing.parts import Parts
from tools.parsing.refusing import Refused

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
BODY, STYLES, CORE = "word/document.xml", "word/styles.xml", "docProps/core.xml"
UNPACKED_MAX_BYTES = 100_000_000  # of one file in it
PIECE_BYTES = 65_536
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # as ECMA-376 has it: others unpack without a bound
DEPTH_MAX = 1_000
NOT_WORD = "This is a ZIP file and no Word file (.docx)."
DAMAGED = "This Word file is damaged: it cannot be read."
TOO_LARGE = f"This Word file unpacks to more than the {UNPACKED_MAX_BYTES:,} bytes that are taken."
HEADING = re.compile(r"heading ([1-6])", re.IGNORECASE)
FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError, KeyError)


def read(data: bytes, parts: Parts) -> tuple[str, str | None]:
    """One part."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            names = set(file.namelist())
            if BODY not in names:
                raise Refused(NOT_WORD)
            styles, core, body = _Styles(), _Core(), _Body({}, parts)
            if STYLES in names:
                _feed(file, STYLES, styles)
            if CORE in names:
                _feed(file, CORE, core)
            body.levels = styles.levels
            _feed(file, BODY, body)
    except FAULTS as error:
        raise Refused(DAMAGED) from error
    parts.add(body.text())
    return "".join(core.title), None


class _Handler:
    """What is told of a file's elements, by their names without the prefix."""

    is_done = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """It ends."""

    def data(self, text: str) -> None:
        """Text in it."""


def _feed(file: zipfile.ZipFile, name: str, handler: _Handler) -> None:
    """Tell the handler of one file, piece by piece. Raises Refused."""
    parser = expat.ParserCreate()
    depth = 0

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_MAX:
            raise Refused(DAMAGED)
        handler.start(_local(element), {_local(each): value for each, value in attributes.items()})

    def end(element: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(_local(element))

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = handler.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for piece in _pieces(file, name):
            parser.Parse(piece)
            if handler.is_done:
                return
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Refused(DAMAGED) from error


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _refuse_doctype(*_: Any) -> None:
    """No Word file has one, and with one come entities that grow."""
    raise Refused(DAMAGED)


def _pieces(file: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    entry = file.getinfo(name)
    if entry.flag_bits & 1:
        raise Refused("This file has a password: save it without one.")
    if entry.compress_type not in PACKED:
        raise Refused(DAMAGED)
    taken = 0
    with file.open(entry) as packed:
        while piece := packed.read(PIECE_BYTES):
            taken += len(piece)
            if taken > UNPACKED_MAX_BYTES:
                raise Refused(TOO_LARGE)
            yield piece


class _Styles(_Handler):
    """Which styles are headings: by their own name, which is English in every language's Word."""

    def __init__(self) -> None:
        self.levels: dict[str, int] = {}
        self._id = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """A style, or its name."""
        if name == "style":
            self._id = attributes.get("styleId", "")
        elif name == "name" and self._id:
            called = attributes.get("val", "")
            found = HEADING.fullmatch(called)
            if found or called.lower() == "title":
                self.levels[self._id] = int(found[1]) if found else 1

    def end(self, name: str) -> None:
        """A style is over."""
        if name == "style":
            self._id = ""


class _Core(_Handler):
    """The title in the file's properties."""

    def __init__(self) -> None:
        self.title: list[str] = []
        self._is_in = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """It may be the title."""
        self._is_in = name == "title"

    def end(self, name: str) -> None:
        """It is over."""
        self._is_in = False

    def data(self, text: str) -> None:
        """Of the title, or not."""
        if self._is_in and sum(map(len, self.title)) < 1_000:
            self.title.append(text)


class _Body(_Handler):
    """The document's text."""

    def __init__(self, levels: dict[str, int], parts: Parts) -> None:
        self.levels = levels
        self._room = parts.room + 1  # in characters: so many at least are cut off
        self._done: list[str] = []
        self._line: list[str] = []
        self._level = 0
        self._cells: list[list[str]] = []  # of the rows that are open: a table may be in a cell
        self._fallback = 0  # how deep in what is for other programs
        self._is_text = False

    def text(self) -> str:
        """All that was read."""
        return "".join(self._done)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element that says something."""
        if name == "Fallback":
            self._fallback += 1
        match name:
            case "p":
                self._line, self._level = [], 0
            case "pStyle":
                self._level = self.levels.get(attributes.get("val", ""), 0)
            case "t":
                self._is_text = True
            case "tab":
                self._say("\t")
            case "br" | "cr":
                self._say("\n")
            case "tr":
                self._cells.append([])
            case "tc" if self._cells:
                self._cells[-1].append("")

    def end(self, name: str) -> None:
        """Paragraphs and rows are said once they are whole."""
        if name == "Fallback":
            self._fallback -= 1
        elif name == "t":
            self._is_text = False
        elif name == "p" and not self._fallback:
            self._paragraph()
        elif name == "tr" and self._cells:
            self._put(" | ".join(self._cells.pop()).strip(" |"), "\n")
        elif name == "tbl":
            self._put("", "\n")

    def data(self, text: str) -> None:
        """Text, where it is the document's."""
        if self._is_text:
            self._say(text)

    def _say(self, text: str) -> None:
        if not self._fallback:
            self._line.append(text)

    def _paragraph(self) -> None:
        text = "".join(self._line).rstrip()
        self._line = []
        if self._level and text.strip():
            text = f"{'#' * self._level} {' '.join(text.split())}"
        self._level = 0
        self._put(text, "\n\n" if text else "")

    def _put(self, text: str, end: str) -> None:
        """Into the cell that is open, or the document."""
        if self._cells and self._cells[-1]:
            row = self._cells[-1]
            row[-1] = " ".join(filter(None, [row[-1], " ".join(text.split())]))
            size = len(text)
        else:
            self._done.append(text + end)
            size = len(text) + len(end)
        self._room -= size
        self.is_done = self._room < 0

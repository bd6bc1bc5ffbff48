"""What people send becomes the text of a document: texts here, files in the child (tools.parsing)."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from tools.cleaning import clean
from tools.errors import ParsingError
from tools.knowledge.errors import FileRefused
from tools.knowledge.limits import limits
from tools.parsing.parsers import PARSERS
from tools.parsing.process import parse_now

MARKDOWN, PLAIN = "text/markdown", "text/plain"
TEXTS = {".md": MARKDOWN, ".markdown": MARKDOWN, ".txt": PLAIN, ".text": PLAIN, ".rst": PLAIN}
PARSER = "document"  # of all other files
TITLE_MAX_CHARS = 200
BOM = "\ufeff"


@dataclass(frozen=True)
class Content:
    """A document's content as it is stored."""

    text: str
    media_type: str
    sha256: str  # of what was sent
    bytes: int
    title: str = ""  # that it says of itself
    pages: tuple[tuple[int, int], ...] = ()  # (offset, page) where each begins


def of_text(text: str, media_type: str) -> Content:
    """The content of a text that was sent as one. Raises FileRefused."""
    data = clean(text).encode()
    return Content(_text(clean(text)), media_type, hashlib.sha256(data).hexdigest(), len(data))


def of_file(name: str, data: bytes) -> Content:
    """The content of a file: a text by its name's ending, else what the child finds. Sync. Raises FileRefused."""
    if len(data) > limits().file_bytes:
        raise FileRefused("file_too_large", f"Expected a file of at most {limits().file_bytes} bytes.")
    media_type = TEXTS.get(PurePath(name).suffix.lower())
    made = hashlib.sha256(data).hexdigest(), len(data)
    if media_type:
        return Content(_text(_decoded(data)), media_type, *made)
    found = _parsed(data)
    text, pages = _joined(found["parts"])
    title = str(found.get("title") or "")[:TITLE_MAX_CHARS]
    return Content(_text(text), str(found["media_type"])[:100], *made, title=title, pages=pages)


def endings() -> str:
    """Of files that are taken."""
    return ", ".join([*TEXTS, *((".html", ".docx", ".pdf") if PARSER in PARSERS else ())])


def _decoded(data: bytes) -> str:
    try:
        return clean(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise FileRefused("file_unreadable", "Expected a text in UTF-8. Save it as UTF-8.") from None


def _parsed(data: bytes) -> dict[str, Any]:
    if PARSER not in PARSERS:
        raise FileRefused("file_unreadable", f"Expected a file whose name ends in one of {endings()}.")
    try:
        found: dict[str, Any] = parse_now(PARSER, data).value
    except ParsingError as error:
        raise FileRefused("file_unreadable", str(error)) from error
    if found.get("truncated"):
        raise FileRefused("file_too_large", f"Its text has more than {limits().text_bytes} bytes. Divide the file.")
    return found


def _joined(parts: list[dict[str, Any]]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The parts as one text, and where each page begins in it."""
    texts, pages, at = [], [], 0
    for part in parts:
        text = _lines(str(part["text"])).strip("\n")
        if part.get("page") is not None:
            pages.append((at, int(part["page"])))
        texts.append(text)
        at += len(text) + 2
    return "\n\n".join(texts), tuple(pages)


def _text(text: str) -> str:
    text = _lines(text.removeprefix(BOM)).rstrip()
    if not text.strip():
        raise FileRefused("file_empty", "Expected a text with something in it.")
    if len(text.encode()) > limits().text_bytes:
        raise FileRefused("file_too_large", f"Expected a text of at most {limits().text_bytes} bytes. Divide it.")
    return text


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")

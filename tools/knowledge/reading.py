"""What people send becomes the text of a document: texts here, other files in the child (tools.parsing.reading)."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePath

from tools.cleaning import clean
from tools.errors import ParsingError
from tools.knowledge.errors import FileRefused
from tools.knowledge.limits import limits
from tools.parsing.reading import Document, Part, read_document

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MARKDOWN, PLAIN = "text/markdown", "text/plain"
TEXTS = {".md": MARKDOWN, ".markdown": MARKDOWN, ".txt": PLAIN, ".text": PLAIN, ".rst": PLAIN}
ENDINGS = (*TEXTS, ".html", ".htm", ".docx", ".pdf")  # that are offered; what a file is, its bytes say
TITLE_MAX_CHARS = 200
HEADED = (MARKDOWN, "text/html", DOCX)  # their headings are Markdown's
CUT = (
    "Only a part of the file can be read: its text is too long, or pages take too long or are damaged. Divide the file."
)
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
    found = _parsed(name, data)
    text, pages = _joined(found["parts"])
    return Content(_text(text), found["media_type"], *made, title=found["title"][:TITLE_MAX_CHARS], pages=pages)


def endings() -> str:
    """Of files that are taken."""
    return ", ".join(ENDINGS)


def _decoded(data: bytes) -> str:
    try:
        return clean(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise FileRefused("file_unreadable", "Expected a text in UTF-8. Save it as UTF-8.") from None


def _parsed(name: str, data: bytes) -> Document:
    try:
        found = read_document(data, name)
    except ParsingError as error:
        raise FileRefused("file_unreadable", str(error)) from error
    if found["truncated"]:
        raise FileRefused("file_too_large", CUT)
    return found


def _joined(parts: list[Part]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The parts as one text, and where each page begins in it."""
    texts, pages, at = [], [], 0
    for part in parts:
        text = _lines(part["text"].removeprefix(BOM)).strip("\n")
        if part["page"] is not None:
            pages.append((at, part["page"]))
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

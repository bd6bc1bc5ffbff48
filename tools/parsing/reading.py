"""The text of a file that is a document, read in a child. `read_document` blocks; `document` does not."""

from typing import Any, TypedDict

from django.conf import settings

from tools.errors import ParsingError
from tools.parsing.process import parse, parse_now


class Part(TypedDict):
    """A piece of its text; in a PDF, of the page with this number."""

    text: str
    page: int | None


class Document(TypedDict):
    """What tools.parsing.documents makes of a file."""

    media_type: str
    title: str
    parts: list[Part]
    truncated: bool  # there is more than is taken
    charset: str | None


async def document(data: bytes, name: str = "") -> Document:
    """The file's text. Raises ParsingError, which says in a sentence what is wrong with it."""
    parser = _parser(data, name)
    return _called(await parse(parser, data), name)


def read_document(data: bytes, name: str = "", *, timeout_s: int | None = None) -> Document:
    """The same, in a thread that may block."""
    parser = _parser(data, name)
    return _called(parse_now(parser, data, cpu_s=timeout_s, timeout_s=timeout_s).value, name)


def _parser(data: bytes, name: str) -> str:
    """Its bytes say what it is; only a page may begin like a text."""
    if not data:
        raise ParsingError("refused", "The file is empty.")
    if len(data) > settings.PARSING_DOCUMENT_MAX_BYTES:
        most = settings.PARSING_DOCUMENT_MAX_BYTES
        raise ParsingError("refused", f"The file has {len(data):,} bytes, and at most {most:,} are read.")
    is_page = name.lower().endswith((".html", ".htm", ".xhtml")) and data.lstrip()[:1] == b"<"
    return "page" if is_page else "document"


def _called(found: Any, name: str) -> Document:
    """Nothing in its bytes tells Markdown from a plain text."""
    if found["media_type"] == "text/plain" and name.lower().endswith((".md", ".markdown")):
        found["media_type"] = "text/markdown"
    document: Document = found
    return document

"""The text of a document: a PDF, a Word file, a web page, Markdown or plain text, known by its bytes.

`{media_type, title, parts: [{text, page}], truncated, charset}`; page is None but for a PDF, headings are Markdown's,
charset is None but for texts and pages: "latin-1" is a guess, where nothing else fits. Raises Refused.
"""

import re
from collections.abc import Callable
from typing import Any

from tools.parsing import docx, pdf, plain, web_page
from tools.parsing.parts import Parts
from tools.parsing.refusing import Refused
from tools.pictures import UNKNOWN, kind_of, named

TITLE_MAX_CHARS = 300
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # what Office wrote before 2007, and wraps around what has a password
# How a page begins, behind an XML declaration, comments and spaces.
PAGE = re.compile(rb"(?:\s|\xef\xbb\xbf|<\?xml[^>]*>|<!--.*?-->)*<(?:!doctype\s+html|html|head|body)[\s>]", re.I | re.S)
KINDS = "Expected a PDF, a Word file (.docx), a web page, Markdown or plain text."

Value = dict[str, Any]


def read(data: bytes) -> Value:
    """Whatever it is."""
    if data[:1024].lstrip().startswith(b"%PDF-"):
        return _value("application/pdf", data, pdf.read)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _value(docx.MEDIA_TYPE, data, docx.read)
    if data.startswith(OLE):
        raise Refused("This is an old Office file, or one with a password: save it as .docx without one.")
    return read_page(data) if PAGE.match(data[:4096]) else _plain(data)


def read_page(data: bytes) -> Value:
    """A file that is called a web page, whatever it begins with."""
    return _value("text/html", data, web_page.read)


def _plain(data: bytes) -> Value:
    found = named(data)
    if kind_of(data) or (found != UNKNOWN and not found.startswith(("an SVG", "a web"))):
        raise Refused(f"This is {'a picture' if kind_of(data) else found}: there is no text in it. {KINDS}")
    return _value("text/plain", data, plain.read)


def _value(media_type: str, data: bytes, read: Callable[[bytes, Parts], tuple[str, str | None]]) -> Value:
    """What a reader of this type finds: it fills the parts, and gives the title and the charset."""
    if not data.strip(b"\x00\t\n\r "):
        raise Refused("The file is empty.")
    parts = Parts()
    title, charset = read(data, parts)
    if not parts.found:
        raise Refused(NO_TEXT.get(media_type, "There is no text in it."))
    return {
        "media_type": media_type,
        "title": " ".join(title.split())[:TITLE_MAX_CHARS],
        "parts": parts.found,
        "truncated": parts.is_cut,
        "charset": charset,
    }


NO_TEXT = {"application/pdf": "There is no text in this PDF: its pages are pictures. Recognize their text (OCR) first."}

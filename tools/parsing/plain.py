"""Plain text and Markdown, in whichever letters it was written."""

import codecs

from tools.parsing.parts import Parts
from tools.parsing.refusing import Refused

# Nobody types these: all controls but tab, line ends, form feed and escape.
CONTROLS = bytes(each for each in range(32) if each not in b"\t\n\r\f\x1b")
CONTROLS_MOST = 0.01  # of what is a text all the same
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read(data: bytes, parts: Parts) -> tuple[str, str | None]:
    """One part. No title: a text's name is its own."""
    text, charset = decoded(data)
    parts.add(text.replace("\r\n", "\n").replace("\r", "\n"))
    return "", charset


def decoded(data: bytes) -> tuple[str, str]:
    """The text, and in what it was written. Raises Refused for what is no text."""
    for mark, charset in MARKS:
        if data.startswith(mark):
            return _by(data[len(mark) :], charset), charset.removesuffix("-le").removesuffix("-be")
    if len(data.translate(None, CONTROLS)) < len(data) * (1 - CONTROLS_MOST):
        raise Refused("This is no text. Expected a PDF, a Word file (.docx), a web page, Markdown or plain text.")
    try:
        return data.decode(), "utf-8"
    except UnicodeDecodeError:
        return latin_1(data), "latin-1"


def latin_1(data: bytes) -> str:
    """As every browser reads what calls itself so: with the quotes and signs of Windows where Latin-1 has nothing."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _by(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset)
    except UnicodeDecodeError:
        raise Refused(f"Its first bytes say that it is in {charset[:6].upper()}, and it is not.") from None

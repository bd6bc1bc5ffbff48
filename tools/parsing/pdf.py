"""PDF, by pypdf: page after page, as long as there is time. What its streams unpack to is bounded by pypdf itself.

It takes the process for its own: its clock, and the signal of that.
"""

import io
import resource
import signal

from pypdf import PageObject, PasswordType, PdfReader
from pypdf.errors import PyPdfError

from tools.parsing.parts import Parts
from tools.parsing.refusing import Refused

PAGES_MAX = 2_000
TIME_SHARE = 0.6  # of this process's time: then the pages that are read are given, and the rest is not
DAMAGED = "This PDF is damaged: it cannot be read."
FAULTS = (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


def read(data: bytes, parts: Parts) -> tuple[str, str | None]:
    """A part for each page that has text."""
    try:
        reader = _opened(data)
        count = len(reader.pages)
    except FAULTS as error:
        raise Refused(DAMAGED) from error
    if count > PAGES_MAX:
        raise Refused(f"This PDF has {count:,} pages, and at most {PAGES_MAX:,} are read: divide it.")
    if not count:
        raise Refused(DAMAGED)
    _read_pages(reader, parts)
    return _title(reader), None


def _opened(data: bytes) -> PdfReader:
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise Refused("This PDF has a password: save it without one.")
    return reader


def _read_pages(reader: PdfReader, parts: Parts) -> None:
    """As many as there is time for. One page alone may take all of it: so it is left amid one, by a signal."""
    signal.signal(signal.SIGPROF, _leave)
    signal.setitimer(signal.ITIMER_PROF, TIME_SHARE * _seconds())
    try:
        _read_each(reader, parts)
    except _TimeUp:
        if not parts.found:
            raise Refused("This PDF takes too long to be read: divide it.") from None
        parts.cut()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _read_each(reader: PdfReader, parts: Parts) -> None:
    faults = number = 0
    for number, page in enumerate(reader.pages, start=1):
        if parts.is_full:
            return parts.cut()
        text = _text(page)
        faults += text is None
        parts.add(text or "", number)
    if faults == number:
        raise Refused(DAMAGED)
    if faults:
        parts.cut()


class _TimeUp(BaseException):
    """No error, for a reader of PDFs would swallow it."""


def _leave(number: int, frame: object) -> None:
    raise _TimeUp


def _text(page: PageObject) -> str | None:
    """What stands on it; None where that cannot be read."""
    try:
        return page.extract_text()
    except FAULTS:
        return None


def _title(reader: PdfReader) -> str:
    try:
        title = reader.metadata.title if reader.metadata else ""
    except FAULTS:
        return ""
    return title if isinstance(title, str) else ""


def _seconds() -> float:
    """How long this process may take in all."""
    most = resource.getrlimit(resource.RLIMIT_CPU)[0]
    return 60 if most == resource.RLIM_INFINITY else most

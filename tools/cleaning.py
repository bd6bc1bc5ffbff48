"""Text that comes from outside, made fit to be stored and sent: no NUL, no lone surrogates. No Django.

PostgreSQL refuses both, in text and in jsonb; SQLite takes the first and no encoder takes the second. They are replaced
once, where they come in, so that the same run does the same on every database.
"""

import math
import re
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

UNFIT = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def clean(text: str) -> str:
    """The text with each NUL and each lone surrogate replaced by U+FFFD; a proper pair becomes its character."""
    if UNFIT.search(text) is None:
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return UNFIT.sub(REPLACEMENT, whole)


class Halves:
    """Cleans a text that comes in pieces: the halves of a character may be the end of one and the start of the next."""

    def __init__(self) -> None:
        self._half = ""

    def clean(self, piece: str) -> str:
        """The piece, clean; a half at its end is held back."""
        if piece.isascii() and not self._half:  # nearly always
            return clean(piece)
        whole = self._half + piece
        self._half = whole[-1:] if "\ud800" <= whole[-1:] <= "\udbff" else ""
        return clean(whole[:-1] if self._half else whole)

    def rest(self) -> str:
        """What is held back, once nothing follows: a character in its place, or nothing."""
        half, self._half = self._half, ""
        return clean(half)


def clean_json(value: Any) -> Any:
    """The same JSON value with all its texts and names clean, and NaN and infinities, which are not JSON, as null.

    What rows are made of besides is text: a Decimal with all its digits, a UUID, times and dates by ISO 8601.
    """
    match value:
        case str():
            return clean(value)
        case float() if not math.isfinite(value):
            return None
        case list() | tuple():
            return [clean_json(each) for each in value]
        case Decimal() | UUID():
            return str(value)
        case date() | time():  # a datetime is a date
            return value.isoformat()
        case dict():
            return {clean(name) if isinstance(name, str) else name: clean_json(each) for name, each in value.items()}
        case _:
            return value

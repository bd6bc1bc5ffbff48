"""Texts in one form of writing, in a time that grows with their length.

Python puts a run of marks on one letter in order by moving each past all the others: 200,000 of them take it forty
seconds, in which nothing else of the process runs. No language needs more than 30 (Unicode's UAX #15, section 13).
"""

import unicodedata
from collections.abc import Iterator
from typing import Literal

PIECE_CHARS = 100  # that are put into a form at a time


def normal(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """The text in that form; within a run of more than PIECE_CHARS marks each piece of it for itself."""
    return text if text.isascii() else "".join(unicodedata.normalize(form, piece) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """The text, cut where what is before has no bearing on what follows."""
    start = 0
    while len(text) - start > PIECE_CHARS:
        most = start + PIECE_CHARS
        end = next((at for at in range(most, start, -1) if _begins(text[at])), most)
        yield text[start:end]
        start = end
    yield text[start:]


def _begins(char: str) -> bool:
    """Whether the character joins nothing that stands before it, in any form: no mark, no later part of a syllable."""
    first = unicodedata.normalize("NFKD", char)[0]
    is_mark = unicodedata.combining(first) or unicodedata.category(first).startswith("M")
    return not (is_mark or "\u1160" <= first <= "\u11ff")

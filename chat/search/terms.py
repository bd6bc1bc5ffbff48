"""The tokenizer: what a text is found by. Pure, and the same for what is indexed, what is asked and what is marked.

Words as they are, folded (accounts.folding). Scripts that put no space between words are cut into pairs of characters,
each overlapping the next, and the last character stands alone as well: so any part of such a text is found, and one
character by what begins with it. Signs such as emoji are words of their own.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from itertools import zip_longest
from typing import NamedTuple

from accounts.folding import folded

TERM_CHARS = 64  # a longer word is found by its beginning
TERMS_BYTES = 1_000_000  # of one text's terms, each with its place: a tsvector of more is refused by PostgreSQL
_PLACE_BYTES = 5
_CHAR_BYTES = 4  # at most
# Written without spaces: Thai, Lao, Burmese, Hangul, Khmer, Han with its radicals and marks, Kana, Bopomofo.
_PAIRED = "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035"
_PAIRED += "\u3038-\u303c\u3040-\u312f\u3130-\u318f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
_PAIRED += "\uac00-\ud7ff\uf900-\ufaff\U0001aff0-\U0001afff\U0001b000-\U0001b16f\U00020000-\U000323af"
_PLAIN = re.compile(r"[A-Za-z0-9]+")
_PLANES = (*range(0x20000), *range(0xE0000, 0xE0200))  # where Unicode has marks and signs


class Term(NamedTuple):
    """One of a text's terms, and where it stands in the text as that was written."""

    text: str
    start: int
    end: int
    is_paired: bool = False  # of a script that is cut into pairs
    is_last: bool = False  # the last character of several, which the pair before it has too


def terms(text: str) -> Iterator[Term]:
    """The text's terms in order."""
    if text.isascii():
        yield from _of_ascii(text, 0)
        return
    for piece in _pieces().finditer(text):
        yield from (_of_ascii if piece[0].isascii() else _of_piece)(piece[0], piece.start())


def indexed(text: str) -> list[str]:
    """The terms that the text is found by: of an overlong text those of its beginning."""
    found, size = _words(text), 0
    if sum(map(len, found)) * _CHAR_BYTES + len(found) * _PLACE_BYTES <= TERMS_BYTES:  # as nearly all do
        return found
    for count, word in enumerate(found):
        size += len(word.encode()) + _PLACE_BYTES
        if size > TERMS_BYTES:
            return found[:count]
    return found


def _words(text: str) -> list[str]:
    """The texts of `terms(text)`, without the places: to find those costs several times as much."""
    if text.isascii():
        return [word[:TERM_CHARS] for word in _PLAIN.findall(text.lower())]
    return [word for piece in _pieces().findall(text) for word in _words_of(piece)]


def _words_of(piece: str) -> list[str]:
    return _words(piece) if piece.isascii() else [term.text for term in _of_piece(piece, 0)]


def _of_ascii(text: str, start: int) -> Iterator[Term]:
    for word in _PLAIN.finditer(text):
        yield Term(word[0][:TERM_CHARS].lower(), start + word.start(), start + word.end())


def _of_piece(piece: str, start: int) -> Iterator[Term]:
    """The terms of what stands without a space. Its folded form may be longer, and may even have spaces."""
    whole = folded(piece)
    places = _places(piece, whole, start) if len(piece) > 1 else None
    for part in _parts().finditer(whole):
        if part.lastgroup == "run":
            yield from _pairs(part, places, (start, start + len(piece)))
        else:
            at, end = _spot(places, part.start(), part.end(), (start, start + len(piece)))
            yield Term(part[0][:TERM_CHARS], at, end)


def _pairs(run: re.Match[str], places: list[int] | None, whole: tuple[int, int]) -> Iterator[Term]:
    first, last = run.span()
    for at in range(first, last - 1):
        yield Term(run.string[at : at + 2], *_spot(places, at, at + 2, whole), is_paired=True)
    alone = _spot(places, last - 1, last, whole)
    yield Term(run.string[last - 1], *alone, is_paired=True, is_last=last - first > 1)


def _places(piece: str, whole: str, start: int) -> list[int] | None:
    """Where each folded character stands in the text, and behind them its end; None where that cannot be told."""
    if len(piece) == len(whole) and piece.casefold() == whole:  # each character became one
        return list(range(start, start + len(piece) + 1))
    each = [folded(char) for char in piece]
    if "".join(each) != whole:
        return None
    return [*(start + at for at, text in enumerate(each) for _ in text), start + len(piece)]


def _spot(places: list[int] | None, first: int, last: int, whole: tuple[int, int]) -> tuple[int, int]:
    """From where to where the folded characters stand in the text: at least one character."""
    if places is None:
        return whole
    return places[first], max(places[last], places[last - 1] + 1)


@cache
def _pieces() -> re.Pattern[str]:
    """What stands without a space or a punctuation mark; or one sign."""
    inside = _class(lambda category: category in ("Mn", "Mc", "Me", "Cf"))
    return re.compile(rf"[\w{inside}\u115f\u1160\u3164\uffa0]+|{_sign()}")


@cache
def _parts() -> re.Pattern[str]:
    """Of what is folded: a run that is cut into pairs, a word, or a sign."""
    marks = _class(lambda category: category.startswith("M"))
    word = rf"(?:(?![_{_PAIRED}])[\w{marks}])+"
    return re.compile(rf"(?P<run>[{_PAIRED}]+)|(?P<word>{word})|(?P<sign>{_sign()})")


@cache
def _sign() -> str:
    """Emoji, arrows, currencies: not those of ASCII, which nobody looks for alone."""
    return rf"(?![\x00-\x7f])[{_class(lambda category: category.startswith('S'))}]"


def _class(has: Callable[[str], bool]) -> str:
    """The characters of these categories, as the inside of a class in a pattern: from each first to its last."""
    chars = [each for each in _PLANES if has(unicodedata.category(chr(each)))]
    lasts = [each for each, after in zip_longest(chars, chars[1:]) if after != each + 1]
    firsts = [each for each, before in zip(chars, (None, *chars), strict=False) if before != each - 1]
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in zip(firsts, lasts, strict=True))

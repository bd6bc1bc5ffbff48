"""The part of a message that shows why it was found, with the words that were looked for. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from chat.search.query import Query, Word
from chat.search.terms import Term, terms

CHARS = 240  # of a snippet
BEFORE = 60  # of them before the first word that was found, at most
CUT = "…"


@dataclass(frozen=True)
class Piece:
    """A part of a snippet: a word that was looked for, or what stands between."""

    text: str
    hit: bool


@dataclass(frozen=True)
class Hit:
    """Where one of the query's words stands."""

    start: int
    end: int
    word: int  # its number in the query


def snippet(text: str, query: Query) -> list[Piece]:
    """Where the most of the query's words stand together, the first such place. The beginning, where none does."""
    hits = _best(list(_hits(text, query)))
    start = max(0, hits[0].start - BEFORE) if hits else 0
    start = _after_space(text, start, hits[0].start if hits else 0)
    end = min(len(text), start + CHARS)
    pieces = list(_pieces(text, start, end, hits))
    if start:
        pieces.insert(0, Piece(CUT, False))
    if end < len(text):
        pieces.append(Piece(CUT, False))
    return [Piece("".join(each.text for each in some), hit) for hit, some in groupby(pieces, lambda each: each.hit)]


def _hits(text: str, query: Query) -> Iterator[Hit]:
    """Where any of the words stands, in the order of the text."""
    longest = max(len(word.terms) for word in query.words)
    last: list[Term] = []
    for term in terms(text):
        last = [*last[1 - longest :], term] if longest > 1 else [term]
        for number, word in enumerate(query.words):
            if _ends_in(last, word):
                yield Hit(last[-len(word.terms)].start, term.end, number)


def _ends_in(read: Sequence[Term], word: Word) -> bool:
    """Whether what was read last is the word."""
    *before, last = word.terms
    if not (read[-1].text.startswith(last) if word.is_open else read[-1].text == last):
        return False
    return len(read) >= len(word.terms) and [each.text for each in read[-len(word.terms) : -1]] == before


def _best(hits: list[Hit]) -> list[Hit]:
    """Those that one snippet shows: of the places where the most different words stand, the first."""
    best: list[Hit] = []
    most = first = 0
    for at, hit in enumerate(hits):
        while hit.end - hits[first].start > CHARS - BEFORE and first < at:
            first += 1
        words = len({each.word for each in hits[first : at + 1]})
        if words > most:
            most, best = words, hits[first:]
    return best


def _after_space(text: str, start: int, most: int) -> int:
    """A place near the start where a word begins, before the first hit."""
    if not start:
        return 0
    space = text.find(" ", start, most)
    return space + 1 if space >= 0 else start


def _pieces(text: str, start: int, end: int, hits: Sequence[Hit]) -> Iterator[Piece]:
    at = start
    for hit in sorted(hits, key=lambda each: each.start):
        first, last = max(at, hit.start), min(hit.end, end)
        if first >= last:
            continue
        if at < first:
            yield Piece(text[at:first], False)
        yield Piece(text[first:last], True)
        at = last
    if at < end:
        yield Piece(text[at:end], False)

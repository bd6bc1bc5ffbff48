"""What somebody looks for, as words, and how each kind of database is asked for them. Pure.

What was typed is never a query by itself: each term is quoted, and none has a quote in it (chat.search.terms).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from accounts.errors import Invalid, refuse
from chat.search.terms import Term, terms

MOST_CHARS, MOST_WORDS = 200, 8
PREFIX_CHARS = 2  # a shorter beginning of a word is looked for as a word
TOO_MANY = f"Expected at most {MOST_WORDS} words. Put words that stand in a row in quotes: they count as one."
NO_WORD = "Expected a letter, a digit or a sign such as an emoji."
_PIECE = re.compile(r'"([^"]*)("?)|([^\s"]+)')
_QUOTES = str.maketrans("“”„«»", '"""""')


@dataclass(frozen=True)
class Word:
    """Terms that follow each other in a text; the last of them may be the beginning of one."""

    terms: tuple[str, ...]
    is_open: bool

    @property
    def apart(self) -> Iterator["Word"]:
        """Each of its terms."""
        *before, last = self.terms
        yield from (Word((term,), False) for term in before)
        yield Word((last,), self.is_open)


@dataclass(frozen=True)
class Query:
    """All these words, in whatever order, in any of these places (places are terms too); none: wherever."""

    words: tuple[Word, ...]
    places: tuple[str, ...] = ()

    @property
    def has_phrase(self) -> bool:
        """Whether something has to stand beside something."""
        return any(len(each.terms) > 1 for each in self.words)

    @property
    def anywhere(self) -> "Query":
        """The same terms, wherever they stand: of what has them an index knows all by itself."""
        return replace(self, words=tuple(each for word in self.words for each in word.apart))

    def within(self, places: Sequence[str]) -> "Query":
        """The same in these places alone."""
        return replace(self, places=tuple(places))


def read(text: str) -> Query:
    """The query that somebody typed: words, and phrases in quotes. Raises Invalid."""
    words = list(_words(text.translate(_QUOTES)))
    if not words:
        raise _refused(NO_WORD)
    if len(words) > MOST_WORDS:
        raise _refused(TOO_MANY)
    return Query(tuple(words))


def parts(text: str) -> list[str]:
    """What somebody typed, piece by piece without quotes: for what is found by any part of it, such as titles."""
    return text.translate(_QUOTES).replace('"', " ").split()


def _refused(why: str) -> Invalid:
    return refuse("q", why)


def _words(text: str) -> Iterator[Word]:
    """The last one is looked for by its beginning, unless its quotes are closed: it may be half typed."""
    end = len(text.rstrip())
    for piece in _PIECE.finditer(text):
        phrase, closed, word = piece.groups()
        found = list(terms(word or phrase or ""))
        if found and found[-1].is_last:
            found.pop()  # the text may go on there
        if found:
            is_open = piece.end() >= end and not closed
            yield Word(tuple(each.text for each in found), _is_open(found[-1], is_open))


def _is_open(last: Term, is_half_typed: bool) -> bool:
    if last.is_paired:
        return len(last.text) == 1
    return is_half_typed and len(last.text) >= PREFIX_CHARS


def fts5(query: Query) -> str:
    """The query for SQLite's FTS5."""
    asked = " AND ".join(f'"{" ".join(word.terms)}"{" *" if word.is_open else ""}' for word in query.words)
    places = " OR ".join(f'"{place}"' for place in query.places)
    return f"({places}) AND {asked}" if places else asked


def tsquery(query: Query, *, in_a_row: bool = True) -> str:
    """The query for PostgreSQL; the terms of a phrase in a row, or wherever they stand."""
    asked = [(" <-> " if in_a_row else " & ").join(_lexemes(word)) for word in query.words]
    places = " | ".join(f"'{place}'" for place in query.places)
    return " & ".join(f"({each})" for each in (*([places] if places else []), *asked))


def _lexemes(word: Word) -> list[str]:
    *before, last = (f"'{term}'" for term in word.terms)
    return [*before, f"{last}:*" if word.is_open else last]

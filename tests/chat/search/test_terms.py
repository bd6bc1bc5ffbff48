"""What a text is found by: the tokenizer, the query that is read from what somebody typed, and the snippet. Pure."""

import time
import unicodedata
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.errors import Invalid
from accounts.folding import folded
from chat.search.index import vector
from chat.search.query import MOST_WORDS, NO_WORD, TOO_MANY, fts5, read, tsquery
from chat.search.snippets import CHARS, CUT, snippet
from chat.search.terms import TERM_CHARS, TERMS_BYTES, indexed, terms

TERMS = {
    "": [],
    " -- _ …\u200b": [],
    "It's a plain-text, 3.14 words_here": ["it", "s", "a", "plain", "text", "3", "14", "words", "here"],
    "Straße STRASSE strasse": ["strasse"] * 3,
    "ﬁn İstanbul Ǆungla": ["fin", "istanbul", "džungla"],
    unicodedata.normalize("NFD", "École"): ["école"],
    "over\u00adtime mark\u200eed": ["overtime", "marked"],
    "東京都": ["東京", "京都", "都"],
    "東": ["東"],
    "東京 a都b": ["東京", "京", "a", "都", "b"],
    "ｶﾞｷﾞ": ["ガギ", "ギ"],
    "한국어": ["한국", "국어", "어"],
    "ไทย": ["ไท", "ทย", "ย"],
    "हिन्दी में": ["हिन्दी", "में"],
    "السَّلام عليكم": ["السَّلام", "عليكم"],
    "a👍🏽b ❤️ 👩‍💻 🇩🇪": ["a", "👍", "🏽", "b", "❤", "👩", "💻", "🇩", "🇪"],
    "5 € → $6": ["5", "€", "→", "6"],
    "㎏ ½": ["kg", "1", "⁄", "2"],
    "x" * 100: ["x" * TERM_CHARS],
    "é" * 100: ["é" * TERM_CHARS],
    "a\0b\nc": ["a", "b", "c"],
}


@pytest.mark.parametrize("text", TERMS, ids=ascii)
def test_a_text_has_these_terms(text: str) -> None:
    assert indexed(text) == TERMS[text]


FORMS: list[Literal["NFC", "NFD"]] = ["NFC", "NFD"]
# Signs with a stroke through them, such as \u2244: written as two characters they are two signs, and found as such.
STRUCK = [chr(n) for n in range(0x110000) if len(unicodedata.normalize("NFD", chr(n))) > 1]
STRUCK = [each for each in STRUCK if unicodedata.category(each).startswith("S")]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters=STRUCK), max_size=60)


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_whatever_the_text_its_terms_stand_in_it_and_are_those_of_its_folded_form(text: str) -> None:
    found = list(terms(text))
    for each in found:
        assert each.text and not set(each.text) & set(" '\"\\*\0") and 0 <= each.start < each.end <= len(text)
        assert each.text in folded(text[each.start : each.end]) or len(each.text) == TERM_CHARS
    assert [each.start for each in found] == sorted(each.start for each in found)
    assert indexed(text) == [term.text for term in found]
    assert indexed(unicodedata.normalize("NFD", text)) == indexed(unicodedata.normalize("NFC", text))


def test_an_overlong_text_has_the_terms_of_its_beginning_and_is_no_long_work() -> None:
    unlike = "".join(chr(0x20000 + number) for number in range(40_000)) * 3
    began = time.process_time()
    found = indexed(unlike)
    assert sum(len(each.encode()) + 5 for each in found) <= TERMS_BYTES and len(found) > 70_000
    assert indexed("a" + "\u0301\u0327" * 49_999)
    assert time.process_time() - began < 3


def test_the_places_of_terms_are_told_to_postgresql_as_far_as_it_keeps_them() -> None:
    assert vector(["a", "é"]) == "'a':1 'é':2"
    assert vector(["a"] * 16_384).endswith("'a':16383 'a'")


FTS5 = {
    "word": '"word" *',
    "two words": '"two" AND "words" *',
    '"two words"': '"two words"',
    '"two words" ': '"two words"',
    "“two words”": '"two words"',
    '"two wor': '"two wor" *',
    '"two words" more': '"two words" AND "more" *',
    'one"two words"': '"one" AND "two words"',
    "foo-bar a@b.example": '"foo bar" AND "a b example" *',
    "a": '"a"',
    "Wald u": '"wald" AND "u"',
    "東": '"東" *',
    "東 京都": '"東" * AND "京都"',
    "東京都": '"東京 京都"',
    "入門Python": '"入門 門 python" *',
    "Python入門": '"python 入門"',
    '"東京 大阪"': '"東京 京 大阪"',
    "👍🏽": '"👍 🏽"',
    'NEAR(a b) OR * NOT "': '"near a" AND "b" AND "or" AND "not"',
    "terms:a^2 -b": '"terms a 2" AND "b"',
    "%_'; DROP TABLE x; --": '"drop" AND "table" AND "x"',
}


@pytest.mark.parametrize("text", FTS5, ids=ascii)
def test_what_is_typed_is_asked_in_quotes(text: str) -> None:
    assert fts5(read(text)) == FTS5[text]


def test_places_are_asked_too_and_postgresql_is_asked_the_same() -> None:
    query = read('wald "zwei wor').within(["o1", "o2"])
    assert fts5(query) == '("o1" OR "o2") AND "wald" AND "zwei wor" *'
    assert tsquery(query) == "('o1' | 'o2') & ('wald') & ('zwei' <-> 'wor':*)"
    assert tsquery(query, in_a_row=False) == "('o1' | 'o2') & ('wald') & ('zwei' & 'wor':*)"


REFUSED = {"": NO_WORD, "* ( \"'": NO_WORD, "\u200b": NO_WORD, " ".join("abcdefghi"): TOO_MANY}


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_what_nothing_can_be_found_by_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(text)
    assert refused.value.fields == {"q": [REFUSED[text]]}


def test_a_phrase_counts_as_one_word() -> None:
    assert len(read(" ".join([f'"{"a " * 12}"'] * MOST_WORDS)).words) == MOST_WORDS


SNIPPETS = {
    ("The green door.", "green"): "The [green] door.",
    ("The GREENER door.", "green"): "The [GREENER] door.",
    ("Eine Straße weiter", "STRASSE wei"): "Eine [Straße] [weiter]",
    ("Wir fahren ins 東京都庁 heute", "京都"): "Wir fahren ins 東[京都]庁 heute",
    ("東京 und 東北", "東"): "[東京] und [東北]",
    ("A plain text, plain and text.", '"plain text"'): "A [plain text], plain and text.",
    ("mail a@b.example to a", "a@b.example"): "mail [a@b.example] to a",
    ("so 👍🏽 so", "👍"): "so [👍]🏽 so",
    ("Nothing here", "else"): "Nothing here",
    ("㍿\u00ad\u00ad\u00ad東京", "京"): "㍿\u00ad\u00ad\u00ad東[京]",
    ("<b>bold</b> & more", "b"): "<[b]>bold</[b]> & more",
}


@pytest.mark.parametrize(("text", "asked"), SNIPPETS)
def test_a_snippet_marks_what_was_found(text: str, asked: str) -> None:
    pieces = snippet(text, read(asked))
    assert "".join(f"[{each.text}]" if each.hit else each.text for each in pieces) == SNIPPETS[text, asked]


def test_a_snippet_is_where_the_most_words_stand_together() -> None:
    filler = "Nothing of it is here at all. " * 30
    pieces = snippet(f"{filler}One green thing. {filler}A green door stands open. {filler}", read("door green"))
    text = "".join(each.text for each in pieces)
    assert text.startswith(CUT) and text.endswith(CUT) and len(text) <= CHARS + 2
    assert [each.text for each in pieces if each.hit] == ["green", "door"]


@given(TEXTS, TEXTS)
@settings(max_examples=300, deadline=None)
def test_a_snippet_of_a_short_text_is_the_text(text: str, asked: str) -> None:
    try:
        query = read(asked)
    except Invalid:
        return
    assert "".join(each.text for each in snippet(text, query)) == text
    words = [each.text for each in terms(text)]
    if words:  # any whole word of it is found, and marked
        found = snippet(text, read(f'"{words[0]}"'))
        assert any(each.hit for each in found)

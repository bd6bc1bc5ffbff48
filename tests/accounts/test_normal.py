"""A text in one form of writing is what Python says it is, and takes no time to speak of."""

import sys
import time
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.folding import folded, forms
from accounts.normal import PIECE_CHARS, _begins, normal

FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")
LONG = PIECE_CHARS * 7
REAL = {
    "accents": "Ünïcödé crème brûlée, ",
    "a Mac's accents": unicodedata.normalize("NFD", "Ünïcödé crème brûlée"),
    "Vietnamese": unicodedata.normalize("NFD", "Tiếng Việt ở đâu "),
    "Korean": "안녕하세요세계각",
    "a Mac's Korean": unicodedata.normalize("NFD", "안녕하세요세계각"),
    "half-width Korean": "\uffa1\uffc2\uffa2",
    "half-width katakana": "ｶﾞｷﾞﾊﾟ",
    "Bengali": "\u0995\u09c7\u09be\u09c7\u09d7",
    "Tamil": "\u0b95\u0bc6\u0bbe\u0bc7\u0bd7",
    "Hebrew": "\u05e9\u05c1\u05bc\u05b0",
    "Tibetan": "\u0f40\u0f71\u0f72\u0f74",
    "ligatures": "ﬁnance ﷺ ½ ",
    "thirty marks": "a" + "\u0301\u0327" * 15,
}


@pytest.mark.parametrize("text", REAL.values(), ids=REAL.keys())
def test_a_text_that_somebody_writes_is_put_into_form_as_a_whole(text: str) -> None:
    for shift in range(PIECE_CHARS):
        whole = "x" * shift + text * (LONG // len(text))
        for form in FORMS:
            assert normal(form, whole) == unicodedata.normalize(form, whole)


@given(st.text(st.sampled_from("aé\u0301\u0327\u1100\u1161\u11a8각가\uffc2\u09c7\u09be\uff9eﬁ"), max_size=40))
def test_any_text_is(text: str) -> None:
    whole = "x" * (PIECE_CHARS - 20) + text
    for form in FORMS:
        assert normal(form, whole) == unicodedata.normalize(form, whole)


def test_no_text_is_cut_before_what_joins_the_letter_before_it() -> None:
    """Of all letters that Unicode can take apart into two."""
    for char in map(chr, range(sys.maxunicode + 1)):
        parts = unicodedata.decomposition(char).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            assert not _begins(chr(int(parts[1], 16))), parts


MARKS = "a" + "\u0301\u0327" * 50_000
COSTLY = {
    "marks": MARKS,
    "marks on many letters": "a" * 50 + MARKS,
    "no letter": MARKS[1:],
    "syllables": "\u1161" * LONG,
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY.keys())
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    normal("NFC", text)
    folded(text)
    forms(text)
    assert time.process_time() - began < 2  # a tenth of that; by Python's own, minutes

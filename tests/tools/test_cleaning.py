"""Text from outside is made fit for every database and encoder."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.cleaning import Halves, clean, clean_json

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain \U0001f600 \ufffe \uffff", "plain \U0001f600 \ufffe \uffff"),
        ("a\x00b", "a\ufffdb"),
        ("\ud83dx", "\ufffdx"),
        ("x\ude00", "x\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        ("\ufeffbom \ud800", "\ufeffbom \ufffd"),
    ],
)
def test_nul_and_lone_surrogates_are_replaced(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(ANY_TEXT)
def test_what_is_clean_can_be_encoded_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert "\x00" not in cleaned.encode().decode()
    assert clean(cleaned) == cleaned


@given(
    st.recursive(ANY_TEXT | st.floats() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner))
)
def test_json_is_cleaned_to_its_leaves(value: object) -> None:
    cleaned = clean_json(value)
    assert clean_json(cleaned) == cleaned


@settings(deadline=None)
@given(ANY_TEXT, st.data())
def test_a_text_that_is_cut_anywhere_is_cleaned_to_the_same(text: str, data: st.DataObject) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(units) // 2), max_size=5)))
    halves, cleaned = Halves(), ""
    for start, end in zip([0, *cuts], [*cuts, len(units) // 2], strict=True):
        cleaned += halves.clean(units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass"))
    assert cleaned + halves.rest() == clean(text)

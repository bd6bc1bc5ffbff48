"""Values of a query."""

import pytest

from accounts.http.queries import whole_number

BAD = (None, "", " 1", "-1", "+1", "1.5", "1e3", "0x1", "١", "²", "1\n", "x", "9" * 5_000)


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("999999999", 999_999_999), *((b, None) for b in BAD)]
)
def test_a_whole_number_is_what_its_digits_spell(text: str | None, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(("text", "number"), [("0", None), ("1", 1), ("100", 100), ("101", None)])
def test_a_whole_number_is_in_its_bounds(text: str, number: int | None) -> None:
    assert whole_number(text, 1, 100) == number

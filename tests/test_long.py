"""The table of what `make test` leaves to `make long`: it names what is there."""

import pathlib

import pytest

from tests.long import LONG, LONG_S, SMOKE_S, STAYS_S, longest

HERE = pathlib.Path(__file__).parent


@pytest.mark.parametrize("file", LONG)
def test_each_file_is_there_and_has_the_test_that_stays(file: str) -> None:
    assert f"def {LONG[file]}" in (HERE / file).read_text()


def test_the_table_is_of_the_longer_run_and_keeps_the_longest_short_test() -> None:
    quick = {"a.py": {"test_one": LONG_S / 3}, "b.py": {"test_slow": SMOKE_S * 2, "test_short": 0.1}}
    slow = {
        "a.py": {"test_one": LONG_S / 2},
        "b.py": {"test_slow": LONG_S, "test_short": 0.2, "test_longer": SMOKE_S},
        "c.py": {"test_only": STAYS_S},
        "d.py": {"test_far_too_long": STAYS_S * 2},
    }
    assert longest([quick, slow]) == {"d.py": "", "c.py": "test_only", "b.py": "test_longer"}

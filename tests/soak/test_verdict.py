"""What counts as growth."""

import pytest

from tests.soak.verdict import Figure, judge, judged, table, window_s

HOUR = 3600.0
MEMORY, FILES = Figure("memory", "MB"), Figure("open files", slack=2)


def every_minute(*values: float) -> list[tuple[float, float]]:
    """An hour of samples; the last value goes on."""
    return [(60.0 * minute, values[min(minute, len(values) - 1)]) for minute in range(61)]


FLAT = every_minute(200.0)
WARMS_UP = every_minute(*range(100, 200, 10), 200.0)
CREEPS = [(60.0 * minute, 200 + minute * 0.2) for minute in range(61)]  # 12 MB in an hour
BARELY = [(60.0 * minute, 200 + minute * 0.05) for minute in range(61)]
FALLS = [(60.0 * minute, 300.0 - minute) for minute in range(61)]
ONE_PEAK = [*FLAT[:-1], (HOUR, 900.0)]
ONE_DIP = [(at, 10.0 if at == 660 else value) for at, value in FLAT]
SWINGS = [(60.0 * minute, 200.0 + 40 * (minute % 2)) for minute in range(61)]
LATE = [(60.0 * minute, 200.0 if minute < 52 else 240.0) for minute in range(61)]


@pytest.mark.parametrize(
    ("series", "grew"),
    [
        (FLAT, False), (WARMS_UP, False), (CREEPS, True), (BARELY, False), (FALLS, False), (ONE_PEAK, False),
        (ONE_DIP, False), (SWINGS, False), (LATE, True),
    ],
    ids=["flat", "warms up", "creeps", "barely", "falls", "one peak", "one dip", "swings", "late"],
)  # fmt: skip
def test_what_grows_after_it_has_settled_is_found_and_no_single_sample_decides(
    series: list[tuple[float, float]], grew: bool
) -> None:
    assert judge(MEMORY, series, HOUR).grew is grew


@pytest.mark.parametrize(
    ("before", "after", "grew"), [(10, 11, False), (10, 12, False), (10, 13, True), (500, 505, False), (0, 3, True)]
)
def test_of_few_things_more_than_the_load_s_own_must_have_come(before: float, after: float, grew: bool) -> None:
    series = [(60.0 * minute, before if minute < 40 else after) for minute in range(61)]
    assert judge(FILES, series, HOUR).grew is grew


def test_two_percent_are_none_and_more_is() -> None:
    def row(end: float) -> bool:
        return judge(MEMORY, [(700.0, 100.0), (3500.0, end)], HOUR).grew

    assert not row(102.0)
    assert row(102.1)


def test_ten_minutes_settle_a_long_run_and_the_first_sixth_a_short_one() -> None:
    assert [window_s(each) for each in (60.0, 600.0, HOUR, 10 * HOUR)] == [10.0, 100.0, 600.0, 600.0]


def test_without_samples_there_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="memory: too few samples"):
        judge(MEMORY, [(0.0, 1.0), (HOUR, 1.0)], HOUR)


def test_the_table_says_which_grew() -> None:
    lines = table(judged({"memory_mb": CREEPS, "files": every_minute(40)}, HOUR), HOUR).splitlines()
    assert lines[0] == "| figure | after 10 minutes | at the end | change | |"
    assert lines[2] == "| memory | 202.9 MB | 211.0 MB | +4.0 % | GREW |"
    assert lines[3] == "| open files | 40.0 | 40.0 | +0.0 % |  |"

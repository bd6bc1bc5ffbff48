"""When budgets begin anew, where clocks are elsewhere or are changed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.metering.periods import began_on, ends_at

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("zone", "last", "begins"),
    [
        ("Pacific/Auckland", "2026-01-31T10:59:59", "2026-01-31T11:00:00"),  # +13: 23:59:59 there
        ("America/Lima", "2026-02-01T04:59:59", "2026-02-01T05:00:00"),  # -5
        ("Asia/Kathmandu", "2026-01-31T18:14:59", "2026-01-31T18:15:00"),  # +5:45
        ("UTC", "2026-01-31T23:59:59", "2026-02-01T00:00:00"),
    ],
)
def test_a_month_ends_at_midnight_there(zone: str, last: str, begins: str) -> None:
    before, after = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (last, begins))
    assert began_on("month", zone, before) == date(2026, 1, 1)
    assert began_on("month", zone, after) == date(2026, 2, 1)
    assert ends_at("month", zone, before) == after


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23), ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5), ("America/Santiago", date(2026, 9, 6), 23),
        ("America/Santiago", date(2026, 4, 4), 25), ("America/Havana", date(2026, 3, 8), 23),
    ],
)  # fmt: skip
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(zone: str, day: date, hours: float) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
    end = ends_at("day", zone, noon)
    begin = ends_at("day", zone, noon - timedelta(days=1))
    assert begin is not None and end is not None
    assert (end - begin).total_seconds() == hours * 3600
    assert began_on("day", zone, end) == day + timedelta(days=1) and began_on("day", zone, end - SECOND) == day


@given(
    st.integers(946_684_800, 2_114_380_800),  # from 2000 to 2036
    st.sampled_from(["UTC", "Pacific/Auckland", "America/Lima", "Asia/Kathmandu", "Pacific/Kiritimati"]),
    st.sampled_from(["day", "week", "month"]),
)
def test_periods_follow_one_another_without_a_gap(seconds: int, zone: str, period: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    began, ends = began_on(period, zone, at), ends_at(period, zone, at)
    assert began is not None and ends is not None and at < ends
    assert began_on(period, zone, ends - SECOND) == began < began_on(period, zone, ends)  # type: ignore[operator]
    assert period != "week" or began.weekday() == 0


def test_one_that_never_ends() -> None:
    now = datetime.now(UTC)
    assert began_on("ever", "UTC", now) is None and ends_at("ever", "UTC", now) is None

"""When schedules are due: where clocks are changed, after a stop, and which expressions are taken. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest

from accounts.errors import Invalid
from chat import due

BERLIN, NEW_YORK, LORD_HOWE = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
)  # its clocks move by 30 minutes
# cron, zone, the evening before the change, the due times from then on by the clock there and its offset
CHANGES = [
    ("30 2 * * *", BERLIN, "2026-03-28T12:00", ["29T03:00+02:00", "30T02:30+02:00"]),
    ("15,45 2 * * *", BERLIN, "2026-03-28T12:00", ["29T03:00+02:00", "30T02:15+02:00", "30T02:45+02:00"]),
    ("0 2,3 * * *", BERLIN, "2026-03-28T12:00", ["29T03:00+02:00", "30T02:00+02:00", "30T03:00+02:00"]),
    ("30 2 * * *", BERLIN, "2026-10-24T12:00", ["25T02:30+02:00", "26T02:30+01:00"]),
    ("0 9 * * *", BERLIN, "2026-10-24T12:00", ["25T09:00+01:00", "26T09:00+01:00"]),
    ("0 * * * *", BERLIN, "2026-10-25T01:30", ["25T02:00+02:00", "25T02:00+01:00", "25T03:00+01:00"]),
    ("0 * * * *", BERLIN, "2026-03-29T00:30", ["29T01:00+01:00", "29T03:00+02:00", "29T04:00+02:00"]),
    ("30 2 * * *", NEW_YORK, "2026-03-07T12:00", ["08T03:00-04:00", "09T02:30-04:00"]),
    ("30 1 * * *", NEW_YORK, "2026-10-31T12:00", ["01T01:30-04:00", "02T01:30-05:00"]),
    ("15 2 * * *", LORD_HOWE, "2026-10-03T12:00", ["04T02:30+11:00", "05T02:15+11:00"]),
    ("45 1 * * *", LORD_HOWE, "2026-04-04T12:00", ["05T01:45+11:00", "06T01:45+10:30"]),
    ("0 * * * *", LORD_HOWE, "2026-04-05T00:30", ["05T01:00+11:00", "05T02:00+10:30", "05T03:00+10:30"]),
    ("0 0 29 2 *", BERLIN, "2026-03-01T00:00", ["29T00:00+01:00"]),
]
DAYS = [(BERLIN, "2026-03-29"), (BERLIN, "2026-10-25"), (NEW_YORK, "2026-03-08"), (NEW_YORK, "2026-11-01"),
        (LORD_HOWE, "2026-10-04"), (LORD_HOWE, "2026-04-05")]  # fmt: skip


def moment(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(("cron", "zone", "after", "expected"), CHANGES)
def test_each_time_of_the_day_comes_once_where_clocks_are_changed(
    cron: str, zone: str, after: str, expected: list[str]
) -> None:
    found = list(islice(due.times(cron, zone, moment(after, zone)), len(expected)))
    assert [each.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")[8:] for each in found] == expected


@pytest.mark.parametrize(("zone", "day"), DAYS)
@pytest.mark.parametrize("cron", ["30 1 * * *", "15,45 1,2 * * *", "0 2 * * 0", "*/20 * * * *", "*/30 1-2 * * *"])
def test_from_wherever_one_begins_the_same_times_come(cron: str, zone: str, day: str) -> None:
    """Also from the middle of an hour that comes twice: nothing is due again, or in the past."""
    first, end = moment(day, zone), moment(day, zone) + timedelta(hours=8)
    every = list(_until(cron, zone, first, end))
    assert every == sorted(set(every))
    for minutes in range(0, 8 * 60, 13):
        after = first + timedelta(minutes=minutes)
        assert list(_until(cron, zone, after, end)) == [each for each in every if each > after]


@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_what_has_a_star_goes_by_the_time_that_passes(zone: str, day: str) -> None:
    first = moment(day, zone) - timedelta(minutes=1)
    minutes = [first + timedelta(minutes=count) for count in range(1, 6 * 60)]
    shown = [each for each in minutes if each.astimezone(ZoneInfo(zone)).minute in (0, 20, 40)]
    assert list(_until("*/20 * * * *", zone, first, minutes[-1])) == shown


def _until(cron: str, zone: str, after: datetime, end: datetime) -> Iterator[datetime]:
    return takewhile(lambda each: each <= end, due.times(cron, zone, after))


@pytest.mark.parametrize(
    ("cron", "next_at", "now", "begins", "missed", "then"),
    [  # on time, late, too late; after a stop of some hours; of some days, with the newest in time and not
        ("0 9 * * *", "01T09:00", "01T09:00:07", "01T09:00", [], "02T09:00"),
        ("0 9 * * *", "01T09:00", "01T09:59", "01T09:00", [], "02T09:00"),
        ("0 9 * * *", "01T09:00", "01T10:01", None, ["01T09:00"], "02T09:00"),
        ("0 * * * *", "01T08:00", "01T11:20", "01T11:00", ["01T08:00", "01T09:00", "01T10:00"], "01T12:00"),
        ("0 9 * * *", "01T09:00", "03T12:00", None, ["01T09:00", "02T09:00", "03T09:00"], "04T09:00"),
        ("0 9 * * *", "01T09:00", "03T09:30", "03T09:00", ["01T09:00", "02T09:00"], "04T09:00"),
    ],
)  # fmt: skip
def test_at_most_one_run_is_begun_late_and_the_others_are_named(
    cron: str, next_at: str, now: str, begins: str | None, missed: list[str], then: str
) -> None:
    def at(text: str) -> datetime:
        return moment(f"2026-06-{text}")

    turn = due.turn(cron, "UTC", at(next_at), at(now), 3600)
    assert turn == due.Turn(begins and at(begins), tuple(map(at, missed)), at(then))  # type: ignore[arg-type]


def test_a_very_long_stop_is_looked_at_piece_by_piece() -> None:
    began, now = moment("2026-01-01"), moment("2026-02-01T00:02")
    next_at, count = began, 0
    while (turn := due.turn("*/5 * * * *", "UTC", next_at, now, 3600)).begin is None:
        assert turn.next_at is not None and len(turn.missed) <= due.COUNTED
        count, next_at = count + len(turn.missed), turn.next_at
    assert turn.begin == moment("2026-02-01") and count + len(turn.missed) == 31 * 24 * 12


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        *((each, "Expected five fields") for each in (
            "", "@daily", "0 9 * *", "0 9 * * * *", "0 9 * * R", "60 9 * * *", "0 24 * * *", "x 9 * * *", "0 9 * * 8",
            "*/0 9 * * *", "9-1 9 * * *", "0 9 30 2 *", "0 9 L/ * *", "0 9 * * L", "0 9 * * MON#6", "٣ 9 * * *",
            "1," * 50 + "1 9 * * *",
        )),
        ("0 0 */31 * MON#2", "comes due"),
        *((each, "at least 300 seconds") for each in ("* * * * *", "*/4 9 * * *", "0,4 9 1 1 *", "0,58 0,23 * * *")),
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused_by_name(cron: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        due.check_cron(cron, 300)
    assert told in refused.value.fields["cron"][0]


@pytest.mark.parametrize(
    "cron", ["0 9 * * 1-5", "*/5 * * * *", "30 6 L * *", "0 9 * * MON#1", "0 0 29 2 *", " 0  9 1,15 * * "]
)
def test_what_is_one_is_taken(cron: str) -> None:
    assert due.check_cron(cron, 300) == " ".join(cron.split())


@pytest.mark.parametrize("zone", ["", "Berlin", "europe/berlin", "../../etc/passwd", "Europe", "localtime", "Factory"])
def test_only_names_of_zones_are_zones(zone: str) -> None:
    with pytest.raises(Invalid):
        due.check_zone(zone)
    assert [due.check_zone(each) for each in (BERLIN, "UTC")] == [BERLIN, "UTC"]

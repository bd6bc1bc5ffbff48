"""When a schedule is due: five fields of cron in a time zone, as moments. Pure.

Times of the day are those of a clock on the wall there. One that is left out when clocks go forward comes at once after
the gap; one that comes twice when they go back is due once. What has a star at minute or hour goes by the time that
passes. These are the rules of Debian's cron (docs/decisions/0096-schedules.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from accounts.errors import Invalid, refuse

CRON_MAX_CHARS = 100
FIELDS = 5
COUNTED = 2_000  # missed times that are looked at in one turn; what is left is looked at in the next
LOOKED_AT, LOOKS_AHEAD = 300, timedelta(days=32)  # how far it is looked whether two times are too near


@dataclass(frozen=True)
class Turn:
    """What is to be done of a schedule at some moment."""

    begin: datetime | None  # the due time that a run begins for, if one does
    missed: tuple[datetime, ...]  # due times that none begins for
    next_at: datetime | None  # when it is due again; None: never


def times(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """The due times behind that moment in order, each once, in UTC."""
    last = after
    for each in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        moment = each.astimezone(UTC)
        if moment > last:  # in an hour that comes for the second time, the walk begins in the first one
            last = moment
            yield moment


def next_time(cron: str, zone: str, after: datetime) -> datetime | None:
    """The first due time behind that moment; None where none comes any more."""
    return next(times(cron, zone, after), None)


def turn(cron: str, zone: str, next_at: datetime, now: datetime, late_s: float) -> Turn:
    """What a schedule that is due since `next_at` does now: at most one run, for its newest time, unless that is older
    than `late_s`."""
    passed, upcoming = [next_at], None
    for each in times(cron, zone, next_at):
        if each > now or len(passed) == COUNTED:
            upcoming = each
            break
        passed.append(each)
    is_newest = upcoming is None or upcoming > now
    begin = passed.pop() if is_newest and now - passed[-1] <= timedelta(seconds=late_s) else None
    return Turn(begin, tuple(passed), upcoming)


def check_cron(text: str, least_s: int) -> str:
    """The expression, one blank between its fields. Raises Invalid for what is none, never due, or due too often."""
    cron = " ".join(text.split())
    if len(cron) > CRON_MAX_CHARS or len(cron.split()) != FIELDS:
        raise _no_cron()
    began = datetime(2000, 1, 1, tzinfo=UTC)  # the same answer on each day; and a clock that is never moved
    try:
        first = next_time(cron, "UTC", began)
    except (CronSimError, ValueError):
        raise _no_cron() from None
    if first is None:
        raise refuse("cron", "Expected an expression that comes due: this one never does.")
    ahead = takewhile(lambda each: each - first <= LOOKS_AHEAD, times(cron, "UTC", began))
    if any(later - sooner < timedelta(seconds=least_s) for sooner, later in pairwise(islice(ahead, LOOKED_AT))):
        raise refuse("cron", f"Expected at least {least_s} seconds from one time to the next.")
    return cron


def _no_cron() -> Invalid:
    return refuse(
        "cron", "Expected five fields of cron, such as 30 9 * * 1-5: minute, hour, day, month, day of the week."
    )


def check_zone(name: str) -> str:
    """The name of a time zone. Raises Invalid."""
    if name not in _zones():
        raise refuse("time_zone", "Expected the name of a time zone, such as Europe/Berlin.")
    return name


@cache
def _zones() -> frozenset[str]:
    """All there are; looked up on disk once, as what somebody sends must not lead to any file."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}

"""When budgets begin anew: days, weeks and months as a place has them. Pure."""

from datetime import UTC, date, datetime, time, timedelta

from chat.metering import zones
from chat.models import Period


def began_on(period: str, zone: str, at: datetime) -> date | None:
    """The first day of the period that this instant is in; None of one that never ends."""
    day = at.astimezone(zones.zone(zone)).date()
    match period:
        case Period.DAY:
            return day
        case Period.WEEK:
            return day - timedelta(days=day.weekday())
        case Period.MONTH:
            return day.replace(day=1)
        case _:
            return None


def ends_at(period: str, zone: str, at: datetime) -> datetime | None:
    """When the next one begins; None: never.

    At 0:00 there. Where the clock jumps over that, with the jump; where it shows it twice, the first time.
    """
    began = began_on(period, zone, at)
    if began is None:
        return None
    days = {Period.DAY.value: 1, Period.WEEK.value: 7}.get(period)
    following = began + timedelta(days=days) if days else (began + timedelta(days=31)).replace(day=1)
    return datetime.combine(following, time(), zones.zone(zone)).astimezone(UTC)

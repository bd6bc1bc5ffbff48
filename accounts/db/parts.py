"""A table that PostgreSQL keeps in parts, one for each day (UTC): what is old is dropped with its day.

For rows that all go at one age. Deleting them one by one writes each again into PostgreSQL's log and leaves holes that
vacuum has to find; to drop a day takes milliseconds, whatever is in it (docs/decisions/0122-parts-by-day.md). On SQLite
it is one table, and nothing here does anything. `accounts.db.parting` brings a table into parts. Sync.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import OperationalError, connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

DAY = timedelta(days=1)
AHEAD = 14  # days whose parts are there before they begin; rows of later ones go to the part for the rest
# A day's rows go together, so that its first stay up to a day longer: not where rows are kept for less than this.
WHOLE_DAYS_FROM = 2 * DAY
# Who makes or drops a part waits so long for whoever has the table, and everybody else behind them. It is tried again.
LOCK_MS = 200
IN_USE = "55P03"  # lock_not_available
UNTIL = re.compile(r"TO \('([^']+)'\)")


@dataclass(frozen=True)
class Part:
    """The rows before an end: of one day, or those that were there before there were parts."""

    name: str
    end: datetime  # exclusive


@dataclass(frozen=True)
class DailyParts:
    """The parts of a table."""

    table: str

    @property
    def are_used(self) -> bool:
        """Whether this database keeps it in parts."""
        return connection.vendor == "postgresql"

    def until(self, kept: timedelta) -> datetime:
        """Rows before this are old enough to go: those of days of which none is kept any more."""
        until = timezone.now() - kept
        if not self.are_used or kept < WHOLE_DAYS_FROM:
            return until
        return _begin(until.astimezone(UTC).date())

    def keep(self, kept: timedelta) -> int:
        """Make the parts of the days that come, and drop those of which nothing is kept any more; how many were
        dropped. What somebody is in the way of is left for the next time."""
        if not self.are_used:
            return 0
        parts, until = list(self.parts()), self.until(kept)
        for day in self._missing(parts):
            # PostgreSQL takes a table that it has not looked at for one of ten pages, and plans for fourteen of them.
            _briefly(self._new(day), f'ANALYZE "{self._name(day)}"')
        return sum(_briefly(f'DROP TABLE "{each.name}"') for each in parts if each.end <= until)

    def parts(self) -> Iterator[Part]:
        """All that have an end, as the catalog has them."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class JOIN pg_inherits ON inhrelid = oid"
                " WHERE inhparent = to_regclass(%s) ORDER BY relname",
                [self.table],
            )
            found = [(name, UNTIL.search(bounds)) for name, bounds in cursor.fetchall()]
        yield from (Part(name, datetime.fromisoformat(match[1])) for name, match in found if match)

    def _missing(self, parts: list[Part]) -> list[date]:
        """Of the days that come, those which no part has."""
        there, before = {each.name: each.end for each in parts}, before_of(self.table)
        days = [timezone.now().astimezone(UTC).date() + each * DAY for each in range(AHEAD)]
        begun = there.get(before, _begin(days[0]))
        return [day for day in days if _begin(day) >= begun and self._name(day) not in there]

    def _name(self, day: date) -> str:
        return f"{self.table}_{day:%Y%m%d}"

    def _new(self, day: date) -> str:
        begin = _begin(day)
        bounds = f"FROM ('{begin.isoformat()}') TO ('{(begin + DAY).isoformat()}')"
        return f'CREATE TABLE "{self._name(day)}" PARTITION OF "{self.table}" FOR VALUES {bounds}'


def before_of(table: str) -> str:
    """The part with the rows from before there were parts."""
    return f"{table}_before"


def rest_of(table: str) -> str:
    """The part with the rows of days that have none."""
    return f"{table}_rest"


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _briefly(*statements: str) -> bool:
    """Execute what locks the table for a moment. False: the moment was not to be had, or the rest has rows of it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
            for each in statements:
                cursor.execute(each)
    except IntegrityError:
        return False
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != IN_USE:
            raise
        return False
    return True

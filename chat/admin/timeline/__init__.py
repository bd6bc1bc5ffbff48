"""A run's log as a flight recorder reads: a row for each turn, block of text, tool call, approval and end. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from django.utils.translation import gettext as _

from chat.admin.timeline.bars import Bars
from chat.admin.timeline.reading import Reading
from chat.admin.timeline.rows import Row
from chat.eventlog import Logged
from chat.figures.words import seconds

__all__ = ["Row", "Section", "Timeline"]


@dataclass
class Section:
    """One attempt."""

    attempt: int
    title: str
    rows: list[Row]


class Timeline:
    """All of a run. `rows` are bare: what is shown of them is worked out by `sections`, for a page of them."""

    def __init__(self, log: Iterable[Logged], *, with_text: bool = False, at_work_until: float | None = None) -> None:
        """From the whole log, of which nothing is kept but what the rows say: it may be long.

        `at_work_until`: of a run that is running, now; it may hang, and its last event says nothing of that.
        """
        reading, self._bars = Reading(with_text=with_text), Bars()
        for entry in log:
            reading.take(entry)
            self._bars.take(entry.event)
        if at_work_until is not None:
            reading.reach(at_work_until)
            self._bars.reach(at_work_until)
        self.rows = reading.rows
        self.people = reading.people  # id -> "", who decided about approvals: to be filled with what they are called

    def sections(self, rows: Iterable[Row], *, now: float, crashes: int) -> list[Section]:
        """These rows by attempt, ready to be shown, each attempt with a sentence on how it came to be."""
        shown = list(rows)
        for row in shown:
            row.at = f"+{row.start - self.rows[0].start:.3f} s"
            row.took = _took(row, now)
            self._bars.place(row)
        parts = [(attempt, list(group)) for attempt, group in groupby(shown, lambda row: row.attempt)]
        return [Section(attempt, _title(attempt, self.rows, crashes), group) for attempt, group in parts]


def _took(row: Row, now: float) -> str:
    if row.end is not None:
        return seconds(row.end - row.start)
    return "" if row.is_moment else _("%(time)s so far") % {"time": seconds(now - row.start)}


def _title(attempt: int, rows: list[Row], crashes: int) -> str:
    if attempt == 0:
        return _("Before its first attempt")
    name = _("Attempt %(number)s") % {"number": attempt}
    before = [row for row in rows if row.attempt < attempt]
    first = next((row for row in rows if row.attempt == attempt), None)
    if attempt == 1 or first is None or not before:
        return name
    last = before[-1]
    if last.kind == "wait" and last.end is not None:
        return _("%(attempt)s: went on after the decision") % {"attempt": name}
    # What the new attempt closed did not last until then.
    ends = [row.end if row.end is not None and row.end < first.start else row.start for row in before]
    pause = seconds(first.start - max(ends))
    why = _("its lease had lapsed") if crashes else _("it was handed over")
    return _("%(attempt)s: took over after %(pause)s; %(why)s") % {"attempt": name, "pause": pause, "why": why}

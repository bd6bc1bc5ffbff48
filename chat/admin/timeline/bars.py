"""Where a row's bar begins and ends: on a scale of the time in which somebody worked.

Where a run waited for a person or for a process, the bar stands still, and the row says how long that was.
"""

from bisect import bisect_right
from collections.abc import Sequence

from agents import events as ev
from chat.admin.timeline.rows import Row
from chat.eventlog import Logged

WIDTH = 1000  # of a bar, in its own units
LEAST = 4  # so that a moment is seen
IDLE_BEFORE = (ev.RunStarted, ev.ApprovalResolved)  # nobody worked in the time before these


class Bars:
    """The scale of one run."""

    def __init__(self, entries: Sequence[Logged]) -> None:
        self._clock = _working_time(entries)
        self._total = max((worked for _, worked in self._clock), default=0.0) or 1.0

    def place(self, row: Row) -> None:
        """Give the row its bar."""
        left = self._worked_until(row.start)
        until = self._clock[-1][0] if row.end is None and not row.is_moment else row.end
        right = left if until is None or row.kind == "wait" else self._worked_until(until)
        row.left = min(WIDTH - LEAST, int(left / self._total * WIDTH))
        row.width = max(LEAST, min(WIDTH - row.left, int((right - left) / self._total * WIDTH)))

    def _worked_until(self, at: float) -> float:
        index = bisect_right(self._clock, (at, float("inf"))) - 1
        if index < 0:
            return 0.0
        since, worked = self._clock[index]
        following = self._clock[index + 1][1] if index + 1 < len(self._clock) else worked
        return min(worked + (at - since), following)


def _working_time(entries: Sequence[Logged]) -> list[tuple[float, float]]:
    """(seconds since 1970, seconds of work until then), event by event."""
    clock: list[tuple[float, float]] = []
    worked, last = 0.0, entries[0].event.at if entries else 0.0
    for entry in entries:
        event = entry.event
        if not isinstance(event, IDLE_BEFORE):
            worked += max(0.0, event.at - last)
        last = event.at
        clock.append((last, worked))
    return clock

"""Where a row's bar begins and ends: on a scale of the time in which somebody worked.

Where a run waited for a person or for a process, the bar stands still, and the row says how long that was.
"""

from array import array
from bisect import bisect_right

from agents import events as ev
from agents.events import AnyEvent
from chat.admin.timeline.rows import Row

WIDTH = 1000  # of a bar, in its own units
LEAST = 4  # so that a moment is seen
IDLE_BEFORE = (ev.RunStarted, ev.ApprovalResolved)  # nobody worked in the time before these


class Bars:
    """The scale of one run: for each event its time, and the seconds of work until then."""

    def __init__(self) -> None:
        self._at, self._worked = array("d"), array("d")

    def take(self, event: AnyEvent) -> None:
        """The next event of the log."""
        worked = self._worked[-1] if self._worked else 0.0
        if self._at and not isinstance(event, IDLE_BEFORE):
            worked += max(0.0, event.at - self._at[-1])
        self._at.append(event.at)
        self._worked.append(worked)

    def reach(self, now: float) -> None:
        """The scale goes on to now, of a run that is at work though nothing has come of it."""
        if self._at and now > self._at[-1]:
            self._worked.append(self._worked[-1] + now - self._at[-1])
            self._at.append(now)

    def place(self, row: Row) -> None:
        """Give the row its bar."""
        total = self._worked[-1] or 1.0
        left = self._worked_until(row.start)
        until = self._at[-1] if row.end is None and not row.is_moment else row.end
        right = left if until is None or row.kind == "wait" else self._worked_until(until)
        row.left = min(WIDTH - LEAST, int(left / total * WIDTH))
        row.width = max(LEAST, min(WIDTH - row.left, int((right - left) / total * WIDTH)))

    def _worked_until(self, at: float) -> float:
        index = bisect_right(self._at, at) - 1
        if index < 0:
            return 0.0
        worked = self._worked[index]
        following = self._worked[index + 1] if index + 1 < len(self._worked) else worked
        return min(worked + (at - self._at[index]), following)

"""What a stream does, in the log: where CHAT_DEBUG names `streaming` (docs/logs.md). Ids and numbers, no content."""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from types import TracebackType

from chat.eventlog import Logged
from chat.eventlog.cursor import Cursor
from chat.models import Run

log = logging.getLogger("parley.streaming")


class Watched:
    """One stream, from its opening to its end, which is `with` it. Does nothing where nobody wants to know."""

    def __init__(self, run: str, door: str, after: str) -> None:
        self.is_on = log.isEnabledFor(logging.DEBUG)
        self.reason = ""  # that it ended for; empty: its reader left, or it broke off
        self._told = {"run": run, "door": door}
        self._after = after
        self._counts: Counter[str] = Counter()
        self._begun_at = 0.0

    @classmethod
    def of(cls, run: Run, after: Cursor | None) -> "Watched":
        """The stream of a run behind that place."""
        return cls(str(run.pk), run.door, "" if after is None else str(after))

    def see(self, events: Iterable[Logged]) -> None:
        """These are sent."""
        if self.is_on:
            self._counts.update(each.event.type for each in events)

    def __enter__(self) -> None:
        if self.is_on:
            self._begun_at = time.monotonic()
            place = f"after {self._after}" if self._after else "from its start"
            log.debug("stream of run %s (%s) opened %s", *self._told.values(), place, extra=self._told)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.is_on:
            ms = round((time.monotonic() - self._begun_at) * 1000)
            why = self.reason or ("it broke off" if isinstance(error, Exception) else "its reader left")
            counts = ", ".join(f"{count} {name}" for name, count in sorted(self._counts.items())) or "nothing"
            told = self._told | {"duration_ms": ms}
            log.debug("stream of run %s (%s) closed: %s; %s", *self._told.values(), why, counts, extra=told)

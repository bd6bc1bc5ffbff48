"""The newest events of the runs that this process executes or watches, in memory: readers are fed from here.

A feed is a window: older events are in the database, always. Nothing here is needed for correctness.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings

from chat.bus.bell import ring
from chat.eventlog.rows import Logged

READ_S = 15.0  # after the last word of it, a run counts as read by another process
READ_AGAIN_S = 5.0  # so often that word is said again


class Bell:
    """Wakes one reader. Ringing a bell that nobody waits for is remembered once."""

    def __init__(self) -> None:
        self._is_rung = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether its reader sleeps and has not been woken."""
        return not self._is_rung and self._waiter is not None and not self._waiter.done()

    def bring(self, deltas: list[Logged]) -> None:
        """These have been shown. A reader may take them here and now; else it is woken."""
        self.ring()

    def ring(self) -> None:
        """Wake the reader, now or at its next wait."""
        self._is_rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Return when rung."""
        if not self._is_rung:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._is_rung = False


class Feed:
    """A window on one run's log."""

    def __init__(self, run_id: UUID) -> None:
        self.run_id = run_id
        self.is_local = False  # this process executes the run
        self.entries: list[Logged] = []
        self.next_seq = 0  # of the next entry; 0: the window is not anchored yet
        self.generation = 0  # raised when what comes next may not follow what was shown: ask the database
        self.bells: set[Bell] = set()
        self._most = int(settings.CHAT_FEED_MAX_EVENTS)

    def anchor(self, next_seq: int) -> None:
        """Begin the window here, unless it has begun."""
        if not self.next_seq:
            self.next_seq = next_seq

    def restart(self, next_seq: int, *, is_local: bool) -> None:
        """Begin the window anew: the run has changed hands."""
        self.is_local = is_local
        self.entries = []
        self.next_seq = next_seq
        self.generation += 1
        self.ring()

    def show(self, entries: list[Logged], *, are_deltas: bool = False) -> None:
        """Let readers see these; they follow what is here. Deltas are brought to those that wait."""
        self.entries.extend(entries)
        self.next_seq = entries[-1].seq + 1
        if len(self.entries) > 2 * self._most:
            del self.entries[: self._most]
        for bell in self.bells:
            if are_deltas:
                bell.bring(entries)
            else:
                bell.ring()

    def since(self, seq: int) -> list[Logged] | None:
        """The entries after `seq`; None where the window does not reach back that far."""
        if not self.next_seq:
            return None
        behind = self.next_seq - 1 - seq
        if behind <= 0:
            return []
        return self.entries[-behind:] if behind <= len(self.entries) else None

    def whole(self) -> list[Logged]:
        """The whole log, where this process executes the run and its window reaches back to the first event."""
        return self.entries.copy() if self.is_local and len(self.entries) == self.next_seq - 1 else []

    def ring(self) -> None:
        """Wake every reader."""
        for bell in self.bells:
            bell.ring()


class Hub:
    """The feeds of this process."""

    def __init__(self) -> None:
        self.feeds: dict[UUID, Feed] = {}
        self.is_closing = False  # the process is going: readers are let go
        self.mine: set[UUID] = set()  # the runs that this process executes; the runner's to say
        self._read_until: dict[UUID, float] = {}  # runs that others read: until when, by the monotonic clock

    def feed(self, run_id: UUID) -> Feed:
        """The run's feed, made where there is none."""
        return self.feeds.setdefault(run_id, Feed(run_id))

    @contextmanager
    def reading(self, run_id: UUID, bell: Bell) -> Iterator[Feed]:
        """Subscribe the bell to the run for as long as the block lasts. Whoever executes it elsewhere is told so."""
        feed = self.feed(run_id)
        feed.bells.add(bell)
        if run_id not in self.mine:
            ring("reading", [run_id])
        try:
            yield feed
        finally:
            feed.bells.discard(bell)
            self.forget(feed)

    def forget(self, feed: Feed) -> None:
        """Drop a feed that nobody writes and nobody reads."""
        if not feed.bells and not feed.is_local:
            self.feeds.pop(feed.run_id, None)

    def foreign(self) -> dict[UUID, int]:
        """The anchored runs that are watched here and executed elsewhere: id to the next seq."""
        feeds = self.feeds.values()
        return {each.run_id: each.next_seq for each in feeds if each.bells and each.next_seq and not each.is_local}

    def tell_reading(self) -> None:
        """Say again which runs are read here and executed elsewhere: what was said lasts for READ_S."""
        ring("reading", [each.run_id for each in self.feeds.values() if each.bells and each.run_id not in self.mine])

    def are_read(self, run_ids: Iterable[UUID]) -> None:
        """Another process reads these: for READ_S it is told when they grow, and at once if they may have."""
        now = time.monotonic()
        self._read_until = {each: until for each, until in self._read_until.items() if until > now}
        self._read_until.update(dict.fromkeys(run_ids, now + READ_S))
        ring("grew", self.mine.intersection(run_ids))

    def read_elsewhere(self, run_ids: Iterable[UUID]) -> list[UUID]:
        """Those of the runs that another process reads."""
        if not self._read_until:
            return []
        now = time.monotonic()
        return [each for each in run_ids if self._read_until.get(each, 0.0) > now]

    def close(self) -> None:
        """Let all readers go."""
        self.is_closing = True
        for feed in self.feeds.values():
            feed.ring()


hub = Hub()

"""Read a run's log and keep reading: subscribe, then read, then wait, in that order."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from accounts.db import AWAY, db
from agents.events import TERMINALS
from chat.eventlog import rows
from chat.eventlog.cursor import Cursor
from chat.eventlog.feed import Bell, Feed, hub
from chat.eventlog.rows import Logged

log = logging.getLogger(__name__)

# A reader takes at most this many events at once, so that a long log is sent in pieces.
BATCH = 1000
# So long a reader waits before it asks a database again that was away.
AWAY_S = 0.5


@dataclass(frozen=True)
class Batch:
    """Events that follow what was read; none: nothing has happened for a heartbeat."""

    events: list[Logged]
    is_reset: bool = False  # the cursor was unknown: this begins the whole log from its start


# Takes deltas that were just shown, at once and without waiting; False: not now, they come as a Batch.
Take = Callable[[list[Logged]], bool]


async def tail(run_id: UUID, after: Cursor | None = None, take: Take | None = None) -> AsyncGenerator[Batch, None]:
    """Yield the events after the cursor, then new ones as they come, and end after the terminal one.

    Gapless and in order; without a cursor, without turns that were taken back before. A Batch without events comes
    each CHAT_HEARTBEAT_S of silence. Leaving early does not disturb the run. Ends early when this process is closing.
    Where the reader has everything and waits, `take` is handed the deltas that come next: what it took is not yielded.
    """
    reader = _Reader(run_id, after, take)
    heartbeat = reader.heartbeat = Heartbeat(reader)
    try:
        with hub.reading(run_id, reader) as feed:
            reader.feed = feed
            while not hub.is_closing:
                batch = await reader.next()
                if batch is not None:
                    for part in _parts(batch):
                        yield part
                    reader.has_read(batch.events[-1])
                    if isinstance(batch.events[-1].event, TERMINALS):
                        return
                elif reader.is_over:
                    return
                elif heartbeat.is_due:
                    heartbeat.heard()
                    yield Batch([])
                else:
                    await reader.wait()
    finally:
        heartbeat.stop()


class Heartbeat:
    """Rings the bell after each CHAT_HEARTBEAT_S without a sound; one timer, not one a token."""

    def __init__(self, bell: Bell) -> None:
        self.bell = bell
        self.loop = asyncio.get_running_loop()
        self.heard_at = self.loop.time()
        self.is_due = False
        self._timer = self.loop.call_later(settings.CHAT_HEARTBEAT_S, self._look)

    def heard(self) -> None:
        """Something came: the silence begins again."""
        self.heard_at = self.loop.time()
        self.is_due = False

    def stop(self) -> None:
        """Ring no more, and let go of the reader: they hold each other, and with them what it read of the run."""
        self._timer.cancel()
        del self.bell

    def _look(self) -> None:
        rest = self.heard_at + settings.CHAT_HEARTBEAT_S - self.loop.time()
        if rest <= 0:
            self.is_due = True
            self.bell.ring()
            rest = settings.CHAT_HEARTBEAT_S
        self._timer = self.loop.call_later(rest, self._look)


class _Reader(Bell):
    """One reader's way through the log."""

    feed: Feed
    heartbeat: Heartbeat

    def __init__(self, run_id: UUID, after: Cursor | None, take: Take | None) -> None:
        super().__init__()
        self.run_id = run_id
        self.after = after  # its cursor, until it has read something
        self.attempt = self.seq = 0  # of what it read last
        self.take = take
        self.generation = -1  # of the feed when we last asked the database; -1: not yet
        self.is_over = False

    @property
    def position(self) -> Cursor | None:
        """The last that it has read or said to have."""
        return Cursor(self.run_id, self.attempt, self.seq) if self.seq else self.after

    def has_read(self, entry: Logged) -> None:
        """It has everything up to here."""
        self.attempt, self.seq = entry.attempt, entry.seq
        self.heartbeat.heard()

    def bring(self, deltas: list[Logged]) -> None:
        """Take them at once if nothing lies between; the task of the reader sleeps on."""
        if not (self.take is not None and self.is_awaited and self._follow(deltas) and self._took(deltas)):
            self.ring()

    def _follow(self, deltas: list[Logged]) -> bool:
        is_next = self.seq > 0 and deltas[0].seq == self.seq + 1
        return is_next and self.generation == self.feed.generation and not self.heartbeat.is_due

    def _took(self, deltas: list[Logged]) -> bool:
        assert self.take is not None
        try:
            is_taken = self.take(deltas)
        except Exception:  # the run must not fail for a reader
            log.exception("a reader of run %s could not take what it was brought", self.run_id)
            self.take, is_taken = None, False
        if is_taken:
            self.has_read(deltas[-1])
        return is_taken

    async def next(self) -> Batch | None:
        """What follows the position, from memory where it reaches back that far; None: nothing yet."""
        if not self.seq and self.after is None and (whole := self.feed.whole()):
            self.generation = self.feed.generation
            return Batch(rows.clean(whole, after=0))
        if self.generation == self.feed.generation and (self.seq or self.after is not None):
            entries = self.feed.since(self.seq or self.after.seq)  # type: ignore[union-attr]
            if entries is not None:
                return Batch(entries) if entries else None
        return await self._from_rows()

    async def _from_rows(self) -> Batch | None:
        generation = self.feed.generation  # before the read: a change during it makes us read again
        position = self.position
        try:
            page = await db(rows.page, self.run_id, position)
        except AWAY:
            asyncio.get_running_loop().call_later(AWAY_S, self.ring)
            return None
        if page.is_ahead:
            return None  # the next commit or the next attempt rings
        self.generation = generation
        self.is_over = page.is_over
        seen = page.events[-1].seq if page.events else position.seq if position else 0
        self.feed.anchor(seen + 1)
        return Batch(page.events, page.is_reset) if page.events else None


def _parts(batch: Batch) -> list[Batch]:
    """The batch in pieces of at most BATCH events."""
    if len(batch.events) <= BATCH:
        return [batch]
    starts = range(0, len(batch.events), BATCH)
    return [Batch(batch.events[each : each + BATCH], batch.is_reset and each == 0) for each in starts]

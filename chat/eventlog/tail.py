"""Read a run's log and keep reading: subscribe, then read, then wait, in that order."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from accounts.db import AWAY, db
from agents.events import TERMINALS
from chat.cursor import Cursor
from chat.eventlog import rows
from chat.eventlog.feed import Bell, Feed, hub
from chat.eventlog.rows import Logged

# A reader takes at most this many events at once, so that a long log is sent in pieces.
BATCH = 1000
# So long a reader waits before it asks a database again that was away.
AWAY_S = 0.5


@dataclass(frozen=True)
class Batch:
    """Events that follow what was read; none: nothing has happened for a heartbeat."""

    events: list[Logged]
    is_reset: bool = False  # the cursor was unknown: this begins the whole log from its start


async def tail(run_id: UUID, after: Cursor | None = None) -> AsyncGenerator[Batch, None]:
    """Yield the events after the cursor, then new ones as they come, and end after the terminal one.

    Gapless and in order; without a cursor, without turns that were taken back before. A Batch without events comes
    each CHAT_HEARTBEAT_S of silence. Leaving early does not disturb the run. Ends early when this process is closing.
    """
    bell = Bell()
    heartbeat = Heartbeat(bell)
    try:
        with hub.reading(run_id, bell) as feed:
            async for batch in _Reader(feed, after, bell, heartbeat).read():
                yield batch
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
        """Ring no more."""
        self._timer.cancel()

    def _look(self) -> None:
        rest = self.heard_at + settings.CHAT_HEARTBEAT_S - self.loop.time()
        if rest <= 0:
            self.is_due = True
            self.bell.ring()
            rest = settings.CHAT_HEARTBEAT_S
        self._timer = self.loop.call_later(rest, self._look)


class _Reader:
    """One reader's way through the log."""

    def __init__(self, feed: Feed, after: Cursor | None, bell: Bell, heartbeat: Heartbeat) -> None:
        self.feed = feed
        self.position = after
        self.bell = bell
        self.heartbeat = heartbeat
        self.generation = -1  # of the feed when we last asked the database; -1: not yet
        self.is_over = False

    async def read(self) -> AsyncGenerator[Batch, None]:
        while not hub.is_closing:
            batch = await self._next()
            if batch is not None:
                for part in _parts(batch):
                    yield part
                last = batch.events[-1]
                self.position = Cursor(self.feed.run_id, last.attempt, last.seq)
                self.heartbeat.heard()
                if isinstance(last.event, TERMINALS):
                    return
            elif self.is_over:
                return
            elif self.heartbeat.is_due:
                self.heartbeat.heard()
                yield Batch([])
            else:
                await self.bell.wait()

    async def _next(self) -> Batch | None:
        """What follows the position, from memory where it reaches back that far; None: nothing yet."""
        if self.position is None and (whole := self.feed.whole()):
            self.generation = self.feed.generation
            return Batch(rows.clean(whole, after=0))
        if self.generation == self.feed.generation and self.position is not None:
            entries = self.feed.since(self.position.seq)
            if entries is not None:
                return Batch(entries) if entries else None
        return await self._from_rows()

    async def _from_rows(self) -> Batch | None:
        generation = self.feed.generation  # before the read: a change during it makes us read again
        try:
            page = await db(rows.page, self.feed.run_id, self.position)
        except AWAY:
            asyncio.get_running_loop().call_later(AWAY_S, self.bell.ring)
            return None
        if page.is_ahead:
            return None  # the next commit or the next attempt rings
        self.generation = generation
        self.is_over = page.is_over
        seen = page.events[-1].seq if page.events else self.position.seq if self.position else 0
        self.feed.anchor(seen + 1)
        return Batch(page.events, page.is_reset) if page.events else None


def _parts(batch: Batch) -> list[Batch]:
    """The batch in pieces of at most BATCH events."""
    if len(batch.events) <= BATCH:
        return [batch]
    starts = range(0, len(batch.events), BATCH)
    return [Batch(batch.events[each : each + BATCH], batch.is_reset and each == 0) for each in starts]

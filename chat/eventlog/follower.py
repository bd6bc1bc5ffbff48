"""Follows the runs that are executed elsewhere and read here: one query a tick for all of them together."""

import asyncio
import logging
import time

from django.conf import settings
from django.db import Error as DatabaseFault

from accounts.db import db
from agents.events import are_deltas
from chat.eventlog import rows
from chat.eventlog.feed import READ_AGAIN_S, hub

log = logging.getLogger(__name__)


class Follower:
    """One per process. `look()` when a bell rang; without bells it looks once a CHAT_SCAN_S all the same."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def look(self) -> None:
        """Something grew: look now."""
        self._rung.set()

    async def run(self) -> None:
        """Follow, for ever."""
        self._rung = asyncio.Event()
        told_at = time.monotonic()
        while True:
            try:
                async with asyncio.timeout(settings.CHAT_SCAN_S):
                    await self._rung.wait()
            except TimeoutError:
                pass
            self._rung.clear()
            next_at = time.monotonic() + settings.CHAT_COMMIT_S
            await self._look()
            if time.monotonic() >= told_at + READ_AGAIN_S:
                told_at = time.monotonic()
                hub.tell_reading()
            await asyncio.sleep(next_at - time.monotonic())

    async def _look(self) -> None:
        since = hub.foreign()
        for feed in hub.feeds.values():
            if feed.bells and not feed.next_seq:
                feed.ring()  # waits for an event that may not be stored yet
        if not since:
            return
        try:
            found = await db(rows.grown, since)
        except DatabaseFault as error:
            log.warning("the database cannot be reached: %s", type(error).__name__)
            return
        except Exception:  # such as an event of a newer version's: readers here must not wait for ever for all others
            log.exception("runs that are executed elsewhere cannot be followed; it is tried again")
            return
        for run_id, entries in found.items():
            watched = hub.feeds.get(run_id)
            if watched is not None and not watched.is_local and watched.next_seq == entries[0].seq:
                watched.show(entries, are_deltas=are_deltas(each.event for each in entries))

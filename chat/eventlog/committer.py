"""The group commit: one transaction stores what all runs of this process have appended.

Deltas wait for company: up to CHAT_COMMIT_S where another process reads along, which gets them from the database, else
up to CHAT_COMMIT_ALONE_S. Anything else is committed at once. What comes while a commit is under way goes with the
next. A run that was taken over is refused in the same transaction and holds up nobody.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.db import AWAY, db_write
from accounts.db.faults import note
from agents.events import DELTAS
from chat.bus import bell
from chat.eventlog import rows, statements
from chat.eventlog.feed import hub
from chat.eventlog.rows import Logged
from chat.eventlog.tool_rows import record
from chat.models import RunEvent
from chat.sent import keeping, waiting
from chat.sent.waiting import Waiting

log = logging.getLogger(__name__)
Batch = tuple[UUID, int, list[Logged]]  # run, attempt, entries


class Source(Protocol):
    """Who has something to store: a Writer."""

    run_id: UUID
    attempt: int

    def take(self) -> list[Logged]: ...
    def on_stored(self, seq: int) -> None: ...
    def on_fenced(self) -> None: ...
    def on_refused(self) -> None: ...


def store(batches: list[Batch], sent: Sequence[Waiting] = (), *, is_repeat: bool = False) -> set[UUID]:
    """Store the batches whose attempt still holds its run, with what was sent for them; give the ids of the others.

    `is_repeat`: an earlier try broke off. It may have been committed all the same, and then it is not stored again.
    """
    requests = keeping.rows(sent)
    with transaction.atomic():
        owned = statements.locked([each[0] for each in batches])
        mine = [each for each in batches if (each[0], each[1]) in owned]
        if is_repeat:
            known = _known(mine)
            mine = [each for each in mine if (each[0], each[1], each[2][-1].seq) not in known]
        statements.insert([rows.row(run_id, entries) for run_id, _, entries in mine])
        for run_id, _, entries in mine:
            record(run_id, [each.event for each in entries if type(each.event) not in DELTAS])
        stored = {each[0] for each in mine}
        keeping.store([each for each in requests if each.run_id in stored])
    return {run_id for run_id, attempt, _ in batches if (run_id, attempt) not in owned}


def _known(batches: list[Batch]) -> set[tuple[UUID, int, int]]:
    """The ends of the rows that these runs have: (run, attempt, last number)."""
    rows = RunEvent.objects.filter(run_id__in=[each[0] for each in batches])
    return set(rows.values_list("run_id", "attempt", "last_seq"))


class Committer:
    """One per process; its task lives as long as there is something to store."""

    def __init__(self) -> None:
        self.dirty: dict[Source, None] = {}
        self._due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None  # sets it, once the company has been waited for
        self._task: asyncio.Task[None] | None = None
        self._began_at = 0.0  # monotonic: when the commit under way began; 0: none is

    def lag_s(self) -> float:
        """For how long the commit under way has been tried; 0 where none is. From any thread."""
        began_at = self._began_at
        return time.monotonic() - began_at if began_at else 0.0

    def wake(self, writer: Source, is_urgent: bool) -> None:
        """There is something to store; urgent: do not wait for company."""
        is_new = writer not in self.dirty
        if is_new:
            self.dirty[writer] = None
        if self._task is None or self._task.done():
            self._due, self._timer = asyncio.Event(), None
            self._task = asyncio.get_running_loop().create_task(self._run())
        if is_urgent:
            self._due.set()
        elif is_new or self._timer is None:  # also of a task that broke off: nobody may wait for ever
            is_read_along = hub.read_elsewhere([writer.run_id])
            self._wait(settings.CHAT_COMMIT_S if is_read_along else settings.CHAT_COMMIT_ALONE_S)

    def hurry(self) -> None:
        """Another process begins to read along: it has waited long enough."""
        self._due.set()

    def _wait(self, for_s: float) -> None:
        """Commit after so long, or sooner if that was said before."""
        loop = asyncio.get_running_loop()
        if self._timer is None or self._timer.when() > loop.time() + for_s:
            self._wait_no_more()
            self._timer = loop.call_later(for_s, self._due.set)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def drop(self, writer: Source) -> None:
        """Store nothing more of this writer."""
        self.dirty.pop(writer, None)

    async def _run(self) -> None:
        while self.dirty:
            await self._due.wait()
            self._due.clear()
            self._wait_no_more()
            writers, self.dirty = list(self.dirty), {}
            work = [(writer, entries) for writer in writers if (entries := writer.take())]
            if work:
                self._began_at = time.monotonic()
                try:
                    await self._commit(work)
                finally:  # also where the task is cancelled: nothing is under way any more
                    self._began_at = 0.0

    async def _commit(self, work: list[tuple[Source, list[Logged]]]) -> None:
        sent = waiting.take([(each.run_id, each.attempt) for each, _ in work])
        try:
            fenced = await self._stored([(each.run_id, each.attempt, entries) for each, entries in work], sent)
        except Exception:  # whatever it is, nobody may wait for ever
            log.exception("a commit of %d runs failed; trying them one by one", len(work))
            return await self._one_by_one(work)
        self._tell(work, fenced)

    async def _one_by_one(self, work: list[tuple[Source, list[Logged]]]) -> None:
        for writer, entries in work:
            try:
                fenced = await self._stored([(writer.run_id, writer.attempt, entries)])
            except Exception:  # whatever it is, nobody may wait for ever
                log.exception("events of run %s cannot be stored", writer.run_id)
                writer.on_refused()
            else:
                self._tell([(writer, entries)], fenced)

    async def _stored(self, batches: list[Batch], sent: Sequence[Waiting] = ()) -> set[UUID]:
        """Store, and while the database is away try again; the runs meanwhile fill up and pause."""
        delay_s = 0.1
        is_repeat = False
        while True:
            try:
                return await db_write(store, batches, sent, is_repeat=is_repeat)
            except AWAY as error:
                fault = note(error)
                log.warning("the database: %s; %d runs wait", fault.name if fault else error, len(batches))
                is_repeat = True
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, 1.0)

    def _tell(self, work: list[tuple[Source, list[Logged]]], fenced: set[UUID]) -> None:
        for writer, entries in work:
            if writer.run_id in fenced:
                writer.on_fenced()
            else:
                writer.on_stored(entries[-1].seq)
        bell.grew(hub.read_elsewhere(writer.run_id for writer, _ in work))


committer = Committer()

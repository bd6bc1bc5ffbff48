"""The runner of this process: starts runs, keeps their leases, looks for abandoned ones, and lets go when it must."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFault

from accounts.db import db
from chat import bell, notices
from chat.bell import PROCESS
from chat.eventlog import Fenced, hub
from chat.eventlog.follower import Follower
from chat.runner import alone, chores, lease, presence, waiting
from chat.runner.execution import Execution, Intent

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


class Runner:
    """One per process, on the loop that serves it. `wake` and `stop` may be called from any thread."""

    def __init__(self) -> None:
        self.executions: dict[UUID, Execution] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.stopped_by: dict[UUID, str] = {}  # who asked, for the run's last event
        self.loop: asyncio.AbstractEventLoop | None = None
        self.is_draining = False
        self.follower = Follower()
        self._held_until = 0.0  # monotonic: until then our leases certainly hold
        self._background: list[asyncio.Task[None]] = []

    @property
    def max_crashes(self) -> int:
        """After so many lapsed leases a run is not tried again."""
        return int(settings.CHAT_MAX_CRASHES)

    def bind(self) -> None:
        """Begin, on the running loop. Calling it again does nothing."""
        loop = asyncio.get_running_loop()
        if self.loop is loop:
            return
        self.loop = loop
        self.executions, self.tasks, self.is_draining = {}, set(), False
        hub.is_closing = False
        notices.bind()
        # A fresh context: what a request left in its own must not live as long as the process.
        clean = contextvars.Context()
        self._background = [
            loop.create_task(each, context=clean)
            for each in (self._beat(), bell.listen(self._hear), self.follower.run(), chores.run())
        ]

    def owner_here(self) -> UUID | None:
        """This process as an owner of leases; None where it takes no runs."""
        takes = self.loop is not None and settings.CHAT_RUN_HERE and not self.is_draining
        return PROCESS if takes else None

    def wake(self, run_id: UUID, attempt: int | None) -> None:
        """A run was stored: claimed for this process by that attempt, or (None) for anybody. From any thread."""
        if self.loop is None or self.loop.is_closed():
            return  # some process's scan will find it
        if attempt is None:
            self.loop.call_soon_threadsafe(bell.ring, "queued", [run_id])
        else:
            self.loop.call_soon_threadsafe(self.start, run_id, attempt)

    def stop(self, run_id: UUID, by: str) -> None:
        """Somebody asked to stop a run; the request is stored. From any thread."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._stop, run_id, by)

    def _stop(self, run_id: UUID, by: str) -> None:
        if run_id in self.executions:
            self.stopped_by[run_id] = by
            self.executions[run_id].leave("stop")
        else:
            bell.ring("stop", [run_id])

    def grew(self, run_id: UUID) -> None:
        """A service wrote to a run's log itself: readers here and elsewhere should look. From any thread."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._grew, run_id)

    def _grew(self, run_id: UUID) -> None:
        self.follower.look()
        bell.grew([run_id])

    def start(self, run_id: UUID, attempt: int) -> None:
        """Execute a run that this process has claimed."""
        if run_id in self.executions:
            return
        execution = Execution(self, run_id, attempt)
        self.executions[run_id] = execution
        if not self._held_until:
            self._held_until = time.monotonic() + settings.CHAT_LEASE_S
        task = asyncio.get_running_loop().create_task(execution.run(), context=contextvars.Context())
        self.tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, run_id))

    def _ended(self, task: "asyncio.Task[None]", run_id: UUID) -> None:
        self.tasks.discard(task)
        self.executions.pop(run_id, None)
        self.stopped_by.pop(run_id, None)

    async def hold(self) -> None:
        """Return if our leases hold; raise Fenced where they may have lapsed: then no tool may start."""
        if time.monotonic() > self._held_until:
            raise Fenced

    async def _beat(self) -> None:
        """Renew, then look for work; each tick, for as long as the process lives."""
        if settings.IS_SQLITE and alone.is_alone():
            await self._try(lease.release_all_others)
        renew_at = said_at = 0.0
        while True:
            if time.monotonic() >= said_at + presence.EVERY_S:
                said_at = time.monotonic()
                await self._try(presence.say_here, self.owner_here() is not None)
            if time.monotonic() >= renew_at:
                renew_at = time.monotonic() + settings.CHAT_LEASE_RENEW_S
                await self._renew()
            await self._scan()
            await asyncio.sleep(settings.CHAT_SCAN_S)

    async def _renew(self) -> None:
        asked_at = time.monotonic()
        known = set(self.executions)
        held = await self._try(lease.renew, known)
        if held is not None:
            self._held_until = asked_at + settings.CHAT_LEASE_S
            self._leave(known - held, "lost")
        elif time.monotonic() > self._held_until:
            self._leave(known, "lost")

    def _leave(self, run_ids: set[UUID], intent: Intent) -> None:
        for run_id in run_ids & set(self.executions):
            self.executions[run_id].leave(intent)

    async def _scan(self) -> None:
        if self.executions:
            await self._scan_stops()
        for run_id in await self._try(waiting.expire) or []:
            self._grew(run_id)
        if self.owner_here() is not None:
            for run_id, attempt in await self._try(lease.find_work, set(self.executions)) or []:
                self.start(run_id, attempt)

    async def _scan_stops(self) -> None:
        for run_id, by in await self._try(lease.stop_requests) or []:
            if run_id in self.executions:
                self.stopped_by[run_id] = by
                self.executions[run_id].leave("stop")

    async def _try(self, look: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return await db(look, *args, **kwargs)
        except DatabaseFault as error:
            log.warning("the database cannot be reached: %s", type(error).__name__)
            return None

    async def _hear(self, what: str, run_ids: list[UUID]) -> None:
        """A message of another process."""
        if what == "grew":
            self.follower.look()
        elif what == "stop" and set(run_ids) & set(self.executions):
            await self._scan_stops()
        elif what == "queued":
            await self._scan()

    async def drain(self) -> None:
        """Take no more runs; give those there are CHAT_DRAIN_S to end; hand over the rest; let readers go."""
        self.is_draining = True
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=settings.CHAT_DRAIN_S)
        rest = list(self.executions.values())
        for execution in rest:
            execution.leave("hand_over")
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=2.0)
        for execution in rest:
            await self.give_back(execution)
        await self._try(presence.leave)
        hub.close()

    async def give_back(self, execution: Execution) -> None:
        """Let anybody go on with the run at once, if it is still this attempt's."""
        try:
            await db(lease.release, execution.run_id, execution.attempt)
        except DatabaseFault:
            log.warning("run %s was not released; its lease will lapse", execution.run_id)


runner = Runner()

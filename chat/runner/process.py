"""The runner of this process: starts runs, keeps their leases, looks for abandoned ones, and lets go when it must."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFault

from accounts import plans
from accounts.db import db, db_keep
from agents import installation
from chat.bus import bell, notices
from chat.bus.bell import PROCESS
from chat.eventlog import Fenced, committer, hub
from chat.eventlog.follower import Follower
from chat.metering import catalog, counters
from chat.runner import alone, capacity, hits, lease, presence, waiting
from chat.runner.ending import Following
from chat.runner.execution import Execution, Intent
from chat.runner.kinds import DRIVERS, known
from chat.runner.loading import Begun, Loaded

log = logging.getLogger(__name__)
STOPS_S = 0.25  # how often it is looked whether a run shall stop, whether or not a bell rang
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
        self.is_leaving = False  # nothing is begun any more
        self.is_ready = False  # it knows the models, and has loaded what asks their servers
        self.follower = Follower()
        self.also: list[Callable[[], Coroutine[Any, Any, None]]] = []  # what else it does, for ever: chat.apps says
        self.at_leaving: list[Callable[[], Coroutine[Any, Any, None]]] = []  # what it does last, with no run left
        self._then: dict[UUID, int] = {}  # attempts to begin once the one under way here has let go
        self._asked = asyncio.Event()  # somebody may have asked a run of ours to stop
        self._queued = asyncio.Event()  # there may be work
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
        self.executions, self.tasks, self._then = {}, set(), {}
        hub.mine.clear()
        self.is_draining = self.is_leaving = False
        self._asked, self._queued = asyncio.Event(), asyncio.Event()
        hub.is_closing = False
        notices.bind()
        # A fresh context: what a request left in its own must not live as long as the process.
        clean = contextvars.Context()
        self._background = [
            loop.create_task(each, context=clean)
            for each in (
                self._keep(),
                self._beat(),
                bell.listen(self._hear),
                self.follower.run(),
                *(each() for each in self.also),
            )
        ]

    def owner_here(self) -> UUID | None:
        """This process as an owner of leases; None where it takes no runs, or does not know the models yet."""
        takes = self.loop is not None and settings.CHAT_RUN_HERE and not self.is_draining and self.is_ready
        return PROCESS if takes else None

    def wake(self, run_id: UUID, attempt: int | None, begun: Loaded | Begun | None = None) -> None:
        """A run was stored: claimed for this process by that attempt, or (None) for anybody. From any thread.

        `begun` is what its execution would read first, if the caller has it.
        """
        if self.loop is None or self.loop.is_closed():
            return  # some process's scan will find it
        if attempt is None:
            self.loop.call_soon_threadsafe(bell.ring, "queued", [run_id])
        else:
            self.loop.call_soon_threadsafe(self.start, run_id, attempt, begun)

    def follow(self, following: Following) -> None:
        """A service has ended a run: go on with what followed. From any thread."""
        for run_id, attempt in following.claimed:
            self.wake(run_id, attempt)
        for run_id in following.waiting:
            self.wake(run_id, None)

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

    def start(self, run_id: UUID, attempt: int, begun: Loaded | Begun | None = None) -> None:
        """Execute a run that this process has claimed."""
        if self.is_leaving:
            return self._spawn(self.give_back(run_id, attempt))
        if run_id in self.executions:
            if attempt > self.executions[run_id].attempt:
                self._then[run_id] = attempt
            return
        execution = Execution(self, run_id, attempt, begun)
        self.executions[run_id] = execution
        hub.mine.add(run_id)
        if not self._held_until:
            self._held_until = time.monotonic() + settings.CHAT_LEASE_S
        self._spawn(execution.run(), lambda _: self._ended(run_id))

    def _spawn(
        self, work: Coroutine[Any, Any, None], then: "Callable[[asyncio.Task[None]], None] | None" = None
    ) -> None:
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if then is not None:
            task.add_done_callback(then)

    def _ended(self, run_id: UUID) -> None:
        self.executions.pop(run_id, None)
        hub.mine.discard(run_id)
        self.stopped_by.pop(run_id, None)
        following = self._then.pop(run_id, None)
        if following is not None:
            self.start(run_id, following)

    async def hold(self, run_id: UUID) -> None:
        """Return if our lease holds, renewed where it may have lapsed; raise Fenced where it is another's by now."""
        if time.monotonic() > self._held_until and run_id not in (await self._renew() or ()):
            raise Fenced

    async def _keep(self) -> None:
        """Keep what must be in time, on a thread of its own: our leases, and the stops that people ask for."""
        renew_at = 0.0
        while True:
            if time.monotonic() >= renew_at:
                is_told = await self._renew() is not None
                renew_at = time.monotonic() + (settings.CHAT_LEASE_RENEW_S if is_told else STOPS_S)
            if self.executions:
                await self._scan_stops()
            await _rung(self._asked, STOPS_S)

    async def _beat(self) -> None:
        """Say that we are here and look for work; each tick, for as long as the process lives."""
        if settings.IS_SQLITE and alone.is_alone():
            await self._try(lease.release_all_others)
        said_at = looked_at = 0.0
        takes = False
        while True:
            if not self.is_ready or time.monotonic() >= looked_at + catalog.REFRESH_S:
                looked_at = time.monotonic()
                await self._know_models()
            if time.monotonic() >= said_at + presence.EVERY_S or (self.owner_here() and not takes):
                said_at, takes = time.monotonic(), self.owner_here() is not None
                await self._try(presence.say_here, takes, known())
                await self._try(counters.store)
            await self._scan()
            await _rung(self._queued, settings.CHAT_SCAN_S)

    async def _know_models(self) -> None:
        """Read the rows, of plans too, and load what asks their servers here rather than at a first message, where all
        would wait.
        """
        await self._try(catalog.refresh)
        await self._try(plans.refresh)
        await self._try(hits.look)
        if not catalog.is_loaded():
            return
        if settings.CHAT_RUN_HERE:
            try:
                await asyncio.to_thread(installation.load_providers)
            except ImportError:
                log.exception("a model's server cannot be asked: what asks it cannot be loaded")
        self.is_ready = True

    async def _renew(self) -> set[UUID] | None:
        """Renew all our leases; the runs that we hold by now, None where nobody can tell."""
        asked_at = time.monotonic()
        known = set(self.executions)
        held = await self._keep_in_time(lease.renew, known)
        if held is not None:
            self._held_until = asked_at + settings.CHAT_LEASE_S
            self._leave(known - held, "lost")
        elif time.monotonic() > self._held_until:
            self._leave(known, "lost")
        return held

    def _leave(self, run_ids: set[UUID], intent: Intent) -> None:
        for run_id in run_ids & set(self.executions):
            self.executions[run_id].leave(intent)

    async def _scan(self) -> None:
        for run_id in await self._try(waiting.expire) or []:
            self._grew(run_id)
        if self.owner_here() is not None:
            for run_id, attempt in await self._try(_find_work, set(self.executions)) or []:
                self.start(run_id, attempt)

    async def _scan_stops(self) -> None:
        for run_id, by in await self._keep_in_time(lease.stop_requests) or []:
            if run_id in self.executions:
                self.stopped_by[run_id] = by
                self.executions[run_id].leave("stop")

    async def _try(self, look: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        return await _or_none(db(look, *args, **kwargs))

    async def _keep_in_time(self, look: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        return await _or_none(db_keep(look, *args, **kwargs))

    def _hear(self, what: str, run_ids: list[UUID]) -> None:
        """A message of another process. It waits for nothing: the next message may be more urgent."""
        if what == "grew":
            self.follower.look()
        elif what == "reading":
            hub.are_read(run_ids)
            if not hub.mine.isdisjoint(run_ids):
                committer.hurry()
        elif what == "stop" and not self.executions.keys().isdisjoint(run_ids):
            self._asked.set()
        elif what == "queued":
            self._queued.set()

    async def drain(self) -> None:
        """Take no more runs; give those there are CHAT_DRAIN_S to end; hand over the rest; let readers go."""
        self.is_draining = True
        until = time.monotonic() + settings.CHAT_DRAIN_S
        while self.tasks and time.monotonic() < until:
            await asyncio.wait(self.tasks, timeout=until - time.monotonic())
        self.is_leaving = True
        rest = list(self.executions.values())
        for execution in rest:
            execution.leave("hand_over")
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=2.0)
        for execution in rest:
            await self.give_back(execution.run_id, execution.attempt)
        for each in self.at_leaving:
            await each()
        await self._try(counters.store)
        await self._try(presence.leave)
        await bell.sent()
        hub.close()

    async def give_back(self, run_id: UUID, attempt: int) -> None:
        """Let anybody go on with the run at once, if it is still this attempt's."""
        try:
            if await db(lease.release, run_id, attempt):
                bell.ring("queued", [run_id])
                self._queued.set()
        except DatabaseFault:
            log.warning("run %s was not released; its lease will lapse", run_id)


def _find_work(held: set[UUID]) -> list[lease.Claimed]:
    """Claim what lies about, and work that has waited for room. Sync."""
    return lease.find_lying(held, list(DRIVERS)) + capacity.find_waiting(list(DRIVERS))


async def _or_none(asked: Awaitable[R]) -> R | None:
    """What the database says; None where it does not answer."""
    try:
        return await asked
    except DatabaseFault as error:
        log.warning("the database cannot be reached: %s", type(error).__name__)
    except Exception:
        log.exception("a look at the database failed; it is tried again")
    return None


async def _rung(event: asyncio.Event, or_after_s: float) -> None:
    """Return when the event is set, or after so long; it is not set any more then."""
    try:
        async with asyncio.timeout(or_after_s):
            await event.wait()
    except TimeoutError:
        pass
    event.clear()


runner = Runner()

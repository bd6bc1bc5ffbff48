"""One run, from its claim to its end or to the loss of its lease."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, Literal, ParamSpec, Protocol, TypeVar
from uuid import UUID

import msgspec

from accounts import about
from accounts.db import AWAY, db, db_files, db_write
from agents import events as ev
from agents.errors import (
    CODES,
    UNUSED,
    NoRights,
    OutputInvalid,
    ProviderError,
    QuotaExceeded,
    UnknownArchetype,
    Waiting,
    WorkFailed,
)
from agents.events import AnyEvent, Terminal
from agents.loop.purse import BUDGET
from agents.usage import Usage
from chat.attachments.reading import Later, NotHere
from chat.bus import bell
from chat.eventlog import Fenced, Logged, Refused, Writer, hub
from chat.models import ANSWER
from chat.runner.ending import Ending, Following, last_events, store_ending
from chat.runner.kinds import DRIVERS
from chat.runner.kinds.step import StepWork
from chat.runner.loading import Begun, Loaded, load
from chat.runner.waiting import store_asking
from chat.sent import waiting

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
# stop: somebody asked. hand_over: this process is going. lost: the lease is, or may be, another's.
Intent = Literal["stop", "hand_over", "lost"]
STEPS = (ev.ToolCalled, ev.WorkProgressed)
RESULT_MAX_BYTES = 64_000  # of work that answers nothing, in its run's last event
End = Callable[[Usage], Terminal]  # the terminal event, once the usage is known


class Holder(Protocol):
    """Who holds the leases of this process: its Runner."""

    stopped_by: dict[UUID, str]

    @property
    def max_crashes(self) -> int: ...
    def owner_here(self) -> UUID | None: ...
    def start(self, run_id: UUID, attempt: int) -> None: ...
    async def hold(self, run_id: UUID) -> None: ...
    async def give_back(self, run_id: UUID, attempt: int) -> None: ...


class Execution:
    """Drives one attempt of a run. `run()` ends when the run has, or when it is no longer ours."""

    def __init__(self, runner: Holder, run_id: UUID, attempt: int, begun: Loaded | Begun | None = None) -> None:
        """`begun`: what `load` would read, where this process has just stored it; or what reads the rest of it."""
        self.runner = runner
        self.run_id = run_id
        self.attempt = attempt
        self.intent: Intent | None = None
        self.is_waiting = False
        self.provider_error: ProviderError | None = None  # that the run failed by
        self.is_refused = False  # the provider took no request of the last turn
        self._begun = begun
        self._work: asyncio.Task[str] | None = None

    def leave(self, intent: Intent) -> None:
        """Stop working, for this reason; the first reason holds."""
        if self.intent is None:
            self.intent = intent
            if self._work is not None:
                self._work.cancel()

    async def run(self) -> None:
        """Load, work, end. Never raises but for cancellation."""
        about.note(run=self.run_id)
        try:
            loaded = await self._ready()
            if loaded is not None:
                run = loaded.run
                about.note(chat=run.chat_id, user=run.user_id, organization=run.organization_id, door=run.door)
                self.loaded = loaded
                self.fold = loaded.fold
                self.writer = Writer(self.run_id, self.attempt, loaded.next_seq, loaded.first)
                await self._drive()
        except Fenced:
            log.info("run %s goes on elsewhere", self.run_id)
            await self.runner.give_back(
                self.run_id, self.attempt
            )  # where it is still ours: we slept, and nobody took it meanwhile
        except Exception:
            log.exception("run %s is left to be taken over", self.run_id)
        finally:
            waiting.take([(self.run_id, self.attempt)])
            if hasattr(self, "writer"):
                self.writer.close()

    async def _ready(self) -> Loaded | None:
        """What this process has of it already, else what is stored."""
        begun, self._begun = self._begun, None
        if begun is None or isinstance(begun, Loaded):
            return begun or await self._load()
        try:
            return await db_files(begun)
        except AWAY:
            return await self._load()

    async def _load(self) -> Loaded | None:
        while True:
            try:
                return await self._read()
            except AWAY:
                if self.intent is not None:
                    return None
                await asyncio.sleep(0.5)

    async def _read(self) -> Loaded | None:
        """What is stored. What has files is read beside the others, which no slow storage holds up."""
        try:
            return await db(load, self.run_id, self.attempt, NotHere())
        except Later:
            return await db_files(load, self.run_id, self.attempt)

    async def _drive(self) -> None:
        self._begin()
        end = await self._refusal()
        if end is None:
            self._work = asyncio.create_task(self._drive_work())
            end = await self._outcome(self._work)
        if end is not None:
            await self._end(end)
        elif self.is_waiting:
            await self.writer.stored()
            await self._try_until_ours(store_asking, self.loaded.run, self.attempt, dict(self.fold.open_approvals))
        elif self.intent == "hand_over":
            await self.writer.stored()

    def _begin(self) -> None:
        """Take back what another attempt left half-said, and say that this one goes on."""
        now = time.time()
        events = self.loaded.work.taken_back(now)
        if not self.loaded.is_begun:
            events.append(ev.RunStarted(at=now, attempt=self.attempt))
        if events:
            self._take(events)

    async def _refusal(self) -> End | None:
        """How the run ends before it begins, if it does."""
        end = self._why_not()
        found = await self._found() if end is not None else None
        return end if found is None else _completed("stop", found)

    async def _found(self) -> Any:
        """What another attempt has brought it to: it died before it could say so."""
        kind = DRIVERS.get(self.loaded.run.kind)
        if kind is None or kind.found is None:
            return None
        try:
            return await db(kind.found, self.loaded.run)
        except AWAY:
            raise
        except Exception:
            log.exception("what run %s has come to cannot be looked up", self.run_id)
            return None

    def _why_not(self) -> End | None:
        if self.loaded.run.is_stopped:
            return self._cancelled
        if self.loaded.run.crashes >= self.runner.max_crashes:
            return _failed("poison", retryable=False)
        return None

    async def _drive_work(self) -> str:
        """Let it work; the reason it ended for."""
        work = self.loaded.work
        rest_s = max(1.0, work.timeout_s - self.fold.active_s)
        async with asyncio.timeout(rest_s), aclosing(work.drive()) as happenings:
            async for events in happenings:
                self._take(events)
                if _is_barrier(events[-1]):
                    await self.writer.stored()
                    await self.runner.hold(self.run_id)
                elif self.writer.is_full:
                    await self.writer.stored()
        return work.reason

    def _take(self, events: list[AnyEvent]) -> None:
        for event in events:
            self.fold.apply(event)
        self.writer.append(events)

    async def _outcome(self, work: "asyncio.Task[str]") -> End | None:
        """How the work ended; None: the run is not ours to end."""
        if self.intent is not None:
            work.cancel()
        try:
            reason = await work
        except asyncio.CancelledError:
            if self.intent is None:
                raise
            return self._cancelled if self.intent == "stop" else None
        except TimeoutError:  # of an answer what was said is an answer; half of other work is none
            return _completed("timeout_s") if self.loaded.run.kind == ANSWER else _failed("limit", retryable=True)
        except Waiting:
            self.is_waiting = self.intent != "stop"
            return None if self.is_waiting else self._cancelled
        except ProviderError as error:
            self.provider_error = error
            return self._failed(error.code, error.message, retryable=error.retryable)
        except OutputInvalid as error:
            return _failed("output_invalid", str(error), retryable=True)
        except WorkFailed as error:
            return self._failed(error.code, str(error), retryable=error.retryable)
        except QuotaExceeded:
            return self._failed("quota_exceeded", retryable=False)
        except NoRights:
            return self._failed("no_rights", retryable=False)
        except Refused:
            return _failed("storage", retryable=False)
        except UnknownArchetype as error:
            return _failed("internal", str(error), retryable=False)
        except Fenced:
            raise
        except Exception:
            log.exception("run %s failed", self.run_id)
            return _failed("internal", retryable=True)
        self.is_refused = reason == BUDGET  # the turn that nothing covered was not asked for
        result = self.loaded.work.result
        if len(msgspec.json.encode(result)) > RESULT_MAX_BYTES:
            return _failed("limit", f"The result is longer than {RESULT_MAX_BYTES:,} bytes.", retryable=False)
        return _completed(reason, result)

    def _failed(self, code: str, message: str = "", *, retryable: bool) -> End:
        """Failed by what is outside; whether that used anything says the code."""
        self.is_refused = code in UNUSED
        return _failed(code, message, retryable=retryable)

    def _cancelled(self, usage: Usage) -> Terminal:
        by = self.runner.stopped_by.get(self.run_id, self.loaded.run.stopped_by)
        return ev.RunCancelled(at=time.time(), by=by, usage=usage)

    async def _end(self, end: End) -> None:
        """Close what is open, store the end with everything that goes with it, and show it."""
        rest = [] if self.writer.broken else await self.writer.rest()
        try:
            following = await self._store_end(end, rest)
        except (Fenced, *AWAY):
            raise
        except Exception:
            if not rest:
                raise
            log.exception("the last events of run %s cannot be stored", self.run_id)
            self.writer.on_refused()
            following = await self._store_end(_failed("storage", retryable=False), [])
        bell.grew(hub.read_elsewhere([self.run_id]))
        for claimed in following.claimed:
            self.runner.start(*claimed)
        if following.waiting:
            bell.ring("queued", following.waiting)

    async def _store_end(self, end: End, rest: list[Logged]) -> Following:
        """Store these events and the last ones; what follows."""
        events = last_events(self.fold, self.loaded.run.message_id, end, is_refused=self.is_refused)
        first = self.writer.stored_seq + len(rest) + 1
        last = [Logged(self.attempt, seq, event) for seq, event in enumerate(events, first)]
        claims = self.runner.owner_here() is not None
        error, work = self.provider_error, self.loaded.work
        ending = Ending(
            self.loaded.run,
            self.attempt,
            self.fold,
            [*rest, *last],
            claims_next=claims,
            read_from=work.read_from,
            sent=waiting.take([(self.run_id, self.attempt)]),
            move=work.move if isinstance(work, StepWork) else None,
            provider_error=(error.detail or None) if error else None,
            unreadable=error.pictures if error else (),
        )
        following = await self._try_until_ours(store_ending, ending)
        self.writer.end(following.entries[len(rest) :])
        return following

    async def _try_until_ours(self, store: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Store, for as long as the database is away and the lease may be ours."""
        while True:
            try:
                return await db_write(store, *args, **kwargs)
            except AWAY:
                if self.intent in ("lost", "hand_over"):
                    raise Fenced from None
                await asyncio.sleep(0.5)


def _is_barrier(event: AnyEvent) -> bool:
    """Whether it is stored before the work goes on: the effect ledger. Without calls, a reply has no effects."""
    match event:
        case ev.ReplyCompleted():
            return bool(event.calls)
        case ev.ToolProgressed():
            return event.resumes
        case _:
            return isinstance(event, STEPS)


def _completed(reason: str, result: Any = None) -> End:
    return lambda usage: ev.RunCompleted(at=time.time(), reason=reason, usage=usage, result=result)


def _failed(code: str, message: str = "", *, retryable: bool) -> End:
    text = message or CODES[code]
    return lambda usage: ev.RunFailed(at=time.time(), code=code, message=text, retryable=retryable, usage=usage)

"""One server, kept open by a task of its own, which alone enters and leaves the SDK's session.

Why: the SDK's scopes end the task that entered them. Left by another one, they spin, or end a run with somebody else's
cancel. So what is asked goes to the owner by a queue and is done by a task of its own: cancelled, it ends alone.
"""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from mcp import ClientSession

from tools.mcp import faults
from tools.mcp.errors import McpError
from tools.mcp.exchange import EXCHANGE, Exchange
from tools.mcp.session import agree, opened
from tools.mcp.spec import Called, NeedsInput, ServerSpec
from tools.openapi.masking import Mask, mask_of

log = logging.getLogger(__name__)

LEAVE_S = 4.0  # until a connection that is left has let go; then it is cancelled

Work = Callable[[ClientSession, Mask], Awaitable[Any]]


@dataclass(eq=False)
class _Job:
    """What is asked, and what became of it."""

    work: Work
    exchange: Exchange
    is_begun: bool = False
    outcome: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def succeed(self, result: Any) -> None:
        if not self.outcome.done():
            self.outcome.set_result(result)

    def fail(self, fault: McpError) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(fault)
            self.outcome.exception()  # whoever asked may be gone


class Connection:
    """Make it on the loop that asks by it."""

    def __init__(self, spec: ServerSpec, *, is_found_anew: bool = False) -> None:
        """`is_found_anew`: the protocol is found out, whatever was found before."""
        self.spec = spec
        self.host = urlsplit(spec.url).hostname or ""
        self.is_over = False
        self._masked = mask_of(spec.token or "")
        self._is_found_anew = is_found_anew
        self._is_left = self._is_retired = False
        self._queue: asyncio.Queue[_Job | None] = asyncio.Queue()  # None: look whether to leave
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self.used_at = self._loop.time()
        # A fresh context: what a run left in its own must not live as long as the connection.
        self._owner = self._loop.create_task(self._own(), context=contextvars.Context())

    @property
    def is_usable(self) -> bool:
        """Whether anything may be asked by it."""
        return not (self.is_over or self._is_left or self._is_retired)

    @property
    def is_busy(self) -> bool:
        """Whether anything is asked by it."""
        return bool(self._tasks) or not self._queue.empty()

    async def ask(self, work: Work, exchange: Exchange) -> Any:
        """What the work came to. Raises McpError. Cancelled, it cancels this work alone."""
        if not self.is_usable:
            raise McpError("closed", self.host, was_sent=False)
        job = _Job(work, exchange)
        exchange.at_fault(job.fail)
        self.used_at = self._loop.time()
        self._queue.put_nowait(job)
        try:
            async with asyncio.timeout_at(exchange.until):
                return await job.outcome
        except TimeoutError:
            raise McpError("timeout", self.host, was_sent=job.is_begun) from None

    def retire(self) -> None:
        """Let it end once nothing is asked by it any more."""
        self._is_retired = True
        self._queue.put_nowait(None)

    async def close(self) -> None:
        """End it, with all that is asked by it, and wait until it has ended."""
        self._is_left = True
        self._cancel()
        self._queue.put_nowait(None)
        _, late = await asyncio.wait([self._owner], timeout=LEAVE_S)
        if late:
            self._owner.cancel()
            await asyncio.wait(late, timeout=LEAVE_S)

    async def _own(self) -> None:
        fault = McpError("closed", self.host)
        try:
            async with opened(self.spec) as session:
                await self._agree(session)
                await self._serve(session)
        except (Exception, BaseExceptionGroup) as error:
            fault = faults.told(error, Exchange(0), self.host, self._masked)
            log.debug("mcp: the connection to %s ended: %s", self.host, fault.code)
        finally:
            self.is_over = True
            self._stop(fault)

    async def _agree(self, session: ClientSession) -> None:
        """Before anything else is asked."""
        spec = self.spec
        known = ServerSpec(spec.id, spec.url) if self._is_found_anew else spec
        job = _Job(lambda asked, _: agree(asked, known), Exchange.within(settings.MCP_CONNECT_TIMEOUT_S))
        job.exchange.at_fault(job.fail)
        self._begin(job, session)
        try:
            async with asyncio.timeout_at(job.exchange.until):
                await job.outcome
        except TimeoutError:
            raise McpError("timeout", self.host, was_sent=False) from None

    async def _serve(self, session: ClientSession) -> None:
        """Begin what comes, until nothing came for so long or this is left."""
        try:
            while True:
                job = await self._queue.get()
                if job is not None and not self._is_left:
                    self._begin(job, session)
                elif self._is_left or not self.is_busy:
                    return
        finally:
            self._is_retired = True
            self._cancel()

    def _begin(self, job: _Job, session: ClientSession) -> None:
        if job.outcome.done():
            return
        job.is_begun = True
        if self._idle is not None:
            self._idle.cancel()
        context = contextvars.Context()
        context.run(EXCHANGE.set, job.exchange)
        task = self._loop.create_task(self._do(job, session), context=context)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        job.outcome.add_done_callback(lambda _: task.cancel())

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.used_at = self._loop.time()
        if not self._tasks and not self.is_over:
            if self._idle is not None:
                self._idle.cancel()
            idle_s = 0.0 if self._is_retired else settings.MCP_IDLE_S
            self._idle = self._loop.call_later(idle_s, self._queue.put_nowait, None)

    async def _do(self, job: _Job, session: ClientSession) -> None:
        try:
            job.succeed(await job.work(session, self._masked))
        except asyncio.CancelledError:
            job.fail(job.exchange.fault or McpError("closed", self.host))
            raise
        except (Exception, BaseExceptionGroup) as error:
            if pages := faults.pages_of(error):
                job.succeed(Called("", needs_input=NeedsInput(pages, None, can_answer=True)))
            else:
                job.fail(faults.told(error, job.exchange, self.host, self._masked))
        finally:
            job.exchange.end()

    def _cancel(self) -> None:
        for task in list(self._tasks):
            task.cancel()

    def _stop(self, fault: McpError) -> None:
        """Nothing is asked by it any more."""
        if self._idle is not None:
            self._idle.cancel()
        self._cancel()
        while not self._queue.empty():
            if job := self._queue.get_nowait():
                job.fail(fault.unsent())

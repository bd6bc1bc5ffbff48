"""One thing that is asked of a server, with what is left to it: time, requests, answers. Nothing of the SDK.

The transport finds the exchange that a request belongs to in its context, which the SDK carries from the task that
asks to the task that sends.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tools.forms import Form
from tools.mcp.errors import McpError

MAX_REQUESTS = 32  # of one exchange: pages, redirects, and what a server asks back on its stream


@dataclass(eq=False)
class Exchange:
    """The first fault ends it. `note` is what an answer looked like, for where the SDK then gives up."""

    until: float  # by the loop's clock
    fault: McpError | None = None
    note: McpError | None = None
    asks_anew: bool = False  # the server knows this connection no more, and has done nothing: a new one may ask again
    asked: list[Form] = field(default_factory=list)  # what a server of an older protocol wanted to know meanwhile
    _sent: int = 0
    _is_over: bool = False
    _limits: set[asyncio.Timeout] = field(default_factory=set)
    _at_fault: list[Callable[[McpError], None]] = field(default_factory=list)

    @classmethod
    def within(cls, seconds: float) -> "Exchange":
        """One that may take so long from now on."""
        return cls(asyncio.get_running_loop().time() + seconds)

    def may_ask(self) -> bool:
        """Whether one more request may go out; it is counted."""
        return self.may_tell() and not self._is_over and self.fault is None

    def may_tell(self) -> bool:
        """The same of a notice, which may be the last that is sent."""
        self._sent += 1
        return self._sent <= MAX_REQUESTS

    def fail(self, fault: McpError) -> None:
        """Nothing can come of it any more, whatever the SDK still waits for."""
        if self.fault is None and not self._is_over:
            self.fault = fault
            for tell in self._at_fault:
                tell(fault)

    def at_fault(self, tell: Callable[[McpError], None]) -> None:
        """Call this with the fault."""
        self._at_fault.append(tell)

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """As long as somebody waits for it. Raises TimeoutError."""
        async with asyncio.timeout_at(self.until) as limit:
            self._limits.add(limit)
            if self._is_over:
                _end(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def end(self) -> None:
        """Nobody waits for it any more: an older server's answer would else be read to its end."""
        self._is_over = True
        for limit in self._limits:
            _end(limit)


def _end(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


EXCHANGE: ContextVar[Exchange | None] = ContextVar("what is being asked of a server", default=None)

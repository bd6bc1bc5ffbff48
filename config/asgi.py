"""The ASGI application: Django behind a wrapper that bounds bodies, streams outside Django's handler and drains.

Django's own handler has none of these: it spools a body of any size to disk before the view says 401, holds a thread
for every open stream, and cuts streams short when the server is told to stop.
"""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from types import FrameType
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.own_apps import loading

loading.set_up(set_prefix=False)
loading.require()

from django.conf import settings  # noqa: E402  (apps must be loaded first)
from django.urls import get_resolver  # noqa: E402

from accounts.origin import Origin, begin  # noqa: E402
from chat.ops import process_memory  # noqa: E402
from chat.ops.holdings import tell_on_signal  # noqa: E402
from chat.routing import sockets  # noqa: E402
from chat.runner import runner  # noqa: E402
from chat.serving.event_stream import DIRECT, SLOT, Slot  # noqa: E402
from config.handler import Handler  # noqa: E402
from config.own_files import keep_to_owner  # noqa: E402

keep_to_owner()
django_app = Handler()
log = logging.getLogger(__name__)
Message = Any  # ASGI's own: a dictionary with a type
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# A request makes thousands of objects and few of them in circles: looking for those after each 700 is no use.
GC_THRESHOLDS = (10_000, 20, 20)


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one request, or the process's lifespan."""
    if settings.TLS_IN_FRONT and "scheme" in scope:
        scope["scheme"] = "wss" if scope["type"] == "websocket" else "https"
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http":
        runner.bind()
        await _http(scope, receive, send)
    elif scope["type"] == "websocket":
        runner.bind()
        begin(_origin(scope))  # of an HTTP request the middleware says it
        await sockets(scope, receive, lambda message: _send(send, message))


def _origin(scope: dict[str, Any]) -> Origin:
    """Where a socket comes from, for the audit log."""
    host, _port = scope.get("client") or ("", 0)
    return Origin(host, dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1"))


async def _http(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    slot = Slot(scope.pop(DIRECT, None))
    await _answer(scope, receive, send, slot)
    if slot.start:
        await _Stream(slot, send).run(receive)


async def _answer(scope: dict[str, Any], receive: Receive, send: Send, slot: Slot) -> None:
    """Let Django answer. A stream is left in the slot: nothing else of its request lives as long as it does."""

    async def hold_back(message: Message) -> None:
        """Keep a stream's start; Django's empty body for it is dropped. Something else in its place goes through."""
        if slot.body is not None and message["type"] == "http.response.start" and message["status"] == 200:
            slot.start = message
        elif not slot.start:
            await _send(send, message)

    await django_app({**scope, SLOT: slot}, receive, hold_back)


class _Stream:
    """A body on its way to its reader, in the request's own task. Cut when the reader leaves or does not read."""

    def __init__(self, slot: Slot, send: Send) -> None:
        self.slot = slot
        self.send = send
        self.is_over = self.is_cut = False
        self.task = asyncio.current_task()

    async def run(self, receive: Receive) -> None:
        """Send the body to its end, or until it is cut."""
        unwatch = self._watch(receive)
        try:
            await self._pump()
        except asyncio.CancelledError:
            if not self.is_cut:
                raise
        except OSError:
            pass  # the reader is gone, or does not read: it may come back
        except Exception:
            log.exception("a stream broke off")
        finally:
            self.is_over = True
            unwatch()

    def _watch(self, receive: Receive) -> Callable[[], object]:
        """Cut the stream when its reader leaves. Call what comes back when it is over."""
        if self.slot.direct is not None:
            return self.slot.direct.watch(self._cut)
        watch = asyncio.create_task(_gone(receive))
        watch.add_done_callback(lambda _: self._cut())
        return watch.cancel

    async def _pump(self) -> None:
        assert self.slot.body is not None
        async with aclosing(self.slot.body) as body:
            await self._begin()
            async for chunk in body:
                if chunk:
                    await _send(self.send, {"type": "http.response.body", "body": chunk, "more_body": True})
                del chunk  # it would stay in memory until the next one comes
            await _send(self.send, {"type": "http.response.body", "body": b""})
            self.is_over = True

    async def _begin(self) -> None:
        """Send the start, which nobody needs any more then."""
        start, self.slot.start = self.slot.start, {}
        await _send(self.send, {**start, "headers": [*start["headers"], (b"connection", b"keep-alive")]})

    def _cut(self) -> None:
        if not self.is_over and self.task is not None:
            self.is_over = self.is_cut = True
            self.task.cancel()


async def _send(send: Send, message: Message) -> None:
    """A client that does not read for WRITE_TIMEOUT_S is cut."""
    async with asyncio.timeout(settings.WRITE_TIMEOUT_S):
        await send(message)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    """Begin with the process; on SIGTERM or SIGINT drain while the server still serves, and be done before it ends."""
    draining: list[asyncio.Task[None]] = []
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            process_memory.share_pools()
            runner.bind()
            _on_signals(draining)
            tell_on_signal()
            _settle()
            keeping = asyncio.create_task(process_memory.keep_small())
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            keeping.cancel()
            await (draining[0] if draining else runner.drain())
            await send({"type": "lifespan.shutdown.complete"})
            return


def _settle() -> None:
    """Load what the first request would, and leave all that is there by now out of garbage collection.

    It lives as long as the process. Without this each full collection walks through all of Django, and under load that
    was a third of a stream's CPU (docs/decisions/0051-what-a-chunk-costs.md).
    """
    get_resolver().url_patterns  # noqa: B018  (imports every view)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _on_signals(draining: "list[asyncio.Task[None]]") -> None:
    """Chain the server's own handlers: it stops accepting, we let runs end and readers go."""
    loop = asyncio.get_running_loop()
    theirs = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}

    def begin() -> None:
        if not draining:
            draining.append(loop.create_task(runner.drain()))

    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(begin)
        chained = theirs[signal.Signals(number)]
        if callable(chained):
            chained(number, frame)

    for each in theirs:
        signal.signal(each, on_signal)

"""A response that streams outside Django's handler.

Django keeps a thread, and whatever connection it opened, for as long as a StreamingHttpResponse is open. So where our
ASGI wrapper has put a Slot into the scope, the body is left there and the response iterates empty; the wrapper sends
the body once Django has let go. Without a wrapper (runserver, Django's test client) it streams the ordinary way.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol

from django.http import HttpRequest, StreamingHttpResponse

from chat.serving import packing

SLOT = "parley.stream"  # its key in the ASGI scope
DIRECT = "parley.direct"  # where our server leaves a request's Direct


class Direct(Protocol):
    """A way to the reader that needs no task: what is written has left when `write` returns."""

    def is_open(self) -> bool:
        """Whether it may be used now: the reader is there and takes what it gets."""

    def write(self, body: bytes) -> None:
        """Send more of an answer whose body has begun."""

    def watch(self, gone: Callable[[], None]) -> Callable[[], None]:
        """Call this, once, when the reader leaves or has left: without a task that waits. Gives what calls it off."""


class Slot:
    """Where a response leaves its body for the wrapper."""

    def __init__(self, direct: Direct | None = None) -> None:
        self.body: AsyncGenerator[bytes, None] | None = None
        self.start: dict[str, Any] = {}  # the ASGI message that begins the answer, until it is sent
        self.direct = direct


def direct_of(request: HttpRequest) -> Direct | None:
    """The way to the request's reader that passes by all tasks; None where there is none, or the bytes are packed."""
    slot: Slot | None = getattr(request, "scope", {}).get(SLOT)
    return slot.direct if slot is not None and not request.GET.get("compress") else None


class Streamed(StreamingHttpResponse):
    """A response whose `body` is sent as it comes, and closed when the reader leaves."""

    def __init__(self, request: HttpRequest, body: AsyncGenerator[bytes, None], *, content_type: str) -> None:
        slot: Slot | None = getattr(request, "scope", {}).get(SLOT)
        if slot is not None:
            slot.body = body
            body = _nothing()
        super().__init__(body, content_type=content_type)


class EventStream(Streamed):
    """Server-sent events. `body` yields whole frames. With `?compress=gzip` they are packed, one by one."""

    def __init__(self, request: HttpRequest, body: AsyncGenerator[bytes, None]) -> None:
        is_packed = packing.wanted(request)
        super().__init__(
            request, packing.packed(body) if is_packed else body, content_type="text/event-stream; charset=utf-8"
        )
        if is_packed:
            self["Content-Encoding"] = packing.GZIP
        self["Cache-Control"] = "no-cache, no-store, no-transform"
        self["X-Accel-Buffering"] = "no"
        self["X-Content-Type-Options"] = "nosniff"


async def _nothing() -> AsyncGenerator[bytes, None]:
    nothing: tuple[bytes, ...] = ()
    for each in nothing:
        yield each

"""Reading a request's body: only where the route takes one, only as much as its sender may send, and not for ever.

First the route and the method, then, for more than anybody may send, who asks; nothing of the body is looked at here.
What is refused is left for config.middleware.errors, which says it in the form of its door.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestAborted, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.urls import Resolver404, ResolverMatch, get_resolver

from accounts.authentication import SAFE_METHODS, authenticate
from accounts.db import AWAY, db
from accounts.errors import NotAuthenticated, RequestError, Unavailable
from chat.doors.sockets import with_session
from chat.metering.waiting import Held, waiting

REFUSED = "parley.refused"  # where a request's META says why its body was not read
MATCH = "parley.match"  # where its scope has its route, once that is known
FOR_ANYBODY = ("/api/auth/", "/login/")  # here, and where guests are let in, who has not signed in may send something
Receive = Callable[[], Awaitable[dict[str, Any]]]


class TooLarge(RequestError):
    status = 413
    code = "too_large"


class TooSlow(RequestError):
    status = 408
    code = "too_slow"


async def read(request: ASGIRequest, scope: dict[str, Any], receive: Receive, into: IO[bytes]) -> None:
    """Read the request's body into the file, if its route takes one; the route is in the scope then, at MATCH.

    What is refused is in the request's META, at REFUSED, and nothing of the body is left. Raises RequestAborted where
    the sender is gone.
    """
    if not _takes_body(request, scope):
        return
    reading = _Reading(request, receive, into, *_bounds(scope[MATCH]))
    try:
        await reading.run()
    except RequestError as error:
        into.seek(0)
        into.truncate()
        request.META[REFUSED] = error
    finally:
        reading.held.give_back()
    if into.tell() and not _declared(request):
        request.META["CONTENT_LENGTH"] = str(into.tell())  # of chunks: whoever parses it goes by this
    into.seek(0)


class _Reading:
    """One body on its way."""

    def __init__(
        self,
        request: ASGIRequest,
        receive: Receive,
        into: IO[bytes],
        max_bytes: int,
        timeout_s: float,
        is_for_anybody: bool,
    ) -> None:
        """`is_for_anybody`: who has not signed in may send a little; else not one byte of theirs is read."""
        self.max_bytes = max_bytes
        self.timeout_s = timeout_s
        self.request = request
        self.receive = receive
        self.into = into
        self.most = min(settings.BODY_ANONYMOUS_MAX_BYTES, settings.BODY_MAX_BYTES) if is_for_anybody else -1
        self.held = Held(waiting, UUID(int=0), 0)

    async def run(self) -> None:
        """Read it to its end. Raises TooLarge, TooSlow, NotAuthenticated, TooMany, RequestAborted."""
        await self._check(_declared(self.request))
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self.timeout_s
        try:
            async with asyncio.timeout(settings.BODY_IDLE_S) as limit:
                while await self._piece():
                    limit.reschedule(min(loop.time() + settings.BODY_IDLE_S, ends_at))
        except TimeoutError:
            raise TooSlow(f"The body did not come within {self.timeout_s:g} s.") from None

    async def _piece(self) -> bool:
        """Take in what has come; whether there is more."""
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise RequestAborted
        await self._check(self.into.tell() + len(message.get("body", b"")))
        self.into.write(message.get("body", b""))
        return bool(message.get("more_body", False))

    async def _check(self, size: int) -> None:
        """Raise unless a body of that size may be sent. Who it is from is asked once, and only for a large one."""
        if size > self.max_bytes:
            raise TooLarge(f"The body is longer than {self.max_bytes} bytes.")
        if size > self.most:
            user = await _sender(self.request, self.most)
            self.most = self.max_bytes
            in_memory = min(_declared(self.request) or self.most, settings.BODY_MAX_BYTES)  # the rest is on disk
            self.held = waiting.take(user, in_memory)


async def _sender(request: ASGIRequest, most: int) -> UUID:
    """Who sends a body of more bytes than most may. Raises NotAuthenticated or TooLarge for who has not signed in."""
    try:
        found = await db(_signed_in, dict(request.scope))
    except AWAY:
        raise Unavailable(retry_after_s=2) from None
    if found is not None:
        return found
    if most < 0:
        raise NotAuthenticated
    told = f"Sign in to send more than {settings.BODY_ANONYMOUS_MAX_BYTES} bytes."
    is_for_anybody = request.path.startswith((*FOR_ANYBODY, *(["/agent/"] if settings.AGENT_ALLOW_GUESTS else [])))
    raise TooLarge(told) if is_for_anybody else NotAuthenticated(told)


def _signed_in(scope: dict[str, Any]) -> UUID | None:
    """The person whose credentials hold, if somebody's do; what they may do is for the view. Sync."""
    request = with_session(scope)
    if "ticket" in request.GET and "Authorization" not in request.headers:
        return None  # it is for reading, once
    try:
        return authenticate(request, is_socket=True).pk
    except (NotAuthenticated, SuspiciousOperation):
        return None


def _takes_body(request: ASGIRequest, scope: dict[str, Any]) -> bool:
    """Whether there is a view at the address that reads a body sent by this method."""
    if request.method in SAFE_METHODS:
        return False
    try:
        match = scope[MATCH] = get_resolver().resolve(request.path_info)
    except Resolver404:
        return False
    return takes(match, str(request.method))


def _bounds(match: ResolverMatch) -> tuple[int, float, bool]:
    """Bytes and seconds that a body of that view may take: those of the settings that it names, or everybody's.

    And whether anybody may send it something, before it is known who they are.
    """
    view = getattr(match.func, "cls", match.func)
    names = getattr(view, "body_bounds", ("BODY_MAX_BYTES", "BODY_TIMEOUT_S"))
    max_bytes, timeout_s = (getattr(settings, name) for name in names)
    return max_bytes, timeout_s, not getattr(view, "is_body_signed", False)


def takes(match: ResolverMatch, method: str) -> bool:
    """Whether the view takes that method. A door says so itself, a REST view by its methods; others are asked."""
    asked = getattr(match.func, "takes_body", None)
    if asked is not None:
        return bool(asked(method, **match.kwargs))
    actions = getattr(match.func, "actions", None)  # of a viewset: its routes say which methods it has there
    if actions is not None:
        return method.lower() in actions
    view = getattr(match.func, "cls", None)
    return view is None or hasattr(view, method.lower())


def _declared(request: ASGIRequest) -> int:
    """The length the request announces; 0 where it announces none."""
    value = request.META.get("CONTENT_LENGTH", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else 0

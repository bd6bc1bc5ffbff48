"""A cap on request bodies, before anything reads, stores or authenticates them."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from accounts.errors import RequestError
from chat.doors.shapes import shaped

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def capped(receive: Receive, scope: dict[str, Any], send: Send) -> Receive:
    """A `receive` that answers 413 and hangs up once a body is longer than BODY_MAX_BYTES."""
    seen = 0
    is_refused = False

    async def bounded() -> Message:
        nonlocal seen, is_refused
        if is_refused:
            return {"type": "http.disconnect"}
        if _declared(scope) > settings.BODY_MAX_BYTES and not seen:
            is_refused = True
            await _refuse(scope, send)
            return {"type": "http.disconnect"}
        message = await receive()
        seen += len(message.get("body", b""))
        if message["type"] == "http.request" and seen > settings.BODY_MAX_BYTES:
            is_refused = True
            await _refuse(scope, send)
            return {"type": "http.disconnect"}
        return message

    return bounded


def _declared(scope: dict[str, Any]) -> int:
    """The length the request announces; 0 where it announces none."""
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() else 0


async def _refuse(scope: dict[str, Any], send: Send) -> None:
    error = RequestError(f"The body is longer than {settings.BODY_MAX_BYTES} bytes.", code="too_large")
    error.status = 413
    body = json.dumps(shaped(scope["path"], error)).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

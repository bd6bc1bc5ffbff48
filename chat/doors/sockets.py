"""What every WebSocket asks before it is accepted: who is there, and whether our own page or a listed one opened it."""

import json
from io import BytesIO
from typing import Any
from uuid import UUID

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse

from accounts.authentication import authenticate, brings_ticket, is_ours
from accounts.errors import Invalid, NotAllowed, RequestError
from accounts.models import User
from chat.doors.incoming import PERSON

Scope = Any  # ASGI's own: a dictionary


def request_of(scope: Scope) -> HttpRequest:
    """The handshake as a request."""
    scheme = {"wss": "https"}.get(scope.get("scheme", "ws"), "http")
    return ASGIRequest({**scope, "type": "http", "method": "GET", "scheme": scheme}, BytesIO())


def with_session(scope: Scope, request: HttpRequest | None = None) -> HttpRequest:
    """The handshake, or another request, as one that has a session, and so perhaps a user. Sync."""
    request = request or request_of(scope)
    SessionMiddleware(_no_response).process_request(request)
    request.user = get_user(request)
    return request


def user_of(scope: Scope, *, run_id: UUID | None = None, chat_id: UUID | None = None) -> User:
    """The person who opens the socket: by bearer token, by a ticket for that run or chat, by cookie or session. Sync.

    Browsers send cookies with a socket that any site opens, so with one the Origin must be ours or listed. Raises
    NotAuthenticated, NotAllowed, Invalid for a Host that is not ours.
    """
    request = request_of(scope)
    try:
        is_our_page = _is_our_page(request)
    except DisallowedHost:
        raise Invalid("The Host is not one of this installation.", code="bad_request") from None
    user = authenticate(with_session(scope, request), run_id=run_id, chat_id=chat_id, is_socket=True)
    if not is_our_page and "Authorization" not in request.headers and not brings_ticket(request, run_id, chat_id):
        raise NotAllowed("With a cookie, only our own or a listed page may open a socket.")
    scope.get("state", {})[PERSON] = user.pk
    return user


def can_answer(scope: Scope) -> bool:
    """Whether the server can answer a handshake like a request; else it can only be closed."""
    return "websocket.http.response" in scope.get("extensions", {})


async def answer(socket: AsyncWebsocketConsumer, error: RequestError, told: dict[str, Any]) -> None:
    """Answer the handshake with the error, as over HTTP. Raises StopConsumer."""
    headers = [(b"content-type", b"application/json")]
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    start = {"type": "websocket.http.response.start", "status": error.status, "headers": headers}
    await socket.base_send(start)
    await socket.base_send({"type": "websocket.http.response.body", "body": json.dumps({"error": told}).encode()})
    raise StopConsumer


def _no_response(request: HttpRequest) -> HttpResponse:  # pragma: no cover
    raise AssertionError("Nothing is called: only the session is wanted.")


def _is_our_page(request: HttpRequest) -> bool:
    origin = request.headers.get("Origin", "")
    return is_ours(request, origin) or origin in settings.CORS_ALLOWED_ORIGINS

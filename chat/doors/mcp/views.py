"""The MCP door: every message is a POST that stands for itself, so that any process may answer it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.authentication import authenticate, is_ours
from accounts.db import db
from accounts.errors import Invalid, NotAllowed, NotAuthenticated, RequestError
from accounts.http.parsing import parse_value
from accounts.models import User
from accounts.sign_in import keys
from chat.doors.errors import with_headers
from chat.doors.mcp import asking, methods
from chat.doors.mcp.dialect.encoder import Encoder
from chat.doors.mcp.dialect.errors import PARSE_ERROR, ProtocolError, refused, status_of
from chat.doors.mcp.dialect.messages import Message, check_accept, read
from chat.doors.mcp.dialect.results import wrapping
from chat.doors.mcp.tools import ASK
from chat.doors.reading import Reader, streamed
from chat.doors.views import door
from chat.doors.whole import packed


@door("POST")
async def endpoint(request: HttpRequest) -> HttpResponseBase:
    """Answer one message; a notification is taken and nothing comes of it."""
    user, message = await db(_asked, request)
    if message.id is None:
        return HttpResponse(status=202)
    try:
        return await (_ask if _is_ask(message) else _answer)(request, user, message)
    except RequestError as error:
        return await _json(refused(error, message.id), status_of(error, is_modern=message.is_modern), error)


def _is_ask(message: Message) -> bool:
    return message.method == "tools/call" and message.params.get("name") == ASK


async def _answer(request: HttpRequest, user: User, message: Message) -> HttpResponseBase:
    return await _json(wrapping(message, methods.server())(await methods.answer(user, message)))


async def _ask(request: HttpRequest, user: User, message: Message) -> HttpResponseBase:
    """The run as a stream, or the result that says why there is none."""
    wrap = wrapping(message, methods.server())
    try:
        reader = await db(_begun, request, user, message)
    except ProtocolError:
        raise
    except RequestError as error:
        return await _json(wrap(methods.fault(error)))
    encoder = Encoder(reader.info, wrap, message.progress_token, settings.MCP_RESULT_MAX_CHARS)
    return await streamed(request, reader, encoder)


def _begun(request: HttpRequest, user: User, message: Message) -> Reader:
    tool, arguments = methods.tool_of(message)
    methods.check(tool, arguments)
    return asking.begin(request, user, arguments)


async def _json(body: dict[str, Any], status: int = 200, error: RequestError | None = None) -> HttpResponse:
    """The body, packed in a thread."""
    response = HttpResponse(await db(packed, body), status=status, content_type="application/json")
    return with_headers(response, error) if error else response


# --- Who asks, and what: nothing is remembered of earlier requests ----------------------------------------------------


def _asked(request: HttpRequest) -> tuple[User, Message]:
    """The person and their message. Raises what config.middleware.errors says in this door's form. Sync."""
    _check_origin(request)
    user = _person(request)
    check_accept(request.headers.get("Accept", ""))
    try:
        body = parse_value(request.body)
    except Invalid as error:
        raise ProtocolError(PARSE_ERROR, error.message) from None
    return user, read(body, request.headers)


def _check_origin(request: HttpRequest) -> None:
    """Raise NotAllowed for a page that is not ours or listed: a browser may be made to ask by any other."""
    origin = request.headers.get("Origin")
    if origin is not None and origin not in settings.CORS_ALLOWED_ORIGINS and not is_ours(request, origin):
        raise NotAllowed("Origin: Expected none, ours, or one of CORS_ALLOWED_ORIGINS.", code="foreign_origin")


def _person(request: HttpRequest) -> User:
    """The maker of the API key that the request brings: nothing else is taken here, and no browser sends one by itself.

    Raises NotAuthenticated, or NotAllowed for a key of another scope.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.startswith(keys.PREFIX):
        raise NotAuthenticated("Send an API key with the scope mcp, as `Authorization: Bearer pk_...`.")
    return authenticate(request)

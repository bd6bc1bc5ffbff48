"""What the SDK sends by: the one way out, within the bounds of the exchange that a request belongs to.

It never raises: the SDK would end the connection, and with it all calls that are under way by it. What goes wrong is
told to the exchange, and the SDK gets an error of the protocol. Bodies that are not streams are read here, since the
SDK would read them without a bound.
"""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import msgspec
from django.conf import settings
from mcp.client.auth.utils import extract_field_from_www_auth, extract_scope_from_www_auth

from tools.errors import OutwardError
from tools.hidden import on_one_line
from tools.mcp.errors import McpError
from tools.mcp.exchange import EXCHANGE, Exchange
from tools.mcp.spec import ServerSpec
from tools.openapi.masking import mask_of
from tools.outward.streaming import Incoming, Way

log = logging.getLogger(__name__)

NOTICE_S = 5.0  # what is sent without waiting for an answer, and holds up what is sent behind it
LEAVE_S = 2.0  # the end of a session of an older protocol
REFUSAL_MAX_BYTES = 64_000  # an answer that is no success
MAX_STREAM_LINES = 5_000  # each event costs time beside its bytes
MAX_OBJECTS = 10_000  # and so does each object: the SDK reads them on the loop, some 20 us each, where all wait
LOCATION_MAX_CHARS = 200
KEPT = ("content-type", "location", "mcp-session-id")
NOT_SENT_ON = ("host", "connection", "accept-encoding", "user-agent", "content-length", "cookie", "authorization")
SESSION = "mcp-session-id"
CHALLENGE = "WWW-Authenticate"
SCOPE_MAX_CHARS = 500


class _Sent(msgspec.Struct):
    """Of a message of ours."""

    id: Any = None
    method: str = ""


class _Refusal(msgspec.Struct):
    """An error of the protocol."""

    error: dict[str, Any]


class Transport(httpx2.AsyncBaseTransport):
    """For one server."""

    def __init__(self, spec: ServerSpec) -> None:
        """Raises OutwardError for an address that may not be asked."""
        self._spec = spec
        self._host = urlsplit(spec.url).hostname or ""
        self._masked = mask_of(spec.token or "")
        self._way = Way(spec.url, has_secret=spec.token is not None)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer. What stands for one where none came is an error of the protocol."""
        exchange = EXCHANGE.get()
        if request.method == "DELETE":
            return await self._notice(request, LEAVE_S)
        if request.method != "POST" or exchange is None:
            return httpx2.Response(405)  # nothing is listened to between calls, and nothing is taken up again
        sent = msgspec.json.decode(await request.aread(), type=_Sent)
        is_notice = sent.id is None or not sent.method  # or an answer of ours
        if exchange.may_tell() if is_notice else exchange.may_ask():
            return await (self._notice(request, NOTICE_S) if is_notice else self._asked(request, exchange))
        exchange.fail(McpError("bad_answer", self._host))
        return httpx2.Response(202) if is_notice else _error()

    async def aclose(self) -> None:
        """Let go of all connections."""
        await self._way.close()

    async def _notice(self, request: httpx2.Request, longest_s: float) -> httpx2.Response:
        """Send what no answer is waited for. That it did not come through is nothing to stop for."""
        exchange = Exchange.within(longest_s)
        try:
            incoming = await self._send(request, exchange, REFUSAL_MAX_BYTES)
            await incoming.whole(exchange.until)
        except (OutwardError, ValueError) as error:
            log.debug("mcp: %s was not told: %s", self._host, type(error).__name__)
        return httpx2.Response(202)

    async def _asked(self, request: httpx2.Request, exchange: Exchange) -> httpx2.Response:
        try:
            async with exchange.in_time():
                incoming = await self._send(request, exchange, settings.MCP_MAX_BYTES)
                return await self._answer(request, incoming, exchange)
        except OutwardError as error:
            exchange.fail(McpError(error.code, self._host, str(error)))
        except TimeoutError:
            exchange.fail(McpError("timeout", self._host))
        except ValueError:  # a header that cannot be sent: the token, or a session that the server has named so
            exchange.fail(McpError("auth", self._host))
        return _error()

    async def _send(self, request: httpx2.Request, exchange: Exchange, max_bytes: int) -> Incoming:
        headers = {name: value for name, value in request.headers.items() if name not in NOT_SENT_ON}
        if self._spec.token is not None:
            headers["Authorization"] = f"Bearer {self._spec.token}"
        body = await request.aread()
        return await self._way.send(
            request.method, str(request.url), headers=headers, body=body, until=exchange.until, max_bytes=max_bytes
        )

    async def _answer(self, request: httpx2.Request, incoming: Incoming, exchange: Exchange) -> httpx2.Response:
        headers = {name: incoming.headers[name] for name in KEPT if name in incoming.headers}
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        exchange.note = None
        if incoming.status == 200 and kind == "text/event-stream":
            return httpx2.Response(200, headers=headers, stream=_Stream(incoming, exchange, self._host))
        body = await incoming.whole(exchange.until)
        _check(_objects(body), MAX_OBJECTS, "objects and lists")
        self._look(request, incoming, body, kind, exchange)
        return httpx2.Response(incoming.status, headers=headers, content=body)

    def _look(self, request: httpx2.Request, incoming: Incoming, body: bytes, kind: str, exchange: Exchange) -> None:
        """What this answer is, for whom the SDK tells less."""
        status, host = incoming.status, self._host
        if status == 403 and (wanted := _wanted(incoming)):
            exchange.fail(McpError("scope", host, wanted))
        elif status in (401, 403):
            exchange.fail(McpError("auth", host))
        elif status == 404 and SESSION in request.headers:
            exchange.asks_anew = True
            exchange.fail(McpError("not_found", host))
        elif 300 <= status < 400:
            exchange.note = McpError("moved", host, self._place(incoming.headers.get("Location", "")))
        elif 200 <= status < 300:
            if kind != "application/json" or not body:
                exchange.fail(McpError("bad_answer", host))
        elif not _is_refusal(body):
            exchange.note = McpError("not_found", host) if status == 404 else _told(status, host)

    def _place(self, location: str) -> str:
        """Where a redirect leads, for a person: without what may be secret in it."""
        try:
            parts = urlsplit(location)
            place = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        except ValueError:
            place = ""
        return on_one_line(str(self._masked(place)))[:LOCATION_MAX_CHARS] or "another address"


class _Stream(httpx2.AsyncByteStream):
    """The events of one answer. The SDK stops reading behind the one that it waits for."""

    def __init__(self, incoming: Incoming, exchange: Exchange, host: str) -> None:
        self._incoming = incoming
        self._exchange = exchange
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        lines = objects = 0
        try:
            while data := await self._read():
                lines += data.count(b"\n") + data.count(b"\r")
                objects += _objects(data)
                _check(lines, MAX_STREAM_LINES, "lines")
                _check(objects, MAX_OBJECTS, "objects and lists")
                yield data
        except OutwardError as error:
            self._exchange.fail(McpError(error.code, self._host, str(error)))
            raise httpx2.ReadError("broken off") from None
        # Its end, and the answer was not in it.
        self._exchange.fail(McpError("bad_answer", self._host))

    async def _read(self) -> bytes:
        try:
            async with self._exchange.in_time():
                return await self._incoming.read(self._exchange.until)
        except TimeoutError:
            raise OutwardError("timeout", "It did not answer in time.") from None

    async def aclose(self) -> None:
        self._incoming.close()


def _objects(data: bytes) -> int:
    """At most so many are in it: what only looks like one, in a text, is counted too."""
    return data.count(b"{") + data.count(b"[")


def _check(count: int, most: int, what: str) -> None:
    if count > most:
        raise OutwardError("too_large", f"The answer has more than {most:,} {what}.")


def _wanted(incoming: Incoming) -> str:
    """The scope that the token lacks (RFC 6750, section 3.1); "" where that is not why."""
    answer = httpx2.Response(403, headers={CHALLENGE: incoming.headers.get(CHALLENGE, "")})
    if extract_field_from_www_auth(answer, "error") != "insufficient_scope":
        return ""
    return on_one_line(extract_scope_from_www_auth(answer) or "")[:SCOPE_MAX_CHARS]


def _is_refusal(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _told(status: int, host: str) -> McpError:
    return McpError("server_error", host, f"status {status}.", was_sent=status not in (400, 405, 406, 415, 429))


def _error() -> httpx2.Response:
    """What the SDK makes an error of this request alone of."""
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32603, "message": "not answered"}}
    return httpx2.Response(502, headers={"content-type": "application/json"}, content=json.dumps(error).encode())

"""One address of a model server, asked over pooled connections: the request out, the bytes of the answer in.

What every provider needs that reads its bytes itself. Deliberate: redirects are not followed, since they would carry
our key elsewhere; proxies of the environment are not used; compressed answers are not asked for; cookies are not kept.
"""

import asyncio
import hashlib
import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from multidict import CIMultiDict

from agents.errors import ProviderError
from agents.providers import errors as provider_errors
from tools.errors import OutwardError
from tools.outward import connecting
from tools.outward.connecting import AddressRefused, Gate

TAIL_S = 5.0  # after a finish reason: how long the usage is waited for
LEAVE_S = 0.05  # after [DONE]: how long the body's end is waited for, so that the connection can be used again
ERROR_BODY_S = 2.0
ERROR_BODY_BYTES = 65_536
REFUSED = "The model's server is at an address that may not be asked. An operator can allow it by OUTWARD_ALLOW."
debug = logging.getLogger("parley.providers")  # CHAT_DEBUG: docs/logs.md
USUAL_PATHS = ("", "/v1")  # of a base URL: with either the same is meant
SECRET_MIN_CHARS = 16  # of a value in the address's query: a shorter one is a version or the like


@dataclass(frozen=True)
class Patience:
    """How long is waited, in seconds, and for how much."""

    connect_s: float = 5.0
    idle_s: float = 60.0  # the longest silence between two reads
    first_byte_s: float = 60.0  # before the answer begins
    max_event_bytes: int = 64 * 2**20


@dataclass(frozen=True)
class Judged:
    """By what it is judged whether a server may be asked that a row names, at each connection."""

    gate: Gate
    has_key: bool


class Endpoint:
    """Where requests go, with which headers."""

    def __init__(self, url: str, headers: Mapping[str, str], patience: Patience, judged: Judged | None = None) -> None:
        """`judged`: the address is not the settings' own, and is judged as all that is outside (docs/outward.md)."""
        self.url = url
        self.patience = patience
        self._judged = judged
        self._headers = CIMultiDict(headers)  # aiohttp's own form: calls share its keys, and make none anew
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(
        self, body: bytes, *, url: str = "", headers: Mapping[str, str] | None = None
    ) -> aiohttp.ClientResponse:
        """The answer, once its headers have come. Raises ProviderError where none comes.

        An SDK that says where a request goes and with which headers gives both.
        """
        begun_at, told = time.monotonic(), "no answer"
        try:
            response = await self._post(body, url or self.url, headers or self._headers)
            told = str(response.status)
            return response
        finally:
            if debug.isEnabledFor(logging.DEBUG):
                ms = round((time.monotonic() - begun_at) * 1000)
                host = urlsplit(url or self.url).hostname
                debug.debug("%s: %s after %d ms", host, told, ms, extra={"duration_ms": ms})

    async def _post(self, body: bytes, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        patience = self.patience
        try:
            # On top of the timeouts of single reads, because headers may also come a byte at a time.
            async with asyncio.timeout(patience.connect_s + patience.first_byte_s):
                return await self._open_session().post(url, data=body, headers=headers, allow_redirects=False)
        except OutwardError as error:
            raise ProviderError("upstream_unavailable", REFUSED, detail={"message": str(error)}) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error.__cause__, AddressRefused):
                raise ProviderError("upstream_unavailable", REFUSED) from None
            raise provider_errors.from_exception(error, has_answer=False) from None

    async def whole(self, response: aiohttp.ClientResponse) -> bytes:
        """The body of an answer that does not stream. Raises ProviderError."""
        body = bytearray()
        try:
            while data := await response.content.readany():
                body += data
                if len(body) > self.patience.max_event_bytes:
                    raise ProviderError("upstream_malformed", "The model provider sent a reply that is too long.")
        except (aiohttp.ClientError, OSError) as error:
            raise provider_errors.from_exception(error, has_answer=True) from None
        return bytes(body)

    async def close(self) -> None:
        """Let go of pooled connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        """The pooled session of the running loop, made at the first use."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=self._connector(),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    connect=self.patience.connect_s,
                    sock_read=self.patience.first_byte_s,
                    ceil_threshold=float("inf"),  # aiohttp would round timeouts over 5 s up
                ),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _connector(self) -> aiohttp.TCPConnector:
        """Without a bound: how many runs there may be is not decided here. Raises OutwardError."""
        return connector(self.url, self._judged, limit=0)


def connector(url: str, judged: Judged | None, **options: Any) -> aiohttp.TCPConnector:
    """Connections to this address, judged where that is wanted. Raises OutwardError."""
    if judged is None:
        return aiohttp.TCPConnector(**options)
    asked = judged.gate.target(url)
    return connecting.connector(asked, judged.gate.rules, has_secret=judged.has_key, **options)


async def error_body(response: aiohttp.ClientResponse) -> bytes:
    """What an answer other than 200 says, as far as it comes soon; the answer is closed."""
    body = b""
    try:
        async with asyncio.timeout(ERROR_BODY_S):
            while len(body) < ERROR_BODY_BYTES and (data := await response.content.readany()):
                body += data
    except (aiohttp.ClientError, OSError):
        pass  # its status is enough
    finally:
        response.close()
    return body


async def rest(response: aiohttp.ClientResponse) -> bytes:
    """What the next read brings once the reply is whole: an error is its end, no more."""
    try:
        async with asyncio.timeout(TAIL_S):
            return await response.content.readany()
    except (aiohttp.ClientError, OSError):
        return b""


class Silence:
    """Breaks off an answer that brings nothing for so long while it is waited for. One timer, not one a read."""

    def __init__(self, response: aiohttp.ClientResponse, longest_s: float) -> None:
        if response.connection is not None and response.connection.protocol is not None:
            response.connection.protocol.read_timeout = None  # its own starts a timer with each read
        self._content = response.content
        self._longest_s = longest_s
        self._loop = asyncio.get_running_loop()
        self._since = 0.0  # by the loop's clock; 0: nobody waits
        self._timer = self._loop.call_later(longest_s, self._look)

    async def next(self) -> bytes:
        """What the next read brings; nothing at the end. Raises ProviderError."""
        self._since = self._loop.time()
        try:
            data = await self._content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise provider_errors.from_exception(error, has_answer=True) from None
        self._since = 0.0
        return data

    def stop(self) -> None:
        """Nothing is waited for any more."""
        self._timer.cancel()

    def _look(self) -> None:
        rest_s = (self._since or self._loop.time()) + self._longest_s - self._loop.time()
        if rest_s <= 0:
            self._content.set_exception(aiohttp.SocketTimeoutError("nothing came"))
        else:
            self._timer = self._loop.call_later(rest_s, self._look)


def kind_of(response: aiohttp.ClientResponse) -> str:
    """What the answer says it is. aiohttp would keep its parameters too, a kilobyte for as long as it is read."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def check_is_stream(response: aiohttp.ClientResponse) -> None:
    # Only what is surely wrong: compatible servers name all sorts of types for their streams.
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        response.close()
        raise ProviderError("upstream_malformed", "The model provider compressed its answer, which was not asked for.")
    if kind_of(response) == "text/html":
        response.close()
        message = "The model provider answered with a web page. An operator must check its address."
        raise ProviderError("upstream_incomplete", message)


async def read_to_end(response: aiohttp.ClientResponse) -> None:
    try:
        async with asyncio.timeout(LEAVE_S):
            await response.content.readany()
    except (aiohttp.ClientError, OSError):
        pass  # then the connection is not used again


def secrets(api_key: str, base_url: str, headers: Mapping[str, str]) -> Iterator[str]:
    """What must not be told of: the key, and what looks like one in the address and the headers."""
    address = urlsplit(base_url)
    yield from filter(None, (api_key, address.username, address.password))
    yield from (value for _, value in parse_qsl(address.query) if len(value) >= SECRET_MIN_CHARS)
    for name, value in headers.items():
        if isinstance(value, str) and re.search("auth|key|token|secret|cookie|password", name, re.IGNORECASE):
            yield value


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, if they can be sent. The error names the header only: its value is a secret."""
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise ValueError("extra headers: a name that is not a header's")
        if not isinstance(value, str) or not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", value):
            raise ValueError(f"extra headers: the value of {name} cannot be sent")
    return dict(headers)


def maker(api: str, base_url: str, end: str = "") -> str:
    """Whose vendor state it is: what is spoken there, scheme, host and port, and a hash of a path that is not usual.

    `end` is what may stand behind the path in some settings. It is stored and logged: nothing of a user or a query.
    """
    parts = urlsplit(base_url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = parts.path.rstrip("/").removesuffix(end)
    mark = "" if path in USUAL_PATHS else f"#{hashlib.sha256(path.encode()).hexdigest()[:8]}"
    return f"{api}@{parts.scheme}://{host}:{port}{mark}"


def scope(url: str, headers: Mapping[str, str]) -> str:
    """All that decides who answers, beside what is asked: for a hash."""
    return json.dumps([url, sorted(headers.items())])


def checked_host(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the base URL of the model provider must begin with http:// or https:// and name a host")
    return parts.hostname

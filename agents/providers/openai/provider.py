"""OpenAI, and everything that speaks its chat completions: Ollama, vLLM, OpenRouter, an observability proxy.

The openai SDK says where to send and with which headers; the request itself goes through aiohttp and its bytes are read
by hand, which is a tenth of the SDK's cost per token (docs/decisions/0010-the-provider-reads-bytes.md).
Deliberate: redirects are not followed, since they would carry our key elsewhere; proxies of the environment are not
used; compressed answers are not asked for; cookies are not kept.
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from multidict import CIMultiDict
from openai import AsyncOpenAI

from agents.errors import ProviderError
from agents.providers.base import Piece, ProviderRequest
from agents.providers.openai import errors as openai_errors
from agents.providers.openai import pictures
from agents.providers.openai import request as openai_request
from agents.providers.openai.stream import Reply
from agents.providers.scrub import Scrubber

logger = logging.getLogger(__name__)

TAIL_S = 5.0  # after a finish reason: how long the usage is waited for
LEAVE_S = 0.05  # after [DONE]: how long the body's end is waited for, so that the connection can be used again
ERROR_BODY_S = 2.0
ERROR_BODY_BYTES = 65_536
SECRET_MIN_CHARS = 16  # of a value in the address's query: a shorter one is a version or the like


class OpenAIProvider:
    """Streams chat completions from one base URL with one key."""

    name = "openai"

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        extra_headers: Mapping[str, str] | None = None,
        connect_timeout_s: float = 5.0,
        idle_timeout_s: float = 60.0,
        first_byte_timeout_s: float | None = None,
        max_event_bytes: int = 64 * 2**20,
        max_argument_bytes: int = 8_000_000,
    ) -> None:
        """`first_byte_timeout_s` is the longest silence before the answer begins, `idle_timeout_s` between two reads.

        Without the first it is the second. Raises ValueError.
        """
        self._host = _checked_host(base_url)
        self._scrub = Scrubber(_secrets(api_key, base_url, extra_headers or {}))
        client = AsyncOpenAI(api_key=api_key or "none", base_url=base_url, max_retries=0)  # the SDK insists on a key
        headers = _headers(client, _checked_headers(extra_headers or {}), has_key=bool(api_key))
        self._headers = CIMultiDict(headers)  # aiohttp's own form: calls share its keys, and make none anew
        self._url = f"{client.base_url}chat/completions"
        self._connect_timeout_s = connect_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._first_byte_timeout_s = first_byte_timeout_s or idle_timeout_s
        self._max_event_bytes = max_event_bytes
        self._max_argument_bytes = max_argument_bytes
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.skipped = 0  # well formed nonsense chunks since the start

    def __repr__(self) -> str:
        return f"<OpenAIProvider {self._host}>"  # no key, no headers, no userinfo

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[list[Piece], None]:
        """Yield what each network read brought. Closing or cancelling it closes the connection at once.

        Raises ProviderError. Ends without an error where a finish reason had come, and where text came and then a clean
        end without one: that is for the loop to judge.
        """
        reply = Reply(
            max_event_bytes=self._max_event_bytes, max_argument_bytes=self._max_argument_bytes, scrub=self._scrub
        )
        response = await self._send(request)
        is_whole = _kind(response) == "application/json"  # a server that does not stream
        silence = None if is_whole else Silence(response, self._idle_timeout_s)
        try:
            if is_whole and (pieces := reply.read_whole(await self._whole(response))):
                yield pieces
            while silence is not None and not reply.is_over:
                if reply.is_finished:
                    pieces = await self._rest(response, reply)
                else:
                    data = await silence.next()
                    pieces = reply.feed(data) if data else reply.end()
                if pieces:
                    yield pieces
            self._judge(reply, request)
            if reply.is_done:
                await _read_to_end(response)
        finally:
            if silence is not None:
                silence.stop()
            # An answer read to its end has already given its connection back to the pool; any other is cut here.
            response.close()
            self._count(reply)

    async def close(self) -> None:
        """Let go of pooled connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(self, request: ProviderRequest) -> aiohttp.ClientResponse:
        """The answer, once its headers have come and say that it is a stream."""
        body = openai_request.encode(request)
        try:
            # On top of the timeouts of single reads, because headers may also come a byte at a time.
            async with asyncio.timeout(self._connect_timeout_s + self._first_byte_timeout_s):
                response = await self._open_session().post(
                    self._url, data=body, headers=self._headers, allow_redirects=False
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise openai_errors.from_exception(error, has_answer=False) from None
        if response.status != 200:
            raise self._told(await self._refusal(response), request)
        _check_is_stream(response)
        return response

    async def _rest(self, response: aiohttp.ClientResponse, reply: Reply) -> list[Piece]:
        """What the next read brings once the reply is whole: an error ends it, no more."""
        try:
            async with asyncio.timeout(TAIL_S):
                data = await response.content.readany()
        except (aiohttp.ClientError, OSError):
            data = b""
        return reply.feed(data) if data else reply.end()

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        try:
            while data := await response.content.readany():
                body += data
                if len(body) > self._max_event_bytes:
                    raise ProviderError("upstream_malformed", "The model provider sent a reply that is too long.")
        except (aiohttp.ClientError, OSError) as error:
            raise openai_errors.from_exception(error, has_answer=True) from None
        return bytes(body)

    def _open_session(self) -> aiohttp.ClientSession:
        """The pooled session of the running loop, made at the first use."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # how many runs there may be is not decided here
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    connect=self._connect_timeout_s,
                    sock_read=self._first_byte_timeout_s,
                    ceil_threshold=float("inf"),  # aiohttp would round timeouts over 5 s up
                ),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _judge(self, reply: Reply, request: ProviderRequest) -> None:
        """Raise what is wrong with a reply that has ended."""
        if reply.error is not None:
            raise self._told(reply.error, request)
        if not reply.has_pieces:
            raise ProviderError("upstream_incomplete", retryable=True)

    async def _refusal(self, response: aiohttp.ClientResponse) -> ProviderError:
        """The error that an answer other than 200 means; the answer is closed."""
        body = b""
        try:
            async with asyncio.timeout(ERROR_BODY_S):
                while len(body) < ERROR_BODY_BYTES and (data := await response.content.readany()):
                    body += data
        except (aiohttp.ClientError, OSError):
            pass  # its status is enough
        finally:
            response.close()
        return openai_errors.from_status(response.status, response.headers, body, self._scrub)

    def _told(self, error: ProviderError, request: ProviderRequest) -> ProviderError:
        """The error, once the log has it, and which of the request's pictures it is about."""
        logger.warning("%s refused: %s %s", self._host, error.code, json.dumps(error.detail, ensure_ascii=False))
        pictures.name_unreadable(error, request)
        return error

    def _count(self, reply: Reply) -> None:
        if reply.skipped:
            self.skipped += reply.skipped
            logger.warning("%s: %d chunks of a reply made no sense and were skipped", self._host, reply.skipped)


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
            raise openai_errors.from_exception(error, has_answer=True) from None
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


def _kind(response: aiohttp.ClientResponse) -> str:
    """What the answer says it is. aiohttp would keep its parameters too, a kilobyte for as long as it is read."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _check_is_stream(response: aiohttp.ClientResponse) -> None:
    # Only what is surely wrong: compatible servers name all sorts of types for their streams.
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        response.close()
        raise ProviderError("upstream_malformed", "The model provider compressed its answer, which was not asked for.")
    if _kind(response) == "text/html":
        response.close()
        message = "The model provider answered with a web page. An operator must check its address."
        raise ProviderError("upstream_incomplete", message)


async def _read_to_end(response: aiohttp.ClientResponse) -> None:
    try:
        async with asyncio.timeout(LEAVE_S):
            await response.content.readany()
    except (aiohttp.ClientError, OSError):
        pass  # then the connection is not used again


def _headers(client: AsyncOpenAI, extra_headers: Mapping[str, str], *, has_key: bool) -> dict[str, str]:
    """What goes with each call, by lower-case name: the SDK's own, ours, then the extra ones."""
    sources: list[Mapping[str, object]] = [
        client.default_headers,
        client.auth_headers if has_key else {},
        {"Accept": "text/event-stream", "Accept-Encoding": "identity", "X-Stainless-Async": "async:asyncio"},
        extra_headers,
    ]
    # The SDK marks a header that is not to be sent with an object of its own.
    return {name.lower(): value for source in sources for name, value in source.items() if isinstance(value, str)}


def _secrets(api_key: str, base_url: str, headers: Mapping[str, str]) -> Iterator[str]:
    """What must not be told of: the key, and what looks like one in the address and the headers."""
    address = urlsplit(base_url)
    yield from filter(None, (api_key, address.username, address.password))
    yield from (value for _, value in parse_qsl(address.query) if len(value) >= SECRET_MIN_CHARS)
    for name, value in headers.items():
        if isinstance(value, str) and re.search("auth|key|token|secret|cookie|password", name, re.IGNORECASE):
            yield value


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, if they can be sent. The error names the header only: its value is a secret."""
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise ValueError("extra headers: a name that is not a header's")
        if not isinstance(value, str) or not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", value):
            raise ValueError(f"extra headers: the value of {name} cannot be sent")
    return dict(headers)


def _checked_host(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the base URL of the model provider must begin with http:// or https:// and name a host")
    return parts.hostname

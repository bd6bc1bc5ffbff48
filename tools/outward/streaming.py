"""A way to one server that is kept: requests by pooled connections, each judged at its socket, read piece by piece.

For a protocol that holds on to its server. The pool is this server's alone, so that no connection made for a host that
is meant serves another one. As with `fetch`: no redirects, proxies, cookies or .netrc, and packed answers are refused.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from django.conf import settings
from multidict import CIMultiDict
from yarl import URL

from tools.errors import OutwardError
from tools.outward.connecting import connector, gate
from tools.outward.fetching import faults_told
from tools.outward.target import Target

KEEP_ALIVE_S = 15.0  # of a connection that nothing is asked by


@dataclass
class Incoming:
    """An answer whose headers are there. Whoever has it reads it to its end or closes it."""

    status: int
    headers: Mapping[str, str]  # by name in any case
    _response: aiohttp.ClientResponse = field(repr=False)
    _asked: Target = field(repr=False)
    _max_bytes: int
    _taken: int = 0

    async def read(self, until: float) -> bytes:
        """The next bytes; none at its end. `until` is by the loop's clock. Raises OutwardError."""
        try:
            with faults_told(self._asked):
                async with asyncio.timeout_at(until):
                    data = await self._response.content.readany()
        except BaseException:
            self.close()
            raise
        self._taken += len(data)
        if self._taken > self._max_bytes:
            self.close()
            raise _too_large(self._max_bytes)
        return data

    async def whole(self, until: float) -> bytes:
        """All of it. Raises OutwardError."""
        body = bytearray()
        while data := await self.read(until):
            body += data
        return bytes(body)

    def close(self) -> None:
        """Let go of it; what is not read of it is not read by anybody."""
        self._response.close()


class Way:
    """Requests to one server. Make it on the loop that uses it, and close it there."""

    def __init__(self, url: str, *, has_secret: bool) -> None:
        """`has_secret`: a credential goes along, to no public address without TLS. Raises OutwardError."""
        rules = gate(settings)
        self._asked = rules.target(url)
        connect_s = settings.OUTWARD_CONNECT_TIMEOUT_S
        self._session = aiohttp.ClientSession(
            connector=connector(
                self._asked, rules.rules, has_secret=has_secret, limit=0, keepalive_timeout=KEEP_ALIVE_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(connect=connect_s, ceil_threshold=float("inf")),
            auto_decompress=False,
            trust_env=False,
        )

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes, until: float, max_bytes: int
    ) -> Incoming:
        """The answer, once its headers have come. Raises OutwardError, also for a URL of another server."""
        sent = CIMultiDict({"User-Agent": "Parley", **headers})
        sent["Accept-Encoding"] = "identity"
        with faults_told(self._asked):
            async with asyncio.timeout_at(until):
                response = await self._session.request(
                    method, self._here(url), data=body or None, headers=sent, allow_redirects=False
                )
        incoming = Incoming(response.status, response.headers, response, self._asked, max_bytes)
        try:
            _check(response, max_bytes)
        except OutwardError:
            incoming.close()
            raise
        return incoming

    async def close(self) -> None:
        """Let go of all connections."""
        await self._session.close()

    def _here(self, text: str) -> URL:
        url = URL(text)
        if url.origin() != self._asked.url.origin():
            raise OutwardError("refused_url", "That is another server than the one that is asked.")
        return url


def _check(response: aiohttp.ClientResponse, max_bytes: int) -> None:
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise OutwardError("bad_answer", "The server packed its answer, which it was asked not to do.")
    if (response.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> OutwardError:
    return OutwardError("too_large", f"The answer is longer than the {max_bytes:,} bytes that are taken.")

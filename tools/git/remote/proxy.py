"""The only way that a child has out: a proxy on this machine's loopback that leads to one host and port.

libgit2 looks names up by itself and has no hook for it; but for https it asks a proxy to connect (CONNECT), and what
the proxy connects to is judged as everything outward is: the address that was judged is the one connected to. A
redirect to another host is another CONNECT, and refused. For http libgit2 passes a proxy over, so http is not taken.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from typing import Any

from django.conf import settings

from tools.errors import OutwardError, RemoteError
from tools.outward.allowed import plain_host
from tools.outward.connecting import gate
from tools.outward.resolving import Resolver
from tools.outward.target import SET

log = logging.getLogger(__name__)
HEAD_MAX_BYTES = 8_192
PIECE_BYTES = 65_536


class Proxy:
    """One repository's way out. `fault` says why it led nowhere, where it is the proxy that knows."""

    def __init__(self, url: str, *, max_bytes: int) -> None:
        """Raises RemoteError for a URL that may not be asked."""
        gated = gate(settings)
        self._rules = gated.rules
        try:
            self._asked = gated.target(url)
        except OutwardError as error:
            raise RemoteError("remote_refused", str(error)) from error
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._tasks: set[asyncio.Task[None]] = set()
        self.fault: RemoteError | None = None

    async def __aenter__(self) -> "Proxy":
        await self._try()
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0, limit=HEAD_MAX_BYTES)
        return self

    async def _try(self) -> None:
        """One handshake before libgit2 makes its own: where a certificate is refused behind a proxy, libgit2 1.9.7
        waits for ever on a socket that it has closed. Raises RemoteError."""
        context = ssl.create_default_context(cafile=settings.CLONE_CA_FILE or None)
        try:
            async with asyncio.timeout(settings.OUTWARD_CONNECT_TIMEOUT_S):
                _, writer = await self._connect(ssl=context, server_hostname=self._asked.url.host)
        except ssl.SSLCertVerificationError as error:
            told = f"The certificate of {self._asked.url.host} is not one to be trusted."
            raise RemoteError("remote_refused", told) from error
        except TimeoutError as error:
            raise self._unavailable("did not answer in time") from error
        writer.transport.abort()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """As libgit2 takes it."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def received(self) -> int:
        """Bytes that have come from the server."""
        return self._max_bytes - self._left

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(settings.OUTWARD_CONNECT_TIMEOUT_S):
                await self._check_head(reader)
                far = await self._connect()
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await self._relay((reader, writer), far)
        except RemoteError as error:
            self.fault = self.fault or error
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except TimeoutError:
            self.fault = self.fault or self._unavailable("did not answer in time")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _check_head(self, reader: asyncio.StreamReader) -> None:
        """Raise RemoteError unless the way to the one host is asked for."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, _, rest = head.partition(" ")
        host, _, port = rest.partition(" ")[0].rpartition(":")
        url = self._asked.url
        if method != "CONNECT" or (plain_host(host.strip("[]")), port) != (plain_host(url.host or ""), str(url.port)):
            raise RemoteError("remote_refused", "The server redirects to another one, which is not followed.")

    async def _connect(self, **tls: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """To the first address that answers, of those that may be asked. Raises RemoteError."""
        url = self._asked.url
        assert url.host is not None and url.port is not None  # tools.outward.target
        try:
            found: list[Any] = list(await Resolver().resolve(url.host, url.port))
        except OSError:
            raise self._unavailable("is not known") from None
        for each in found:
            self._judge(str(each["host"]))
        for each in found:
            try:
                return await asyncio.open_connection(each["host"], url.port, family=_family(each["host"]), **tls)
            except ssl.SSLCertVerificationError:
                raise
            except OSError:
                continue
        raise self._unavailable("cannot be reached")

    def _judge(self, address: str) -> None:
        if not self._asked.is_named and not self._rules.takes(address):
            log.warning("outward: %s leads to %s, which OUTWARD_ALLOW does not allow", self._asked.url.host, address)
            raise RemoteError("remote_refused", f"{self._asked.url.host} is not at a public address. {SET}")

    def _unavailable(self, what: str) -> RemoteError:
        return RemoteError("remote_unavailable", f"{self._asked.url.host} {what}.")

    async def _relay(
        self,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Both ways, until one of the two ends."""
        there = asyncio.ensure_future(_pass_on(near[0], far[1]))
        back = asyncio.ensure_future(self._pass_back(far[0], near[1]))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            far[1].close()

    async def _pass_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What comes, counted."""
        while data := await self._piece(reader):
            self._left -= len(data)
            if self._left < 0:
                self.fault = RemoteError("remote_too_large", f"More than the {self._max_bytes:,} bytes that are taken.")
                writer.transport.abort()
                return
            writer.write(data)
            await writer.drain()

    async def _piece(self, reader: asyncio.StreamReader) -> bytes:
        """Of the server; none where it has ended, or says nothing for too long: libgit2 would wait on."""
        try:
            async with asyncio.timeout(settings.CLONE_IDLE_S):
                return await reader.read(PIECE_BYTES)
        except TimeoutError:
            self.fault = self.fault or self._unavailable("did not answer in time")
            return b""


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(PIECE_BYTES):
        writer.write(data)
        await writer.drain()


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ipaddress.ip_address(address.partition("%")[0]).version == 6 else socket.AF_INET

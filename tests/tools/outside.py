"""The world outside, for tests: listeners that count who connects, names that lead where a test says."""

import asyncio
import contextlib
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Say = Callable[[asyncio.StreamWriter], Awaitable[None]]
CONNECTED: list[Any] = []  # every address that this process has begun to connect a socket to


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        CONNECTED.append(arguments[1])


sys.addaudithook(_note)


@dataclass
class Outside:
    """Listeners on one port of several addresses of this machine."""

    port: int = 0
    connects: Counter[str] = field(default_factory=Counter)  # by the address of the listener
    heads: list[str] = field(default_factory=list)  # of the requests


@contextlib.asynccontextmanager
async def listening(say: Say, *hosts: str) -> AsyncIterator[Outside]:
    """Listen on one free port of all these hosts; `say` is what each request is answered with."""
    outside = Outside()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        outside.connects[writer.get_extra_info("sockname")[0]] += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            outside.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            await say(writer)
        writer.transport.abort() if writer.transport.is_closing() else writer.close()

    servers = []
    for host in hosts:
        servers.append(await asyncio.start_server(serve, host, outside.port))
        outside.port = servers[0].sockets[0].getsockname()[1]
    try:
        yield outside
    finally:
        for server in servers:
            server.close()


def has_ipv6() -> bool:
    """Whether this machine has a loopback of version 6."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


class Names:
    """`socket.getaddrinfo`, where these names lead to these addresses: one more of the list at each look-up."""

    def __init__(self, answers: dict[str, list[list[str]]]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self._real = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *more: Any, **options: Any) -> list[Any]:
        self.asked.append(str(host))
        answers = self.answers.get(str(host))
        if answers is None:
            return list(self._real(host, port, *more, **options))
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for each in addresses for entry in self._real(each, port, 0, socket.SOCK_STREAM)]

"""uvicorn, with a better way to leave: requests that are on their way to this process are still answered.

uvicorn closes, when it is told to go, every connection without a request in it: also one that it has just accepted
and whose request arrives in the next millisecond. Its client sees a broken connection, and no proxy sends a POST again.
Here such a connection stays for LINGER_S; what comes on it is answered with `Connection: close`.
"""

import asyncio
import functools
import os
import socket
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chat.serving.event_stream import DIRECT

LINGER_S = 1.0


class Connection(HttpToolsProtocol):
    """One connection of a server that may be leaving."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; accepted in the last moment, it stays a little."""
        super().connection_made(transport)
        self.watchers: list[Callable[[], None]] = []  # of those who are sent streams over it
        if _is_leaving(self):
            self._linger()

    def on_headers_complete(self) -> None:
        """A request is here. A leaving server answers it and no other after it."""
        super().on_headers_complete()
        self.scope[DIRECT] = Direct(self.transport, self.flow, self.watchers)  # type: ignore[literal-required]
        if _is_leaving(self) and self.cycle is not None:
            self.cycle.keep_alive = False

    def connection_lost(self, error: Exception | None) -> None:
        """Nobody is there any more."""
        super().connection_lost(error)
        for gone in self.watchers.copy():
            gone()

    def on_response_complete(self) -> None:
        """An answer is sent. Its client may believe that the connection stays: it does, a little."""
        super().on_response_complete()
        if _is_leaving(self):
            self._linger()

    def shutdown(self) -> None:
        """The server leaves: say so with the answer, or wait for a request that is on its way."""
        if self._is_idle or self.cycle.response_started:
            self._linger()
        else:
            super().shutdown()

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _linger(self) -> None:
        self.loop.call_later(LINGER_S, self._leave)

    def _leave(self) -> None:
        if self._is_idle and not self.transport.is_closing():
            self.transport.close()


class Direct:
    """Writes to a connection at once: chat.serving.event_stream.Direct. For answers that are sent in chunks."""

    __slots__ = ("_flow", "_transport", "_watchers")

    def __init__(self, transport: asyncio.Transport, flow: FlowControl, watchers: list[Callable[[], None]]) -> None:
        self._transport = transport
        self._flow = flow
        self._watchers = watchers

    def is_open(self) -> bool:
        """The reader is there, and what was sent before is on its way."""
        return not (self._flow.write_paused or self._transport.is_closing())

    def write(self, body: bytes) -> None:
        """One chunk."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(body), body))

    def watch(self, gone: Callable[[], None]) -> Callable[[], None]:
        """Called when the connection is lost; soon, where it already is."""
        if self._transport.is_closing():
            asyncio.get_running_loop().call_soon(gone)
            return _nothing
        self._watchers.append(gone)
        return functools.partial(self._watchers.remove, gone)


def _nothing() -> None:
    """There is nothing to call off."""


class Server(uvicorn.Server):
    """Tells the service manager when it is ready and when it goes. `owns_socket`: nobody else accepts on it."""

    def __init__(self, config: uvicorn.Config, *, owns_socket: bool) -> None:
        super().__init__(config)
        self.owns_socket = owns_socket

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Return when connections are accepted."""
        await super().startup(sockets)
        if self.started:
            tell("READY=1")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, answer what has come, and end."""
        tell("STOPPING=1")
        self.server_state.is_leaving = True  # type: ignore[attr-defined]  # the connections have nothing else in common
        if self.owns_socket:
            for listening in sockets or ():
                self._accept_last(listening)
        await super().shutdown(sockets)

    def _accept_last(self, listening: socket.socket) -> None:
        """Take what waits in a socket that is about to be closed: the kernel would reset it."""
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return
            accepted.setblocking(False)
            task = asyncio.get_running_loop().create_task(self._begin(accepted))
            self.server_state.tasks.add(task)  # which the server waits for
            task.add_done_callback(self.server_state.tasks.discard)

    async def _begin(self, accepted: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(self._connection, accepted)

    def _connection(self) -> Connection:
        return Connection(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _is_leaving(connection: HttpToolsProtocol) -> bool:
    return getattr(connection.server_state, "is_leaving", False)


def tell(state: str) -> None:
    """A word to systemd, or to whoever set NOTIFY_SOCKET (sd_notify(3)); nobody there: nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return  # a server is not to fail because nobody listens to it

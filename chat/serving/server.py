"""uvicorn, with bounds for what clients leave half-done, and a better way to leave.

A request's line and headers are so long at most, and have to be there in time; a connection on which nothing comes is
closed; and so is one whose request was answered before its body was sent, if that goes on for long. What comes within a
body and is none of it, extensions of its chunks and headers behind it, is bounded like a head, and nobody reads it.
uvicorn has a limit for a connection that waits for its next request, and none for those. A body's own time is
config.body's.

Requests that are on their way to a process that leaves are still answered. uvicorn closes, when it is told to go, every
connection without a request in it: also one that it has just accepted and whose request arrives in the next
millisecond. Its client sees a broken connection, and no proxy sends a POST again. Here such a connection stays for
LINGER_S; what comes on it is answered with `Connection: close`.
"""

import asyncio
import functools
import os
import socket
from collections.abc import Callable

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chat.serving.event_stream import DIRECT

LINGER_S = 1.0
UNREAD_S = 5.0  # for the rest of a body that nobody wants: closed at once, its client would not see the answer
TOO_LONG = b"The request line and headers are longer than this server takes: send fewer or shorter ones."
REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b"
)


class HeadTooLong(Exception):
    """More of a request's line and headers than is taken."""


class Connection(HttpToolsProtocol):
    """One connection of a server that may be leaving."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; accepted in the last moment, it stays a little."""
        super().connection_made(transport)
        self.watchers: list[Callable[[], None]] = []  # of those who are sent streams over it
        self._head_timer: asyncio.TimerHandle | None = None  # runs until a request's head is there
        self._head_bytes = 0  # and those that are of no body, since the last that were
        self._in_head = True
        self._has_body = False  # more of the request's body may come
        self._is_socket = self._is_head_too_long = False
        self._await_head()
        if _is_leaving(self):
            self._linger()

    def data_received(self, data: bytes) -> None:
        """Something has come: of a head, only so much, and of what is neither head nor body."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._is_socket or self.transport.is_closing():
            return
        if self._head_timer is not None and self._head_bytes > settings.HEAD_MAX_BYTES:
            self._refuse_head()
        elif self._has_body and self._head_bytes > settings.HEAD_MAX_BYTES:
            self._close()
        elif self._is_idle and not self._has_body and self.timeout_keep_alive_task is None:
            self._await_head()  # what has come is no request yet

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._head_bytes, self._in_head, self._has_body = 0, True, True
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. What comes behind a body is none: nobody has asked for it."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A request is here. A leaving server answers it and no other after it."""
        self._head_is_here()
        self._head_bytes, self._in_head = 0, False
        self._check_head()
        super().on_headers_complete()
        self.scope[DIRECT] = Direct(self.transport, self.flow, self.watchers)  # type: ignore[literal-required]
        if _is_leaving(self) and self.cycle is not None:
            self.cycle.keep_alive = False

    def handle_websocket_upgrade(self) -> None:
        """From here on this is a WebSocket's connection."""
        self._is_socket = True
        super().handle_websocket_upgrade()

    def on_body(self, body: bytes) -> None:
        """Some of the request's body."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of the request is here."""
        self._has_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; a head that is too long in words."""
        if not self._is_head_too_long:
            return super().send_400_response(msg)
        self._refuse_head()

    def connection_lost(self, error: Exception | None) -> None:
        """Nobody is there any more."""
        super().connection_lost(error)
        self._head_is_here()
        for gone in self.watchers.copy():
            gone()

    def on_response_complete(self) -> None:
        """An answer is sent. Its client may believe that the connection stays: it does, a little."""
        super().on_response_complete()
        if self._has_body:
            self.loop.call_later(UNREAD_S, self._close_if_unread, self.cycle)
        if _is_leaving(self):
            self._linger()

    def _close_if_unread(self, cycle: object) -> None:
        """The rest of that request's body has not come yet."""
        if self._has_body and self.cycle is cycle:
            self._close()

    def shutdown(self) -> None:
        """The server leaves: say so with the answer, or wait for a request that is on its way."""
        if self._is_idle or self.cycle.response_started:
            self._linger()
        else:
            super().shutdown()

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _refuse_head(self) -> None:
        told = b'{"error": {"code": "head_too_long", "message": "%b", "fields": {}}}' % TOO_LONG
        self.transport.write(REFUSAL % (len(told), told))
        self.transport.close()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(settings.HEAD_TIMEOUT_S, self._close)

    def _head_is_here(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _check_head(self) -> None:
        """Raise HeadTooLong; httptools makes a refusal of it."""
        length = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if length > settings.HEAD_MAX_BYTES or len(self.headers) > settings.HEAD_MAX_FIELDS:
            self._is_head_too_long = True
            raise HeadTooLong

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

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

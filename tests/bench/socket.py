"""Parley's readers over its WebSocket, with permessage-deflate or without: the same run's events, a message each."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import cast

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.uri import parse_uri

from tests.bench.load import Heard, Stamps, Wish
from tests.bench.systems import Parley

PLAIN, DEFLATED = "Parley, WebSocket", "Parley, WebSocket deflated"
ENDS = (b'"run.completed"', b'"run.failed"', b'"run.cancelled"')


class Socket(asyncio.Protocol):
    """One WebSocket of a chat. `opened` is done when it is accepted, `over` when the run that it follows is."""

    def __init__(self, address: str, token: str, *, is_deflated: bool) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[str] = loop.create_future()
        self.stamps = Stamps()
        self.token = token
        extensions = [ClientPerMessageDeflateFactory()] if is_deflated else None
        self.protocol = ClientProtocol(parse_uri(address), extensions=extensions)
        self.is_deflated = is_deflated

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is none of asyncio's classes
        request = self.protocol.connect()
        request.headers["Authorization"] = f"Bearer {self.token}"
        self.protocol.send_request(request)
        self._send()

    def follow(self, run: str) -> None:
        """Ask for a run's events."""
        self.stamps.heard.size = 0  # what came before is not the run's
        self.protocol.send_text(json.dumps({"type": "follow", "run": run}).encode())
        self._send()

    def data_received(self, data: bytes) -> None:
        at = time.monotonic_ns()
        self.stamps.heard.size += len(data)
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Response):
                self._begin()
            elif isinstance(event, Frame):
                self._read(bytes(event.data), at)
        self._send()

    def _begin(self) -> None:
        if self.protocol.handshake_exc is not None:
            return self.opened.set_exception(self.protocol.handshake_exc)
        assert bool(self.protocol.extensions) == self.is_deflated, "the server deflates other messages than asked for"
        self.opened.set_result(None)

    def _read(self, message: bytes, at: int) -> None:
        if b'"run.event"' not in message[:30]:
            return  # what else happens in the chat: the answer as a message has all stamps again
        self.stamps.read(message, at)
        if any(end in message for end in ENDS):
            self._end("" if ENDS[0] in message else "the run did not complete")

    def _send(self) -> None:
        for data in self.protocol.data_to_send():
            self.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._end("cut short")

    def _end(self, fault: str) -> None:
        if not self.over.done():
            self.over.set_result(fault)


@dataclass
class Sockets:
    """The server of `parley`, its streams read over WebSockets."""

    name: str
    parley: Parley
    is_deflated: bool

    @property
    def pids(self) -> list[int]:
        return self.parley.pids

    async def prepare(self, streams: int) -> None:
        await self.parley.prepare(streams)

    async def ask(self, stream: int, wish: Wish) -> Heard:
        chat = self.parley.chats[stream]
        self.parley.asked.append(chat)
        address = f"{self.parley.server.url.replace('http', 'ws', 1)}/ws/chats/{chat}/"
        loop, port = asyncio.get_running_loop(), self.parley.server.port
        socket = Socket(address, self.parley.token, is_deflated=self.is_deflated)
        await loop.create_connection(lambda: socket, "127.0.0.1", port)
        try:
            async with asyncio.timeout(120):
                await socket.opened
                socket.follow(await self.parley.start(chat, wish))
                socket.stamps.heard.fault = await socket.over
        finally:
            socket.transport.close()
        socket.stamps.heard.status = 200
        return socket.stamps.heard

    async def kept(self, wish: Wish) -> tuple[int, int]:
        return await self.parley.kept(wish)


def plain(parley: Parley) -> Sockets:
    """Without extensions."""
    return Sockets(PLAIN, parley, is_deflated=False)


def deflated(parley: Parley) -> Sockets:
    """As browsers ask for it."""
    return Sockets(DEFLATED, parley, is_deflated=True)

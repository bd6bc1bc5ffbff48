"""A model provider for the bench: its three wire APIs over HTTP, as cheap as Python can, each chunk stamped.

`python -m tests.bench.upstream PORT`. What it says is asked for in the newest user message: `[[chunks=100 pace_ms=20
first_ms=50]]`; a pace of 0 is as fast as the reader takes it, one write a chunk. A stamp in each chunk,
`<000017@0123456789012345678>`, holds its number and the monotonic nanosecond of its writing.
"""

import asyncio
import gc
import re
import sys
import time
from typing import cast

from tests.bench.wires import spoken

WISH = re.compile(rb"\[\[chunks=(\d+) pace_ms=([\d.]+) first_ms=([\d.]+)\]\]")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Conversation(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is none of asyncio's classes
        self.transport.set_write_buffer_limits(high=65_536)
        self.loop = asyncio.get_running_loop()
        self.received = b""
        self.timer: asyncio.Handle | None = None
        self.is_paused = False
        self.said = self.chunks = 0

    def connection_lost(self, error: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False
        if self.timer is None and self.said < self.chunks:
            self.timer = self.loop.call_soon(self.say)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, ends, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if ends and length and len(body) >= int(length[1]):
            self.received = body[int(length[1]) :]
            self.wire = spoken(head)
            self.answer(body)

    def answer(self, body: bytes) -> None:
        """Begin to say what the newest wish in the request asks for."""
        chunks, pace_ms, first_ms = WISH.findall(body)[-1]
        self.said, self.chunks, self.pace_s = 0, int(chunks), float(pace_ms) / 1000
        self.due = self.loop.time() + float(first_ms) / 1000
        self.transport.write(HEAD)
        self.timer = self.loop.call_at(self.due, self.say)

    def say(self) -> None:
        """Write the next chunk, and see to the one after it."""
        self.timer = None
        if self.is_paused:
            return
        begin = self.wire.begin if not self.said else b""
        self.transport.write(begin + self.wire.chunk % (self.said, time.monotonic_ns()))
        self.said += 1
        if self.said == self.chunks:
            self.transport.write(self.wire.end(self.chunks))
        elif self.pace_s:
            self.due += self.pace_s
            self.timer = self.loop.call_at(self.due, self.say)
        elif not self.is_paused:
            self.timer = self.loop.call_soon(self.say)


async def serve(port: int) -> None:
    """Serve on the loopback interface, for ever."""
    server = await asyncio.get_running_loop().create_server(Conversation, "127.0.0.1", port, backlog=2048)
    gc.freeze()
    gc.disable()
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[1])))

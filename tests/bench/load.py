"""The reader's side: many streams at once, each chunk timed by the stamp that the provider put into it."""

import asyncio
import gc
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import httptools

STAMP = re.compile(rb"<(\d{6})@(\d{19})>")
STAMP_BYTES = 28


@dataclass(frozen=True)
class Wish:
    """What the provider is asked for in each answer."""

    chunks: int
    pace_ms: float = 0.0
    first_ms: float = 50.0

    def __str__(self) -> str:
        return f"[[chunks={self.chunks} pace_ms={self.pace_ms:g} first_ms={self.first_ms:g}]]"


@dataclass
class Heard:
    """What one stream brought. Times are nanoseconds."""

    asked_at: int
    first_at: int = 0
    last_at: int = 0
    numbers: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)  # from the writing of each chunk to its arrival
    size: int = 0
    status: int = 0
    fault: str = ""

    def once(self, chunks: int) -> None:
        """Forget what was said again: some doors repeat the whole answer in their last events."""
        again = self.numbers[chunks:]
        if again == list(range(chunks)) * (len(again) // chunks):
            del self.numbers[chunks:], self.late[chunks:]

    def is_whole(self, chunks: int) -> bool:
        """Every chunk came once and in order."""
        return self.status == 200 and not self.fault and self.numbers == list(range(chunks))


class Stamps:
    """Finds the chunks in what a stream brings, however it is cut."""

    def __init__(self) -> None:
        self.heard = Heard(time.monotonic_ns())
        self.rest = b""

    def read(self, data: bytes, at: int) -> None:
        """Take what came at this time."""
        data = self.rest + data
        end = 0
        heard = self.heard
        for stamp in STAMP.finditer(data):
            heard.numbers.append(int(stamp[1]))
            heard.late.append(at - int(stamp[2]))
            end = stamp.end()
        if end:
            heard.first_at = heard.first_at or at
            heard.last_at = at
        self.rest = data[max(end, len(data) - STAMP_BYTES) :]


class Stream(asyncio.Protocol):
    """One request on a connection of its own, and its answer."""

    def __init__(self, request: bytes, done: "asyncio.Future[None]") -> None:
        self.request = request
        self.done = done
        self.stamps = Stamps()
        self.heard = self.stamps.heard
        self.unpack: Callable[[bytes], bytes] = bytes
        self.parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is none of asyncio's classes
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.at = time.monotonic_ns()
        self.heard.size += len(data)
        self.parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-encoding" and value == b"gzip":
            self.unpack = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress

    def on_body(self, body: bytes) -> None:
        self.stamps.read(self.unpack(body), self.at)

    def on_message_complete(self) -> None:
        self.heard.status = self.parser.get_status_code()
        self.end("")

    def connection_lost(self, error: Exception | None) -> None:
        self.end("cut short")

    def end(self, fault: str) -> None:
        """The answer is over."""
        if not self.done.done():
            self.heard.fault = fault
            self.done.set_result(None)
            self.transport.close()


def request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """An HTTP request whose connection is not used again."""
    fields = {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "connection": "close",
        "content-length": str(len(body)),
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def hear(port: int, asked: bytes, timeout_s: float = 120.0) -> Heard:
    """Send the request and read its answer to the end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    stream = Stream(asked, done)
    try:
        await loop.create_connection(lambda: stream, "127.0.0.1", port)
        async with asyncio.timeout(timeout_s):
            await done
    except OSError as error:
        stream.heard.fault = type(error).__name__
    except TimeoutError:
        stream.heard.fault = "timed out"
        stream.transport.abort()
    return stream.heard


async def streams(
    ask: Callable[[int, int], Awaitable[Heard]],
    count: int,
    *,
    rounds: int = 1,
    spread_s: float = 0.0,
    meanwhile: Sequence[tuple[float, Callable[[], None]]] = (),
) -> list[Heard]:
    """What `ask(stream, round)` heard: `count` streams at once, begun over `spread_s`, each so many times in turn.

    `meanwhile`: what to do so many seconds after the start.
    """
    loop = asyncio.get_running_loop()
    found: list[Heard] = []

    async def one(number: int) -> None:
        await asyncio.sleep(spread_s * number / count)
        for turn in range(rounds):
            found.append(await ask(number, turn))

    timers = [loop.call_later(after_s, look) for after_s, look in meanwhile]
    gc.collect()
    gc.disable()
    try:
        await asyncio.gather(*(one(number) for number in range(count)))
    finally:
        gc.enable()
        for timer in timers:
            timer.cancel()
    return found

"""A hostile server of other houses, by hand: a table of what it may answer to a message."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Say = Callable[["Hostile", asyncio.StreamWriter, Any], Awaitable[None]]

DISCOVERED = {
    "resultType": "complete",
    "supportedVersions": ["2026-07-28"],
    "capabilities": {"tools": {}},
    "ttlMs": 0,
    "cacheScope": "private",
}
TOOL = {"name": "good", "description": "Fine.", "inputSchema": {"type": "object", "properties": {}}}


@dataclass
class Hostile:
    """What it was asked, and how much of its answers was taken."""

    port: int = 0
    says: dict[str, Say] = field(default_factory=dict)  # by the method of the message
    asked: Counter[str] = field(default_factory=Counter)
    heads: list[str] = field(default_factory=list)
    sent: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        await writer.drain()
        self.sent += len(data)


@contextlib.asynccontextmanager
async def hostile(**says: Say) -> AsyncIterator[Hostile]:
    """Listen on a free port. It finds out about itself well-behavedly unless it is told otherwise."""
    it = Hostile(
        says={"server/discover": result(DISCOVERED), **{name.replace("__", "/"): say for name, say in says.items()}}
    )

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:"))
            message = json.loads(await reader.readexactly(length))
            it.heads.append(head)
            method = message.get("method", "an answer")
            it.asked[method] += 1
            say = it.says.get(method) or it.says["else"]
            await say(it, writer, message.get("id"))
        writer.close()

    serving: set[asyncio.Task[Any] | None] = set()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        for task in filter(None, serving):
            task.cancel()


def head(*lines: str, status: str = "200 OK", kind: str = "application/json") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close", *lines, "", ""]).encode()


def raw(*pieces: bytes) -> Say:
    """These bytes, and the connection's end."""

    async def say(it: Hostile, writer: asyncio.StreamWriter, _: Any) -> None:
        for piece in pieces:
            await it.write(writer, piece)

    return say


def message(value: Callable[[Any], Any], *lines: str) -> Say:
    """A whole JSON answer, made of the message's id, with these headers."""

    async def say(it: Hostile, writer: asyncio.StreamWriter, id: Any) -> None:
        body = json.dumps(value(id)).encode()
        await it.write(writer, head(f"Content-Length: {len(body)}", *lines) + body)

    return say


def result(value: Any, *lines: str) -> Say:
    return message(lambda id: {"jsonrpc": "2.0", "id": id, "result": value}, *lines)


def refusal(code: int, text: str, data: Any = None) -> Say:
    return message(lambda id: {"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": text, "data": data}})


def endless(first: bytes, piece: bytes, pause_s: float = 0, most: int = 200_000_000) -> Say:
    """On and on, until nobody takes it or it was 200 MB."""

    async def say(it: Hostile, writer: asyncio.StreamWriter, _: Any) -> None:
        await it.write(writer, first)
        while it.sent < most:
            await it.write(writer, piece)
            if pause_s:
                await asyncio.sleep(pause_s)

    return say


def listed(*tools: dict[str, Any], cursor: str | None = None) -> Say:
    """One page of tools; with a cursor, every page is this one and there is always one more."""
    page = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": list(tools)}
    return result({**page, "nextCursor": cursor} if cursor else page)


def called(*content: dict[str, Any], **more: Any) -> Say:
    return result({"resultType": "complete", "content": list(content), **more})

"""A pooler between Parley and PostgreSQL that hands each transaction another session, as PgBouncer may.

It stands for what transaction mode takes away, not for PgBouncer itself: sessions are handed out in turn, so that two
transactions of a client hardly ever share one. As PgBouncer without `ignore_startup_parameters` it refuses `options`;
named statements it passes on as they are, as one with `max_prepared_statements = 0`. No passwords, no TLS.

`with pooled(url, sessions=3) as (through, pooler):` has the address to use in the place of the database's own.
"""

import asyncio
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Message = tuple[bytes, bytes]  # its letter, and what follows its length

SSL, GSS, CANCEL = 80877103, 80877104, 80877102
VERSION = 196608  # 3.0
WHOLE = (b"S", b"Q", b"F")  # each is answered by one ReadyForQuery


@dataclass
class Session:
    """One connection to PostgreSQL, and what it said of itself when it began."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeting: list[Message] = field(default_factory=list)


@contextmanager
def pooled(url: str, *, sessions: int) -> Iterator[tuple[str, "Pooler"]]:
    """The address of a pooler in front of this database, in a thread of its own, and the pooler."""
    at = urlsplit(url)
    assert at.port is not None
    pooler = Pooler(at.port, sessions=sessions, database=at.path[1:])
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(pooler.open(), loop).result(30)
        yield f"postgres://postgres@127.0.0.1:{pooler.port}{at.path}", pooler
    finally:
        asyncio.run_coroutine_threadsafe(pooler.close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


class Pooler:
    """Clients on one side, so many sessions on the other."""

    def __init__(self, postgres_port: int, *, sessions: int, database: str = "postgres") -> None:
        self.postgres_port, self.wanted, self.database = postgres_port, sessions, database
        self.free: asyncio.Queue[Session] = asyncio.Queue()
        self.transactions = 0
        self.clients: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to listen, at `port`."""
        for _ in range(self.wanted):
            self.free.put_nowait(await _opened(self.postgres_port, self.database))
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Let everybody go."""
        self.server.close()
        for task in self.clients:
            task.cancel()
        await asyncio.gather(*self.clients, return_exceptions=True)
        while not self.free.empty():
            self.free.get_nowait().writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.clients.add(task)
        try:
            if await self._greeted(reader, writer):
                while await self._transaction(reader, writer):
                    self.transactions += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has left
        finally:
            self.clients.discard(task)
            writer.close()

    async def _greeted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the client is let in."""
        asked = await _first(reader)
        while asked in ({"": str(SSL)}, {"": str(GSS)}):
            writer.write(b"N")
            asked = await _first(reader)
        if asked.get("") != str(VERSION):
            return False
        if "options" in asked:
            told = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
            writer.write(_packed((b"E", told)))
            return False
        session = await self.free.get()
        self.free.put_nowait(session)
        writer.write(b"".join(map(_packed, session.greeting)))
        return True

    async def _transaction(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One transaction of the client, in whichever session is next. False: the client has left."""
        message = await _read(reader)
        if message[0] == b"X":
            return False
        session = await self.free.get()
        try:
            await _through(message, reader, writer, session)
        except BaseException:
            session.writer.close()
            self.free.put_nowait(await _opened(self.postgres_port, self.database))
            raise
        self.free.put_nowait(session)
        return True


async def _through(
    message: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: Session
) -> None:
    """Pass everything on in both directions until the session is outside of a transaction."""
    while True:
        session.writer.write(_packed(message))
        if message[0] in WHOLE and await _answered(writer, session) == b"I":
            return
        message = await _read(reader)


async def _answered(writer: asyncio.StreamWriter, session: Session) -> bytes:
    """Pass on what the session answers; whether it is in a transaction then."""
    while True:
        answer = await _read(session.reader)
        writer.write(_packed(answer))
        if answer[0] == b"Z":
            await writer.drain()
            return answer[1]


async def _opened(port: int, database: str) -> Session:
    """A session; what it says until it is ready is what each client is told."""
    session = Session(*await asyncio.open_connection("127.0.0.1", port))
    fields = {"user": "postgres", "database": database, "client_encoding": "UTF8"}
    body = struct.pack("!i", VERSION) + b"".join(f"{k}\0{v}\0".encode() for k, v in fields.items()) + b"\0"
    session.writer.write(struct.pack("!i", len(body) + 4) + body)
    while not session.greeting or session.greeting[-1][0] != b"Z":
        session.greeting.append(await _read(session.reader))
    return session


async def _first(reader: asyncio.StreamReader) -> Mapping[str, str]:
    """What a client asks before anything else: its parameters, and the protocol's number under an empty name."""
    (length,) = struct.unpack("!i", await reader.readexactly(4))
    body = await reader.readexactly(length - 4)
    texts = body[4:].rstrip(b"\0").decode().split("\0") if len(body) > 4 else []
    return {"": str(struct.unpack("!i", body[:4])[0]), **dict(zip(texts[::2], texts[1::2], strict=False))}


async def _read(reader: asyncio.StreamReader) -> Message:
    letter, length = struct.unpack("!ci", await reader.readexactly(5))
    return letter, await reader.readexactly(length - 4)


def _packed(message: Message) -> bytes:
    return message[0] + struct.pack("!i", len(message[1]) + 4) + message[1]

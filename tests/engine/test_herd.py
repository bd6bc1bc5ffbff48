"""A process restarts under 500 readers: all come back with their last id, and not all at the same instant."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.live import Server
from tests.streams import client, key
from tests.upstream import Turn, Upstream

NewServer = Callable[..., Server]
READERS = 500
DEFAULT_RETRY_S = 3.0  # of a browser's EventSource
ID = re.compile(rb"^id: (\S+)$", re.MULTILINE)
RETRY = re.compile(rb"^retry: (\d+)$", re.MULTILINE)


class EventSource:
    """One reader, as a browser's: it comes back after `retry`, with its last id, until the run has ended."""

    def __init__(self, port: int, run: str, token: str, connects: list[float]) -> None:
        self.port = port
        self.head = f"GET /api/runs/{run}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        self.connects = connects
        self.ids: list[bytes] = []
        self.refused: list[bytes] = []
        self.is_over = False
        self.begun = asyncio.Event()
        self._retry_s = DEFAULT_RETRY_S

    async def follow(self) -> None:
        while not self.is_over:
            with suppress(OSError):
                await self._read()
            if not self.is_over:
                await asyncio.sleep(self._retry_s)

    async def _read(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.connects.append(time.monotonic())
        try:
            last = f"Last-Event-ID: {self.ids[-1].decode()}\r\n" if self.ids else ""
            writer.write(f"{self.head}{last}\r\n".encode())
            if b" 200 " not in (status := await reader.readline()):
                self.refused.append(status)
                return
            while frame := await self._frame(reader):
                self.ids += ID.findall(frame)
                self._retry_s = next((int(each) / 1000 for each in RETRY.findall(frame)), self._retry_s)
                self.is_over = self.is_over or b'"type":"run.completed"' in frame
                if self.ids:
                    self.begun.set()
        finally:
            writer.close()

    async def _frame(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return (await reader.readuntil(b"\n\n")).replace(b"\r\n", b"\n")
        except asyncio.IncompleteReadError:
            return b""


@pytest.mark.faults
async def test_500_readers_come_back_after_a_restart(new_server: NewServer, upstream: Upstream) -> None:
    server = await asyncio.to_thread(lambda: new_server(CHAT_STREAMS_PER_USER="0", CHAT_DRAIN_S="1").start())
    alice, mark, gate = await asyncio.to_thread(client, server), key(), key()
    upstream.script(Turn(n=9, gate=gate, gate_at=5), Turn(n=9, gate=gate, gate_at=5), key=mark)
    chat = await asyncio.to_thread(alice.chat)
    run = (await asyncio.to_thread(alice.start, chat, f"[[key={mark}]] go"))["run"]["id"]
    connects: list[float] = []
    readers = [EventSource(server.port, run, alice.token, connects) for _ in range(READERS)]
    async with asyncio.timeout(240), asyncio.TaskGroup() as group:
        for reader in readers:
            group.create_task(reader.follow())
        await asyncio.gather(*(each.begun.wait() for each in readers))
        connects.clear()
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start_process)
        upstream.release(gate)
    per_s = Counter(int(each) for each in connects)
    print(f"{len(connects)} connects after the restart, at most {max(per_s.values())} in a second")
    late = alice.events(run)
    whole = [frame.id.encode() for frame in late.frames() if frame.id]
    assert not any(each.refused for each in readers), next(each.refused for each in readers if each.refused)
    for each in readers:
        assert len(set(each.ids)) == len(each.ids) and each.ids[-1] == whole[-1]
        assert set(whole) <= set(each.ids)
    assert len(connects) >= READERS

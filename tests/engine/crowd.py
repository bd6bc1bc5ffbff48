"""What many readers of one process cost: `python -m tests.engine.crowd --readers 1000`.

On this machine's loopback, with a server of its own; the model and the readers are another process, so they share the
machine's cores with it. TEST_PROFILE=scaled takes PostgreSQL and Redis.

It prints the memory of an idle stream, the time from an event to each of its readers (all on one run; each on a run of
its own), and what a reader costs that never reads, and when it is cut.
"""

import argparse
import asyncio
import logging
import re
import resource
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests import environment

if __name__ == "__main__":  # pytest has done it
    environment.prepare()

from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

AT = re.compile(rb'"at":(\d+\.\d+)')
WRITE_TIMEOUT_S = 5
PIECES = 40


@dataclass
class Figures:
    """What was measured. Times are sorted, in milliseconds."""

    readers: int = 0
    idle_kb: float = 0.0  # of the server's memory, for each open stream
    on_one_run: list[float] = field(default_factory=list)
    on_one_each: list[float] = field(default_factory=list)
    beside_stalled: list[float] = field(default_factory=list)  # others' events meanwhile
    stalled: int = 0
    stalled_mb: float = 0.0  # of memory for each of them
    cut_s: float = 0.0  # until the last of them was cut
    errors: int = 0

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"  memory of an idle stream                         {self.idle_kb:8.1f} KB ({self.readers} open)",
            f"  event to reader, all on one run                  {_three(self.on_one_run)}",
            f"  event to reader, each on a run of its own        {_three(self.on_one_each)}",
            f"  the same beside readers that never read          {_three(self.beside_stalled)}",
            f"  memory of a reader that never reads              {self.stalled_mb:8.1f} MB ({self.stalled} of them)",
            f"  it is cut after (WRITE_TIMEOUT_S={WRITE_TIMEOUT_S})              {self.cut_s:8.1f} s",
            f"  readers that were not served                     {self.errors:8d}",
        ]


class Reader(asyncio.Protocol):
    """One reader, as cheap as may be: it notes how old each event is when it comes."""

    def __init__(self, request: bytes, late: list[float]) -> None:
        self.request = request
        self.late = late
        self.is_ok = False
        self.begun = asyncio.get_running_loop().create_future()
        self.over = asyncio.get_running_loop().create_future()
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        text = self._rest + data
        self._rest = text[-400:] if b"\n\n" not in text[-400:] else b""
        if b"text.delta" in data:
            self.late.append((now - max(float(each) for each in AT.findall(data))) * 1000)
        if not self.begun.done() and b"run.started" in text:
            self.begun.set_result(None)
        self.is_ok = self.is_ok or b"run.completed" in text
        if self.is_ok and not self.over.done():
            self.over.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        for each in (self.begun, self.over):
            if not each.done():
                each.set_result(None)


async def measure(count: int, stalled: int = 20) -> Figures:
    """Start everything, measure, stop everything."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    upstream = Upstream().start()
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", CHAT_STREAMS_PER_USER="0", CHAT_RUNS_PER_ORGANIZATION="0",
        WRITE_TIMEOUT_S=str(WRITE_TIMEOUT_S), AGENTS_IDLE_TIMEOUT_S="900",
    )  # fmt: skip
    try:
        await asyncio.to_thread(server.start)
        crowd = Crowd(upstream, server, await asyncio.to_thread(client, server), Figures(readers=count))
        for what in (crowd.on_one_run, crowd.on_one_each):
            await what(count)
        await crowd.beside_stalled(stalled)
        return crowd.figures
    finally:
        server.close()
        upstream.close()


@dataclass
class Crowd:
    """Readers of one server."""

    upstream: Upstream
    server: Server
    alice: Client
    figures: Figures

    async def on_one_run(self, count: int) -> None:
        mark, gate = key(), key()
        self.upstream.script(Turn(n=PIECES, gate=gate, gate_at=1, delay_ms=250), key=mark)
        run = await self._begin(mark)
        before = self._memory_kb()
        readers = [await self._open(run, self.figures.on_one_run) for _ in range(count)]
        await asyncio.gather(*(each.begun for each in readers))
        await asyncio.sleep(2)
        self.figures.idle_kb = (self._memory_kb() - before) / count
        self.figures.on_one_run.clear()
        self.upstream.release(gate)
        await self._until_over(readers)

    async def on_one_each(self, count: int) -> None:
        mark, gate = key(), key()
        self.upstream.script(*[Turn(n=5, gate=gate, gate_at=1, delay_ms=1000) for _ in range(count)], key=mark)
        runs = await self._gather(count, lambda: self._begin(mark))
        readers = [await self._open(run, self.figures.on_one_each) for run in runs]
        await asyncio.gather(*(each.begun for each in readers))
        await asyncio.sleep(2)
        self.figures.on_one_each.clear()
        self.upstream.release(gate)
        await self._until_over(readers)

    async def beside_stalled(self, count: int) -> None:
        """Some never read what a model floods them with; others read a run of their own."""
        flood, calm = key(), key()
        self.upstream.script(Turn(n=3000, pad=4000, burst=50), key=flood)
        self.upstream.script(Turn(n=PIECES, delay_ms=250), key=calm)
        run = await self._begin(calm)
        readers = [await self._open(run, self.figures.beside_stalled) for _ in range(20)]
        flooding = await self._begin(flood)
        await self._until_ended(flooding)  # what the run itself costs is there before
        before, began = self._memory_kb(), time.monotonic()
        dead = [self._stall(flooding) for _ in range(count)]
        cutting = asyncio.create_task(self._until_cut(dead))
        await asyncio.sleep(WRITE_TIMEOUT_S * 0.6)
        self.figures.stalled = count
        self.figures.stalled_mb = (self._memory_kb() - before) / 1024 / count
        await self._until_over(readers)
        self.figures.cut_s = await cutting - began

    async def _until_cut(self, dead: list[socket.socket]) -> float:
        """When the server has closed the last of these."""
        ports = {each.getsockname()[1] for each in dead}
        async with asyncio.timeout(60):
            while self._connected() & ports:  # noqa: ASYNC110  (the kernel tells nobody)
                await asyncio.sleep(0.1)
        for each in dead:
            each.close()
        return time.monotonic()

    async def _begin(self, mark: str) -> str:
        def begin() -> str:
            return str(self.alice.start(self.alice.chat(), f"[[key={mark}]] go")["run"]["id"])

        return await asyncio.to_thread(begin)

    async def _gather(self, count: int, make: Callable[[], Awaitable[str]]) -> list[str]:
        room = asyncio.Semaphore(8)

        async def one() -> str:
            async with room:
                return await make()

        return await asyncio.gather(*(one() for _ in range(count)))

    async def _open(self, run: str, late: list[float]) -> Reader:
        loop, port = asyncio.get_running_loop(), self.server.port
        _, reader = await loop.create_connection(lambda: Reader(self._request(run), late), "127.0.0.1", port)
        return reader

    def _request(self, run: str) -> bytes:
        head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {self.alice.token}"
        return f"GET /api/runs/{run}/events HTTP/1.1\r\n{head}\r\n\r\n".encode()

    def _stall(self, run: str) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.server.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.sendall(self._request(run))
        return sock

    async def _until_over(self, readers: list[Reader]) -> None:
        async with asyncio.timeout(300):
            await asyncio.gather(*(each.over for each in readers))
        self.figures.errors += sum(not each.is_ok for each in readers)
        for each in readers:
            each.transport.close()

    async def _until_ended(self, run: str) -> None:
        async with aiohttp.ClientSession() as session:
            headers = {"Authorization": f"Bearer {self.alice.token}"}
            async with session.get(f"{self.server.url}/api/runs/{run}/events", headers=headers) as answer:
                async for _ in answer.content.iter_any():
                    pass

    def _memory_kb(self) -> int:
        assert self.server.process is not None
        lines = Path(f"/proc/{self.server.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])

    def _connected(self) -> set[int]:
        """The ports of those whom the server is connected to, by its own account."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        mine = f":{self.server.port:04X}"
        return {int(row[2][-4:], 16) for row in rows if row[1].endswith(mine) and row[3] == "01"}


def p(late: list[float], share: float) -> float:
    """The value that this share does not exceed; 0 where there is none."""
    ordered = sorted(late)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _three(late: list[float]) -> str:
    return f"p50 {p(late, 0.5):7.1f}, p99 {p(late, 0.99):7.1f}, max {p(late, 1):7.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--stalled", type=int, default=20)
    asked = parser.parse_args()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # of readers that are gone at the end
    try:
        figures = asyncio.run(measure(asked.readers, asked.stalled))
    finally:
        environment.clean()
    print(f"{environment.profile()}:", *figures.lines(), sep="\n")


if __name__ == "__main__":
    main()

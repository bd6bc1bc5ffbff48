"""Processes on a core of their own, and what the kernel says they use."""

import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
START_S = 60
POSTGRES_PORTS: set[int] = set()  # of the bench's own


def cores() -> tuple[set[int], set[int]]:
    """The servers' core and the one of clients and provider; the same one where there is no second."""
    there = sorted(os.sched_getaffinity(0))
    return {there[0]}, {there[-1]}


@contextmanager
def on(wanted: set[int]) -> Iterator[None]:
    """What is started in the block, and what it starts, runs on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, wanted)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True)
class Use:
    """What processes use, all together."""

    cpu_s: float
    memory_mb: float
    threads: int
    connections: int  # to the database: sockets to PostgreSQL, or open files of SQLite
    files: int  # all that are open, sockets among them


def used(pids: Sequence[int]) -> Use:
    """What these processes and all their children have used, and hold now."""
    cpu, pages, threads, connections, files = 0, 0, 0, 0, 0
    for pid in {each for root in pids for each in _family(root)}:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        cpu += int(fields[11]) + int(fields[12])
        threads += int(fields[17])
        pages += int(fields[21])
        open_files = _open_files(pid)
        files += len(open_files)
        connections += _connections(pid, open_files)
    return Use(cpu / TICKS, pages * PAGE / 2**20, threads, connections, files)


def spent_s(pids: Sequence[int]) -> float:
    """Seconds of CPU of these processes and their children, those that have ended among them."""
    ticks = 0
    for pid in {each for root in pids for each in _family(root)}:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(each) for each in fields[11:15])
    return ticks / TICKS


def _open_files(pid: int) -> list[str]:
    """What the process has open, as the kernel names it; what was closed meanwhile is left out."""
    found = []
    for each in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(each))
        except OSError:
            continue
    return found


def _connections(pid: int, open_files: list[str]) -> int:
    """Files of SQLite that the process has open, and its connections to PostgreSQL."""
    sockets = {each[8:-1] for each in open_files if each.startswith("socket:[")}
    lines = pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    to_postgres = [line for line in (each.split() for each in lines) if line[9] in sockets and _is_postgres(line[2])]
    return sum(each.endswith("/db.sqlite3") for each in open_files) + len(to_postgres)


def _is_postgres(address: str) -> bool:
    return int(address.rpartition(":")[2], 16) in POSTGRES_PORTS


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:
            continue
        for child in found:
            yield from _family(int(child))


class Program:
    """A program of the bench that listens on a port; its output is in a file."""

    def __init__(self, arguments: Sequence[str], folder: pathlib.Path, **environ: str) -> None:
        """`PORT` in the arguments is the port it gets."""
        self.port = free_port()
        command = [str(self.port) if each == "PORT" else each for each in arguments]
        self.log = folder / f"{self.port}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env={**os.environ, **environ}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip
        self._wait()

    @property
    def pids(self) -> list[int]:
        """Whose CPU counts."""
        return [self.process.pid]

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while not _listens(self.port):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"it did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def _listens(port: int) -> bool:
    """Whether a socket of this machine listens there: nothing is connected to find out."""
    wanted = f":{port:04X} "
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()
    return any(wanted in line and line.split()[3] == "0A" for line in lines)


def uvicorn(app: str) -> list[str]:
    """The command that serves an ASGI application as Parley is served."""
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return ["-m", "uvicorn", app, "--host", "127.0.0.1", "--port", "PORT", "--backlog", "2048", *options]

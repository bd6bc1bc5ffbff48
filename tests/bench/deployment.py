"""Parley as it is deployed: so many web and agents processes on one PostgreSQL and one Redis, on cores of their own."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.bench import systems
from tests.bench.counts import Counting, postmaster
from tests.bench.processes import POSTGRES_PORTS, Program, on
from tests.bench.systems import Parley
from tests.live import Server
from tests.servers import Postgres, Redis

START_S = 120  # a busy machine
STOP_S = 40
# What comes each five minutes or less often would fall into one load and not into another.
SELDOM = ("CLEANUP_EVERY_S", "RETENTION_EVERY_S", "ERASURE_EVERY_S", "CONSISTENCY_EVERY_S")
SAYS = "Executing runs."  # an agents process, once it takes them


@dataclass(frozen=True)
class Shape:
    """How many processes of each kind. Without agents processes the web processes execute runs themselves."""

    web: int
    agents: int = 0

    @property
    def name(self) -> str:
        """As it is called in tables."""
        return f"{self.web} web" + (f", {self.agents} agents" if self.agents else "")


@dataclass(frozen=True)
class Places:
    """Where processes run: a core for each server, and those of everything else: databases, provider, readers."""

    servers: list[set[int]]
    others: set[int]
    is_shared: bool  # the others have to use the servers' cores


def place(cores: Sequence[int], servers: int) -> Places:
    """Each server on a core of its own, and the others on those left; with too few, all cores are everybody's."""
    if len(cores) > servers:
        return Places([{each} for each in cores[:servers]], set(cores[servers:]), is_shared=False)
    return Places([{cores[number % len(cores)]} for number in range(servers)], set(cores), is_shared=True)


class House:
    """The databases, the provider and the data that all shapes are tried on, one after the other.

    PostgreSQL keeps fsync and the images of pages on, as a production does: the bytes that it writes are measured.
    """

    def __init__(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="scale_"))
        os.environ["TEST_PROFILE"] = "embedded"  # what a server needs beyond that is handed to it
        self.cores = sorted(os.sched_getaffinity(0))
        self.upstream = Program(["-m", "tests.bench.upstream", "PORT"], self.folder)
        self.postgres, self.redis = Postgres(is_durable=True), Redis()
        POSTGRES_PORTS.add(self.postgres.port)
        where = {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url(), **dict.fromkeys(SELDOM, "0")}
        self.first = Server(self.folder / "data", **systems.given(self.upstream.port), **where)
        self.first.data.mkdir()
        self.first.prepare()

    def close(self) -> None:
        """End everything, and let this process use all cores again."""
        self.upstream.close()
        self.first.close()
        self.redis.close()
        self.postgres.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.sched_setaffinity(0, self.cores)

    def move(self, cores: set[int]) -> None:
        """Put everything but the servers on these cores."""
        os.sched_setaffinity(0, cores)
        for pid in (self.upstream.process.pid, self.redis.process.pid, *_processes_of(self.postgres)):
            with suppress(ProcessLookupError):  # a session of PostgreSQL that has just ended
                os.sched_setaffinity(pid, cores)


class Deployment:
    """One shape of it, running."""

    def __init__(self, house: House, shape: Shape) -> None:
        self.house, self.shape = house, shape
        self.places = place(house.cores, shape.web + shape.agents)
        house.move(self.places.others)
        self.webs: list[Parley] = []
        self.agents: list[subprocess.Popen[bytes]] = []
        try:
            for number, core in enumerate(self.places.servers):
                with on(core):
                    self._web() if number < shape.web else self._agents(number)
        except BaseException:
            self.close()
            raise
        parts = {"web": [pid for each in self.webs for pid in each.pids], "agents": [each.pid for each in self.agents]}
        self.parts = {name: pids for name, pids in parts.items() if pids}
        self.counting = Counting(house.postgres, house.redis, {**self.parts})
        self.counting.processes["bench"].append(house.upstream.process.pid)

    def _web(self) -> None:
        server = self.house.first.sibling(CHAT_RUN_HERE="off" if self.shape.agents else "on").start_process()
        self.webs.append(Parley(f"web {len(self.webs) + 1}", server))

    def _agents(self, number: int) -> None:
        log = self.house.folder / f"agents-{self.shape.name}-{number}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "run_agents"],
                cwd=self.house.first.root, env={**self.house.first.environ(), "CHAT_RUN_HERE": "on"},
                stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            )  # fmt: skip
        self.agents.append(process)
        _wait_until(log, process)

    def close(self) -> None:
        """Stop its processes as a deploy does: the next shape shall find no runs and no places of theirs."""
        for each in self.webs:
            each.server.stop()
        for process in self.agents:
            process.terminate()
            process.wait(STOP_S)


def _wait_until(log: pathlib.Path, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_S
    while SAYS not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"an agents process did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _processes_of(postgres: Postgres) -> list[int]:
    """The postmaster, whose new sessions run where it does, and its processes of now."""
    main = postmaster(postgres)
    children = pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()
    return [main, *(int(each) for each in children)]

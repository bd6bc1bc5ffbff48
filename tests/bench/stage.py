"""Everything a bench needs, started once and ended together: the provider, the servers, PostgreSQL and Redis."""

import os
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench import systems
from tests.bench.processes import POSTGRES_PORTS, Program, cores, on
from tests.bench.systems import Copier, Elsewhere, Parley
from tests.servers import Postgres, Redis

EMBEDDED, SCALED = "Parley, SQLite", "Parley, PostgreSQL"


class Stage:
    """Systems are started when they are first asked for."""

    def __init__(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench_"))
        os.environ["TEST_PROFILE"] = "embedded"  # what a server needs beyond that is handed to it
        self.everything = os.sched_getaffinity(0)
        servers, clients = cores()
        self.servers = servers
        with on(clients):
            self.upstream = Program(["-m", "tests.bench.upstream", "PORT"], self.folder)
        self.closing: list[Program | Parley | Postgres | Redis] = [self.upstream]
        os.sched_setaffinity(0, clients)

    @contextmanager
    def _there(self) -> Iterator[None]:
        """On the servers' core, whatever the client's is."""
        os.sched_setaffinity(0, self.everything)
        try:
            with on(self.servers):
                yield
        finally:
            os.sched_setaffinity(0, cores()[1])

    def copy(self) -> Copier:
        """The bare ASGI copy."""
        with self._there():
            made = systems.bare_copy(self.upstream.port, self.folder)
        self.closing.append(made.program)
        return made

    def plain(self) -> Copier:
        """The plain Django view."""
        with self._there():
            made = systems.plain_view(self.upstream.port, self.folder)
        self.closing.append(made.program)
        return made

    def embedded(self, door: str = "native", **settings: str) -> Parley:
        """Parley on SQLite, in one process."""
        with self._there():
            made = systems.parley(EMBEDDED, self.upstream.port, self.folder / "embedded", door, **settings)
        self.closing.append(made)
        return made

    def apis(self, door: str = "native") -> list[Parley]:
        """A Parley on SQLite that speaks all three wire APIs, once for each."""
        settings = systems.all_apis(self.upstream.port)
        with self._there():
            made = systems.parley("", self.upstream.port, self.folder / "apis", door, **settings)
        self.closing.append(made)
        return systems.by_apis(made)

    def scaled(self, door: str = "native", **settings: str) -> Parley:
        """Parley on a PostgreSQL and a Redis of its own, which share its core."""
        with self._there():
            postgres, redis = Postgres(), Redis()
            self.closing += [postgres, redis]
            POSTGRES_PORTS.add(postgres.port)
            where = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url(), **settings}
            made = systems.parley(SCALED, self.upstream.port, self.folder / "scaled", door, **where)
        self.closing.append(made)
        return made

    def elsewhere(self, scaled: Parley) -> Elsewhere:
        """The same, with its readers in a second process."""
        with self._there():
            second = systems.sibling(scaled, "reader")
        self.closing.append(second)
        return Elsewhere(scaled, second)

    def close(self) -> None:
        """End everything that was started, the last first."""
        for each in reversed(self.closing):
            (each.server if isinstance(each, Parley) else each).close()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.sched_setaffinity(0, self.everything)


class Progress:
    """A bar on the terminal; where there is none, a line at each tenth."""

    def __init__(self, steps: int) -> None:
        self.steps, self.done, self.began = steps, 0, time.monotonic()

    def step(self, doing: str) -> None:
        """The next step begins."""
        share = self.done / self.steps
        bar = "#" * int(30 * share) + "." * (30 - int(30 * share))
        text = f"[{bar}] {self.done}/{self.steps}  {time.monotonic() - self.began:4.0f} s  {doing}"
        if sys.stderr.isatty():
            print(f"\r{text:<110}", end="", file=sys.stderr, flush=True)
        elif self.done % max(1, self.steps // 10) == 0:
            print(text, file=sys.stderr, flush=True)
        self.done += 1

    def end(self) -> None:
        """All is done."""
        print(f"\r{'':<110}\r" if sys.stderr.isatty() else "", end="", file=sys.stderr, flush=True)

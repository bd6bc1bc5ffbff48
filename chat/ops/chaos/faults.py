"""The faults: each a loop of its own, by its own dice, until the runs are over. What it broke it puts right again."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import psycopg

from chat.ops.chaos.history import History
from chat.ops.chaos.installation import Installation, Process

NAMES = ("kill", "freeze", "term", "database", "redis", "slow-readers", "upstream")
ON_PROCESSES = ("kill", "kill", "freeze", "term")  # killed twice as often
ON_SERVERS = ("database", "redis")
SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM}
FROZEN_S = (9.0, 12.0)  # the lease is 8


@dataclass
class Outage:
    """Something was away. Times are of time.time()."""

    what: str  # kill, freeze, term, database, redis
    process: str  # its tag; "" for servers
    began: float
    gone: float = 0.0  # when it was really gone: a process told to go takes its time
    back: float = 0.0  # when its next life began: it takes a while until it answers
    ended: float = 0.0


@dataclass
class Faults:
    """Strikes at an installation."""

    installation: Installation
    history: History
    seed: int
    outages: list[Outage] = field(default_factory=list)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def strike(self, names: list[str]) -> None:
        """All these faults, again and again, until `stop`; then everything is up."""
        loops = {"database": self._databases, "redis": self._redises}
        on_processes = [name for name in ON_PROCESSES if name in names]
        async with asyncio.TaskGroup() as group:
            if on_processes:
                group.create_task(self._processes(on_processes, random.Random(f"{self.seed}:processes")))
            for name in ON_SERVERS:
                if name in names and self.installation.database_url:
                    group.create_task(loops[name](random.Random(f"{self.seed}:{name}")))

    def stop(self) -> None:
        """Begin no more."""
        self._over.set()

    async def _pause(self, dice: random.Random, low: float, high: float) -> bool:
        """Wait; whether to go on."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), dice.uniform(low, high))
        return not self._over.is_set()

    @contextlib.asynccontextmanager
    async def _outage(self, what: str, process: Process | None = None) -> AsyncIterator[Outage]:
        outage = Outage(what, process.tag if process else "", time.time())
        self.outages.append(outage)
        try:
            yield outage
        finally:
            outage.ended = time.time()
            self.history.note(
                "fault", fault=what, process=outage.process, began=outage.began, gone=outage.gone, ended=outage.ended
            )

    async def _processes(self, names: list[str], dice: random.Random) -> None:
        """One process at a time: somebody must be there to go on. Where there is only one, it gets longer to work."""
        low, high = (1, 6) if len(self.installation.processes) > 1 else (6, 16)
        while await self._pause(dice, low, high):
            name, process, away_s = dice.choice(names), dice.choice(self.installation.processes), dice.uniform(0, 2)
            async with self._outage(name, process) as outage:
                match name:
                    case "freeze":
                        process.freeze()
                        outage.gone = time.time()
                        await asyncio.sleep(dice.uniform(*FROZEN_S))
                        process.thaw()
                        outage.back = time.time()
                    case _:
                        await process.stop(SIGNALS[name])
                        outage.gone = time.time()
                        await asyncio.sleep(away_s)
                        outage.back = time.time()
                        await process.start()

    async def _databases(self, dice: random.Random) -> None:
        postgres = self.installation.postgres
        while await self._pause(dice, 5, 20):
            away_s = dice.choice((0.0, 0.0, dice.uniform(0, 5)))
            async with self._outage("database") as outage:
                outage.gone = time.time()
                if postgres is None:
                    await asyncio.to_thread(_cut_connections, self.installation.database_url)
                    continue
                await asyncio.to_thread(postgres.stop)
                await asyncio.sleep(away_s)
                await asyncio.to_thread(postgres.start)

    async def _redises(self, dice: random.Random) -> None:
        redis = self.installation.redis
        while await self._pause(dice, 5, 15):
            is_killed, away_s = dice.random() < 0.6, dice.uniform(0, 4)
            async with self._outage("redis") as outage:
                outage.gone = time.time()
                if redis is None or not is_killed:
                    await asyncio.to_thread(_flush, self.installation.redis_url)
                    continue
                await asyncio.to_thread(redis.kill)
                await asyncio.sleep(away_s)
                await asyncio.to_thread(redis.start)


def _cut_connections(url: str) -> None:
    """On somebody else's PostgreSQL: every connection to our database is cut."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute(others, (connection.info.backend_pid,))


def _flush(url: str) -> None:
    import redis

    with contextlib.suppress(redis.RedisError):
        redis.Redis.from_url(url, socket_timeout=2).flushdb()

"""What a load costs everybody who serves it: CPU of each part, and what PostgreSQL and Redis have counted."""

import os
import pathlib
import re
import time
from collections.abc import Mapping, Sequence

import psycopg
import redis

from tests.bench.processes import spent_s
from tests.servers import Postgres, Redis

Counts = dict[str, float]  # name: how many so far; `at` is the time in seconds

# What sessions have done is told by a busy one each second, and by one that fell idle only ten seconds later.
SETTLES_S = 10.5
OF_POSTGRES = """
SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS wal_bytes, wal_fpi AS wal_images,
       xact_commit + xact_rollback AS transactions, active_time + idle_in_transaction_time AS held_ms,
       pg_database_size(datname) AS disk_bytes
FROM pg_stat_database, pg_stat_wal WHERE datname = current_database()
"""
STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): ")


class Counting:
    """Looks at everything at once. `processes` are ids by the part they play: web, agents."""

    def __init__(self, postgres: Postgres, cache: Redis, processes: Mapping[str, Sequence[int]]) -> None:
        self.postgres, self.cache = postgres, cache
        self.processes = {
            **processes,
            "postgres": [postmaster(postgres)],
            "redis": [cache.process.pid],
            "bench": [os.getpid()],
        }

    def look(self) -> Counts:
        """Everything that has been counted until now."""
        cpu = {f"{part}_ms": spent_s(pids) * 1e3 for part, pids in self.processes.items()}
        return {**cpu, **_of_postgres(self.postgres), **_of_redis(self.cache), "at": time.monotonic()}


def rate(before: Counts, after: Counts) -> Counts:
    """How many a second, of each."""
    took_s = after["at"] - before["at"]
    return {name: (after[name] - before[name]) / took_s for name in after if name != "at"}


def each(before: Counts, after: Counts, idle: Counts, times: int) -> Counts:
    """How many one of so many things costs, beyond what the same time costs where nothing is asked."""
    took_s = after["at"] - before["at"]
    return {name: (after[name] - before[name] - idle[name] * took_s) / times for name in idle}


def statements(log: str) -> int:
    """How many statements a log of PostgreSQL names, those that begin and end transactions among them."""
    return len(STATEMENT.findall(log))


class Statements:
    """Lets PostgreSQL write down every statement, to count them. That costs CPU, so no CPU is counted meanwhile."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self.log = postgres.folder / "log"

    def __enter__(self) -> "Statements":
        self._set("all")
        self.begins = self.log.stat().st_size
        return self

    def __exit__(self, *exception: object) -> None:
        self._set("none")

    def count(self) -> int:
        """Statements since it was switched on."""
        with self.log.open("rb") as file:
            file.seek(self.begins)
            return statements(file.read().decode(errors="replace"))

    def _set(self, which: str) -> None:
        with connected(self.postgres) as connection:
            connection.execute(f"ALTER SYSTEM SET log_statement = '{which}'")  # type: ignore[call-overload]
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)  # each session reads it before its next statement


def connected(postgres: Postgres) -> "psycopg.Connection[tuple[float, ...]]":
    """A session of our own; each of its statements is a transaction."""
    return psycopg.connect(postgres.url.replace("postgres://", "postgresql://", 1), autocommit=True)


def _of_postgres(postgres: Postgres) -> Counts:
    with connected(postgres) as connection:
        asked = connection.execute(OF_POSTGRES)
        row = asked.fetchone()
        assert row is not None and asked.description is not None
        return {column.name: float(value) for column, value in zip(asked.description, row, strict=True)}


def _of_redis(cache: Redis) -> Counts:
    with redis.Redis(port=cache.port) as client:
        told = client.info("stats")
    sent = told["total_net_input_bytes"] + told["total_net_output_bytes"]
    return {"redis_commands": float(told["total_commands_processed"]), "redis_bytes": float(sent)}


def postmaster(postgres: Postgres) -> int:
    """The id of its first process, of which all others are children."""
    return int(pathlib.Path(postgres.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

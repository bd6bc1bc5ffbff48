"""An installation of its own: a data folder, a database, and Parley's processes on free loopback ports."""

import asyncio
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import psycopg
from django.conf import settings

from chat.ops.chaos.archetype import EFFECTS
from chat.ops.chaos.pooler import BEHIND, PgBouncer, make_ready
from chat.ops.chaos.servers import Postgres, Redis, free_port

OWNER = "owner@example.com"
PASSWORD = "chaos on a machine of its own"
START_S = 180.0  # a busy machine
KEPT = re.compile(r"PATH|HOME|LANG|LC_\w+|TMPDIR|VIRTUAL_ENV|LD_LIBRARY_PATH|PYTHON\w*|SYSTEMROOT")
# Short enough that a run of a minute sees each of them; the lease is the product's own.
QUICK = {
    "MEMORY_MODEL": "chat",
    "CHAT_DRAIN_S": "2",
    "WRITE_TIMEOUT_S": "5",
    "CHAT_HEARTBEAT_S": "2",
    "AGENTS_RETRY_MAX_S": "0.5",
    **dict.fromkeys(("LIMITS_USER", "LIMITS_KEY", "LIMITS_ORGANIZATION", "CHAT_SESSION_PROMPTS"), "0"),
}


class CannotStart(Exception):
    """Something that chaos needs is not here; the text says what."""


class Process:
    """One Parley process. It can be killed, frozen and started again on the same port."""

    def __init__(self, name: str, kind: str, environ: dict[str, str], folder: pathlib.Path) -> None:
        """`kind` is web or agents."""
        self.name = name
        self.kind = kind
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.life = 0
        self.idle: dict[str, Any] = {}  # what it held when it had just started
        self.is_up = False
        self._environ = environ
        self._log_path = folder / f"{name}.log"
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def tag(self) -> str:
        """Its name and which of its lives this is: what the provider knows it by."""
        return f"{self.name}.{self.life}"

    async def start(self) -> None:
        """Start, and return when it answers. Raises CannotStart with the end of its log."""
        self.life += 1
        self._spawn()
        await self._until_ready()
        self.is_up = True

    async def stop(self, number: signal.Signals) -> None:
        """End it by this signal, and return when it is gone."""
        self.is_up = False
        assert self._popen is not None
        self._popen.send_signal(number)
        await asyncio.to_thread(self._popen.wait, 60)

    def freeze(self) -> None:
        """Stop its clock."""
        self.is_up = False
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)
        self.is_up = True

    def end(self) -> None:
        """Whatever state it is in."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait(30)

    async def holds(self) -> dict[str, Any]:
        """What the process holds now, as it says itself when asked by a signal: tasks, runs, readers."""
        begin = self._log_path.stat().st_size
        self._signal(signal.SIGUSR1)
        for _ in range(100):
            await asyncio.sleep(0.05)
            if found := re.search(r"holds (\{.*\})\n", self.log(begin)):
                return dict(json.loads(found[1]))
        return {}

    def log(self, begin: int = 0) -> str:
        """What the process wrote, from a byte on."""
        with open(self._log_path, "rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace")

    def _spawn(self) -> None:
        own = {"PORT": str(self.port), "PARLEY_PUBLIC_URL": self.url, "OPENAI_API_KEY": self.tag}
        with open(self._log_path, "ab") as log:
            self._popen = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "chaos", "--process", self.kind],
                env={**self._environ, **own}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _signal(self, number: signal.Signals) -> None:
        assert self._popen is not None
        self._popen.send_signal(number)

    async def _until_ready(self) -> None:
        end = time.monotonic() + START_S
        while not await self._answers():
            assert self._popen is not None
            if self._popen.poll() is not None or time.monotonic() > end:
                raise CannotStart(f"{self.name} did not start:\n{self.log()[-2000:]}")
            await asyncio.sleep(0.05)
        if not self.idle:
            self.idle = await self.holds()

    async def _answers(self) -> bool:
        if self.kind != "web":
            return self.log().count("Executing runs.") == self.life
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/healthz") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError):
            return False


@dataclass
class Installation:
    """Processes on one database."""

    processes: list[Process]
    environ: dict[str, str]
    postgres: Postgres | None = None  # its own: it may be stopped
    redis: Redis | None = None
    database_url: str = ""  # of PostgreSQL itself, also where a pooler is between
    redis_url: str = ""

    @property
    def webs(self) -> list[Process]:
        """The processes that answer requests."""
        return [each for each in self.processes if each.kind == "web"]

    def manage(self, *arguments: str, **environ: str) -> str:
        """The output of a manage.py command on this installation. Raises CannotStart where it fails."""
        done = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
            env={**self.environ, **environ}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode not in (0, 1) or (done.returncode == 1 and not done.stdout):
            raise CannotStart(f"manage.py {arguments[0]} failed:\n{done.stderr[-2000:]}")
        return done.stdout


@contextlib.contextmanager
def embedded(folder: pathlib.Path, upstream: str) -> Iterator[Installation]:
    """One process on SQLite."""
    environ = _environ(folder, upstream)
    installation = Installation([Process("web1", "web", environ, folder)], environ)
    with _prepared(installation):
        yield installation


@contextlib.contextmanager
def scaled(
    folder: pathlib.Path, upstream: str, database_url: str = "", redis_url: str = "", *, is_pooled: bool = False
) -> Iterator[Installation]:
    """Two web processes and one that only executes runs, on PostgreSQL and Redis: those given, or its own.

    `is_pooled`: its own PostgreSQL, behind a PgBouncer.
    """
    with contextlib.ExitStack() as closing:
        postgres, redis = _own_servers(closing, database_url, redis_url)
        direct = closing.enter_context(_database(postgres.url if postgres else database_url))
        redis_at = redis.url() if redis else _checked_redis(redis_url)
        environ = {**_environ(folder, upstream), "DATABASE_URL": direct, "REDIS_URL": redis_at}
        if postgres and is_pooled:
            environ |= _behind(closing, postgres.port, direct, folder / "pgbouncer.log")
        names = (("web1", "web"), ("web2", "web"), ("agents1", "agents"))
        processes = [Process(name, kind, environ, folder) for name, kind in names]
        installation = Installation(processes, environ, postgres, redis, direct, redis_at)
        with _prepared(installation):
            yield installation


def _behind(closing: contextlib.ExitStack, postgres_port: int, direct: str, log: pathlib.Path) -> dict[str, str]:
    """What processes are told that reach this database through a PgBouncer, which is started."""
    try:
        pooler = PgBouncer(postgres_port, log)
    except RuntimeError as error:
        raise CannotStart(str(error)) from error
    closing.callback(pooler.close)
    make_ready(direct)
    return {"DATABASE_URL": pooler.through(direct), **BEHIND}


def _own_servers(
    closing: contextlib.ExitStack, database_url: str, redis_url: str
) -> tuple[Postgres | None, Redis | None]:
    try:
        postgres = None if database_url else Postgres(is_durable=True)
        if postgres:
            closing.callback(postgres.close)
        redis = None if redis_url else Redis()
        if redis:
            closing.callback(redis.close)
    except RuntimeError as error:
        raise CannotStart(f"{error} Or name running ones: --database-url, --redis-url.") from error
    return postgres, redis


@contextlib.contextmanager
def _database(server: str) -> Iterator[str]:
    """The URL of a database made on that server, and dropped behind the block."""
    _only_loopback(server)
    name = f"chaos_{uuid4().hex[:12]}"
    address = server.replace("postgres://", "postgresql://")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield server.rpartition("/")[0] + f"/{name}"
    finally:
        with contextlib.suppress(psycopg.Error), psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _checked_redis(url: str) -> str:
    import redis

    _only_loopback(url)
    if redis.Redis.from_url(url).dbsize():
        raise CannotStart("--redis-url: that database is not empty, and chaos would flush it. Name an empty one.")
    return url


def _only_loopback(url: str) -> None:
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise CannotStart("Chaos works on this machine only: name a server on 127.0.0.1.")


@contextlib.contextmanager
def _prepared(installation: Installation) -> Iterator[None]:
    """Tables and a first owner; whatever still runs is ended behind the block."""
    direct = installation.database_url
    installation.manage("quickstart", **({"DATABASE_URL": direct} if direct else {}))
    try:
        yield
    finally:
        for process in installation.processes:
            process.end()


def _environ(folder: pathlib.Path, upstream: str) -> dict[str, str]:
    """The shell's, with nothing about Parley but what is said here."""
    kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    return {
        **kept,
        **QUICK,
        "PYTHONUNBUFFERED": "1",
        "PARLEY_ENV": "development",
        "PARLEY_ENV_FILE": os.devnull,
        "PARLEY_DATA": str(folder),
        "PARLEY_OWNER_EMAIL": OWNER,
        "PARLEY_OWNER_PASSWORD": PASSWORD,
        "OPENAI_BASE_URL": f"{upstream}/v1",
        "OPENAI_API_KEY": "none",
        EFFECTS: f"{upstream}/effect",
    }

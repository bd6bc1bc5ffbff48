"""A real Parley server: its own process, port, data folder and (with the scaled profile) database."""

import fcntl
import itertools
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg

from tests import environment
from tests.servers import BEHIND, free_port, make_ready

OWNER = "alice@example.com"
PASSWORD = "correct horse battery"
START_S = 180  # a busy machine
# A server with one of these makes its database and first owner by itself.
BY_HAND = {"DATABASE_URL", "PARLEY_ENV", "PARLEY_DATA", "PARLEY_OWNER_EMAIL", "PARLEY_OWNER_PASSWORD"}
DIRECT = {"quickstart", "migrate"}  # these take locks of a session: never through a pooler (docs/scale.md)
STOP_S = 30
_numbers = itertools.count()


@dataclass(frozen=True)
class Reply:
    """What the server answered; `body` is the JSON, or the text where it is none."""

    status: int
    body: Any
    headers: dict[str, str]


class Server:
    """One server process. It can be stopped, killed, frozen and started again on the same data and port."""

    root = environment.ROOT  # the code that it runs

    def __init__(
        self, data: pathlib.Path | None = None, *, command: tuple[str, ...] = ("serve",), **settings: str
    ) -> None:
        """`settings` are environment variables on top of the profile's; `data` shares another server's folder.

        `command` is what manage.py is told.
        """
        self.command = command
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = data or environment.new_folder()
        self.settings = {"PARLEY_PUBLIC_URL": self.url, **self._defaults(), **settings}
        self._is_as_any = data is None and not BY_HAND & set(settings)
        if environment.profile() == "scaled" and "DATABASE_URL" not in settings:
            self.settings["DATABASE_URL"] = _new_database()
        self.process: subprocess.Popen[bytes] | None = None
        self._console: subprocess.Popen[str] | None = None
        self._siblings: list[Server] = []
        self.log_path = self.data / f"server-{self.port}.log"

    def start(self) -> "Server":
        """Make the database and the first owner where they are missing, start, and return when it is ready."""
        return self.prepare().start_process()

    def prepare(self) -> "Server":
        """Make the database and the first owner where they are missing, and start nothing."""
        if self._is_as_any:
            self._copy_first()
        else:
            self.manage("quickstart")
        return self

    def _copy_first(self) -> None:
        shutil.copytree(first().data, self.data, dirs_exist_ok=True)
        if environment.profile() == "scaled":
            _copy_database(first().settings["DATABASE_URL"], self.settings["DATABASE_URL"])
        self._is_as_any = False  # from now on it has data of its own

    def start_process(self) -> "Server":
        """Start the process alone, on a database that is there."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *self.command],
                cwd=self.root, env=self.environ(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.wait_until_ready()
        return self

    def sibling(self, **settings: str) -> "Server":
        """Another process on the same database and folder, not started yet. It is closed with this one."""
        own = {name: value for name, value in self.settings.items() if name != "PARLEY_PUBLIC_URL"}
        self._siblings.append(Server(self.data, command=self.command, **{**own, **settings}))
        return self._siblings[-1]

    def manage(self, *arguments: str, check: bool = True, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run a manage.py command on this server's data; its output is in the answer."""
        self._is_as_any = False
        environ = self.direct() if arguments[0] in DIRECT else self.environ()
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root, env={**environ, **settings}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"manage.py {arguments[0]} failed:\n{done.stdout}"
        return done

    def quickly(self, *arguments: str) -> str:
        """What a manage.py command tells, run in a process that stays for the next one: for what many tests need.
        New people get the password of everybody here."""
        if self._console is None:
            own = {"DJANGO_SETTINGS_MODULE": "config.settings", "PARLEY_PASSWORD": PASSWORD}
            self._console = subprocess.Popen(
                [sys.executable, "-m", "tests.console"],
                cwd=self.root, env={**self.environ(), **own},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert self._console.stdin is not None and self._console.stdout is not None
        self._console.stdin.write(json.dumps(arguments) + "\n")
        self._console.stdin.flush()
        answer = json.loads(self._console.stdout.readline())
        assert not answer["failed"], f"manage.py {arguments[0]} failed:\n{answer['failed']}"
        return str(answer["told"])

    def wait_until_ready(self) -> None:
        """Return when /healthz answers 200; fail with the log where the process ends before."""
        end = time.monotonic() + START_S
        while not self._is_healthy():
            assert self.process is not None and self.process.poll() is None, f"the server ended:\n{self.log()}"
            assert time.monotonic() < end, f"the server is not ready after {START_S} s:\n{self.log()}"
            time.sleep(0.02)

    def stop(self) -> int:
        """As a deploy does: SIGTERM, and wait for the exit code."""
        return self.signal(signal.SIGTERM)

    def kill(self) -> int:
        """As a crash: SIGKILL."""
        return self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> int:
        """Send a signal that ends the process and give its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_S)

    def freeze(self) -> None:
        """Stop its clock until `thaw`: as a long pause of the machine.

        Not in the middle of a write: on SQLite nobody else could write then, and a test would wait for ever.
        """
        assert self.process is not None
        while True:
            self.process.send_signal(signal.SIGSTOP)
            if self._may_be_written():
                return
            self.process.send_signal(signal.SIGCONT)
            time.sleep(0.05)

    def _may_be_written(self) -> bool:
        file = self.data / "db.sqlite3"
        if not file.exists():
            return True
        with closing(sqlite3.connect(file, timeout=0.5, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            connection.execute("ROLLBACK")
        return True

    def thaw(self) -> None:
        """Go on after `freeze`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End its processes whatever state they are in."""
        for sibling in self._siblings:
            sibling.close()
        if self._console is not None and self._console.stdin is not None:
            self._console.stdin.close()
            self._console.wait(STOP_S)
            self._console = None
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_S)

    def log(self) -> str:
        """All that the process wrote."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", headers: dict[str, str] | None = None
    ) -> Reply:
        """One whole request and its answer. Streams are for tests that read them piece by piece."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.url + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return _reply(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as refused:
            return _reply(refused.code, refused.read(), refused.headers)

    def token(self, email: str = OWNER, password: str = PASSWORD) -> str:
        """A bearer token."""
        reply = self.call("POST", "/api/auth/token", {"email": email, "password": password})
        assert reply.status == 200, reply
        return str(reply.body["access"])

    def _is_healthy(self) -> bool:
        try:
            return self.call("GET", "/healthz").status == 200
        except OSError:
            return False

    def environ(self) -> dict[str, str]:
        """The environment of its processes: the shell's, with nothing about Parley but its own settings. The database
        is behind a pooler, where the tests have one, and what the server was told of it counts for more."""
        through = environment.through_pooler(self.settings.get("DATABASE_URL", ""))
        return {**BEHIND, **self.direct(), "DATABASE_URL": through} if through else self.direct()

    def direct(self) -> dict[str, str]:
        """The same, with the address of the database itself."""
        environ = dict(os.environ)
        environment.forget_settings(environ)
        return {**environ, "PYTHONUNBUFFERED": "1", "PORT": str(self.port), **self.settings}

    def _defaults(self) -> dict[str, str]:
        values = {
            "PARLEY_ENV": "development",
            "PARLEY_DATA": str(self.data),
            "PARLEY_OWNER_EMAIL": OWNER,
            "PARLEY_OWNER_PASSWORD": PASSWORD,
            **environment.MODELS,
            **environment.IN_A_HURRY,
        }
        if environment.profile() == "scaled":
            values["REDIS_URL"] = f"{os.environ['TEST_REDIS_URL']}/{_redis_number()}"
        return values


def _reply(status: int, content: bytes, headers: Any) -> Reply:
    try:
        body = json.loads(content)
    except ValueError:
        body = content.decode(errors="replace")
    return Reply(status, body, {name.lower(): value for name, value in headers.items()})


@cache
def first() -> Server:
    """What quickstart makes, made once for all workers: each server that wants nothing of its own starts on a copy."""
    data = environment.shared_folder() / environment.profile()
    data.mkdir(exist_ok=True)
    made = data.with_suffix(".made")
    with open(data.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.exists():
            return Server(data, **json.loads(made.read_text()))
        server = Server(data)
        server.manage("quickstart")
        made.write_text(json.dumps({name: text for name, text in server.settings.items() if name == "DATABASE_URL"}))
        return server


def _new_database() -> str:
    """The URL of a new, empty database in the tests' PostgreSQL."""
    name = f"live_{uuid.uuid4().hex[:12]}"
    _in_postgres(f'CREATE DATABASE "{name}"')
    return _ready(os.environ["TEST_POSTGRES_URL"].rpartition("/")[0] + f"/{name}")


def _ready(url: str) -> str:
    """The same address; its database is told what sessions behind a pooler are not."""
    if environment.is_pooled():
        make_ready(url)
    return url


def _copy_database(source: str, target: str) -> None:
    """Put a copy of one database in the place of an empty one; both by their URLs."""
    old, new = source.rpartition("/")[2], target.rpartition("/")[2]
    _in_postgres(f'DROP DATABASE "{new}" WITH (FORCE)', f'CREATE DATABASE "{new}" TEMPLATE "{old}"')
    _ready(target)  # that is no part of a copy


def _in_postgres(*statements: str) -> None:
    address = os.environ["TEST_POSTGRES_URL"].replace("postgres://", "postgresql://")
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def _redis_number() -> int:
    """A Redis database of the server's own: another server's crash leaves places and counts behind for a minute."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return environment.REDIS_WORKERS + next(_numbers) * environment.REDIS_WORKERS + worker % environment.REDIS_WORKERS

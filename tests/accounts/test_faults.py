"""What is wrong with a database is told apart, by what real ones say: the answer, /readyz and the hint."""

import errno
import os
import pathlib
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pygit2
import pytest
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection
from django.db.utils import ConnectionHandler
from django.test import Client

from accounts.db import faults
from accounts.models import User
from chat.eventlog.committer import committer
from config.middleware.errors import request_error
from tests import environment
from tests.conftest import client_of

FORM = {"username": "a@b.example", "password": "x"}
Cause = Callable[[Any], object]  # does something wrong on a connection to a database with one table


@pytest.fixture
def database(db: None, tmp_path: pathlib.Path) -> Iterator[Any]:
    """A SQLite of Parley's kind, in a file of its own."""
    own = {"ENGINE": "config.sqlite", "NAME": str(tmp_path / "own.sqlite3"), "OPTIONS": {"timeout": 0}}
    made = ConnectionHandler({"default": own})["default"]
    with made.cursor() as cursor:
        cursor.execute("CREATE TABLE things (name text)")
    yield made
    made.close()


def execute(*statements: str) -> Cause:
    def cause(database: Any) -> None:
        with database.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    return cause


WRITE = "INSERT INTO things VALUES (hex(zeroblob(100000)))"


def while_another_writes(database: Any) -> None:
    other = sqlite3.connect(database.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        execute(WRITE)(database)
    finally:
        other.close()


def elsewhere(name: str) -> Cause:
    def cause(database: Any) -> None:
        folder = pathlib.Path(database.settings_dict["NAME"]).parent
        (folder / "letter").write_text("Dear reader, this is none.\n" * 100)
        own = {"ENGINE": "config.sqlite", "NAME": name.format(folder=folder), "OPTIONS": {"uri": True}}
        execute(WRITE)(ConnectionHandler({"default": own})["default"])

    return cause


def interrupted(database: Any) -> None:
    database.ensure_connection()
    database.connection.set_progress_handler(lambda: 1, 1)
    execute("SELECT * FROM things")(database)


SQLITE: dict[str, tuple[Cause, str | None, int]] = {
    "locked by another process": (while_another_writes, "locked", 503),
    "full": (execute("PRAGMA max_page_count = 2", WRITE), "disk_full", 503),
    "a file to read only": (elsewhere("file:{folder}/own.sqlite3?mode=ro"), "read_only", 503),
    "a folder that is not there": (elsewhere("{folder}/none/db.sqlite3"), "cannot_open", 503),
    "no database": (elsewhere("{folder}/letter"), "damaged", 500),
    "no such table": (execute("SELECT * FROM nowhere_at_all"), "not_migrated", 500),
    "no such column": (execute("SELECT size FROM things"), "not_migrated", 500),
    "no such column to write": (execute("INSERT INTO things (size) VALUES (1)"), "not_migrated", 500),
    "interrupted": (interrupted, "slow", 503),
    "a statement of ours that is wrong": (execute("SELEC 1"), None, 500),
    "a function that is not there": (execute("SELECT nothing(1)"), None, 500),
}


@pytest.mark.parametrize(("cause", "name", "status"), SQLITE.values(), ids=SQLITE.keys())
def test_sqlite_s_faults(database: Any, cause: Cause, name: str | None, status: int) -> None:
    with pytest.raises(DatabaseError) as caught:
        cause(database)
    check(caught.value, name, status)


POSTGRES: dict[str, tuple[tuple[str, ...], str | None, int]] = {
    "no table": (("SELECT * FROM nowhere_at_all",), "not_migrated", 500),
    "no column": (("SELECT nothing FROM accounts_user",), "not_migrated", 500),
    "no right": (("SET ROLE weak", "SELECT * FROM accounts_user"), "permission_denied", 503),
    "to read only": (("SET TRANSACTION READ ONLY", "DELETE FROM accounts_user"), "read_only", 503),
    "too slow": (("SET LOCAL statement_timeout = 10", "SELECT pg_sleep(5)"), "slow", 503),
    "wrong syntax": (("SELEC 1",), None, 500),
    "a number by nothing": (("SELECT 1 / 0",), None, 500),
    "said: full": (("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$",), "disk_full", 503),
    "said: too many": (("DO $$ BEGIN RAISE SQLSTATE '53300'; END $$",), "too_many_connections", 503),
    "said: deadlock": (("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$",), "collided", 503),
    "said: serialization": (("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$",), "collided", 503),
    "said: lock": (("DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$",), "locked", 503),
    "said: no file": (("DO $$ BEGIN RAISE SQLSTATE '58P01'; END $$",), "disk_error", 503),
    "said: a disk that does not work": (("DO $$ BEGIN RAISE SQLSTATE '58030'; END $$",), "disk_error", 503),
    "said: shutting down": (("DO $$ BEGIN RAISE SQLSTATE '57P01'; END $$",), "unavailable", 503),
}


@pytest.mark.skipif(settings.IS_SQLITE, reason="asks PostgreSQL")
@pytest.mark.parametrize(("statements", "name", "status"), POSTGRES.values(), ids=POSTGRES.keys())
@pytest.mark.django_db
def test_postgresql_s_faults(statements: tuple[str, ...], name: str | None, status: int) -> None:
    with connection.cursor() as cursor, suppress(DatabaseError):
        cursor.execute("CREATE ROLE weak")
    with pytest.raises(DatabaseError) as caught:
        execute(*statements)(connection)
    check(caught.value, name, status)


@pytest.mark.skipif(environment.profile() == "embedded", reason="asks PostgreSQL")
def test_who_does_not_get_in_at_postgresql_is_told_why() -> None:
    address = settings.DATABASES["default"]
    for user, host, name in (("nobody", address["HOST"], None), (address["USER"], "127.0.0.1:1", "unavailable")):
        with pytest.raises(psycopg.OperationalError) as caught:
            psycopg.connect(f"postgresql://{user}@{host}/none?connect_timeout=2")
        fault = faults.fault_of(wrapped(caught.value))
        assert fault is not None and name in (None, fault.name)


WORDS = {
    "database is locked by another thread": "locked",
    "The database takes no writes now.": "read_only",
    'FATAL:  password authentication failed for user "parley"': "permission_denied",
    "FATAL:  sorry, too many clients already": "too_many_connections",
    "connection refused": "unavailable",
}


@pytest.mark.parametrize(("text", "name"), WORDS.items())
def test_errors_without_a_code_are_known_by_their_words(text: str, name: str) -> None:
    check(OperationalError(text), name, 503)


@pytest.mark.parametrize(
    ("state", "name"),
    [("53100", "disk_full"), ("58030", "disk_error"), ("58P01", "disk_error"), ("58000", "disk_error")],
)
def test_a_disk_that_does_not_work_is_not_called_full(state: str, name: str) -> None:
    cause = psycopg.errors.lookup(state)("could not read block 1") if state != "58000" else psycopg.OperationalError()
    cause.sqlstate = state
    check(wrapped(cause), name, 503)


FILES = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "permission_denied",
    errno.EPERM: "permission_denied",
    errno.EIO: "disk_error",
    errno.EMFILE: "too_many_files",
    errno.ENFILE: "too_many_files",
}


@pytest.mark.parametrize("number", FILES)
@pytest.mark.parametrize("kind", [OSError, pygit2.GitError])
def test_what_is_wrong_with_files_of_repositories_is_named_too(number: int, kind: type[Exception]) -> None:
    said = f"failed to make directory '/srv/a: b': {os.strerror(number)}"  # as a repository says it, without a number
    for error in (OSError(number, "?"), kind(said)):
        check(error, FILES[number], 503)


def test_a_repository_that_cannot_be_written_says_so(tmp_path: pathlib.Path) -> None:
    repository = pygit2.init_repository(str(tmp_path), bare=True)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises((OSError, pygit2.GitError)) as caught:
            repository.create_blob(b"x")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    check(caught.value, "too_many_files", 503)


@pytest.mark.parametrize(
    "error",
    [
        *(OSError(errno.ENOENT, "no such file"), OSError("odd"), ValueError("?"), KeyError("database")),
        *(ValueError("a: Permission denied"), pygit2.GitError("target OID does not exist")),
    ],
)
def test_other_errors_are_bugs(error: Exception) -> None:
    assert faults.fault_of(error) is None


def check(error: Exception, name: str | None, status: int) -> None:
    """It is this fault, and a request that meets it is answered so; its sentence says no secret and no statement."""
    fault, told = faults.fault_of(error), request_error(error)
    assert (fault.name if fault else None) == name
    assert (told.status if told else 500) == status
    if told and fault:
        assert told.message == fault.told and told.retry_after_s
        assert fault.hint in fault.in_words(error)


def wrapped(cause: Exception) -> OperationalError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


@contextmanager
def failing(error: Exception) -> Iterator[None]:
    def fail(*_: Any) -> None:
        raise error

    with connection.execute_wrapper(fail):
        yield


@pytest.fixture
def nothing_waits(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another test has left to be stored in this process is none of these."""
    monkeypatch.setattr(committer, "_began_at", 0.0)


def test_readyz_names_it_and_says_what_to_do(nothing_waits: None) -> None:
    with failing(OperationalError("database is locked")):
        told = Client().get("/readyz").json()
    assert (told["failed"], told["checks"]["database"]) == (["database"], "locked")
    assert "Another process" in told["checks"]["hint"]


def test_readyz_names_for_a_while_what_kept_from_storing(
    nothing_waits: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults._Noted, "fault", None)
    faults.note(OSError(errno.ENOSPC, "full"))
    response = Client().get("/readyz")
    told = response.json()
    assert (response.status_code, told["checks"]["writes"]) == (503 if settings.IS_SQLITE else 200, "disk_full")
    assert "disk_full" in told["failed"] + told["degraded"]
    settings.READY_FAULT_S = 0.0
    assert Client().get("/readyz").json()["status"] == "ok"


@pytest.mark.parametrize(("text", "status", "sentence"), [("is locked", 503, "busy"), ("gone", 503, "cannot reach")])
def test_the_page_says_it(db: None, text: str, status: int, sentence: str) -> None:
    with failing(OperationalError(text)):
        response = Client(raise_request_exception=False).post("/login/", FORM)
    assert response.status_code == status
    assert sentence in response.content.decode()


@pytest.mark.parametrize("path", ["/api/models/", "/login/"])
def test_each_kind_of_view_logs_it_once_with_what_to_do(
    db: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, path: str, alice: User
) -> None:
    client = client_of(alice)
    monkeypatch.setattr(faults._Noted, "fault", None)
    with failing(OSError(errno.ENOSPC, "full")):
        response = client.post(path, FORM) if path == "/login/" else client.get(path)
    assert response.status_code == 503
    (line,) = [each for each in caplog.records if "Database" in each.getMessage()]
    assert line.getMessage().startswith("Database: disk_full. Make room") and line.exc_info
    assert faults.noted(10.0) is faults.FULL


def test_a_database_that_is_not_prepared_is_said_in_the_log_once(db: None, caplog: pytest.LogCaptureFixture) -> None:
    cause = sqlite3.OperationalError("no such table: accounts_user")
    cause.sqlite_errorname = "SQLITE_ERROR"
    error = wrapped(cause)
    with failing(error):
        response = Client(raise_request_exception=False).post("/login/", FORM)
    assert response.status_code == 500
    (line,) = [each for each in caplog.records if "Database" in each.getMessage()]
    assert "manage.py migrate" in line.getMessage() and response["X-Error-Id"] in response.content.decode()

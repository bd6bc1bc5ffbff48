"""Databases of others: read, not changed, never migrated, and nothing of ours hangs on them."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from accounts.db import db_extra
from config import checks
from config.extra_databases import extra_database
from config.reading import BadSetting, Env
from tests import environment

BAD = {
    "no JSON": ("shop", "a JSON object of texts"),
    "a list": ('["sqlite:///x"]', "a JSON object of texts"),
    "our own name": ('{"default": "sqlite:///x"}', "not default"),
    "a name with a blank": ('{"the shop": "sqlite:///x"}', "names of lower case letters"),
    "no address": ('{"shop": "shop.sqlite3"}', "DATABASES_EXTRA, shop: expected sqlite:///PATH or postgres://"),
    "another kind": ('{"shop": "mysql://u:p@h/shop"}', "DATABASES_EXTRA, shop: expected sqlite:///PATH"),
    "no name of a database": ('{"shop": "postgres://u:hunter2@h/"}', "DATABASES_EXTRA, shop: expected"),
    "a port that is none": ('{"shop": "postgres://u:hunter2@h:x/shop"}', "DATABASES_EXTRA, shop: expected"),
    "perhaps": ('{"shop": "postgres://u:hunter2@h/shop?write=yes"}', "?write=1"),
    "twice": ('{"shop": "postgres://u:hunter2@h/shop?write=0&write=1"}', "?write=1"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_meant_stops_the_start(case: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    text, told = case
    monkeypatch.setitem(os.environ, "DATABASES_EXTRA", text)
    with pytest.raises(BadSetting) as refused:
        Env().databases("DATABASES_EXTRA")
    assert told in str(refused.value) and "hunter2" not in str(refused.value)


@pytest.fixture
def shop_file(tmp_path: Path) -> Path:
    file = tmp_path / "the shop?.sqlite3"
    with sqlite3.connect(file) as made:
        made.execute("CREATE TABLE orders (item TEXT)")
        made.execute("INSERT INTO orders VALUES ('apples')")
    made.close()
    return file


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A new database with the same table, where the tests have a PostgreSQL."""
    if environment.profile() != "scaled":
        pytest.skip("PostgreSQL is of the scaled profile")
    url = os.environ["TEST_POSTGRES_URL"]
    name = f"shop_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made = f"{url.rpartition('/')[0]}/{name}"
        with psycopg.connect(made, autocommit=True) as shop:
            shop.execute("CREATE TABLE orders (item TEXT)")
            shop.execute("INSERT INTO orders VALUES ('apples')")
        yield made
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


PROBE = """
import asyncio, json, sys
import django
django.setup()
from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.core.management import call_command, CommandError
from accounts.db import db_extra
from accounts.models import User

def asked(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT item FROM orders")
        return [item for (item,) in cursor.fetchall()]

def written(alias):
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("INSERT INTO orders VALUES ('pears')")
    except DatabaseError as error:
        return type(error).__name__ + ": " + str(error).strip()
    return ""

call_command("migrate", verbosity=0)
told = {"default": settings.DATABASES["default"]["ENGINE"], "users": User.objects.count()}
for alias in settings.DATABASES_EXTRA:
    try:
        call_command("migrate", database=alias, verbosity=0)
    except CommandError as error:
        refused = str(error)
    told[alias] = {
        "rows": asyncio.run(db_extra(asked, alias)), "refused": written(alias), "migrate": refused,
        "tables": connections[alias].introspection.table_names(), "after": asked(alias),
    }
print(json.dumps(told))
"""


def probe(extra: dict[str, str]) -> dict[str, Any]:
    """What a process with these databases sees and may do."""
    environ = {**os.environ}
    environment.forget_settings(environ)
    environ |= {"PARLEY_DATA": str(environment.new_folder()), "DJANGO_SETTINGS_MODULE": "config.settings"}
    environ |= {"PARLEY_ENV": "development", "DATABASES_EXTRA": json.dumps(extra)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=environment.ROOT, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def check(told: dict[str, Any]) -> None:
    """`shop` can be read alone, `till` be written to, and neither was migrated."""
    assert told["shop"]["rows"] == told["shop"]["after"] == ["apples"], told
    assert "read-only" in told["shop"]["refused"] or "readonly" in told["shop"]["refused"]
    assert told["till"]["refused"] == "" and told["till"]["after"] == ["apples", "pears"]
    for alias in ("shop", "till"):
        assert told[alias]["tables"] == ["orders"] and "never migrated from here" in told[alias]["migrate"]


def test_files_of_others(shop_file: Path, tmp_path: Path) -> None:
    till = tmp_path / "till.sqlite3"
    till.write_bytes(shop_file.read_bytes())
    told = probe({"shop": f"sqlite:///{str(shop_file).replace('?', '%3F')}", "till": f"sqlite:///{till}?write=1"})
    check(told)
    assert told["default"] == "config.sqlite"


@pytest.mark.live
def test_a_postgresql_of_others(postgres_url: str) -> None:
    # `till` is the same database by an address that may write: it is asked after `shop`.
    check(probe({"shop": postgres_url, "till": f"{postgres_url}?write=1"}))


def test_a_file_that_is_not_there_is_told_and_not_made(tmp_path: Path, settings: Any) -> None:
    file = tmp_path / "none.sqlite3"
    found = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file), "WRITES": True}
    settings.DATABASES_EXTRA = {"shop": extra_database(found, 1.0)}
    (warning,) = checks.check_extra_databases()
    assert warning.id == "config.W004" and str(file) in warning.msg
    with pytest.raises(sqlite3.OperationalError):
        sqlite3.connect(settings.DATABASES_EXTRA["shop"]["NAME"], uri=True)
    assert not file.exists()


def test_a_server_of_others_is_asked_within_bounds_and_may_be_told_more() -> None:
    def options(query: str) -> dict[str, Any]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(os.environ, "X", json.dumps({"shop": f"postgres://u:p@h/shop{query}"}))
            return dict(extra_database(Env().databases("X")["shop"], 2.5)["OPTIONS"])

    assert options("")["options"] == "-c statement_timeout=2500 -c default_transaction_read_only=on"
    assert "read_only" not in options("?write=1")["options"]
    assert options("?write=0&sslmode=require")["sslmode"] == "require"


async def test_a_slow_one_holds_up_its_own_threads_alone() -> None:
    import threading

    assert (await db_extra(lambda: threading.current_thread().name)).startswith("db-extra")
    assert "default" in connections

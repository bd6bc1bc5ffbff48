"""Databases that earlier versions made: a dump for each kind, and what that version answered about it.

`python -m tests.upgrade.make_dump COMMIT` writes them. docs/decisions/0056-migrations.md says which are kept.
"""

import json
import pathlib
import re
import sqlite3
from contextlib import closing
from typing import Any

import psycopg

from tests import environment
from tests.live import Server

# The last three commits of main that changed a migration, the oldest first: an upgrade from each is promised.
DUMPS = ("eaafa8e", "159f420", "9d5badb")
FOLDER = pathlib.Path(__file__).parent / "dumps"
# What `migrate` itself adds to for new tables.
KEPT_BY_MIGRATE = {"django_migrations", "django_content_type", "auth_permission"}
COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY ordinal_position
"""
SCHEMA = """
SELECT format('%s.%s %s null:%s default:%s', table_name, column_name, concat_ws(' ', data_type,
       character_maximum_length), is_nullable, column_default)
       FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
"""  # PostgreSQL 18 has names for what may not be null, too, as old as the column; whether it may is said above
CASTS = re.compile(r"::[a-z ]+(\[\])?|[()]")  # PostgreSQL writes them otherwise once a dump has been through it
Rows = dict[str, tuple[list[str], list[str]]]  # by table: its columns, and each row as a text


def path_of(commit: str) -> pathlib.Path:
    """The dump of this profile's kind of database."""
    return FOLDER / f"{commit}.{'postgres' if environment.profile() == 'scaled' else 'sqlite'}.sql"


def said_of(commit: str) -> dict[str, Any]:
    """What was answered to whom: `key`, `waiting`, `queued`, `answers` by path."""
    return dict(json.loads(path_of(commit).with_suffix(".json").read_text()))


def load(server: Server, commit: str) -> None:
    """Put the dump into the server's database, which is empty."""
    text = path_of(commit).read_text()
    if environment.profile() == "scaled":
        with psycopg.connect(server.settings["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(text)  # type: ignore[call-overload]
        return
    with closing(sqlite3.connect(server.data / "db.sqlite3")) as database:
        database.executescript(text)


def ask(server: Server, statement: str) -> list[Any]:
    """The rows of a query."""
    if environment.profile() == "scaled":
        with psycopg.connect(server.settings["DATABASE_URL"]) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload]
    with closing(sqlite3.connect(server.data / "db.sqlite3")) as database:
        return database.execute(statement).fetchall()


def columns(server: Server) -> dict[str, list[str]]:
    """All columns, by table."""
    found: dict[str, list[str]] = {}
    if environment.profile() == "scaled":
        pairs = ask(server, COLUMNS)
    else:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        pairs = [
            (table, each[1]) for (table,) in ask(server, tables) for each in ask(server, f"PRAGMA table_info({table})")
        ]
    for table, column in pairs:
        found.setdefault(table, []).append(column)
    return found


def rows(server: Server, only: dict[str, list[str]] | None = None) -> Rows:
    """All rows of all tables, or of these columns of theirs."""
    found: Rows = {}
    for table, names in (only or columns(server)).items():
        listed = ", ".join(f'"{name}"' for name in names)
        found[table] = names, sorted(repr(row) for row in ask(server, f'SELECT {listed} FROM "{table}"'))
    return found


def schema(server: Server) -> set[str]:
    """A line for each column, index and constraint."""
    if environment.profile() == "scaled":
        return {CASTS.sub("", line) for (line,) in ask(server, SCHEMA)}
    lines = {sql for (sql,) in ask(server, "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")}
    for table in columns(server):
        lines |= {f"{table} {each[1:]}" for each in ask(server, f"PRAGMA table_info({table})")}
    return lines

"""The operation of a migration that brings a table into parts by day (accounts.db.parts), while rows are written."""

from datetime import UTC, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.migrations.operations.base import Operation
from django.utils import timezone

from accounts.db.migrating import patiently
from accounts.db.parts import before_of, rest_of

# The first part has the rows of the days until then, too. It must have all that come while the table is brought into
# parts, and when that was interrupted and is done again.
FIRST_DAYS = 7


class PartByDay(Operation):
    """Bring a model's table into parts by the day of a time of its rows; what it holds becomes the first part. In a
    migration of its own with `atomic = False`. Older processes notice nothing: the table keeps its name and columns.

    No row is written anew. What looks at all rows is done beside the traffic, can be done again where it was
    interrupted, and leaves for the lock what takes milliseconds. A constraint on `id` alone cannot be had then: it is
    unique because the database makes it. On SQLite nothing is done.
    """

    reduces_to_sql = False
    reversible = True

    def __init__(self, model_name: str, by: str) -> None:
        self.model_name, self.by = model_name, by

    def describe(self) -> str:
        """For lists of operations."""
        return f"Keep {self.model_name} in parts by the day of {self.by}"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes: for Django it is the table that it was."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Prepare beside the traffic, then change places."""
        connection = schema_editor.connection
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        if connection.vendor != "postgresql" or _is_in_parts(connection, table):
            return
        end = _prepare(connection, table, self.by)
        statements = _changing_places(connection, table, self.by, end)
        patiently(lambda: _briefly(connection, statements))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """The version before works with parts: they stay."""


def _is_in_parts(connection: Any, table: str) -> bool:
    return bool(_asked(connection, "SELECT 1 FROM pg_class WHERE oid = to_regclass(%s) AND relkind = 'p'", table))


def _prepare(connection: Any, table: str, by: str) -> str:
    """Give the table what a part needs: a key with the time in it, and a check that all rows are before an end, which
    is returned. PostgreSQL looks at no row under the lock then."""
    end = _end()
    key, check = f"{before_of(table)}_key", f"{before_of(table)}_end"
    _run(connection, f'DROP INDEX CONCURRENTLY IF EXISTS "{key}"')  # of one that was interrupted, as the old check
    _run(connection, f'CREATE UNIQUE INDEX CONCURRENTLY "{key}" ON "{table}" (id, "{by}")')
    said = f'DROP CONSTRAINT IF EXISTS "{check}", ADD CONSTRAINT "{check}" CHECK ("{by}" < \'{end}\') NOT VALID'
    patiently(lambda: _briefly(connection, [f'ALTER TABLE "{table}" {said}']))
    _run(connection, f'ALTER TABLE "{table}" VALIDATE CONSTRAINT "{check}"')
    return end


def _end() -> str:
    begin = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (begin + timedelta(days=FIRST_DAYS)).isoformat()


def _changing_places(connection: Any, table: str, by: str, end: str) -> list[str]:
    """The table gets another name and becomes a part of a new one, which has its name, columns, indexes and checks."""
    before = before_of(table)
    ((key,),) = _asked(
        connection, "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'p'", table
    )
    ((sequence,),) = _asked(connection, "SELECT pg_get_serial_sequence(%s, 'id')", table)
    indexes = _asked(
        connection, "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname NOT IN (%s, %s)",
        table, key, f"{before}_key",
    )  # fmt: skip
    return [
        f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE',
        f'ALTER TABLE "{table}" RENAME TO "{before}"',
        f'ALTER SEQUENCE {sequence} RENAME TO "{before}_id"',
        *(f'ALTER INDEX "{name}" RENAME TO "{name}_before"' for name, _ in indexes),
        f'CREATE TABLE "{table}" (LIKE "{before}" INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE ("{by}")',
        f'ALTER TABLE "{table}" DROP CONSTRAINT "{before}_end"',
        # The new table's own sequence goes on where the old one's, which goes, has ended.
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), nextval(pg_get_serial_sequence('{before}', 'id')))",
        f'ALTER TABLE "{before}" ALTER id DROP IDENTITY, DROP CONSTRAINT "{key}"',
        f'ALTER TABLE "{before}" ADD CONSTRAINT "{before}_key" PRIMARY KEY USING INDEX "{before}_key"',
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{key}" PRIMARY KEY (id, "{by}")',
        *(definition for _, definition in indexes),
        f'ALTER TABLE "{table}" ATTACH PARTITION "{before}" FOR VALUES FROM (MINVALUE) TO (\'{end}\')',
        f'ALTER TABLE "{before}" DROP CONSTRAINT "{before}_end"',
        f'CREATE TABLE "{rest_of(table)}" PARTITION OF "{table}" DEFAULT',
        f'ANALYZE "{rest_of(table)}"',
    ]


def _briefly(connection: Any, statements: list[str]) -> None:
    """Execute all or none of them, waiting for the table MIGRATE_LOCK_S at most."""
    with transaction.atomic(using=connection.alias):
        _run(connection, f"SET LOCAL lock_timeout = {int(settings.MIGRATE_LOCK_S * 1000)}", *statements)


def _run(connection: Any, *statements: str) -> None:
    with connection.cursor() as cursor:
        for each in statements:
            cursor.execute(each)


def _asked(connection: Any, sql: str, *params: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())

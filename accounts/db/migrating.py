"""Operations of migrations that lock no table for longer than a moment, so that the version before goes on serving.

On PostgreSQL an index is built beside the traffic, and a check is first said of new rows and then looked for in the old
ones; both in migrations with `atomic = False`, and all can be done again where they were interrupted. On SQLite they
are Django's own.
"""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.migrations.operations import AddConstraint, AddIndex

TRIES, PAUSE_S = 200, 0.4
IN_USE = ("55P03", "40P01")  # lock_not_available, deadlock_detected


class AddIndexBeside(AddIndex):
    """Add an index while rows are written."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build it."""
        if schema_editor.connection.vendor != "postgresql":
            return super().database_forwards(app_label, schema_editor, from_state, to_state)
        if not _is_built(schema_editor, self.index.name):
            model = to_state.apps.get_model(app_label, self.model_name)
            schema_editor.add_index(model, self.index, concurrently=True)


class AddUniqueBeside(AddConstraint):
    """Add a unique constraint with a condition, which is an index, while rows are written."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build it."""
        if schema_editor.connection.vendor != "postgresql":
            return super().database_forwards(app_label, schema_editor, from_state, to_state)
        if not _is_built(schema_editor, self.constraint.name):
            model = to_state.apps.get_model(app_label, self.model_name)
            sql = str(self.constraint.create_sql(model, schema_editor)).replace("INDEX", "INDEX CONCURRENTLY", 1)
            schema_editor.execute(sql, params=None)


class AddCheckBeside(AddConstraint):
    """Add a check: new rows are held to it at once, then the old ones are looked at while rows are written."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Say it, then look."""
        if schema_editor.connection.vendor != "postgresql":
            return super().database_forwards(app_label, schema_editor, from_state, to_state)
        model = to_state.apps.get_model(app_label, self.model_name)
        table, name = schema_editor.quote_name(model._meta.db_table), schema_editor.quote_name(self.constraint.name)
        if not _asked(schema_editor, "SELECT 1 FROM pg_constraint WHERE conname = %s", self.constraint.name):
            sql = f"{self.constraint.create_sql(model, schema_editor)} NOT VALID"
            patiently(lambda: _briefly(schema_editor, sql))
        schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def _is_built(schema_editor: Any, name: str) -> bool:
    """Whether the index is there. One that an interrupted build has left is dropped."""
    sql = "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relname = %s"
    found = _asked(schema_editor, sql, name)
    if found and not found[0]:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(name)}")
    return bool(found and found[0])


def patiently(lock: Callable[[], None]) -> None:
    """Do what locks a table, and again where somebody had it: each try waits MIGRATE_LOCK_S, as do all who come."""
    for left in reversed(range(TRIES)):
        try:
            return lock()
        except OperationalError as error:
            if not left or getattr(error.__cause__, "sqlstate", None) not in IN_USE:
                raise
        time.sleep(PAUSE_S)


def _briefly(schema_editor: Any, sql: str) -> None:
    schema_editor.execute(f"SET lock_timeout = {int(settings.MIGRATE_LOCK_S * 1000)}")
    try:
        schema_editor.execute(sql, params=None)
    finally:
        schema_editor.execute("SET lock_timeout = 0")


def _asked(schema_editor: Any, sql: str, name: str) -> Any:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql, [name])
        return cursor.fetchone()

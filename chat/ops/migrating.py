"""Migrating while others serve, on PostgreSQL: a migration has all of its tables or none, and waits behind nobody."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import OperationalError, connections
from django.db.migrations.operations import AddField, AddIndex, AlterField, CreateModel, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from accounts.db.migrating import IN_USE


class HoldTables(Operation):
    """The first operation of a migration: locks every table that the others change, or fails at once.

    Locked one after the other as they are changed, they would deadlock with a request that holds the next and wants
    the last, and PostgreSQL might end the request.
    """

    reduces_to_sql = False
    reversible = True

    def __init__(self, others: list[Any]) -> None:
        self.others = list(_in_database(others))

    def describe(self) -> str:
        """For lists of operations."""
        return "Hold the tables of the migration"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Wait for the first as long as `impatient` says, while nothing is held, and for the rest not at all."""
        if schema_editor.connection.vendor != "postgresql":
            return
        mode = "SHARE" if all(isinstance(each, AddIndex) for each in self.others) else "ACCESS EXCLUSIVE"
        there = set(schema_editor.connection.introspection.table_names())  # a swapped model has none
        for number, table in enumerate(sorted(self._tables(app_label, from_state) & there)):
            name = schema_editor.quote_name(table)
            schema_editor.execute(f"LOCK TABLE {name} IN {mode} MODE{' NOWAIT' if number else ''}")

    def _tables(self, app_label: str, state: Any) -> set[str]:
        """Of the models that are there before the migration; those that a new foreign key points at, too."""
        named = {(app_label, getattr(each, "model_name_lower", "")) for each in self.others}
        fields = [field for each in self.others for field in _fields(each)]
        named |= {_target(field, app_label) for field in fields if field.is_relation}
        return {state.apps.get_model(*key)._meta.db_table for key in named if key in state.models}


@contextmanager
def impatient(database: str) -> Iterator[None]:
    """Statements inside wait for a lock for MIGRATE_LOCK_S at most, as all who come wait behind them."""
    wait_at_most(database, settings.MIGRATE_LOCK_S)
    try:
        yield
    finally:
        if connections[database].vendor == "postgresql":
            with connections[database].cursor() as cursor:
                cursor.execute("RESET lock_timeout")


def wait_at_most(database: str, seconds: float) -> None:
    """For locks, from now on; 0: for as long as it takes. With SQLite as ever."""
    if connections[database].vendor == "postgresql":
        with connections[database].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{int(seconds * 1000)}ms"])


def is_in_use(error: OperationalError) -> bool:
    """Whether somebody else had a table: the same may work in a moment."""
    return getattr(error.__cause__, "sqlstate", None) in IN_USE


def _in_database(operations: Sequence[Any]) -> Iterator[Any]:
    for each in operations:
        if isinstance(each, SeparateDatabaseAndState):
            yield from _in_database(each.database_operations)
        else:
            yield each


def _fields(operation: Any) -> list[Any]:
    """Those that it makes or changes."""
    if isinstance(operation, CreateModel):
        return [field for _, field in operation.fields]
    return [operation.field] if isinstance(operation, AddField | AlterField) else []


def _target(field: Any, app_label: str) -> tuple[str, str]:
    """(app, model) that a relation points at."""
    to = field.remote_field.model
    app, _, name = (to if isinstance(to, str) else to._meta.label).rpartition(".")
    return (app or app_label, name.lower())

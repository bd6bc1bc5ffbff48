"""Which migrations an older version survives that serves while they run: docs/decisions/0056-migrations.md, as code."""

import pathlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from django.apps import apps
from django.db import migrations as ops
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, F, ManyToManyField, UniqueConstraint
from django.db.models.fields import NOT_PROVIDED

from accounts.db.migrating import AddIndexBeside
from accounts.db.parting import PartByDay
from tests import environment
from tests.upgrade.dumps import DUMPS, FOLDER

Fields = dict[tuple[str, str], set[str]]  # of each (app, model) that an older version reads and writes
Node = tuple[str, str]
HARMLESS = (
    *(ops.CreateModel, ops.RemoveIndex, ops.RemoveConstraint),
    *(ops.AlterModelOptions, ops.AlterModelManagers),
    PartByDay,  # a moment's lock; the table keeps its name and columns
)
# Which add indexes to tables in use, and were applied before there was AddIndexBeside.
BEFORE = ("accounts.0005_lists", "chat.0009_lists")
NAMES = (ops.RenameModel, ops.RenameField, ops.RenameIndex, ops.AlterModelTable)


def broken() -> Iterator[str]:
    """Each operation, of all that are new since the oldest dump, that breaks the rule: where, and why."""
    loader = MigrationLoader(None)
    versions = [applied(loader, commit) for commit in DUMPS]
    state = loader.project_state(list(versions[0]))
    for node in _in_order(loader):
        if node not in versions[0]:
            # Whoever has applied it knows what it makes; the versions before it are those that it must not break.
            before = [loader.project_state(list(done)) for done in versions if node not in done]
            yield from _of_migration(loader.graph.nodes[node], state, union(before))


def applied(loader: MigrationLoader, commit: str) -> set[Node]:
    """What the version of a dump had applied."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript((FOLDER / f"{commit}.sqlite.sql").read_text())
        found = set(database.execute("SELECT app, name FROM django_migrations"))
    return found & set(loader.graph.nodes)


def union(states: Any) -> Fields:
    """The tables and columns of any of these versions."""
    known: Fields = {}
    for state in states:
        for key, model in state.models.items():
            known.setdefault(key, set()).update(model.fields)
    return known


def _in_order(loader: MigrationLoader) -> dict[Node, None]:
    return {node: None for leaf in loader.graph.leaf_nodes() for node in loader.graph.forwards_plan(leaf)}


def _of_migration(migration: Any, state: ProjectState, known: Fields) -> Iterator[str]:
    app = migration.app_label
    for operation in migration.operations:
        if is_ours(app) and f"{app}.{migration.name}" not in BEFORE:
            for reason in reasons(operation, app, state, known):
                yield f"{app}.{migration.name}: {operation.describe()}: {reason}"
        operation.state_forwards(app, state)


def is_ours(app: str) -> bool:
    """Whether the migrations are this project's."""
    path = pathlib.Path(apps.get_app_config(app).path)
    return path.is_relative_to(environment.ROOT) and "site-packages" not in path.parts


def reasons(operation: Any, app: str, state: ProjectState, known: Fields) -> Iterator[str]:
    """Why an older version, or somebody who waits for a lock, does not survive the operation; nothing where they do."""
    if isinstance(operation, ops.SeparateDatabaseAndState):
        for each in operation.database_operations:
            yield from reasons(each, app, state, known)
    elif isinstance(operation, ops.RunSQL | ops.RunPython):
        if not operation.reversible:
            yield "it has no way back: say one, a noop where there is nothing to undo"
    elif isinstance(operation, NAMES):
        yield "older processes ask for the old name: add a new one, fill it, switch, remove the old one later"
    elif isinstance(operation, ops.DeleteModel):
        if (app, operation.name_lower) in known:
            yield "an older version that may still serve uses this table: remove it three versions later"
    elif isinstance(operation, ops.AddIndex):
        if (app, operation.model_name_lower) in known and not isinstance(operation, AddIndexBeside):
            yield "who writes waits while it is built: AddIndexBeside, in a migration of its own"
    elif isinstance(operation, ops.AddField | ops.RemoveField | ops.AlterField | ops.AddConstraint):
        columns = known.get((app, operation.model_name_lower))
        if columns is not None:  # of a table that is new, nobody older knows
            yield from _in_known_table(operation, state.models[app, operation.model_name_lower].fields, columns)
    elif not isinstance(operation, HARMLESS):
        yield "nobody has said yet whether this is safe: look at its locks, and say so in tests/upgrade/rules.py"


def _in_known_table(operation: Any, fields: dict[str, Any], columns: set[str]) -> Iterator[str]:
    match operation:
        case ops.AddField():
            yield from _added(operation.field)
        case ops.RemoveField():
            if operation.name in columns:
                yield "an older version that may still serve writes this column: remove it three versions later"
        case ops.AlterField():
            if operation.name in columns:
                yield from _altered(fields[operation.name], operation.field)
        case ops.AddConstraint():
            if _columns_of(operation.constraint) <= columns:
                yield "older processes may write what it refuses: let it speak of a new column too"


def _added(field: Any) -> Iterator[str]:
    if field.null or _has_default(field) or isinstance(field, ManyToManyField):
        return
    yield "older processes do not write this column: give it a db_default, or let it be null"


def _altered(old: Any, new: Any) -> Iterator[str]:
    if old.null and not new.null:
        yield "older processes may write null"
    if new.unique and not old.unique:
        yield "older processes may write a value twice"
    if _has_default(old) and not _has_default(new):
        yield "older processes may leave the column out, and its db_default goes"
    if _is_other(old, new) or _is_narrower(old, new):
        yield "the table is written anew under a lock, or an old value does not fit: add a new column"


def _has_default(field: Any) -> bool:
    return field.db_default is not NOT_PROVIDED


def _is_other(old: Any, new: Any) -> bool:
    kinds = old.get_internal_type(), new.get_internal_type()
    return kinds[0] != kinds[1] and kinds != ("CharField", "TextField")


def _is_narrower(old: Any, new: Any) -> bool:
    most = getattr(new, "max_length", None)
    return most is not None and most < (getattr(old, "max_length", None) or most)


def _columns_of(constraint: Any) -> set[str]:
    """Those that a constraint speaks of."""
    if isinstance(constraint, UniqueConstraint):
        within = constraint.condition.referenced_base_fields if constraint.condition else set()
        texts = {each for part in constraint.expressions for each in _names_in(part)}
        return {*constraint.fields, *within, *texts}
    assert isinstance(constraint, CheckConstraint), constraint
    return set(constraint.condition.referenced_base_fields)


def _names_in(expression: Any) -> Iterator[str]:
    if isinstance(expression, F):
        yield expression.name
        return
    for each in expression.get_source_expressions():
        yield from _names_in(each)

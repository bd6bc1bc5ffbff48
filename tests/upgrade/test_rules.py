"""No migration breaks the rule of docs/decisions/0056-migrations.md, and what would break it is named."""

import pathlib
from typing import Any

import pytest
from django.apps import apps
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations as ops
from django.db import models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.db.models.functions import Lower

from accounts.db.migrating import AddIndexBeside
from tests.upgrade import rules
from tests.upgrade.dumps import DUMPS

FIELDS: list[tuple[str, Any]] = [
    ("id", models.BigAutoField(primary_key=True)),
    ("name", models.CharField(max_length=20)),
    ("note", models.CharField(max_length=20, null=True)),
    ("count", models.IntegerField(default=0, db_default=0)),
]
SQL, PYTHON = "SELECT 1", ops.RunPython.noop
NEW = ops.CreateModel("New", [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=20))])

BREAKS: dict[str, tuple[Any, str]] = {
    "a column is renamed": (ops.RenameField("thing", "name", "title"), "old name"),
    "a table is renamed": (ops.RenameModel("Thing", "Item"), "old name"),
    "a table gets another name": (ops.AlterModelTable("thing", "things"), "old name"),
    "a column is removed": (ops.RemoveField("thing", "name"), "writes this column"),
    "a table is removed": (ops.DeleteModel("Thing"), "uses this table"),
    "a column without a default": (ops.AddField("thing", "size", models.IntegerField()), "db_default"),
    "a default that Python alone knows": (ops.AddField("thing", "size", models.IntegerField(default=0)), "db_default"),
    "no null any more": (ops.AlterField("thing", "note", models.CharField(max_length=20)), "write null"),
    "unique from now on": (ops.AlterField("thing", "name", models.CharField(max_length=20, unique=True)), "twice"),
    "its default goes": (ops.AlterField("thing", "count", models.IntegerField(default=0)), "its db_default goes"),
    "another type": (ops.AlterField("thing", "name", models.IntegerField()), "written anew"),
    "a shorter one": (ops.AlterField("thing", "name", models.CharField(max_length=19)), "does not fit"),
    "unique together": (ops.AddConstraint("thing", UniqueConstraint(fields=["name", "note"], name="a")), "refuses"),
    "unique by a function": (ops.AddConstraint("thing", UniqueConstraint(Lower("name"), name="a")), "refuses"),
    "a check": (ops.AddConstraint("thing", CheckConstraint(condition=Q(count__gte=0), name="a")), "refuses"),
    "an index": (ops.AddIndex("thing", models.Index(fields=["name"], name="a")), "AddIndexBeside"),
    "SQL without a way back": (ops.RunSQL(SQL), "no way back"),
    "Python without a way back": (ops.RunPython(PYTHON), "no way back"),
    "within another": (ops.SeparateDatabaseAndState([ops.RemoveField("thing", "name")]), "writes this column"),
    "one that nobody has looked at": (TrigramExtension(), "nobody has said"),
}
FINE: dict[str, Any] = {
    "a table": NEW,
    "a column with a default": ops.AddField("thing", "size", models.IntegerField(default=0, db_default=0)),
    "a column that may be null": ops.AddField("thing", "size", models.IntegerField(null=True)),
    "many to many": ops.AddField("thing", "others", models.ManyToManyField("chat.thing")),
    "null from now on": ops.AlterField("thing", "name", models.CharField(max_length=20, null=True)),
    "a longer one": ops.AlterField("thing", "name", models.CharField(max_length=21)),
    "a text without an end": ops.AlterField("thing", "name", models.TextField()),
    "other choices": ops.AlterField("thing", "name", models.CharField(max_length=20, choices=[("a", "A")])),
    "unique with a new column": ops.AddConstraint("thing", UniqueConstraint(fields=["name", "size"], name="a")),
    "an index beside": AddIndexBeside("thing", models.Index(fields=["name"], name="a")),
    "an index of a new table": ops.AddIndex("new", models.Index(fields=["name"], name="a")),
    "a constraint goes": ops.RemoveConstraint("thing", "a"),
    "SQL with a way back": ops.RunSQL(SQL, SQL),
    "Python with a way back": ops.RunPython(PYTHON, PYTHON),
    "the state alone": ops.SeparateDatabaseAndState(state_operations=[ops.RemoveField("thing", "name")]),
    "anything in a new table": ops.AddField("new", "size", models.IntegerField()),
}


def reasons(operation: Any) -> list[str]:
    """Of an operation on a table that an older version knows, beside a new one."""
    state = ProjectState()
    state.add_model(ModelState("chat", "Thing", FIELDS))
    known = rules.union([state])
    NEW.state_forwards("chat", state)
    return list(rules.reasons(operation, "chat", state, known))


def test_no_migration_since_the_oldest_dump_breaks_the_rule() -> None:
    assert list(rules.broken()) == []


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_the_rule_is_named(name: str) -> None:
    operation, said = BREAKS[name]
    (reason,) = reasons(operation)
    assert said in reason


@pytest.mark.parametrize("name", FINE)
def test_what_keeps_it_is_not(name: str) -> None:
    assert reasons(FINE[name]) == []


def test_every_migration_that_is_new_since_the_oldest_dump_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "reasons", lambda *arguments: ["read"])
    ours = [each for each in apps.get_app_configs() if rules.is_ours(each.label)]
    there = {f"{app.label}.{path.stem}" for app in ours for path in pathlib.Path(app.path).glob("migrations/0*.py")}
    old = {".".join(node) for node in rules.applied(MigrationLoader(None), DUMPS[0])}
    assert {line.partition(": ")[0] for line in rules.broken()} == there - old - set(rules.BEFORE)

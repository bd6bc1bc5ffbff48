"""Rows that every request writes: UPDATE and INSERT statements that are built once.

As accounts.db.compiled does for queries. Neither sends signals, and `save` of a model is not called.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from django.db import connections, models, router
from django.db.models.sql import InsertQuery, UpdateQuery

from accounts.db.values import OnceAThread, Places, marks

Changes = tuple["models.QuerySet[Any]", dict[str, Any]]


class Update:
    """Changes rows: `Update(build, UUID, int)(id, 3)` does what `rows.update(**changes)` does, and gives how many.

    `build` is called with a stand-in for each value and gives the rows and their changes. It uses each value as it is,
    in a filter, as a column or in an expression of one. A `dict` stands for any JSON. Values may be None, which
    sets NULL; in a filter None finds nothing.
    """

    def __init__(self, build: Callable[..., Changes], *kinds: type[Any]) -> None:
        self._statements = OnceAThread(lambda: _Statement(build, kinds))

    def __call__(self, *values: Any) -> int:
        return self._statements.here().execute(values)


class _Statement:
    """An UPDATE's SQL and the places of its values."""

    def __init__(self, build: Callable[..., Changes], kinds: tuple[type[Any], ...]) -> None:
        rows, changes = build(*marks(kinds))
        query: Any = rows.query.chain(UpdateQuery)
        query.clear_ordering(force=True)
        query.add_update_values(changes)
        self.alias = router.db_for_write(rows.model)
        self.connection = connections[self.alias]
        sql, params = query.get_compiler(self.alias).as_sql()
        self.places = Places(sql, params, kinds, self.connection)

    def execute(self, values: tuple[Any, ...]) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(self.places.sql, self.places.filled(values))
            return int(cursor.rowcount)


class Insert:
    """Adds rows: `Insert(Model)(rows)` does what `bulk_create(rows)` does.

    A key that the database makes is not read back. A column may hold an expression, such as the database's clock.
    """

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model
        self._fields = [each for each in model._meta.local_concrete_fields if not isinstance(each, models.AutoField)]

    def __call__(self, rows: Sequence[models.Model]) -> None:
        alias = router.db_for_write(self._model)
        connection = connections[alias]
        params: list[Any] = []
        values = [self._add(row, connection, params) for row in rows]
        with connection.cursor() as cursor:
            cursor.execute(f"{self._head} VALUES {', '.join(values)}{self._tail}", params)
        for row in rows:
            row._state.adding, row._state.db = False, alias

    @cached_property
    def _head(self) -> str:
        quoted = self._quoted
        columns = ", ".join(quoted(each.column) for each in self._fields)
        return f"INSERT INTO {quoted(self._model._meta.db_table)} ({columns})"

    @cached_property
    def _tail(self) -> str:
        """What stands behind the rows."""
        return ""

    @property
    def _quoted(self) -> Callable[[Any], str]:
        """A name as it stands in SQL."""
        quoted: Callable[[Any], str] = connections[router.db_for_write(self._model)].ops.quote_name
        return quoted

    def _add(self, row: models.Model, connection: Any, params: list[Any]) -> str:
        """The row's places; what goes there joins the parameters."""
        places = []
        for field in self._fields:
            value = field.pre_save(row, True)
            if hasattr(value, "resolve_expression"):
                sql, more = self._compiled(value, connection)
                places.append(sql)
                params.extend(more)
            else:
                places.append("%s")
                params.append(field.get_db_prep_save(value, connection))
        return f"({', '.join(places)})"

    def _compiled(self, expression: Any, connection: Any) -> tuple[str, Sequence[Any]]:
        query = InsertQuery(self._model)
        resolved = expression.resolve_expression(query, allow_joins=False, for_save=True)
        sql, params = query.get_compiler(connection=connection).compile(resolved)
        return sql, params


class Add(Insert):
    """Adds rows up: `Add(Model, ("count",))(rows)` makes those that are missing, by their key, and adds the numbers of
    the others to what is there. `by`: the fields that are the key together, where it is not the primary one. No key may
    stand twice in one call.
    """

    def __init__(self, model: type[models.Model], numbers: Sequence[str], by: Sequence[str] = ("pk",)) -> None:
        super().__init__(model)
        self._numbers = numbers
        self._by = by

    @cached_property
    def _tail(self) -> str:
        quoted = self._quoted
        table, key = quoted(self._model._meta.db_table), ", ".join(map(quoted, self._columns(self._by)))
        numbers = map(quoted, self._columns(self._numbers))
        sums = ", ".join(f"{each} = {table}.{each} + excluded.{each}" for each in numbers)
        return f" ON CONFLICT ({key}) DO UPDATE SET {sums}"

    def _columns(self, names: Sequence[str]) -> list[str]:
        meta = self._model._meta
        fields = [meta.pk if name == "pk" else meta.get_field(name) for name in names]
        return [str(each.column) for each in fields]  # type: ignore[union-attr]

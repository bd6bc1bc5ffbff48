"""Queries that are asked at every request, built and compiled once.

Django builds a query of joins and subqueries anew each time, which takes it ten times as long as the database takes to
answer (docs/decisions/0050-what-a-run-costs.md). Where only values change, the SQL is kept, and the values are put in
their places.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connections

from accounts.db.values import OnceAThread, Places, marks

Row = TypeVar("Row")
Value = UUID | int | str | datetime


class Compiled(Generic[Row]):
    """Rows of one query: `Compiled(build, UUID, int)(id, 3)` gives what `list(build(id, 3))` does.

    `build` is called with stand-ins of these kinds, so it must not look at its values nor at the clock, and use each
    of them as it is. What it makes is kept by each thread for its own connection.
    """

    def __init__(self, build: Callable[..., Any], *kinds: type[Value]) -> None:
        self._shapes: OnceAThread[_Shape[Row]] = OnceAThread(lambda: _Shape(build(*marks(kinds)), kinds))

    def __call__(self, *values: Value) -> list[Row]:
        return self._shapes.here().rows(values)

    def first(self, *values: Value) -> Row | None:
        """The first row, if there is one."""
        rows = self(*values)
        return rows[0] if rows else None


class _Shape(Generic[Row]):
    """A query's SQL and the places of its values.

    Django's own iterable turns rows into models; only what it would compile, look up by column and execute is replaced.
    """

    def __init__(self, queryset: Any, kinds: tuple[type[Value], ...]) -> None:
        self.queryset = queryset
        self.alias = queryset.db
        self.connection = connections[self.alias]
        self.compiler = queryset.query.get_compiler(queryset.db)
        sql, params = self.compiler.as_sql()
        self.places = Places(sql, params, kinds, self.connection)
        self.found: list[Any] = []
        self.compiler.execute_sql = lambda *args, **kwargs: [self.found]
        converters = self.compiler.get_converters([each[0] for each in self.compiler.select[: self.compiler.col_count]])
        self.compiler.get_converters = lambda *args: converters
        queryset.query.get_compiler = lambda *args, **kwargs: self.compiler

    def rows(self, values: tuple[Value, ...]) -> list[Row]:
        with self.connection.cursor() as cursor:
            cursor.execute(self.places.sql, self.places.filled(values))
            self.found = cursor.fetchall()
        return list(self.queryset._iterable_class(self.queryset))

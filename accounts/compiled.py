"""Queries that are asked at every request, built and compiled once.

Django builds a query of joins and subqueries anew each time, which takes it ten times as long as the database takes to
answer (docs/decisions/0050-what-a-run-costs.md). Where only values change, the SQL is kept, and the values are put in
their places.
"""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connections

Row = TypeVar("Row")
Value = UUID | int | str


class Compiled(Generic[Row]):
    """Rows of one query: `Compiled(build, UUID, int)(id, 3)` gives what `list(build(id, 3))` does.

    `build` is called with stand-ins of these kinds, so it must not look at its values nor at the clock, and use each
    of them as it is. What it makes is kept by each thread for its own connection.
    """

    def __init__(self, build: Callable[..., Any], *kinds: type[Value]) -> None:
        self._build = build
        self._marks = [_mark(kind, number) for number, kind in enumerate(kinds)]
        self._threads = threading.local()

    def __call__(self, *values: Value) -> list[Row]:
        shape: _Shape[Row] | None = getattr(self._threads, "shape", None)
        if shape is None or shape.connection is not connections[shape.queryset.db]:
            shape = self._threads.shape = _Shape(self._build(*self._marks), self._marks)
        return shape.rows(values)

    def first(self, *values: Value) -> Row | None:
        """The first row, if there is one."""
        rows = self(*values)
        return rows[0] if rows else None


class _Shape(Generic[Row]):
    """A query's SQL and, for each of its parameters, the parameter or the number of the value that goes there.

    Django's own iterable turns rows into models; only what it would compile and execute is replaced.
    """

    def __init__(self, queryset: Any, marks: list[Value]) -> None:
        self.queryset = queryset
        self.connection = connections[queryset.db]
        self.has_uuids = self.connection.features.has_native_uuid_field
        self.compiler = queryset.query.get_compiler(queryset.db)
        self.sql, params = self.compiler.as_sql()
        numbers = {self._adapted(mark): number for number, mark in enumerate(marks)}
        self.params = list(params)
        self.places = [(at, numbers[param]) for at, param in enumerate(params) if _is_known(param, numbers)]
        assert {number for _, number in self.places} == set(range(len(marks))), "a value has no place in the query"
        self.found: list[Any] = []
        self.compiler.execute_sql = lambda *args, **kwargs: [self.found]
        queryset.query.get_compiler = lambda *args, **kwargs: self.compiler

    def rows(self, values: tuple[Value, ...]) -> list[Row]:
        params = self.params.copy()
        for at, number in self.places:
            params[at] = self._adapted(values[number])
        with self.connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            self.found = cursor.fetchall()
        return list(self.queryset._iterable_class(self.queryset))

    def _adapted(self, value: Value) -> Any:
        return value.hex if isinstance(value, UUID) and not self.has_uuids else value


def _mark(kind: type[Value], number: int) -> Value:
    """A value that no query has of itself."""
    if kind is UUID:
        return UUID(int=0xC0DE << 64 | number)
    return f"a value's place: {number}" if kind is str else 1_900_000_000 + number


def _is_known(param: Any, numbers: dict[Any, int]) -> bool:
    return isinstance(param, str | UUID | int) and param in numbers

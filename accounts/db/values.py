"""What stands in a statement for its values, and where the statements themselves are kept."""

import re
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from django.db import connections


class Built(Protocol):
    """What was built for one connection."""

    alias: str
    connection: Any


B = TypeVar("B", bound=Built)
PLACE = re.compile("%[s%]")


class OnceAThread(Generic[B]):
    """What `build` makes, kept by each thread for as long as its connection is the same object."""

    def __init__(self, build: Callable[[], B]) -> None:
        self._build = build
        self._threads = threading.local()

    def here(self) -> B:
        """This thread's."""
        built: B | None = getattr(self._threads, "built", None)
        if built is None or built.connection is not connections[built.alias]:
            built = self._threads.built = self._build()
        return built


def marks(kinds: Sequence[type[Any]]) -> list[Any]:
    """A stand-in for each value: of its kind, and such as no statement has of itself. A `dict` stands for any JSON."""
    return [_mark(kind, number) for number, kind in enumerate(kinds)]


class Places:
    """The parameters of a statement that was built with `marks`, and its SQL: the values go where those are.

    On SQLite, texts that are no values stand in the SQL itself. It plans a statement anew each time that a parameter is
    compared with the column of a partial index, which for a chat's takes longer than to answer it.
    """

    def __init__(self, sql: str, params: Sequence[Any], kinds: Sequence[type[Any]], connection: Any) -> None:
        self._adapters = [_adapter(kind, connection) for kind in kinds]
        adapted = [adapt(each) for adapt, each in zip(self._adapters, marks(kinds), strict=True)]
        numbers = {_plain(each): number for number, each in enumerate(adapted)}
        if connection.vendor == "sqlite":
            sql, params = _told(sql, params, set(numbers))
        self.sql = sql
        self._params = list(params)
        self._places = [(at, numbers[_plain(param)]) for at, param in enumerate(params) if _plain(param) in numbers]
        assert {number for _, number in self._places} == set(numbers.values()), "a value has no place in the statement"

    def filled(self, values: Sequence[Any]) -> list[Any]:
        """The parameters with these values. None stays None, which is NULL."""
        params = self._params.copy()
        for at, number in self._places:
            value = values[number]
            params[at] = None if value is None else self._adapters[number](value)
        return params


def _told(sql: str, params: Sequence[Any], values: set[Any]) -> tuple[str, list[Any]]:
    """The statement with its constant texts in it, and the parameters that are left."""
    given, left = iter(params), list[Any]()

    def place(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%%"
        param = next(given)
        if isinstance(param, str) and param not in values and "\0" not in param:
            return "'{}'".format(param.replace("'", "''").replace("%", "%%"))
        left.append(param)
        return "%s"

    return PLACE.sub(place, sql), left


def _mark(kind: type[Any], number: int) -> Any:
    """A value that no statement has of itself."""
    if kind is UUID:
        return UUID(int=0xC0DE << 64 | number)
    if kind is datetime:
        return datetime(1, 1, 1, 1, 1, number, tzinfo=UTC)
    if kind is date:
        return date(1, 1, 1 + number)
    if kind is dict:
        return {"a value's place": number}
    return f"a value's place: {number}" if kind is str else 1_900_000_000 + number


def _adapter(kind: type[Any], connection: Any) -> Callable[[Any], Any]:
    """Makes of a value of that kind what the database's driver takes."""
    if kind is datetime:
        return lambda value: connection.ops.adapt_datetimefield_value(value)
    if kind is date:
        return lambda value: connection.ops.adapt_datefield_value(value)
    if kind is dict:
        return lambda value: connection.ops.adapt_json_value(value, None)
    if kind is UUID and not connection.features.has_native_uuid_field:
        return lambda value: value.hex
    return lambda value: value


def _plain(param: Any) -> Any:
    """A statement's parameter as something that can be looked up: psycopg wraps JSON."""
    value = getattr(param, "obj", param)
    return repr(value) if isinstance(value, dict | list) else value

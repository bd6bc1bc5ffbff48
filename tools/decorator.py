"""`@tool`: an async function made into something a model may call. No Django."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, overload

from tools.base import Makes, Permission, Reads, Tool
from tools.schema import SchemaRefused, checked_schema, description_of, schema_of

Function = Callable[..., Awaitable[Any]]
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")  # what every provider takes


@overload
def tool(function: Function, /) -> Tool: ...


@overload
def tool(
    *,
    permission: Permission = "read",
    capability: str = "",
    idempotent: bool = False,
    asks_first: bool = False,
    as_person: bool = False,
    makes: Makes = "",
    includes: tuple[Tool, ...] = (),
    outward: bool = False,
    place: str = "",
    reads: Reads = "",
    cites: bool = False,
    deletes: bool = False,
    title: str = "",
    timeout_s: float = 30.0,
    max_result_bytes: int = 64_000,
    schema: Mapping[str, Any] | None = None,
) -> Callable[[Function], Tool]: ...


def tool(
    function: Function | None = None, /, *, schema: Mapping[str, Any] | None = None, **options: Any
) -> Tool | Callable[[Function], Tool]:
    """Make a Tool of an async function: its name, docstring and hints are what the model is told. Registers nothing.

    The first argument is the ToolContext; the others are the model's, described by their hints or by a ready `schema`.
    Raises SchemaRefused for what cannot be a tool.
    """
    if function is not None:
        return _tool(function, schema, options)
    return lambda decorated: _tool(decorated, schema, options)


def _tool(function: Function, schema: Mapping[str, Any] | None, options: Mapping[str, Any]) -> Tool:
    name = function.__name__
    if not NAME.fullmatch(name):
        raise SchemaRefused(f"{name!r}: a tool's name is 1 to 64 letters, digits and _, a letter first")
    if not inspect.iscoroutinefunction(function):
        raise SchemaRefused(f"{name}: a tool is an async function")
    made = Tool(
        name=name,
        description=description_of(function),
        schema=schema_of(function) if schema is None else checked_schema(schema, function),
        function=function,
        **options,
    )
    if made.timeout_s <= 0 or made.max_result_bytes < 1_000:
        raise SchemaRefused(f"{name}: timeout_s must be positive, max_result_bytes at least 1,000")
    return made

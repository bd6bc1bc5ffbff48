"""`from_queryset`: rows of a model as two tools, for who has no viewset. Whose rows they are has to be said."""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

from django.db import models

from accounts.db import db_tool
from tools.acting.columns import Column, Filter, check_named, column_of, filter_of
from tools.acting.rows import (
    PAGE_SIZE,
    PAGE_SIZE_MAX,
    SEARCH_MAX_CHARS,
    Rows,
    Visible,
    Window,
    visible_by,
)
from tools.base import Tool, ToolContext
from tools.decorator import tool
from tools.schema import JSONSchema, SchemaRefused

OWN = ("search", "ordering", "page", "page_size")  # arguments of every find_...
Source = models.Manager[Any] | models.QuerySet[Any] | Callable[[], models.QuerySet[Any]]


def from_queryset(
    source: Source,
    *,
    fields: Sequence[str],
    visible: Callable[..., Any],
    name: str = "",
    one: str = "",
    filters: Sequence[str] = (),
    search: Sequence[str] = (),
    ordering: Sequence[str] = (),
    description: str = "",
    timeout_s: float = 30.0,
) -> tuple[Tool, Tool]:
    """The tools find_NAME and read_ONE: rows that the run's person may see, and of those these fields only.

    `visible` says which: a function of the person that gives a Q, or of (rows, person) that gives rows. It is asked in
    every call, before anything that the model says. `source` is a manager, a queryset, or a function that gives one.
    `filters` (`status`, `total__gte`), `search` and `ordering` may name `fields` only. The first of `ordering` is the
    order of who asks for none. Raises SchemaRefused, which says what to change.
    """
    rows = _source(source)
    model = rows().model
    many = name or _snake(model._meta.verbose_name_plural) or model._meta.model_name
    single = one or _snake(model._meta.verbose_name) or model._meta.model_name
    place = f"from_queryset({model._meta.object_name})"
    try:
        window = _window(rows, tuple(fields), _rule(visible), filters, search, ordering, single)
        return _find(window, many, description, timeout_s), _read(window, single, description, timeout_s)
    except SchemaRefused as error:
        raise SchemaRefused(f"{place}: {error}") from error


def _window(
    rows: Callable[[], Rows],
    fields: tuple[str, ...],
    visible: Visible,
    filters: Sequence[str],
    search: Sequence[str],
    ordering: Sequence[str],
    one: str,
) -> Window:
    columns = [column_of(rows(), each, "fields") for each in fields]
    for place, named in (("search", search), ("ordering", [each.removeprefix("-") for each in ordering])):
        for each in named:
            check_named(each, fields, place)
    if not_text := [each.path for each in columns if each.path in search and not each.is_text]:
        raise SchemaRefused(f"search: {not_text[0]} is no text")
    if taken := set(filters) & set(OWN):
        raise SchemaRefused(f"filters: {sorted(taken)[0]} is an argument that every find tool has")
    return Window(
        rows=rows,
        visible=visible,
        columns=fields,
        key=_key(columns),
        filters={each: filter_of(rows(), each, fields) for each in filters},
        search=tuple(search),
        ordering=tuple(ordering),
        one=one,
    )


def _find(window: Window, many: str, description: str, timeout_s: float) -> Tool:
    text = f"Find {many.replace('_', ' ')} that the person you act for may see, a page at a time."
    return _tool(f"find_{many}", window.find, _find_schema(window), [text, description, _fields(window)], timeout_s)


def _read(window: Window, one: str, description: str, timeout_s: float) -> Tool:
    key = Filter(window.key.path, window.key, "exact")
    schema = _object({key.name: key.schema()}, [key.name])
    text = f"Read one {one.replace('_', ' ')} that the person you act for may see."
    return _tool(f"read_{one}", window.read, schema, [text, description, _fields(window)], timeout_s)


def _tool(
    name: str,
    work: Callable[[ToolContext, dict[str, Any]], Any],
    schema: JSONSchema,
    texts: Sequence[str],
    timeout_s: float,
) -> Tool:
    async def function(ctx: ToolContext, /, **given: Any) -> Any:
        return await db_tool(work, ctx, given)

    function.__name__ = name
    function.__doc__ = "\n\n".join(text for text in texts if text)
    return tool(schema=schema, permission="read", idempotent=True, as_person=True, timeout_s=timeout_s)(function)


def _find_schema(window: Window) -> JSONSchema:
    properties: dict[str, JSONSchema] = {name: each.schema() for name, each in window.filters.items()}
    if window.search:
        text = f"words that must all be in {', '.join(window.search)}"
        properties["search"] = {"type": "string", "maxLength": SEARCH_MAX_CHARS, "description": text}
    if window.ordering:
        bare = [each.removeprefix("-") for each in window.ordering]
        orders = [f"{sign}{each}" for each in bare for sign in ("", "-")]
        text = f"the order; - for the largest first; else {', '.join(window.ordering)}"
        properties["ordering"] = {"type": "string", "enum": orders, "description": text}
    properties["page"] = {"type": "integer", "minimum": 1, "default": 1, "description": "which page, from 1"}
    properties["page_size"] = {
        "type": "integer",
        "minimum": 1,
        "maximum": PAGE_SIZE_MAX,
        "default": PAGE_SIZE,
        "description": "rows of a page",
    }
    return _object(properties, [])


def _object(properties: dict[str, JSONSchema], required: list[str]) -> JSONSchema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _fields(window: Window) -> str:
    columns = [column_of(window.rows(), each, "fields") for each in window.columns]
    return f"Of each: {'; '.join(f'{each.path} ({each.said})' for each in columns)}."


def _key(columns: Sequence[Column]) -> Column:
    """The first of the fields that is of one row only."""
    for each in columns:
        if "__" not in each.path and getattr(each.field, "unique", False):
            return each
    raise SchemaRefused("fields: none of them names one row; add the primary key, or another unique field")


def _source(source: Any) -> Callable[[], Rows]:
    """What gives the rows, anew for each call: a queryset keeps what it has read, for whoever reads it next."""
    if isinstance(source, models.Manager | models.QuerySet):
        return source.all
    if callable(source) and isinstance(source(), models.QuerySet):
        return source  # type: ignore[no-any-return]
    raise SchemaRefused(f"{source!r}: expected a manager, a queryset, or a function that gives a queryset")


def _rule(visible: Any) -> Visible:
    parameters = len(inspect.signature(visible).parameters) if callable(visible) else 0
    if parameters not in (1, 2):
        raise SchemaRefused(
            "visible: say whose rows these are: a function of the person that gives a Q, or of (rows, person) that "
            "gives rows"
        )
    return visible_by(visible, takes_rows=parameters == 2)


def _snake(text: Any) -> str:
    return re.sub(r"[^a-z0-9]+", "_", str(text).lower()).strip("_")

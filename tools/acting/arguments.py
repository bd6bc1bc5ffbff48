"""What a tool takes, and where in a request each argument goes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tools.errors import RetryTool
from tools.schema import JSONSchema, SchemaRefused

NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]+")  # of an argument, as every provider takes it


@dataclass(frozen=True)
class Argument:
    """One argument of a tool: what the model calls it, and what the request calls it."""

    name: str
    target: str
    place: Literal["path", "query", "body"]
    schema: JSONSchema
    is_required: bool = False
    pattern: str = ""  # of a part of the path: what the address's route would take
    is_joined: bool = False  # of a query: a list goes as a,b and not as two parameters


@dataclass(frozen=True)
class Parts:
    """The arguments of one call, each where it goes."""

    path: dict[str, str]
    query: list[tuple[str, str]]
    body: dict[str, Any]


def name_of(target: str) -> str:
    """What the model calls a parameter: `filter[status]` is filter_status."""
    return NOT_IN_A_NAME.sub("_", target).strip("_")


def schema_of(place: str, arguments: Sequence[Argument]) -> JSONSchema:
    """The closed object that the model sends: what is not in it goes nowhere. Raises SchemaRefused."""
    names = [each.name for each in arguments]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SchemaRefused(f"{place}: two arguments are named {twice[0]}; name one of the parameters differently")
    return {
        "type": "object",
        "properties": {each.name: each.schema for each in arguments},
        "required": [each.name for each in arguments if each.is_required],
        "additionalProperties": False,
    }


def parts_of(arguments: Iterable[Argument], given: Mapping[str, Any]) -> Parts:
    """The given ones where they belong. Raises RetryTool for what no address can hold."""
    parts = Parts({}, [], {})
    for each in arguments:
        if each.name not in given:
            continue
        value = given[each.name]
        if each.place == "path":
            parts.path[each.target] = _in_path(each, value)
        elif each.place == "query":
            parts.query.extend((each.target, text) for text in _in_query(each, value))
        else:
            parts.body[each.target] = value
    return parts


def _in_path(argument: Argument, value: Any) -> str:
    text = str(value)
    if not re.fullmatch(argument.pattern, text):
        raise RetryTool(f"{argument.name}: there is nothing of this name, and no address can hold it.")
    return text


def _in_query(argument: Argument, value: Any) -> list[str]:
    """As a browser would send them: nothing for null, a text for each value of a list."""
    values = [_text(each) for each in (value if isinstance(value, list) else [value]) if each is not None]
    return [",".join(values)] if argument.is_joined and values else values


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

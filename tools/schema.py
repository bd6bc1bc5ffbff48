"""A function's signature and docstring as the JSON Schema of its arguments. No Django.

The docstring is read by the model. Its text becomes the tool's description; a last section describes arguments, one a
line, longer ones indented below:

    Read part of one file as numbered lines.

    Arguments:
        path: the file, as list_files names it
        lines: how many lines to read; a long
            file is read in several calls

What JSON Schema cannot say is refused when the tool is defined, not when a model calls it.
"""

import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

JSONSchema = dict[str, Any]

KINDS: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
ARGUMENTS = "Arguments:"
NAMED = re.compile(r"(\w+):\s+(\S.*)")


class SchemaRefused(TypeError):
    """The function, or the schema it brings, cannot be a tool; the text says what to change."""


def schema_of(function: Callable[..., Any]) -> JSONSchema:
    """The JSON Schema of the arguments after the context: a closed object. Raises SchemaRefused."""
    parameters = _parameters(function)
    texts = described_arguments(function)
    if unknown := texts.keys() - parameters.keys():
        raise SchemaRefused(f"{function.__name__}: the docstring describes {sorted(unknown)}, no such argument")
    hints = typing.get_type_hints(function)
    properties = {
        name: _property(function, parameter, hints, texts.get(name, "")) for name, parameter in parameters.items()
    }
    required = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def description_of(function: Callable[..., Any]) -> str:
    """The docstring without the section about arguments. Raises SchemaRefused if there is none."""
    text = (inspect.getdoc(function) or "").partition(f"\n{ARGUMENTS}\n")[0].strip()
    if not text:
        raise SchemaRefused(f"{function.__name__}: a tool needs a docstring, it is what the model reads")
    return text


def described_arguments(function: Callable[..., Any]) -> dict[str, str]:
    """What the docstring says of each argument, by name."""
    section = (inspect.getdoc(function) or "").partition(f"\n{ARGUMENTS}\n")[2]
    lines = inspect.cleandoc(section).splitlines()
    texts: dict[str, str] = {}
    for line in lines:
        named = NAMED.fullmatch(line)
        if named:
            texts[named[1]] = named[2].strip()
        elif line.startswith(" ") and texts:
            texts[list(texts)[-1]] += f" {line.strip()}"
        elif line.strip():
            raise SchemaRefused(f"{function.__name__}: {line!r} is not `argument: text`")
    return texts


def checked_schema(schema: Mapping[str, Any], function: Callable[..., Any]) -> JSONSchema:
    """A ready JSON Schema, if it describes an object whose properties the function takes. Raises SchemaRefused.

    It is closed unless it says otherwise. A `$ref` that leaves the schema is refused: nothing is ever fetched.
    """
    closed = {"additionalProperties": False, **schema}
    try:
        Draft202012Validator.check_schema(closed)
    except SchemaError as error:
        raise SchemaRefused(f"{function.__name__}: not a JSON Schema: {error.message}") from error
    if closed.get("type") != "object":
        raise SchemaRefused(f"{function.__name__}: the schema of arguments must be an object")
    if outside := [ref for ref in _references(closed) if not ref.startswith("#")]:
        raise SchemaRefused(f"{function.__name__}: {outside[0]!r} is outside the schema")
    _check_takes(function, closed)
    return closed


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [ref for each in node for ref in _references(each)]
    if not isinstance(node, dict):
        return []
    own = [each for name, each in node.items() if name in ("$ref", "$dynamicRef") and isinstance(each, str)]
    return own + [ref for each in node.values() for ref in _references(each)]


def _check_takes(function: Callable[..., Any], schema: JSONSchema) -> None:
    """The function must take every property by name, and anything at all if the schema is open."""
    signature = inspect.signature(function)
    if any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values()):
        return
    if schema["additionalProperties"] is not False:
        raise SchemaRefused(f"{function.__name__}: an open schema needs **arguments")
    required = set(schema.get("required", ()))
    try:
        signature.bind(None, **dict.fromkeys(schema.get("properties", ())))
        signature.bind(None, **dict.fromkeys(required))
    except TypeError as error:
        raise SchemaRefused(f"{function.__name__}: does not take what its schema says: {error}") from error


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Those the model fills in: all after the context."""
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters:
        raise SchemaRefused(f"{function.__name__}: the first argument of a tool is its context")
    for each in parameters[1:]:
        if each.kind not in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY):
            raise SchemaRefused(f"{function.__name__}: {each} cannot be given by name")
    return {each.name: each for each in parameters[1:]}


def _property(
    function: Callable[..., Any], parameter: inspect.Parameter, hints: Mapping[str, Any], text: str
) -> JSONSchema:
    place = f"{function.__name__}({parameter.name})"
    if parameter.name not in hints:
        raise SchemaRefused(f"{place}: needs a type")
    schema = _schema_of_type(hints[parameter.name], place)
    if parameter.default is not parameter.empty:
        schema["default"] = _checked_default(parameter.default, schema, place)
    return {**schema, "description": text} if text else schema


def _checked_default(default: Any, schema: JSONSchema, place: str) -> Any:
    try:
        json.dumps(default, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SchemaRefused(f"{place}: the default {default!r} is not JSON") from error
    if not Draft202012Validator(schema).is_valid(default):
        raise SchemaRefused(f"{place}: the default {default!r} is not of its type")
    return default


def _schema_of_type(hint: Any, place: str) -> JSONSchema:
    if hint in KINDS:
        return {"type": KINDS[hint]}
    if hint is type(None):
        return {"type": "null"}
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case types.UnionType | typing.Union:
            return {"anyOf": [_schema_of_type(each, place) for each in arguments]}
        case typing.Literal:
            return _schema_of_choice(arguments, place)
        case origin if origin is list:
            return {"type": "array", "items": _schema_of_type(arguments[0], place)}
        case origin if (origin is dict and arguments[0] is str) or hint is dict:
            return _schema_of_mapping(arguments, place)
        case _:
            raise SchemaRefused(
                f"{place}: {hint!r} has no JSON Schema here; use str, int, float, bool, list[...], dict, "
                f"dict[str, ...], Literal, `X | None`, or bring a ready schema"
            )


def _schema_of_choice(choices: tuple[Any, ...], place: str) -> JSONSchema:
    kinds = {type(each) for each in choices}
    if len(kinds) != 1 or not kinds <= KINDS.keys():
        raise SchemaRefused(f"{place}: a Literal of one plain type, or bring a ready schema")
    return {"type": KINDS[kinds.pop()], "enum": list(choices)}


def _schema_of_mapping(arguments: tuple[Any, ...], place: str) -> JSONSchema:
    if not arguments or arguments[1] is Any:
        return {"type": "object"}
    return {"type": "object", "additionalProperties": _schema_of_type(arguments[1], place)}

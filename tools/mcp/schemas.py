"""The schema of a foreign tool's arguments, bounded before anything is checked by it. No Django.

What is checked by a schema costs what the schema asks for: one of a few lines can ask for 2 to the power of 16, or for
ever. So it is counted written out, may not lead back into itself, and has no regular expressions.
"""

import json
from typing import Any

from tools.cleaning import clean_json
from tools.schema import JSONSchema, SchemaRefused, checked_schema

SCHEMA_MAX_DEPTH = 40  # levels of JSON
MAX_VALUES = 3_000  # of it, written out
TEXT_MAX_CHARS = 200  # of a pattern that is told instead
NAMED = ("properties", "$defs", "definitions", "dependentSchemas")  # below these, names are those of others
# Where it says that it is, in which words it is written, and who else may lead where.
DROPPED = ("$schema", "$id", "id", "$anchor", "$comment", "$vocabulary", "patternProperties")
DATA = ("enum", "const", "default", "examples")  # no schemas
REFUSED = ("$dynamicRef", "$dynamicAnchor", "$recursiveRef")


def checked(schema: Any, max_bytes: int = 16_000) -> JSONSchema:
    """The schema as it is offered. Raises SchemaRefused."""
    if not isinstance(schema, dict):
        raise SchemaRefused("the schema of its arguments is no object")
    _require_flat(schema)
    schema = clean_json(schema)
    if len(json.dumps(schema, ensure_ascii=False).encode()) > max_bytes:
        raise SchemaRefused(f"the schema of its arguments is longer than {max_bytes:,} bytes")
    plain = _plain(schema)
    _Count(plain).of(plain, ())
    return checked_schema(plain, _takes)


async def _takes(_: Any, **arguments: Any) -> None:
    """Any arguments, as the server's tool takes them."""


def _require_flat(schema: Any) -> None:
    """Counted without recursion, which a hostile one would exhaust."""
    level, depth = [schema], 0
    while level:
        level, depth = [inner for each in level for inner in _inner(each)], depth + 1
        if depth > SCHEMA_MAX_DEPTH:
            raise SchemaRefused(f"the schema of its arguments has more than {SCHEMA_MAX_DEPTH} levels")


def _inner(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _plain(value: Any) -> Any:
    """Without regular expressions, and without names for itself."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if refused := next((name for name in REFUSED if name in value), None):
        raise SchemaRefused(f"the schema of its arguments has {refused}")
    made = {name: _below(name, each) for name, each in value.items() if name not in DROPPED}
    if isinstance(value.get("patternProperties"), dict):
        made["additionalProperties"] = True
    pattern = made.pop("pattern", None)
    if isinstance(pattern, str):
        told = f"(pattern: {pattern[:TEXT_MAX_CHARS]})"
        made["description"] = f"{made['description']} {told}" if isinstance(made.get("description"), str) else told
    return made


def _below(name: str, value: Any) -> Any:
    if name in NAMED and isinstance(value, dict):
        return {each: _plain(below) for each, below in value.items()}
    return value if name in DATA else _plain(value)


class _Count:
    """How much there is, with each reference written out."""

    def __init__(self, schema: JSONSchema) -> None:
        self._schema = schema
        self._left = MAX_VALUES

    def of(self, value: Any, within: tuple[str, ...]) -> None:
        """Count it. Raises SchemaRefused."""
        self._left -= 1
        if self._left < 0:
            raise SchemaRefused(f"the schema of its arguments has more than {MAX_VALUES:,} values, written out")
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            self._refer(value["$ref"], within)
        for each in _inner(value):
            self.of(each, within)

    def _refer(self, ref: str, within: tuple[str, ...]) -> None:
        if ref in within:
            raise SchemaRefused("the schema of its arguments refers to itself")
        self.of(self._target(ref), (*within, ref))

    def _target(self, ref: str) -> Any:
        if ref == "#":
            return self._schema
        value: Any = self._schema
        if not ref.startswith("#/"):
            raise SchemaRefused(f"{ref[:TEXT_MAX_CHARS]!r} is outside the schema")
        for step in ref[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(value, dict) or name not in value:
                raise SchemaRefused(f"{ref[:TEXT_MAX_CHARS]!r} is not in the schema")
            value = value[name]
        return value

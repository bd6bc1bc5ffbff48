"""The schema of a foreign tool's arguments, bounded before anything is checked by it. No Django.

What is checked by a schema costs what the schema asks for: one of a few lines can ask for 2 to the power of 16, or for
ever. So it is counted written out, may not lead back into itself, and has no regular expressions: those are taken out
of schemas, and a reference leads to a schema and not into data, which are left as they are.
"""

import json
import re
from typing import Any

from tools.cleaning import clean_json
from tools.schema import JSONSchema, SchemaRefused, checked_schema

SCHEMA_MAX_DEPTH = 40  # levels of JSON
WRITTEN_MAX_DEPTH = 100  # of those, written out: each takes some calls within calls
MAX_VALUES = 3_000  # of it, written out
TEXT_MAX_CHARS = 200  # of a pattern that is told instead
# Whatever reads it finds the same there: no `%41`, and no `~1`.
REF = re.compile(r"#(?:/(?:\$defs|definitions|properties)/[A-Za-z0-9_.-]+)+")
NAMED = ("properties", "$defs", "definitions", "dependentSchemas")  # below these, names are those of others
# Where it says that it is, in which words it is written, and who else may lead where.
NAMES = ("$schema", "$id", "id", "$anchor", "$comment", "$vocabulary")
# What cannot be checked within what was counted: what it leads to is looked at once more on each level, items are
# compared each with each.
COSTLY = ("patternProperties", "unevaluatedProperties", "unevaluatedItems", "uniqueItems")
DROPPED = (*NAMES, *COSTLY)
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
    _Count(plain).of(plain, (), 0)
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
    """Without what is costly to check, and without names for itself."""
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

    def of(self, value: Any, within: tuple[str, ...], depth: int) -> None:
        """Count it. Raises SchemaRefused."""
        self._left -= 1
        if depth > WRITTEN_MAX_DEPTH:
            raise SchemaRefused(f"the schema of its arguments has more than {WRITTEN_MAX_DEPTH} levels, written out")
        if self._left < 0:
            raise SchemaRefused(f"the schema of its arguments has more than {MAX_VALUES:,} values, written out")
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            self._refer(value["$ref"], within, depth)
        for each in _inner(value):
            self.of(each, within, depth + 1)

    def _refer(self, ref: str, within: tuple[str, ...], depth: int) -> None:
        if ref in within:
            raise SchemaRefused("the schema of its arguments refers to itself")
        self.of(self._target(ref), (*within, ref), depth + 1)

    def _target(self, ref: str) -> Any:
        if ref == "#":
            return self._schema
        value: Any = self._schema
        if not ref.startswith("#/"):
            raise SchemaRefused(f"{ref[:TEXT_MAX_CHARS]!r} is outside the schema")
        if not REF.fullmatch(ref):
            raise SchemaRefused(f"{ref[:TEXT_MAX_CHARS]!r} leads to no definition or property")
        for name in ref[2:].split("/"):
            if not isinstance(value, dict) or name not in value:
                raise SchemaRefused(f"{ref[:TEXT_MAX_CHARS]!r} is not in the schema")
            value = value[name]
        return value

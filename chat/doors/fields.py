"""Reading requests of clients that say more than the native door: each function gives the value or raises Invalid."""

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from accounts.errors import refuse
from agents.messages import ToolSpec
from agents.options import OutputFormat
from agents.output import fault_of_schema
from chat.money import EXPECTED, MOST, nanos_in

Value = TypeVar("Value")

NAME_MAX_CHARS = 200  # of a chat, as its client calls it
INSTRUCTIONS_MAX_CHARS = 100_000
TOOLS_MAX = 128
_TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


def text(value: Any, field: str) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise refuse(field, "Expected a text.")
    return value


def name(value: Any, field: str) -> str:
    """A name that the client has chosen."""
    if not isinstance(value, str) or not 1 <= len(value) <= NAME_MAX_CHARS or "\x00" in value:
        raise refuse(field, f"Expected a text of 1 to {NAME_MAX_CHARS} characters.")
    return value


def flag(value: Any, field: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise refuse(field, "Expected true or false.")
    return value


def number(least: float, most: float) -> Callable[[Any, str], float]:
    """A reader of numbers between these two, both included; a whole one stays whole."""

    def read(value: Any, field: str) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not least <= value <= most:
            raise refuse(field, f"Expected a number from {least} to {most}.")
        return value  # type: ignore[no-any-return]

    return read


def whole(least: int, most: int) -> Callable[[Any, str], int]:
    """A reader of whole numbers between these two, both included."""

    def read(value: Any, field: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise refuse(field, f"Expected a whole number from {least} to {most}.")
        return value

    return read


def money(value: Any, field: str) -> int:
    """An amount of money, in billionths."""
    nanos = nanos_in(value)
    if nanos is None:
        raise refuse(field, EXPECTED)
    return nanos


def one_of(*names: str) -> Callable[[Any, str], str]:
    """A reader of one of these words."""

    def read(value: Any, field: str) -> str:
        if value not in names:
            raise refuse(field, f"Expected one of: {', '.join(names)}.")
        return str(value)

    return read


def cap(body: dict[str, Any]) -> dict[str, Any]:
    """What a run may use in all, as its options say it."""
    return {
        "max_tokens": optional(body, "max_tokens", whole(1, MOST)),
        "max_nanos": optional(body, "max_cost", money),
    }


def optional(body: dict[str, Any], name: str, read: Callable[[Any, str], Value]) -> Value | None:
    """The field as it is read; null is the same as leaving it out."""
    return None if body.get(name) is None else read(body[name], name)


def objects(value: Any, field: str) -> list[dict[str, Any]]:
    """A list of JSON objects."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise refuse(field, "Expected a list of objects.")
    return value


def project(value: Any, field: str) -> UUID | None:
    """The id of a project, or none."""
    try:
        return None if value is None else UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise refuse(field, "Expected the id of a project.") from None


def instructions(pieces: list[str], field: str) -> str:
    """What is told to the model behind its archetype's own prompt."""
    whole = "\n\n".join(each for each in pieces if each.strip())
    if len(whole) > INSTRUCTIONS_MAX_CHARS:
        raise refuse(field, f"Expected at most {INSTRUCTIONS_MAX_CHARS} characters together.")
    return whole


def tool(name: Any, description: Any, schema: Any, field: str) -> ToolSpec:
    """A tool of the client's own. Without a schema it takes no arguments."""
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise refuse(f"{field}.name", "Expected 1 to 64 of the characters a-z, A-Z, 0-9, _, . and -.")
    if not isinstance(schema, dict | None) or (schema and schema.get("type", "object") != "object"):
        raise refuse(f"{field}.parameters", "Expected a JSON Schema of an object.")
    known = {"type": "object", "properties": {}, **(schema or {})}
    return ToolSpec(name, "" if description is None else text(description, f"{field}.description"), known)


def output(value: Any, field: str, *, repairs: bool = True) -> OutputFormat | None:
    """What the answer must be: `{name, schema, strict?}`."""
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) - {"name", "schema", "strict", "description"}:
        raise refuse(field, "Expected an object {name, schema, strict}.")
    name, strict = value.get("name"), value.get("strict")
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise refuse(f"{field}.name", "Expected 1 to 64 of the characters a-z, A-Z, 0-9, _, . and -.")
    if fault := fault_of_schema(value.get("schema")):
        raise refuse(f"{field}.schema", fault)
    is_strict = strict is not None and flag(strict, f"{field}.strict")
    return OutputFormat(name, value["schema"], is_strict, repairs)


def tools(found: list[ToolSpec], field: str) -> tuple[ToolSpec, ...]:
    """The tools, each name once."""
    if len(found) > TOOLS_MAX or len({each.name for each in found}) < len(found):
        raise refuse(field, f"Expected at most {TOOLS_MAX} tools, each name once.")
    return tuple(found)

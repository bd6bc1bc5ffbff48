"""Whether a call's arguments fit the tool's schema, in sentences that the model can act on. No Django."""

import functools
import json
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry

MAX_FAULTS = 5
CHECK_MAX_S = 1.0  # of processor time: a schema and arguments that are both long cost the one times the other
TOO_MUCH = "The arguments are too much to be checked: send less at a time."
KINDS = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}

# A JSON Schema takes 3.0 for an integer; a Python function that counts with it does not.
_types = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
)
_until: ContextVar[float] = ContextVar("until")


class _TooLong(Exception):
    """The time is over."""


def _bounded(keyword: Callable[..., Any]) -> Callable[..., Any]:
    """The same check, while there is time."""

    def check(*arguments: Any) -> Any:
        if time.thread_time() > _until.get():
            raise _TooLong
        return keyword(*arguments)

    return check


_keywords = {name: _bounded(each) for name, each in Draft202012Validator.VALIDATORS.items()}
_Strict = extend(Draft202012Validator, validators=_keywords, type_checker=_types)


def faults_of(schema: dict[str, Any], arguments: Any) -> list[str]:
    """What is wrong, one sentence each, the first five; empty when the arguments fit."""
    _until.set(time.thread_time() + CHECK_MAX_S)
    try:
        errors = list(_validator(json.dumps(schema)).iter_errors(arguments))
    except (_TooLong, OverflowError, RecursionError):  # numbers beyond all floats, values in values
        return [TOO_MUCH]
    errors.sort(key=lambda error: list(map(str, error.path)))
    sentences = [_sentence(error) for error in errors[:MAX_FAULTS]]
    more = len(errors) - MAX_FAULTS
    return [*sentences, f"And {more} more."] if more > 0 else sentences


@functools.lru_cache(maxsize=256)
def _validator(schema: str) -> Validator:
    # An empty registry of its own: the library's default one fetches a foreign $ref over the network.
    return _Strict(json.loads(schema), registry=Registry())


def _sentence(error: ValidationError) -> str:
    match error.validator:
        case "required":
            return _missing(error)
        case "additionalProperties" if isinstance(error.instance, dict) and error.validator_value is False:
            return _unknown(error)
        case None:  # the schema `false`; the library does not say where
            return f"{_field(error)}: {_shown(error.instance)} is not taken."
        case _:
            return f"{_field(error)}: expected {_expected(error)}, got {_shown(error.instance)}."


def _missing(error: ValidationError) -> str:
    names = [name for name in error.validator_value if name not in error.instance]
    # One error comes for each missing name; its message starts with that name.
    name = next((each for each in names if error.message.startswith(repr(each))), names[0])
    wanted = error.schema.get("properties", {}).get(name, {})
    text = wanted.get("description", "") if isinstance(wanted, dict) else ""
    return f"{_field(error, name)}: is required, {_kind(wanted)}{f' ({text})' if text else ''}."


def _unknown(error: ValidationError) -> str:
    known = error.schema.get("properties", {})
    unknown = sorted(set(error.instance) - set(known))
    takes = f"it takes {', '.join(known)}" if known else "it takes no arguments"
    return f"{', '.join(_shortened(_field(error, name)) for name in unknown[:MAX_FAULTS])}: no such argument; {takes}."


def _field(error: ValidationError, name: str = "") -> str:
    """Where: path[2].name"""
    field = ""
    for step in [*error.absolute_path, *([name] if name else [])]:
        field += f"[{step}]" if isinstance(step, int) else f".{step}" if field else str(step)
    return field or "arguments"


def _expected(error: ValidationError) -> str:
    wanted = error.validator_value
    match error.validator:
        case "type" | "anyOf" | "oneOf" | "enum" | "const":
            return _kind(error.schema)
        case "minLength" | "minItems":
            return f"at least {wanted} {'characters' if error.validator == 'minLength' else 'items'}"
        case "maxLength" | "maxItems":
            return f"at most {wanted} {'characters' if error.validator == 'maxLength' else 'items'}"
        case "minimum" | "maximum":
            return f"a number of at {'least' if error.validator == 'minimum' else 'most'} {wanted}"
        case _:
            return f"{error.validator} {json.dumps(wanted, default=str)}"


def _kind(schema: Any) -> str:
    """What a schema takes, in words."""
    if not isinstance(schema, dict):
        return "a value" if schema is True else "another value"
    if "enum" in schema:
        return f"one of {', '.join(map(json.dumps, schema['enum']))}"
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(map(_kind, alternatives))
    kinds = schema.get("type", "a value")
    items = schema.get("items")
    if kinds == "array" and isinstance(items, dict) and "type" in items:
        return f"an array, each item {_kind(items)}"
    return " or ".join(KINDS.get(each, each) for each in ([kinds] if isinstance(kinds, str) else kinds))


def _shown(value: Any) -> str:
    """The start of what came, so that a five-megabyte argument does not come back."""
    match value:
        case str():
            return f"the string {_shortened(json.dumps(value[:100], ensure_ascii=False))}"
        case list():
            return f"an array of {len(value)}"
        case dict():
            return "an object"
        case _:
            return _shortened(json.dumps(value))


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."

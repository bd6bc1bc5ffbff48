"""What an answer must be, where a client asked for JSON of a schema: the schema's bounds, and whether an answer fits.

Providers differ: some enforce a schema, some take it and ignore it, some wrap the JSON in a fence. So it is sent as it
was given and the answer is looked at by us. No Django.
"""

import json
import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft4Validator, Draft7Validator, Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

SCHEMA_MAX_BYTES = 65_536
SCHEMA_MAX_DEPTH = 16
NAME_MAX_CHARS = 64
STEPS_MAX = 50_000  # of checking one answer: a schema of a few lines can ask for 2 to the power of 16
FAULTS_MAX = 5
FAULT_MAX_CHARS = 300
_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL | re.IGNORECASE)

_left: ContextVar[int] = ContextVar("steps that may still be taken")


class TooMany(Exception):
    """The schema asks for more work than one answer is worth."""


def fault_of_schema(schema: Any) -> str:
    """What is wrong with a schema, in a sentence; empty where nothing is."""
    if not isinstance(schema, dict):
        return "Expected a JSON Schema, an object."
    if _depth(schema) > SCHEMA_MAX_DEPTH:
        return f"Expected a schema of at most {SCHEMA_MAX_DEPTH} levels."
    if len(json.dumps(schema, ensure_ascii=False).encode("utf-8", "replace")) > SCHEMA_MAX_BYTES:
        return f"Expected at most {SCHEMA_MAX_BYTES} bytes of schema."
    if foreign := next((each for each in _references(schema) if not each.startswith("#")), None):
        return f"Expected no $ref to elsewhere, such as {foreign[:100]!r}: put it under $defs."
    drafts = (Draft202012Validator, Draft7Validator, Draft4Validator)  # generators of schemas write all of these
    faults = [fault for each in drafts if (fault := _fault(each, schema))]
    return f"Not a JSON Schema: {_cut(faults[0])}" if len(faults) == len(drafts) else ""


def _fault(draft: Any, schema: dict[str, Any]) -> str:
    try:
        draft.check_schema({name: value for name, value in schema.items() if name != "$schema"})
    except SchemaError as error:
        return str(error.message)
    return ""


@dataclass(frozen=True)
class Judged:
    """An answer, looked at."""

    value: Any = None  # the JSON, where it fits
    faults: tuple[str, ...] = ()  # what is wrong, a sentence each; none: it fits


def judge(text: str, schema: dict[str, Any]) -> Judged:
    """Whether a text is JSON that fits. A fence around it is a fault: who reads the answer would stumble over it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if _FENCED.fullmatch(text):
            return Judged(faults=("The answer is wrapped in a code fence. Write the JSON alone.",))
        return Judged(faults=(f"The answer is not JSON: {_cut(str(error))}.",))
    _left.set(STEPS_MAX)
    try:
        errors = list(_first(_checker_of(schema)(_local(schema), registry=Registry()).iter_errors(value)))
    except (TooMany, RecursionError):
        return Judged(faults=("The schema is too intricate to be checked.",))
    except Unresolvable as error:
        return Judged(faults=(f"The schema refers to what it does not hold: {_cut(str(error))}.",))
    return Judged(value if not errors else None, tuple(_sentence(each) for each in errors))


def _first(errors: Iterator[ValidationError]) -> Iterator[ValidationError]:
    return (error for error, _ in zip(errors, range(FAULTS_MAX), strict=False))


def _counted(check: Any) -> Any:
    """The keyword's own check, one step of those that are left; a list of values is as many as it has."""

    def counted(validator: Any, keyword: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        left = _left.get() - (len(keyword) if isinstance(keyword, list) else 1)
        if left < 0:
            raise TooMany
        _left.set(left)
        yield from check(validator, keyword, instance, schema) or ()

    return counted


def _unique(_: Any, is_wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    """Each item once; the library compares each with each."""
    if is_wanted and isinstance(instance, list):
        texts = [json.dumps(each, sort_keys=True) for each in instance]
        if len(set(texts)) < len(texts):
            yield ValidationError("an item is there more than once")


def _unchecked(*_: Any) -> Iterator[ValidationError]:
    """A regular expression of somebody else's could keep us for ever, so a pattern is the provider's to keep."""
    return iter(())


def _bounded(draft: Any) -> Any:
    """The draft's checks, in a bounded number of steps."""
    counted = {name: _counted(check) for name, check in draft.VALIDATORS.items()}
    own = {**dict.fromkeys(("pattern", "patternProperties"), _unchecked), "uniqueItems": _unique}
    return extend(draft, {**counted, **own})


_CHECKERS = [(each, _bounded(each)) for each in (Draft202012Validator, Draft7Validator, Draft4Validator)]


def _checker_of(schema: dict[str, Any]) -> Any:
    """The newest draft that the schema is right by."""
    return next((checker for draft, checker in _CHECKERS if not _fault(draft, schema)), _CHECKERS[0][1])


def _local(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the address it names itself by: a reference in it is one to itself."""
    return {name: value for name, value in schema.items() if name not in ("$id", "id", "$schema")}


def _sentence(error: ValidationError) -> str:
    place = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in error.absolute_path)
    return _cut(f"At {place.lstrip('.') or 'the top'}: {error.message}")


def _cut(text: str) -> str:
    return text if len(text) <= FAULT_MAX_CHARS else f"{text[: FAULT_MAX_CHARS - 1]}…"


def _depth(value: Any) -> int:
    """How many levels of objects and lists there are; counted without recursion, which a hostile one would exhaust."""
    level, deepest = [value], 0
    while level and deepest <= SCHEMA_MAX_DEPTH * 4:
        level = [inner for each in level for inner in _inner(each)]
        deepest += bool(level)
    # Each level of a schema is two of JSON: a keyword, and what stands under it.
    return deepest // 2 + 1


def _inner(value: Any) -> list[Any]:
    found = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in found if isinstance(each, dict | list)]


def _references(value: Any) -> Iterator[str]:
    for each in _inner(value):
        yield from _references(each)
    if isinstance(value, dict):
        yield from (found for name in ("$ref", "$dynamicRef") if isinstance(found := value.get(name), str))

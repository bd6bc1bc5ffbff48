"""Arguments that the operator fixes: always sent as said, and never the model's to see or to say. No Django."""

from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from tools.openapi.arguments import Argument
from tools.openapi.operations import Operation
from tools.openapi.reading import DocumentRefused


def fixed_of(
    arguments: Sequence[Argument], given: Mapping[str, Any], operation: Operation
) -> tuple[tuple[Argument, ...], dict[str, Any]]:
    """The arguments that are left to the model, and the values of the others by their names.

    `given` is by the API's names or the arguments'. Raises DocumentRefused where one of them is not an argument of this
    operation: nothing would hold the model to it there.
    """
    values = {}
    for name, value in given.items():
        argument = _argument(arguments, name, operation)
        error = next(Draft202012Validator(argument.schema).iter_errors(value), None)
        if error is not None:
            raise DocumentRefused(f"{operation.place}: fixed[{name!r}]: {error.message[:200]}")
        values[argument.name] = value
    left = tuple(each for each in arguments if each.name not in values)
    for each in left:
        if inner := {name for name in given if _names(each.schema, name)}:
            told = (
                f"fixed[{min(inner)!r}]: the argument {each.name!r} has a field of that name too, and it is the model's"
            )
            raise DocumentRefused(f"{operation.place}: {told}; fix {each.name!r}, or take the field out of the file")
    return left, values


def _argument(arguments: Sequence[Argument], name: str, operation: Operation) -> Argument:
    for each in arguments:
        if name in (each.name, each.key):
            return each
    there = ", ".join(each.name for each in arguments) or "none"
    told = f"fixed[{name!r}]: there is no such argument; there are {there}. Make tools of it by another from_openapi"
    raise DocumentRefused(f"{operation.place}: {told}")


def _names(schema: Any, name: str) -> bool:
    """Whether a field of that name is anywhere in the schema."""
    if isinstance(schema, list):
        return any(_names(each, name) for each in schema)
    if not isinstance(schema, dict):
        return False
    fields = schema.get("properties")
    is_here = isinstance(fields, dict) and name in fields
    return is_here or any(_names(each, name) for each in schema.values())

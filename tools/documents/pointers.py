"""JSON Pointers (RFC 6901): read, bounded, and followed."""

import re
from collections.abc import Sequence
from typing import Any

from tools.documents.errors import ValueRefused
from tools.documents.limits import Limits
from tools.documents.values import check_name, short

INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
BAD_ESCAPE = re.compile(r"~(?![01])")


class PointerRefused(Exception):
    """Its text says what was expected of a pointer."""


class NothingThere(Exception):
    """Its text says how far the pointer leads, and what is there."""


def steps_of(pointer: Any, limits: Limits) -> tuple[str, ...]:
    """The pointer's steps, escapes undone; () for the whole document. Raises PointerRefused."""
    if not isinstance(pointer, str):
        raise PointerRefused("expected a text such as /pages/0/title, or an empty one for the whole document")
    if len(pointer) > limits.pointer_chars:
        raise PointerRefused(f"expected at most {limits.pointer_chars:,} characters")
    if pointer and not pointer.startswith("/"):
        raise PointerRefused("expected a text that begins with /, or an empty one for the whole document")
    if BAD_ESCAPE.search(pointer):
        raise PointerRefused("behind ~ expected 0 (for ~) or 1 (for /)")
    steps = tuple(each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:])
    if len(steps) > limits.pointer_steps:
        raise PointerRefused(f"expected at most {limits.pointer_steps} steps")
    _check_names(steps)
    return steps


def pointer_of(steps: Sequence[str]) -> str:
    """The pointer with these steps."""
    return "".join("/" + each.replace("~", "~0").replace("/", "~1") for each in steps)


def found(document: Any, steps: Sequence[str]) -> Any:
    """What is there. Raises NothingThere."""
    value = document
    for number, step in enumerate(steps):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and INDEX.fullmatch(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            raise NothingThere(_told(steps[:number], value))
    return value


def what_is_there(document: Any, steps: Sequence[str]) -> str:
    """A sentence for whoever expected something else."""
    try:
        return _told(steps, found(document, steps))
    except NothingThere as error:
        return str(error)


def _told(steps: Sequence[str], value: Any) -> str:
    place = pointer_of(steps) or "The document"
    return f"{place} is {short(value)}."


def _check_names(steps: Sequence[str]) -> None:
    try:
        for each in steps:
            check_name(each)
    except ValueRefused as error:
        raise PointerRefused(str(error)[0].lower() + str(error)[1:].rstrip(".")) from None

"""JSON values of documents: as text, how large they are, and what none may hold."""

import math
from dataclasses import dataclass
from typing import Any

import msgspec

from tools.cleaning import UNFIT
from tools.documents.errors import TooLarge, ValueRefused
from tools.documents.limits import Limits

# Names that lead a script which follows a path in an object to what all objects share.
FORBIDDEN = frozenset({"__proto__", "prototype", "constructor"})
MAX_DIGITS = 400  # of a whole number, as in bodies (accounts.http.parsing)
SHOWN_CHARS = 80
_LARGEST = 10**MAX_DIGITS


@dataclass(frozen=True)
class Size:
    """How many values it is made of, itself included, and how deep its lists and objects lie inside each other."""

    values: int
    depth: int


def encode(value: Any) -> bytes:
    """The value as JSON text in UTF-8, names in their order."""
    return msgspec.json.encode(value)


def decode(text: str | bytes) -> Any:
    """The value that `encode` made it of; a new one, which shares nothing."""
    return msgspec.json.decode(text)


def size_of(value: Any, limits: Limits) -> Size:
    """How large it is. Raises ValueRefused for what no document may hold, TooLarge where it is too deep or too many."""
    count, depth = 0, 0
    waiting = [(value, 1)]
    while waiting:
        one, level = waiting.pop()
        count += 1
        inside = _inside(one)
        if inside is None:
            continue
        depth = max(depth, level)
        check_depth(depth, limits)
        check_count(count + len(waiting) + len(inside), limits)
        waiting.extend((each, level + 1) for each in inside)
    return Size(count, depth)


def check_depth(depth: int, limits: Limits) -> None:
    """Raise TooLarge for more than there may be."""
    if depth > limits.depth:
        raise TooLarge(f"The document would be nested too deeply: at most {limits.depth} levels.")


def check_count(count: int, limits: Limits) -> None:
    """Raise TooLarge for more than there may be."""
    if count > limits.values:
        raise TooLarge(f"The document would hold too many values: at most {limits.values:,}.")


def check_bytes(count: int, limits: Limits) -> None:
    """Raise TooLarge for more than there may be."""
    if count > limits.bytes:
        raise TooLarge(f"The document would be too large: at most {limits.bytes:,} bytes as JSON.")


def check_name(name: Any) -> None:
    """Raise ValueRefused for what no object's name may be."""
    if not isinstance(name, str):
        raise ValueRefused(f"A name is a text, not {short(name)}.")
    if name in FORBIDDEN:
        raise ValueRefused(f"The name {name} may not be used: scripts would take it for something else.")
    _check_text(name)


def short(value: Any) -> str:
    """The value as JSON, or its beginning: a large one does not come back."""
    match value:
        case dict():
            return f"an object with {_names(value)}" if value else "an empty object"
        case list():
            return f"a list of {len(value):,}"
        case str():
            return _cut(encode(value[: SHOWN_CHARS * 2]).decode())
        case _:
            return _cut(encode(value).decode())


def _inside(value: Any) -> list[Any] | None:
    """What lies directly in it; None for what is neither list nor object. Raises ValueRefused."""
    if isinstance(value, dict):
        for name in value:
            check_name(name)
        return list(value.values())
    if isinstance(value, list):
        return value
    _check_scalar(value)
    return None


def _check_scalar(value: Any) -> None:
    match value:
        case str():
            _check_text(value)
        case None | bool():
            pass
        case int() if -_LARGEST < value < _LARGEST:
            pass
        case float() if math.isfinite(value):
            pass
        case int() | float():
            raise ValueRefused(f"A number is finite, and has at most {MAX_DIGITS} digits.")
        case _:
            raise ValueRefused(f"A value of JSON is expected, not a {type(value).__name__}.")


def _check_text(text: str) -> None:
    if UNFIT.search(text):
        raise ValueRefused("A text holds NUL or half a character. Remove it.")


def _names(value: dict[str, Any]) -> str:
    shown = ", ".join(list(value)[:10])
    more = len(value) - 10
    return f"the names {_cut(shown)}" + (f" and {more:,} more" if more > 0 else "")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 1]}…"

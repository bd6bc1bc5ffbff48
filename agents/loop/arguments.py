"""The arguments of a call, as they were put together from its pieces. Pure."""

import json
import re
from typing import Any

OBJECTS_MAX = 128  # in a row: more are no calls

_decoder = json.JSONDecoder()
_space = re.compile(r"\s*")


def objects_in(text: str) -> list[str]:
    """The JSON objects that stand in a row, each of which is a call of its own; mostly one.

    Equal ones are one, and an empty one before another is dropped: servers begin with it, or say the whole again. What
    is no row of objects is given as it is.
    """
    found = _objects(text)
    if len(found) < 2:
        return [text]
    whole = [each for each in found if each] or found[:1]
    distinct = [each for number, each in enumerate(whole) if each not in whole[:number]]
    return [json.dumps(each, ensure_ascii=False) for each in distinct]


def _objects(text: str) -> list[dict[str, Any]]:
    """All of them; none where something else stands between, or where there are too many."""
    found: list[dict[str, Any]] = []
    at = 0
    try:
        while at < len(text) and len(found) <= OBJECTS_MAX:
            value, end = _decoder.raw_decode(text, at)
            at = _space.match(text, end).end()  # type: ignore[union-attr]
            found.append(value)
    except (ValueError, RecursionError):
        return []
    is_row = len(found) <= OBJECTS_MAX and all(isinstance(each, dict) for each in found)
    return found if is_row else []

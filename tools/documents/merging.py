"""JSON merge patch (RFC 7396): an object that says what shall be another, null what shall go."""

from collections.abc import Iterator
from typing import Any

from tools.documents.patching import Changed
from tools.documents.pointers import pointer_of

MOST_PATHS = 200  # told of one merge patch; the rest is changed all the same


def merged(document: Any, patch: Any) -> Changed:
    """The document with the merge patch applied. Both are as deep as documents may be, and neither is changed."""
    paths = [each for each, _ in zip(_paths(patch, ()), range(MOST_PATHS), strict=False)]
    return Changed(_merged(document, patch), paths)


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def _paths(patch: Any, steps: tuple[str, ...]) -> Iterator[str]:
    """The places that it names: those of values which are no objects, and of empty ones."""
    if not isinstance(patch, dict) or not patch:
        yield pointer_of(steps)
        return
    for name, value in patch.items():
        yield from _paths(value, (*steps, name))

"""What `$ref` points to: within the same file, and nowhere else. No Django."""

from typing import Any
from urllib.parse import unquote

from tools.openapi.reading import Document, DocumentRefused

MAX_STEPS = 20  # of references that point to references


def resolved(document: Document, value: Any, place: str) -> Any:
    """The value, or what it refers to. Raises DocumentRefused for what is not in the file; `place` says where."""
    for _ in range(MAX_STEPS):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            return value
        value = target(document, value["$ref"], place)
    raise DocumentRefused(f"{place}: its references point to each other")


def target(document: Document, ref: str, place: str) -> Any:
    """What stands at this reference. Raises DocumentRefused."""
    if not ref.startswith("#"):
        told = "points out of the file, and nothing is fetched: bundle the files into one"
        raise DocumentRefused(f"{place}: $ref {ref[:200]!r} {told}")
    found: Any = document
    for step in filter(None, unquote(ref[1:]).split("/")):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict) and name in found:
            found = found[name]
        else:
            raise DocumentRefused(f"{place}: there is no {ref[:200]!r} in the file")
    return found

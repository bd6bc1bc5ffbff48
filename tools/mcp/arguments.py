"""The schema of a foreign tool's arguments as models are told it and calls are checked by it: written out, and bounded.

A server could else write references that refer to each other, or patterns, that take for ever to check. No Django.
"""

from typing import Any

from tools.openapi.reading import DocumentRefused
from tools.openapi.schema import Written
from tools.schema import JSONSchema


def written_out(schema: dict[str, Any]) -> tuple[JSONSchema, str]:
    """The schema, and why it cannot be offered; one of the two is empty."""
    try:
        made = Written(schema, "Its schema").schema(schema)
    except (DocumentRefused, RecursionError) as error:
        told = str(error) if isinstance(error, DocumentRefused) else "Its schema is nested too deeply."
        return {}, told[:300]
    if made.get("type") != "object":
        return {}, "Its schema describes no object of arguments."
    return {"properties": {}, **made}, ""

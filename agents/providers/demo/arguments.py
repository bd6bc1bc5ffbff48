"""Arguments that fit a tool's JSON Schema, for a model that has no idea what the tool does."""

import json
from typing import Any

from agents.messages import ToolSpec

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "demo@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_MAX_DEPTH = 8
_MOST = 1_000  # items, or characters: a schema may ask for more than there is memory


def fitting(tool: ToolSpec, wanted: dict[str, Any], prompt: str = "") -> dict[str, Any]:
    """The wanted arguments that the tool knows, and something for each other one that it requires."""
    properties = tool.schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    arguments = {name: value for name, value in wanted.items() if name in known}
    for name in tool.schema.get("required", ()):
        if name not in arguments:
            arguments[name] = _Maker(tool.schema, prompt).value(known.get(name, {}), 0)
    return arguments


def answer(schema: dict[str, Any], prompt: str) -> str:
    """JSON that fits a schema, as far as can be told from it."""
    return json.dumps(_Maker(schema, prompt).value(schema, 0), ensure_ascii=False)


class _Maker:
    """Makes values for one schema."""

    def __init__(self, root: dict[str, Any], prompt: str) -> None:
        self._root = root
        self._text = " ".join(prompt.split())[:60] or "demo"

    def value(self, schema: Any, depth: int) -> Any:
        """A value that fits, as far as types, choices and limits go; patterns are not tried."""
        if not isinstance(schema, dict) or depth > _MAX_DEPTH:
            return self._text
        for word in ("default", "const"):
            if word in schema:
                return schema[word]
        for word in ("enum", "examples"):
            if schema.get(word):
                return schema[word][0]
        if "$ref" in schema:
            return self.value(self._resolved(str(schema["$ref"])), depth + 1)
        for word in ("anyOf", "oneOf", "allOf"):
            if schema.get(word):
                return self.value(schema[word][0], depth + 1)
        return self._of_type(schema, depth)

    def _of_type(self, schema: dict[str, Any], depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        match kind[0] if isinstance(kind, list) and kind else kind:
            case "object":
                properties = schema.get("properties", {})
                return {name: self.value(properties.get(name), depth + 1) for name in schema.get("required", ())}
            case "array":
                return [self.value(schema.get("items", {}), depth + 1)] * min(
                    max(1, int(schema.get("minItems", 1))), _MOST
                )
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema)

    def _string(self, schema: dict[str, Any]) -> str:
        text = _FORMATS.get(str(schema.get("format")), self._text)
        longest, shortest = schema.get("maxLength"), schema.get("minLength", 0)
        return text.ljust(min(int(shortest), _MOST), "x")[: None if longest is None else int(longest)]

    def _resolved(self, reference: str) -> Any:
        found: Any = self._root
        for name in reference.removeprefix("#/").split("/"):
            found = found.get(name) if isinstance(found, dict) else None
        return found


def _number(schema: dict[str, Any]) -> int | float:
    for word, step in (("minimum", 0), ("exclusiveMinimum", 1), ("maximum", 0), ("exclusiveMaximum", -1)):
        limit = schema.get(word)
        if isinstance(limit, int | float) and not isinstance(limit, bool):
            return limit + step
    return 1

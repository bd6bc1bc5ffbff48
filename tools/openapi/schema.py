"""An OpenAPI schema as the JSON Schema of a tool's argument: references written out, the words of 3.0 in those of 3.1.

What only describes answers, examples and XML is left out; so is `pattern`, whose dialect is another and which may be
written to take for ever: the API itself looks at that. No Django.
"""

from typing import Any

from tools.openapi.reading import Document, DocumentRefused
from tools.openapi.references import target
from tools.schema import JSONSchema

MAX_VALUES = 3_000  # of one operation: a model reads them all with every request
TEXT_MAX_CHARS = 1_000
PLAIN = (
    *("type", "enum", "const", "format", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
)
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SINGLE = ("items", "additionalProperties", "not")


class Written:
    """Schemas of one operation, written out and counted together."""

    def __init__(self, document: Document, place: str) -> None:
        self._document = document
        self._place = place
        self._count = 0

    def schema(self, value: Any, within: tuple[str, ...] = ()) -> JSONSchema:
        """The schema. One that is met within itself is left open there, and says so. Raises DocumentRefused."""
        self._count += 1
        if self._count > MAX_VALUES:
            told = f"its schema has more than {MAX_VALUES:,} parts, too many for a model to read"
            raise DocumentRefused(f"{self._place}: {told}; cut the file down to what is needed")
        if isinstance(value, bool):
            return {} if value else {"not": {}}
        if not isinstance(value, dict):
            raise DocumentRefused(f"{self._place}: expected a schema, found {str(value)[:100]!r}")
        if isinstance(value.get("$ref"), str):
            return self._referred(value, within)
        return self._plain(value, within)

    def _referred(self, value: dict[str, Any], within: tuple[str, ...]) -> JSONSchema:
        ref = value["$ref"]
        if ref in within:
            return {"description": f"As {ref.rpartition('/')[2]}, which it is part of."}
        found = self.schema(target(self._document, ref, self._place), (*within, ref))
        beside = {name: each for name, each in value.items() if name != "$ref"}
        if isinstance(beside.get("description"), str):
            found = {**found, "description": beside["description"][:TEXT_MAX_CHARS]}
        return found

    def _plain(self, value: dict[str, Any], within: tuple[str, ...]) -> JSONSchema:
        made: JSONSchema = {name: value[name] for name in PLAIN if name in value}
        for name in LISTS:
            if isinstance(value.get(name), list):
                made[name] = [self.schema(each, within) for each in value[name]]
        for name in SINGLE:
            if name in value:
                made[name] = self.schema(value[name], within) if value[name] is not False else False
        if isinstance(value.get("properties"), dict):
            self._properties(value, made, within)
        if told := _description(value):
            made["description"] = told
        _bounds(made)
        return _nullable(made) if value.get("nullable") is True else made

    def _properties(self, value: dict[str, Any], made: JSONSchema, within: tuple[str, ...]) -> None:
        """Those that may be sent: not what the API alone fills in."""
        sent = {name: each for name, each in value["properties"].items() if not _is_read_only(each)}
        made["properties"] = {name: self.schema(each, within) for name, each in sent.items()}
        required = value.get("required")
        if isinstance(required, list):
            made["required"] = [name for name in required if name in sent or name not in value["properties"]]


def _is_read_only(value: Any) -> bool:
    return isinstance(value, dict) and value.get("readOnly") is True


def _description(value: dict[str, Any]) -> str:
    parts = [value.get("description") or value.get("title") or ""]
    if isinstance(value.get("pattern"), str):
        parts.append(f"(pattern: {value['pattern'][:200]})")
    return " ".join(str(each).strip() for each in parts if each)[:TEXT_MAX_CHARS]


def _bounds(made: JSONSchema) -> None:
    """In 3.0 a bound and whether it is excluded are two words."""
    for word, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(word), bool):
            is_excluded = made.pop(word)
            if is_excluded and plain in made:
                made[word] = made.pop(plain)


def _nullable(made: JSONSchema) -> JSONSchema:
    """In 3.0 null is a word beside the type."""
    if isinstance(made.get("enum"), list) and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
    if isinstance(made.get("type"), str):
        return {**made, "type": [made["type"], "null"]}
    description = {"description": made.pop("description")} if "description" in made else {}
    return {**description, "anyOf": [made, {"type": "null"}]} if made else description

"""An OpenAPI file as a plain value: JSON or YAML, bounded, and nothing that it points to is ever fetched.

YAML is read as JSON would be: `no` and `2026-01-01` are texts. Aliases are refused, for a few lines of them are a bomb.
"""

import json
import re
from typing import Any

import yaml

from tools.schema import SchemaRefused

MAX_DEPTH = 100  # of values in values
MAX_VALUES = 1_000_000
VERSION = re.compile(r"3\.[01](\.\d+)?")

Document = dict[str, Any]


class DocumentRefused(SchemaRefused):
    """No tools can be made of this OpenAPI file as it is asked for; the text says which file, where, and what to do."""


def read(data: bytes, name: str, max_bytes: int) -> Document:
    """The document in these bytes; `name` is what errors call it. Raises DocumentRefused."""
    if len(data) > max_bytes:
        raise DocumentRefused(f"{name}: it is longer than {max_bytes:,} bytes, which OPENAPI_MAX_BYTES allows")
    try:
        text = data.decode("utf-8-sig")
        found = json.loads(text) if text.lstrip().startswith("{") else _yaml(text, name)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise DocumentRefused(f"{name}: neither JSON nor YAML: {_said(error)}") from None
    _check_size(found, name)
    return _checked(found, name)


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return " ".join(str(error).split())[:300]


def _checked(found: Any, name: str) -> Document:
    version = found.get("openapi") if isinstance(found, dict) else None
    if not VERSION.fullmatch(str(version)):
        told = "it says no `openapi` version" if version is None else f"it is of version {str(version)[:20]!r}"
        raise DocumentRefused(f"{name}: {told}; OpenAPI 3.0 and 3.1 are read, Swagger 2.0 can be converted")
    if not isinstance(found.get("paths"), dict):
        raise DocumentRefused(f"{name}: it has no `paths`, so there is nothing to ask")
    return dict(found)


def _check_size(found: Any, name: str) -> None:
    """Without recursion, as the value may be nested as deeply as its reader allowed."""
    count, level = 0, [found]
    for depth in range(MAX_DEPTH + 1):
        count += len(level)
        if count > MAX_VALUES:
            raise DocumentRefused(f"{name}: it holds more than {MAX_VALUES:,} values")
        level = [child for each in level for child in _children(each)]
        if not level:
            return
        if depth == MAX_DEPTH:
            raise DocumentRefused(f"{name}: it is nested deeper than {MAX_DEPTH} values")


def _children(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


# --- YAML -------------------------------------------------------------------------------------------------------------


class _Loader(yaml.CSafeLoader):
    """The types of JSON, by their spelling in JSON; everything else is a text."""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """With names that are texts, such as the status 200."""
        return {str(self._name(key)): self.construct_object(value, deep=True) for key, value in node.value}

    def _name(self, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a name that is no text", node.start_mark)
        return node.value


def _construct(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _construct)
for _tag, _spelled, _first in (
    ("null", r"null|Null|NULL|~|", "nN~\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"-?(?:0|[1-9]\d{0,40})", "-0123456789"),
    ("float", r"-?(?:0|[1-9]\d{0,40})(?:\.\d{1,40})?(?:[eE][-+]?\d{1,3})?", "-0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_spelled})\Z"), [*_first.replace("\0", ""), ""]
    )


def _yaml(text: str, name: str) -> Any:
    """Its events first: a bomb is found before anything is built of it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.AliasEvent):
            raise DocumentRefused(f"{name}: it uses the YAML alias *{event.anchor}; write it out, or use $ref")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH or count > 2 * MAX_VALUES:
            raise DocumentRefused(f"{name}: it is nested deeper than {MAX_DEPTH} values, or holds too many")
    return yaml.load(text, Loader=_Loader)  # a safe one

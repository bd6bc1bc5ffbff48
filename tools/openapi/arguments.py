"""What an operation takes as a tool's arguments: parameters and the body's fields, all under plain names. No Django."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from tools.openapi.operations import Operation
from tools.openapi.reading import Document, DocumentRefused
from tools.openapi.references import resolved
from tools.openapi.schema import Written
from tools.schema import JSONSchema

Place = Literal["path", "query", "header", "field", "body"]

JSON = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?")
NAME_CHARS = 64
BODY = "body"
# What a request is made of, where it goes, who asks and whether it is the same again is not the model's to say. The
# first three are no parameters, OpenAPI says.
OURS = frozenset(
    (
        *("accept", "content-type", "authorization", "host", "cookie", "content-length", "transfer-encoding", "te"),
        *("connection", "keep-alive", "upgrade", "expect", "trailer", "accept-encoding", "content-encoding", "via"),
        *("forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip"),
        *("idempotency-key", "x-http-method", "x-http-method-override", "x-method-override", "x-original-method"),
        *("x-original-url", "x-original-host", "x-rewrite-url", "x-host", "remote-user", "x-remote-user"),
    )
)
OUR_BEGINNINGS = ("proxy-", "sec-", "x-forwarded-")


def is_ours(header: str) -> bool:
    """Whether a header is not the model's to fill in. Servers behind WSGI and CGI take `_` for `-`."""
    name = plain_header(header)
    return name in OURS or name.startswith(OUR_BEGINNINGS)


def plain_header(name: str) -> str:
    """A header's name as those compare it that take the fewest for different."""
    return name.strip().lower().replace("_", "-")


@dataclass(frozen=True)
class Argument:
    """One argument of the tool, and where in a request it goes."""

    name: str  # the model's
    place: Place  # field: of a JSON body; body: the whole of it
    key: str  # the API's name
    schema: JSONSchema
    is_required: bool
    style: str = ""  # of a query parameter: form, deepObject ..., or json
    is_exploded: bool = True


def arguments_of(document: Document, operation: Operation, skip: frozenset[str]) -> tuple[Argument, ...]:
    """Its arguments, but for headers to `skip`, in which credentials go. Raises DocumentRefused."""
    written = Written(document, operation.place)
    found = [*_parameters(operation, written, skip), *_body(document, operation, written)]
    _check_names(found, operation)
    return tuple(found)


def schema_of(arguments: tuple[Argument, ...], operation: Operation) -> JSONSchema:
    """The closed JSON Schema of these arguments. Raises DocumentRefused."""
    schema = {
        "type": "object",
        "properties": {each.name: each.schema for each in arguments},
        "required": [each.name for each in arguments if each.is_required],
        "additionalProperties": False,
    }
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = ".".join(map(str, error.path)) or "its schema"
        raise DocumentRefused(f"{operation.place}: {where} is no JSON Schema: {error.message[:200]}") from None
    return schema


def _parameters(operation: Operation, written: Written, skip: frozenset[str]) -> Iterator[Argument]:
    for each in operation.parameters:
        place, key = each.get("in"), each["name"]
        is_required = each.get("required") is True or place == "path"
        if place == "header" and (is_ours(key) or plain_header(key) in skip):
            continue
        if place in ("path", "query", "header"):
            yield _parameter(each, place, key, is_required, written)
        elif is_required:
            told = f"needs the cookie {key!r}, and no cookies are sent" if place == "cookie" else f"is in {place!r}"
            raise DocumentRefused(f"{operation.place}: the parameter {key!r} {told}")
    _check_path(operation)


def _parameter(value: dict[str, Any], place: Place, key: str, is_required: bool, written: Written) -> Argument:
    content = value.get("content")
    if isinstance(content, dict) and content:  # one of a media type, which for us is JSON
        inner = next(iter(content.values()))
        schema, style = written.schema(inner.get("schema", True) if isinstance(inner, dict) else True), "json"
    else:
        schema, style = written.schema(value.get("schema", True)), str(value.get("style") or "form")
    if isinstance(value.get("description"), str):
        schema = {**schema, "description": value["description"][:1_000]}
    is_exploded = value.get("explode", style == "form") is True
    return Argument(_plain(key), place, key, schema, is_required, style, is_exploded)


def _check_path(operation: Operation) -> None:
    """Each name in the path is a parameter, so that no {name} is sent as it stands."""
    known = {each["name"] for each in operation.parameters if each.get("in") == "path"}
    if missing := [name for name in re.findall(r"\{([^{}]*)\}", operation.path) if name not in known]:
        raise DocumentRefused(f"{operation.place}: the path names {{{missing[0]}}}, and there is no such parameter")


def _body(document: Document, operation: Operation, written: Written) -> Iterator[Argument]:
    body = resolved(document, operation.value.get("requestBody"), operation.place)
    if not isinstance(body, dict):
        return
    content = body.get("content") if isinstance(body.get("content"), dict) else {}
    media = next((value for kind, value in (content or {}).items() if JSON.fullmatch(kind)), None)
    if not isinstance(media, dict):
        told = f"it takes {', '.join(content or {}) or 'no known form'}, and JSON bodies alone are sent"
        raise DocumentRefused(f"{operation.place}: {told}")
    schema, is_required = written.schema(media.get("schema", True)), body.get("required") is True
    if not _is_flat(schema, operation):
        yield Argument(BODY, "body", BODY, schema, is_required)
        return
    needed = schema.get("required", []) if is_required else []
    for key, each in schema["properties"].items():
        yield Argument(_plain(key), "field", key, each, key in needed)


def needs_body(document: Document, operation: Operation) -> bool:
    """Whether a body is sent where the model gave none of its fields."""
    body = resolved(document, operation.value.get("requestBody"), operation.place)
    return isinstance(body, dict) and body.get("required") is True


def _is_flat(schema: JSONSchema, operation: Operation) -> bool:
    """Whether the body's fields may stand beside the parameters: a plain object, and no name is both."""
    keywords = ("anyOf", "oneOf", "allOf", "not", "minProperties", "maxProperties")
    is_plain = schema.get("type", "object") == "object" and not any(each in schema for each in keywords)
    fields = schema.get("properties") or {}
    is_closed = schema.get("additionalProperties", False) in (False, {})
    taken = {_plain(each["name"]) for each in operation.parameters}
    return bool(is_plain and is_closed and fields) and not taken & {_plain(key) for key in fields}


def _check_names(found: list[Argument], operation: Operation) -> None:
    seen: dict[str, Argument] = {}
    for each in found:
        if other := seen.get(each.name):
            places = f"{other.place} ({other.key}) and {each.place} ({each.key})"
            told = f"two parameters would both be the argument {each.name!r}: {places}; rename one in the file"
            raise DocumentRefused(f"{operation.place}: {told}")
        seen[each.name] = each


def _plain(key: str) -> str:
    """A name that every provider takes: letters, digits and _."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", key).strip("_")[:NAME_CHARS] or "value"

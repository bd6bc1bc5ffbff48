"""Tools out of an OpenAPI file: docs/your-own-openapi.md shows how, docs/decisions/0073-http-tools.md says why so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from tools.base import Tool
from tools.decorator import NAME
from tools.openapi import checks as _checks  # noqa: F401  # it registers itself
from tools.openapi import kept
from tools.openapi.address import base_of
from tools.openapi.arguments import arguments_of, needs_body, schema_of
from tools.openapi.calling import Call, Credential
from tools.openapi.credential import of_person, of_project
from tools.openapi.fixing import fixed_of
from tools.openapi.operations import Operation, chosen
from tools.openapi.reading import Document, DocumentRefused, read
from tools.openapi.security import header_of, key_headers

DESCRIPTION_MAX_CHARS = 2_000


def from_openapi(
    source: str | Path,
    operations: Sequence[str],
    *,
    base_url: str = "",
    audience: str = "",
    secret: str = "",
    prefix: str = "",
    fixed: Mapping[str, Any] | None = None,
) -> tuple[Tool, ...]:
    """A tool for each of these operations (`listOrders` or `GET /orders`) of an OpenAPI file; it asks nobody.

    `source` is a path, from the folder of manage.py, or an address whose copy `manage.py fetch_openapi` keeps: without
    one there are no tools, and a check says so. The API is at `base_url`, or at the file's first server. It is told who
    asks by a token of the run's person for `audience` (the base address unless said), or by the project's `secret` of
    that name. Operations that may change something ask a person first. What is `fixed`, such as {"customer_id": 7}, is
    always sent so, and no model sees it: each of the operations must have it. Raises DocumentRefused.
    """
    name, url = str(source), str(source) if str(source).startswith(("http://", "https://")) else ""
    data = kept.copy_of(url) if url else kept.bytes_of(Path(settings.BASE_DIR) / source, name)
    if data is None:
        return ()
    document = read(data, name, settings.OPENAPI_MAX_BYTES)
    wanted = chosen(document, operations, name)
    base = base_of(document, wanted, base_url, url, name)
    credential = of_project(secret) if secret else of_person(audience or base)
    how = _How(document, base, credential, bool(secret), prefix, fixed or {})
    tools = tuple(_tool(each, how) for each in wanted)
    _check_names(tools, wanted, name)
    return tools


@dataclass(frozen=True)
class _How:
    """What the tools of one file have in common."""

    document: Document
    base: str
    credential: Credential
    has_secret: bool
    prefix: str
    fixed: Mapping[str, Any]


def _tool(operation: Operation, how: _How) -> Tool:
    header = header_of(how.document, operation, has_secret=how.has_secret)
    arguments = arguments_of(how.document, operation, key_headers(how.document))
    shown, fixed = fixed_of(arguments, how.fixed, operation)
    sends_body = needs_body(how.document, operation)
    return Tool(
        name=operation.name(how.prefix),
        description=_description(operation),
        schema=schema_of(shown, operation),
        function=Call(operation, how.base, arguments, header, how.credential, fixed, sends_body),
        permission="read" if operation.is_read else "write",
        idempotent=operation.is_read,
        asks_first=not operation.is_read,
        as_person=not how.has_secret,
        outward=True,
        place=urlsplit(how.base).netloc,
        deletes=operation.method == "DELETE",
        title=str(operation.value.get("summary") or "")[:100],
    )


def _description(operation: Operation) -> str:
    """What the model reads: the file's two texts, or the operation's address where it has none."""
    texts = [str(operation.value.get(each) or "").strip() for each in ("summary", "description")]
    told = "\n\n".join(dict.fromkeys(filter(None, texts))) or f"{operation.method} {operation.path}"
    return told[:DESCRIPTION_MAX_CHARS]


def _check_names(tools: Sequence[Tool], operations: Sequence[Operation], name: str) -> None:
    places: dict[str, str] = {}
    for tool, operation in zip(tools, operations, strict=True):
        place = f"{operation.method} {operation.path}"
        if not NAME.fullmatch(tool.name):
            told = "is no name of a tool (letters, digits and _, a letter first); give a prefix=..."
            raise DocumentRefused(f"{name}, {place}: {tool.name!r} {told}")
        if tool.name in places:
            told = f"{places[tool.name]} and {place} would both be the tool {tool.name!r}"
            raise DocumentRefused(f"{name}: {told}; give one another operationId")
        places[tool.name] = place

"""Where an API is: its base address, and the address of one call. No Django.

What a model gives can change neither the host nor the path's form: a value of a path parameter is one segment or a part
of one. A slash in it is refused and not escaped, for many servers take %2F for a slash before they look up the route.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tools.errors import RetryTool
from tools.openapi.arguments import Argument
from tools.openapi.operations import Operation
from tools.openapi.reading import Document, DocumentRefused

DOTS = (".", "..")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
SAFE = "-._~"


def base_of(document: Document, operations: Sequence[Operation], said: str, source: str, name: str) -> str:
    """The API's base address: what was said, else the file's first server. Raises DocumentRefused.

    `source` is the address that the file came from, if it did: then its servers are believed for that host alone.
    """
    if said:
        return _checked(said, f"{name}: base_url")
    if own := next((each for each in operations if each.value.get("servers")), None):
        raise DocumentRefused(f"{own.place}: it has servers of its own; say which one is meant by base_url=...")
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
    base = _checked(_filled(first), f"{name}: its first server")
    if source and urlsplit(base)[:2] != urlsplit(source)[:2]:
        raise DocumentRefused(f"{name}: its server is on another host, {base}; if that is meant, say base_url={base!r}")
    return base


def _filled(server: Mapping[str, Any]) -> str:
    """Its URL, with the defaults of its variables."""
    url, variables = str(server.get("url") or ""), server.get("variables")
    for name, each in variables.items() if isinstance(variables, dict) else ():
        if isinstance(each, dict):
            url = url.replace(f"{{{name}}}", str(each.get("default", "")))
    return url


def _checked(url: str, what: str) -> str:
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    is_plain = not re.search(r"[\s?#{}\\@%]", url) and not set(DOTS) & set(url.split("/")[3:])
    if not is_whole or not is_plain:
        told = f"expected an address such as https://api.example.com/v1, found {url[:200]!r}"
        raise DocumentRefused(f"{what}: {told}; say base_url=...")
    return url.rstrip("/")


def address(base: str, operation: Operation, arguments: Sequence[Argument], values: Mapping[str, Any]) -> str:
    """The address of a call with these values. Raises RetryTool for one that cannot stand in an address."""
    path = operation.path
    for each in arguments:
        if each.place == "path":
            path = path.replace(f"{{{each.key}}}", _segment(each, values[each.name]))
    if any(segment in DOTS or not segment for segment in path.split("/")[1:-1]) or path.split("/")[-1] in DOTS:
        raise RetryTool("The values would lead to another path: give each path argument as the API names it.")
    query = [pair for each in arguments if each.place == "query" for pair in _pairs(each, values.get(each.name))]
    return f"{base}{path}" + (f"?{urlencode(query, quote_via=quote, safe=SAFE)}" if query else "")


def header_value(argument: Argument, value: Any) -> str:
    """The value of a header. Raises RetryTool for what is no line of ASCII."""
    text = _list_text(argument, value) if isinstance(value, list) else _text(argument, value)
    if not text.isascii() or CONTROL.search(text):
        raise RetryTool(f"{argument.name}: expected one line of ASCII.")
    return text


def _segment(argument: Argument, value: Any) -> str:
    text = _list_text(argument, value) if isinstance(value, list) else _text(argument, value)
    if not text or "/" in text or "\\" in text or CONTROL.search(text) or text in DOTS:
        raise RetryTool(f"{argument.name}: expected one part of a path: not empty, no slash, and not '.' or '..'.")
    return quote(text, safe=SAFE)


def _pairs(argument: Argument, value: Any) -> list[tuple[str, str]]:
    """A query parameter, as its style writes it; none for null."""
    if value is None:
        return []
    key = argument.key
    if argument.style == "json":
        return [(key, json.dumps(value, ensure_ascii=False))]
    if argument.style == "deepObject" and isinstance(value, dict):
        return [(f"{key}[{name}]", _text(argument, each)) for name, each in value.items() if each is not None]
    if isinstance(value, list) and argument.is_exploded:
        return [(key, _text(argument, each)) for each in value]
    return [(key, _list_text(argument, value) if isinstance(value, list) else _text(argument, value))]


def _list_text(argument: Argument, values: Sequence[Any]) -> str:
    between = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(argument.style, ",")
    return between.join(_text(argument, each) for each in values)


def _text(argument: Argument, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise RetryTool(f"{argument.name}: expected a text, a number, true or false, or a list of these.")

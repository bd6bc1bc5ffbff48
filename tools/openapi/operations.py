"""The operations of a document, and those among them that are asked for. No Django."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tools.openapi.reading import Document, DocumentRefused
from tools.openapi.references import resolved

METHODS = ("get", "post", "put", "patch", "delete")
READS = ("GET",)
MOST = 128  # more tools than a model can choose from
SHOWN = 20  # of what there is, in an error
NAME_CHARS = 64


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str  # in upper case
    path: str  # with {names} in it
    value: dict[str, Any]
    parameters: tuple[dict[str, Any], ...]  # the path's and its own, references followed
    place: str  # for errors: the file, the method and the path

    @property
    def id(self) -> str:
        """The file's own name for it; empty where it gives none."""
        return str(self.value.get("operationId") or "")

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing, as HTTP has it."""
        return self.method in READS

    def name(self, prefix: str) -> str:
        """That of its tool."""
        plain = self.id or f"{self.method.lower()}_{self.path}"
        return (prefix + re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_"))[:NAME_CHARS]


def chosen(document: Document, wanted: Sequence[str], name: str) -> list[Operation]:
    """Those that are wanted, by operationId or as `GET /path`, in that order. Raises DocumentRefused."""
    if isinstance(wanted, str) or not wanted:
        raise DocumentRefused(f'{name}: name its operations, such as operations=["listOrders", "GET /orders/{{id}}"]')
    if len(wanted) > MOST:
        raise DocumentRefused(f"{name}: {len(wanted)} operations; at most {MOST} become tools")
    there = list(_every(document, name))
    return [_one(each, there, name) for each in dict.fromkeys(wanted)]


def _every(document: Document, name: str) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        item = resolved(document, item, f"{name}, {path}")
        if not isinstance(item, dict) or not path.startswith("/"):
            continue
        for method in METHODS:
            if isinstance(item.get(method), dict):
                yield _operation(document, method.upper(), path, item, name)


def _operation(document: Document, method: str, path: str, item: dict[str, Any], name: str) -> Operation:
    place, value = f"{name}, {method} {path}", item[method.lower()]
    if "servers" in item and "servers" not in value:
        value = {**value, "servers": item["servers"]}
    found = {}
    for each in [*_list(item, "parameters"), *_list(value, "parameters")]:  # the operation's own replaces the path's
        parameter = resolved(document, each, place)
        if isinstance(parameter, dict) and isinstance(parameter.get("name"), str):
            found[(parameter.get("in"), parameter["name"])] = parameter
    return Operation(method, path, value, tuple(found.values()), place)


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _one(wanted: str, there: Sequence[Operation], name: str) -> Operation:
    method, _, path = wanted.partition(" ")
    found = [each for each in there if each.id == wanted or (each.method, each.path) == (method.upper(), path.strip())]
    if len(found) > 1:
        places = " and ".join(f"{each.method} {each.path}" for each in found[:3])
        raise DocumentRefused(f"{name}: {wanted!r} is both {places}: name it by its method and path")
    if not found:
        raise DocumentRefused(f"{name}: there is no operation {wanted[:100]!r}; {_offer(wanted, there)}")
    return found[0]


def _offer(wanted: str, there: Sequence[Operation]) -> str:
    """The names there are, those that are most like it first."""
    names = [each.id or f"{each.method} {each.path}" for each in there]
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    shown = list(dict.fromkeys([*close, *names]))[:SHOWN]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"there are {', '.join(shown)}{more}" if names else "it has none"

"""What a door is to the rest: each has one value of this in its folder, and the registry names them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django.urls import URLPattern

from accounts.errors import RequestError
from chat.doors.openapi.schemas import Schema


class Documented(Protocol):
    """A module that declares paths of the OpenAPI, of which no generator can know anything, and what they name."""

    PATHS: dict[str, Schema]
    SCHEMAS: dict[str, Schema]


def as_rest(error: RequestError, path: str) -> dict[str, Any]:
    """The body of an error's answer as REST has it."""
    return {"error": {"code": error.code, "message": error.message, "fields": error.fields}}


@dataclass(frozen=True)
class Door:
    """A front door. Two of one name are one to clients, who then find it at the addresses of both."""

    name: str
    dialects: tuple[str, ...]  # what its chats and runs are marked with
    urls: tuple[URLPattern, ...]
    openapi: tuple[Documented, ...] = ()
    sockets: tuple[URLPattern, ...] = ()
    resume: str | None = None  # cursor: a stream goes on behind it; replay: it begins anew; None: neither
    bases: tuple[str, ...] = ()  # below these addresses even what no view was asked for is refused in its own form,
    says: Callable[[RequestError, str], dict[str, Any]] = as_rest  # which is this, of the error and the path

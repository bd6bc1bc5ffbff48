"""Asking a provider. How to ask is handed down by tools (its one way out): accounts opens no connection itself."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from threading import BoundedSemaphore
from typing import Any, Protocol

from django.conf import settings

from accounts.sso.errors import ProviderDown

AT_ONCE = 4  # requests of a process: a provider that hangs holds no more threads than that
_places = BoundedSemaphore(AT_ONCE)


class Ask(Protocol):
    """One request: the answer's status and body. Raises ProviderDown."""

    def __call__(
        self, url: str, *, method: str, headers: Mapping[str, str], body: bytes, max_bytes: int, timeout_s: float
    ) -> Awaitable[tuple[int, bytes]]: ...


class Way:
    """What was handed down."""

    ask: Ask | None = None
    fault: Callable[[str], str] | None = None  # why this address may not be asked; "" where it may


def asked(url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b"") -> Any:
    """The JSON object that the provider answers, within SSO_TIMEOUT_S and SSO_MAX_BYTES. Raises ProviderDown.

    Sync: the caller's thread waits. An answer that is no 200 is none; redirects are not followed.
    """
    if Way.ask is None:
        raise ProviderDown("Nothing was handed down to ask by.")
    if not _places.acquire(blocking=False):
        raise ProviderDown("Too many requests to providers are under way.")
    try:
        sent = {"Accept": "application/json", **(headers or {})}
        limits: dict[str, Any] = {"max_bytes": settings.SSO_MAX_BYTES, "timeout_s": settings.SSO_TIMEOUT_S}
        status, answer = asyncio.run(_waited(Way.ask(url, method=method, headers=sent, body=body, **limits)))
    finally:
        _places.release()
    return _object(status, answer)


async def _waited(asking: Awaitable[tuple[int, bytes]]) -> tuple[int, bytes]:
    return await asking


def _object(status: int, answer: bytes) -> Any:
    if status != 200:
        raise ProviderDown(f"The provider answered {status}.")
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        raise ProviderDown("The provider's answer is no JSON.") from None
    if not isinstance(found, dict):
        raise ProviderDown("The provider's answer is no JSON object.")
    return found

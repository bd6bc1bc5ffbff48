"""What may be spoken to a server, and the class that speaks it, imported where it is used first: an SDK is large."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from agents.providers import http
from agents.providers.base import Provider
from agents.providers.demo import DemoProvider
from agents.providers.server import Server
from tools.outward import connecting

_apis: dict[str, str] = {
    "chat": "agents.providers.openai.provider:OpenAIProvider",
    "responses": "agents.providers.responses.provider:ResponsesProvider",
    "messages": "agents.providers.anthropic.provider:AnthropicProvider",
}
APIS: Mapping[str, str] = _apis


def add(name: str, provider: str) -> None:
    """One more API, for as long as the process lives. Raises ValueError where there is no such class."""
    module, _, of_class = provider.partition(":")
    if not hasattr(import_module(module), of_class or " "):
        raise ValueError(f"API {name}: expected module:Class of a provider, and there is no {provider}")
    _apis[name] = provider


def make(server: Server, settings: Any) -> Provider:
    """A provider that asks this server. Call it on the loop that will use it. Raises ValueError without a secret."""
    if server.api == DemoProvider.name:
        return DemoProvider()
    provider: Provider = _class_of(server.api)(
        api_key=key_of(server, settings),
        base_url=server.base_url,
        extra_headers=getattr(settings, server.headers) if server.headers else None,
        connect_timeout_s=settings.AGENTS_CONNECT_TIMEOUT_S,
        idle_timeout_s=settings.AGENTS_IDLE_TIMEOUT_S,
        first_byte_timeout_s=settings.AGENTS_FIRST_BYTE_TIMEOUT_S,
        max_event_bytes=settings.AGENTS_EVENT_MAX_BYTES,
        judged=judged(server, settings),
    )
    return provider


def load(servers: Iterable[Server]) -> None:
    """Import the classes that ask these: a second or two of a thread, the first time. Raises ImportError."""
    for api in sorted({server.api for server in servers} & set(APIS)):
        _class_of(api)


def check(server: Server, settings: Any) -> None:
    """Raise ValueError, which names no secret, where nobody could be asked there. It imports no SDK."""
    http.checked_host(server.base_url)
    http.checked_headers(getattr(settings, server.headers) if server.headers else {})


def key_of(server: Server, settings: Any) -> str:
    """The server's key; empty where none is set. Of several keys in one setting, that of the server's host and port."""
    value = getattr(settings, server.key) if server.key else ""
    return str(_key_of_row_s(server, value, settings) if isinstance(value, dict) else value)


def judged(server: Server, settings: Any) -> http.Judged | None:
    """By what connections to it are judged; None: it is the settings' own."""
    return http.Judged(connecting.gate(settings), bool(key_of(server, settings))) if server.is_row_s else None


def _key_of_row_s(server: Server, keys: Mapping[str, str], settings: Any) -> str:
    """A host's key is for https at its usual port, `host:port` for that one; without TLS where the host is allowed."""
    parts = urlsplit(server.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = f"[{server.host}]" if ":" in server.host else server.host
    is_usual = port == (443 if parts.scheme == "https" else 80)
    if parts.scheme != "https":
        gate = connecting.gate(settings)
        if not gate.rules.names(server.host, port, gate.ports):
            return ""
    return keys.get(f"{host}:{port}") or (keys.get(server.host, "") if is_usual else "")


@cache
def _class_of(api: str) -> Any:
    module, _, name = APIS[api].partition(":")
    return getattr(import_module(module), name)

"""Messages to the MCP door, as a client of this or that revision sends them."""

import itertools
from typing import Any

MODERN, LEGACY = "2026-07-28", "2025-11-25"
PREFIX = "io.modelcontextprotocol/"
ACCEPT = {"Accept": "application/json, text/event-stream"}
NAMED = {"tools/call": "name", "resources/read": "uri"}
_numbers = itertools.count(1)

Sent = tuple[dict[str, Any], dict[str, str]]  # body and headers


def modern(method: str, version: str = MODERN, **params: Any) -> Sent:
    """A request that stands for itself."""
    about = {f"{PREFIX}protocolVersion": version, f"{PREFIX}clientCapabilities": {}}
    meta = {**about, **params.pop("_meta", {})}
    headers = {**ACCEPT, "MCP-Protocol-Version": version, "Mcp-Method": method}
    if method in NAMED:
        headers["Mcp-Name"] = str(params.get(NAMED[method], ""))
    return _message(method, {**params, "_meta": meta}), headers


def legacy(method: str, version: str = LEGACY, **params: Any) -> Sent:
    """A request as after `initialize`."""
    return _message(method, params), {**ACCEPT, "MCP-Protocol-Version": version}


def called(tool: str, token: str | int | None = None, **arguments: Any) -> Sent:
    """A call of a tool; with a token its progress is wanted."""
    meta = {} if token is None else {"progressToken": token}
    return modern("tools/call", name=tool, arguments=arguments, _meta=meta)


def _message(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": next(_numbers), "method": method, "params": params}

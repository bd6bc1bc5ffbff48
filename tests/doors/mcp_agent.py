"""Messages to the MCP door, as a client of this or that revision sends them, and an agent that sends them live."""

import itertools
from typing import Any

from tests.clients.keys import new_key
from tests.live import Reply, Server
from tests.streams import Client, Stream, client

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


class Agent:
    """An agent elsewhere, with a key of the owner's."""

    def __init__(self, server: Server) -> None:
        self.server, self.token = server, new_key(server, "mcp")
        self.alice: Client = client(server)
        self.project = self.alice.get("/api/projects/")["results"][0]["id"]

    def ask(self, content: str, **arguments: Any) -> Stream:
        body, headers = called("ask", "progress", content=content, **arguments)
        return Stream(self.server, "/mcp", body, token=self.token, headers=headers)

    def send(self, body: Any, headers: dict[str, str]) -> Reply:
        return self.server.call("POST", "/mcp", body, token=self.token, headers=headers)

    def call(self, tool: str, **arguments: Any) -> Any:
        body, headers = called(tool, **arguments)
        return self.send(body, headers).body["result"]["structuredContent"]

    def at(self, server: Server) -> "Agent":
        """The same agent at another process."""
        there = Agent.__new__(Agent)
        there.server, there.token, there.alice, there.project = server, self.token, client(server), self.project
        return there

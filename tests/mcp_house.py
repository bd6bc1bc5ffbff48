"""A small MCP server over real HTTP: 2026-07-28, JSON, no sessions. What it says of its tools can be changed."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROTOCOL = "2026-07-28"
OBJECT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def described(name: str, description: str = "Says it again.", **more: Any) -> dict[str, Any]:
    """A tool as the server lists it."""
    return {"name": name, "description": description, "inputSchema": OBJECT, **more}


@dataclass
class Asked:
    """A request that came."""

    method: str
    params: dict[str, Any]
    headers: dict[str, str]


@dataclass
class House:
    """The server. A tool answers what `answers` says, else its arguments; one with a gate waits until it is opened, and
    one that `wants` something asks for it first.
    """

    tools: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    wants: dict[str, dict[str, Any]] = field(default_factory=dict)  # by tool: what it asks for, by key
    gates: dict[str, threading.Event] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    refuses: int = 0  # a status that everything is answered with
    challenge: str = ""  # and its `WWW-Authenticate`

    def __post_init__(self) -> None:
        house = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                house.asked.append(
                    Asked(
                        body["method"],
                        body.get("params") or {},
                        {name.lower(): value for name, value in self.headers.items()},
                    )
                )
                status, answer = (house.refuses, {}) if house.refuses else house.answer(body)
                data = json.dumps(answer).encode() if answer else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if house.refuses and house.challenge:
                    self.send_header("WWW-Authenticate", house.challenge)
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                self.send_response(405)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.host = f"127.0.0.1:{self._http.server_port}"
        self.url = f"http://{self.host}/mcp"

    def __enter__(self) -> "House":
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        for gate in self.gates.values():
            gate.set()
        self._http.shutdown()
        self._http.server_close()

    def calls(self, tool: str) -> list[dict[str, Any]]:
        """The arguments of each call of a tool that came."""
        asked = list(self.asked)
        return [each.params["arguments"] for each in asked if each.params.get("name") == tool]

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        if "id" not in body:
            return 202, {}
        cached = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        match body["method"]:
            case "server/discover":
                said = {"supportedVersions": [PROTOCOL], "capabilities": {"tools": {}}, **cached}
                return 200, _result(body, {**said, "_meta": _server_info()})
            case "tools/list":
                return 200, _result(body, {"tools": self.tools, **cached})
            case "tools/call":
                return 200, _result(body, {"resultType": "complete", **self._called(body["params"])})
            case _:
                error = {"code": -32601, "message": "Method not found"}
                return 404, {"jsonrpc": "2.0", "id": body["id"], "error": error}

    def _called(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["name"]
        if name in self.wants and "inputResponses" not in params:
            return {
                "resultType": "input_required",
                "inputRequests": self.wants[name],
                "requestState": f"state of {name}",
            }
        if name in self.gates:
            self.gates[name].wait(60)
        said = {"content": [{"type": "text", "text": json.dumps(params["arguments"])}]}
        return self.answers.get(name, said)


def form(message: str, **properties: Any) -> dict[str, Any]:
    """What a tool may want: a form, all of whose fields are required."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    params = {"mode": "form", "message": message, "requestedSchema": schema}
    return {"method": "elicitation/create", "params": params}


def page(message: str, url: str) -> dict[str, Any]:
    """The same: a page that a person is to open."""
    params = {"mode": "url", "message": message, "url": url, "elicitationId": "1"}
    return {"method": "elicitation/create", "params": params}


def _result(body: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": body["id"], "result": result}


def _server_info() -> dict[str, Any]:
    return {"io.modelcontextprotocol/serverInfo": {"name": "house", "version": "1"}}


def text(said: str, **more: Any) -> dict[str, Any]:
    """A result with this text."""
    return {"content": [{"type": "text", "text": said}], **more}

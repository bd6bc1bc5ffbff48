"""A shop with an API of its own: it knows people by their address, and believes Parley's public keys."""

import json
import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt

ORDERS = {"alice@example.com": ["apples"], "bob@example.com": ["bananas"]}
JSON = {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}
BARE = {"application/json": {"schema": {"type": "object", "properties": {"note": {"type": "string"}}}}}


def parameter(name: str, place: str = "query", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": {"type": "string"}, "required": place == "path", **more}


def document(base: str) -> dict[str, Any]:
    """The shop's OpenAPI file."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "servers": [{"url": f"{base}/v1"}],
        "security": [{"key": []}],
        "paths": {
            "/orders": {
                "get": {
                    "operationId": "listOrders",
                    "summary": "My orders",
                    "parameters": [
                        parameter("q"),
                        parameter("tags", schema={"type": "array", "items": {"type": "string"}}),
                        parameter("ids", explode=False, schema={"type": "array", "items": {"type": "integer"}}),
                        parameter("filter", style="deepObject", schema={"type": "object"}),
                        parameter("X-Trace", "header"),
                        parameter("X-Key", "header", required=True),
                        parameter("Host", "header"),
                    ],
                },
                "post": {"operationId": "addOrder", "requestBody": {"required": True, "content": deepcopy(JSON)}},
                "put": {"operationId": "touchOrders", "requestBody": {"required": True, "content": deepcopy(BARE)}},
            },
            "/orders/{order}": {
                "parameters": [parameter("order", "path")],
                "get": {"operationId": "getOrder"},
                "delete": {"operationId": "delete-order"},
            },
            "/open": {"get": {"operationId": "open", "security": []}},
            "/answers/{kind}": {"get": {"operationId": "answers", "parameters": [parameter("kind", "path")]}},
        },
        "components": {
            "schemas": {
                "Order": {
                    "type": "object",
                    "required": ["id", "item"],
                    "properties": {
                        "id": {"type": "integer", "readOnly": True},
                        "item": {"type": "string"},
                        "note": {"type": ["string", "null"]},
                    },
                }
            },
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        },
    }


@dataclass
class Asked:
    """A request that the shop got."""

    method: str
    path: str  # as it was sent
    headers: dict[str, str]
    body: Any

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.path).query, keep_blank_values=True)


@dataclass
class Shop:
    """The shop's server. `keys` gives Parley's key set; `audience` is who a token must be for."""

    keys: Callable[[], dict[str, Any]]
    secret: str = "s3cret-of-the-shop"
    asked: list[Asked] = field(default_factory=list)
    orders: dict[str, list[str]] = field(default_factory=lambda: {name: list(each) for name, each in ORDERS.items()})

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"shop": self}))
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def person(self, headers: dict[str, str]) -> str:
        """The address of whom the token names. Raises what PyJWT does for one that does not hold."""
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        ids = {each.key_id: each for each in jwt.PyJWKSet.from_dict(self.keys()).keys}
        key = ids.get(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidKeyError("unknown key")
        required = {"require": ["exp", "iat", "jti", "sub", "iss"]}
        claims = jwt.decode(token, key, ["ES256"], audience=f"{self.url}/v1", options=required)
        return str(claims["email"])


def php(headers: dict[str, str]) -> bytes:
    """JSON as PHP writes it, with `=` as JavaScript in a page wants it."""
    return json.dumps(headers).replace("/", r"\/").replace("=", r"\u003D").encode()


def html(headers: dict[str, str]) -> bytes:
    """A page as Go and Django write one."""
    return escape(str(list(headers.values()))).replace("+", "&#43;").encode()


class _Handler(BaseHTTPRequestHandler):
    shop: Shop

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        asked = Asked(self.command, self.path, dict(self.headers.items()), body)
        self.shop.asked.append(asked)
        status, kind, answer = self._answer(asked)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_PUT = do_DELETE = do_GET

    def _answer(self, asked: Asked) -> tuple[int, str, bytes]:
        path = urlsplit(asked.path).path.removeprefix("/v1")
        if path == "/openapi.json":
            return self._json(200, document(self.shop.url))
        if path == "/open":
            return self._json(200, sorted(asked.headers))
        if path.startswith("/answers/"):
            return self._one_of(path.rpartition("/")[2], asked)
        if asked.headers.get("X-Key") == self.shop.secret:
            return self._json(200, {"orders": sorted(each for orders in self.shop.orders.values() for each in orders)})
        try:
            person = self.shop.person(asked.headers)
        except jwt.PyJWTError as error:
            return self._json(401, {"detail": str(error)})
        mine = self.shop.orders.setdefault(person, [])
        if asked.method == "POST":
            mine.append(asked.body.get("item"))
        return self._json(200, {"orders": mine, "of": person})

    def _one_of(self, kind: str, asked: Asked) -> tuple[int, str, bytes]:
        text = "text/plain"
        return {
            "404": self._json(404, {"detail": "No such order."}),
            "500": (500, text, b"Traceback: password=hunter2-of-the-shop"),
            "302": (302, text, b""),
            "204": (204, text, b""),
            "text": (200, text, "Grüße".encode()),
            "broken": (200, "application/json", b'{"a":'),
            "deep": (200, "application/json", b"[" * 100_000 + b"]" * 100_000),
            "picture": (200, "image/png", b"\x89PNG"),
            "huge": (200, text, b"x" * 200_000),
            "echo": self._json(200, asked.headers),
            "echo-refused": self._json(403, asked.headers),
            "echo-php": (200, "application/json", php(asked.headers)),
            "echo-php-refused": (403, "application/json", php(asked.headers)),
            "echo-php-text": (200, text, php(asked.headers)),
            "echo-name": self._json(200, [{each: 1} for each in asked.headers.values()]),
            "echo-html": (500, "text/html", html(asked.headers)),
        }[kind]

    def _json(self, status: int, value: Any) -> tuple[int, str, bytes]:
        return status, "application/json", json.dumps(value).encode()

    def log_message(self, *arguments: Any) -> None:
        pass

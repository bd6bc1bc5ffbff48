"""A WebSocket of a test: what is sent and got are JSON texts."""

import json
from collections.abc import Mapping
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.live import Server

OVER = ("response.completed", "response.failed", "response.incomplete", "error")


class Socket:
    """One connection to the Responses door."""

    def __init__(
        self, server: Server, path: str = "/v1/responses", *, token: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        self.connection: ClientConnection = connect(
            server.url.replace("http", "ws", 1) + path, additional_headers=sent, open_timeout=30, legacy=True
        )

    def __enter__(self) -> "Socket":
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def send(self, message: Any) -> None:
        """A text as it is, or a value as JSON."""
        self.connection.send(message if isinstance(message, str) else json.dumps(message))

    def ask(self, **asked: Any) -> None:
        """Ask for a turn."""
        self.send({"type": "response.create", "model": "demo", **asked})

    def events(self) -> list[dict[str, Any]]:
        """The events of a turn, to its end."""
        found: list[dict[str, Any]] = []
        while not found or found[-1]["type"] not in OVER:
            found.append(json.loads(self.connection.recv(timeout=30)))
        return found

    def turn(self, **asked: Any) -> list[dict[str, Any]]:
        """Ask for a turn and give its events."""
        self.ask(**asked)
        return self.events()

    def error(self) -> dict[str, Any]:
        """The error that a turn is told."""
        (event,) = self.events()
        assert event["type"] == "error" and isinstance(event["status"], int), event
        return dict(event["error"])

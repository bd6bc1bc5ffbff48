"""Reading a server's event streams frame by frame, over real sockets, and leaving when a test wants to."""

import http.client
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.live import Server

TERMINALS = ("run.completed", "run.failed", "run.cancelled")


@dataclass(frozen=True)
class Frame:
    """One server-sent event, as a browser would see it."""

    id: str
    event: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def is_end(self) -> bool:
        return self.data == "[DONE]" or (self.data.startswith("{") and self.json.get("type") in TERMINALS)


class Stream:
    """An open stream: iterate over its frames (comments are left out), `close` it at any moment."""

    def __init__(
        self,
        server: Server,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        headers: dict[str, str] | None = None,
        timeout_s: float = 30,
    ) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=timeout_s)
        signed = {"Authorization": f"Bearer {token}"} if token else {}
        sent = {**signed, "Content-Type": "application/json", **(headers or {})}
        data = None if body is None else json.dumps(body)
        self.connection.request("GET" if body is None else "POST", path, data, sent)
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        fields: dict[str, str] = {}
        while line := self.response.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                yield Frame(fields.get("id", ""), fields.get("event", ""), fields["data"])
                fields = {}
            else:
                fields = {}

    def frames(self) -> list[Frame]:
        """All that comes, to the end."""
        return list(self)

    def take(self, count: int) -> list[Frame]:
        """The next frames."""
        found = []
        for frame in self:
            found.append(frame)
            if len(found) == count:
                break
        return found

    def until(self, type: str) -> list[Frame]:
        """The frames up to the first of this type."""
        found = []
        for frame in self:
            found.append(frame)
            if frame.json.get("type") == type:
                break
        return found

    def close(self) -> None:
        """Leave, at once."""
        self.response.close()
        self.connection.close()


@dataclass
class Client:
    """One person's way to a server."""

    server: Server
    token: str

    def chat(self, **fields: Any) -> str:
        """A new chat in the person's first project."""
        project = self.get("/api/projects/")["results"][0]
        body = {"organization": project["organization"], "project": project["id"], "title": "Test", **fields}
        return str(self.post("/api/chats/", body)["id"])

    def patch(self, path: str, body: Any) -> Any:
        """What the server answers to a change."""
        reply = self.server.call("PATCH", path, body, token=self.token)
        assert reply.status == 200, reply
        return reply.body

    def get(self, path: str) -> Any:
        reply = self.server.call("GET", path, token=self.token)
        assert reply.status == 200, reply
        return reply.body

    def post(self, path: str, body: Any, *, expect: tuple[int, ...] = (200, 201, 202), **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.server.call("POST", path, body, token=self.token, headers=named)
        assert reply.status in expect, reply
        return reply.body

    def start(self, chat: str, content: str, **fields: Any) -> dict[str, Any]:
        """Send a message: the run, the message and the answer's place."""
        return dict(self.post(f"/api/chats/{chat}/runs", {"content": content, **fields}))

    def events(self, run: str, after: str = "") -> Stream:
        """The run's events at the native door."""
        return Stream(
            self.server,
            f"/api/runs/{run}/events",
            token=self.token,
            headers={"Last-Event-ID": after} if after else None,
        )

    def answer(self, chat: str) -> dict[str, Any]:
        """The chat's newest message."""
        return dict(self.get(f"/api/chats/{chat}/messages/")["results"][-1])

    def wait(self, run: str) -> dict[str, Any]:
        """The run, once it has ended."""
        with self.events(run) as stream:
            stream.frames()
        return dict(self.get(f"/api/runs/{run}/"))


_kept: dict[str, str] = {}  # the key that a server signs with -> the last token of its owner


def client(server: Server) -> Client:
    """The owner of a server, still signed in: a password's hash takes the processor longer than most tests."""
    signed_by = server.settings.get("JWT_SIGNING_KEY") or (server.data / "jwt_key").read_text()
    token = _kept.get(signed_by, "")
    if not token or server.call("GET", "/api/users/me/", token=token).status != 200:
        token = _kept[signed_by] = server.token()
    return Client(server, token)


def key() -> str:
    """A mark for a script of the fake upstream, and its place in a message."""
    return uuid.uuid4().hex[:10]


def text_of(frames: list[Frame]) -> str:
    """What a native reader shows, who follows resets."""
    text, turn = "", ""
    for frame in frames:
        event = frame.json
        if event["type"] == "log.reset":
            text, turn = "", ""
        elif event.get("agent"):
            continue
        elif event["type"] == "turn.started":
            text, turn = text + turn, ""
        elif event["type"] == "turn.reset":
            turn = ""
        elif event["type"] == "text.delta":
            turn += event["text"]
    return text + turn

"""People who work on while servers are restarted: each request that fails is written down, none is sent again."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.streams import Client, Frame, Stream, key, text_of

# Pieces of an answer, 40 ms each. People read the long one: it takes longer than from one restart to the next.
SHORT, LONG = 12, 120
AGAIN_S = 0.2  # between two submits of one person


def says(pieces: int) -> str:
    """A message that is answered in so many pieces."""
    return f"[[n={pieces} delay_ms=40]] go"


def whole(pieces: int) -> str:
    """Its answer."""
    return "".join(f"{number} " for number in range(pieces))


@dataclass
class Load:
    """`with Load(client):` people at work; afterwards what they sent, what failed and what they read."""

    person: Client
    submitters: int = 3
    keepers: int = 2  # of those who submit, beside them: over one connection that stays
    readers: int = 3
    acked: list[str] = field(default_factory=list)  # runs
    failed: list[str] = field(default_factory=list)
    requests: int = 0
    resumed: int = 0
    differ: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Load":
        project = self.person.get("/api/projects/")["results"][0]
        self._chat = {"organization": project["organization"], "project": project["id"], "title": "Load"}
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._safely, args=(each,), daemon=True) for each in self.work()]
        for thread in self._threads:
            thread.start()
        return self

    def work(self) -> list[Callable[[], None]]:
        """What people do, one each."""
        return [*[self._submits] * self.submitters, *[self._keeps] * self.keepers, *[self._reads] * self.readers]

    def __exit__(self, *error: object) -> None:
        self.is_over.set()
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive(), "somebody waits for ever"

    def _safely(self, work: Any) -> None:
        while not self.is_over.is_set():
            try:
                work()
            except Exception as error:  # written down, and the person goes on
                self.failed.append(f"{work.__name__}: {type(error).__name__}: {error}")
            self.is_over.wait(AGAIN_S)

    def _submits(self) -> None:
        """A chat and a message, each over a connection of its own."""
        chat = self._count(self.person.server.call("POST", "/api/chats/", self._chat, token=self.person.token))
        run = self.person.server.call(
            "POST", f"/api/chats/{chat['id']}/runs", {"content": says(SHORT)}, token=self.person.token, headers=_key()
        )
        self.acked.append(self._count(run)["run"]["id"])

    def _count(self, reply: Any) -> Any:
        with self._lock:
            self.requests += 1
        if reply.status not in (200, 201, 202):
            raise AssertionError(f"{reply.status} {reply.body}")
        return reply.body

    def _keeps(self) -> None:
        """The same over one connection, as long as the server lets it stay."""
        connection = http.client.HTTPConnection("127.0.0.1", self.person.server.port, timeout=60)
        try:
            while not self.is_over.is_set():
                chat, goes = self._post(connection, "/api/chats/", self._chat)
                if not goes:
                    return
                said, goes = self._post(connection, f"/api/chats/{chat['id']}/runs", {"content": says(SHORT)})
                self.acked.append(said["run"]["id"])
                if not goes:
                    return
                self.is_over.wait(AGAIN_S)
        finally:
            connection.close()

    def _post(self, connection: http.client.HTTPConnection, path: str, body: Any) -> tuple[Any, bool]:
        """The answer, and whether the connection goes on."""
        headers = {"Authorization": f"Bearer {self.person.token}", "Content-Type": "application/json", **_key()}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
        with self._lock:
            self.requests += 1
        assert response.status in (200, 201, 202), f"{response.status} {content[:200]!r}"
        return json.loads(content), response.headers.get("Connection", "") != "close"

    def _reads(self) -> None:
        """A streamed answer, resumed with the last id wherever it was cut."""
        chat = self._count(self.person.server.call("POST", "/api/chats/", self._chat, token=self.person.token))["id"]
        path, body, frames, sent = f"/api/chats/{chat}/runs", {"content": says(LONG), "stream": True}, [], _key()
        end = time.monotonic() + 60
        while (not frames or not frames[-1].is_end) and time.monotonic() < end:
            headers = {"Last-Event-ID": frames[-1].id} if frames else sent
            frames += self._piece(path, body, headers)
            if frames:
                path, body = f"/api/runs/{frames[0].id.split('.')[0]}/events", None
        self.acked.append(frames[0].id.split(".")[0])
        if text_of(frames) != whole(LONG) or not frames[-1].is_end:
            self.differ.append(f"{frames[0].id}: {text_of(frames)!r}")

    def _piece(self, path: str, body: Any, headers: dict[str, str]) -> list[Frame]:
        """What comes until the end, or until the server lets its reader go."""
        with Stream(self.person.server, path, body, token=self.person.token, headers=headers, timeout_s=60) as stream:
            assert stream.status in (200, 201), f"{stream.status} {stream.response.read()[:200]!r}"
            frames = [each for each in stream if each.id]
        with self._lock:
            self.requests += 1
            self.resumed += not frames or not frames[-1].is_end
        return frames


def _key() -> dict[str, str]:
    return {"Idempotency-Key": key()}

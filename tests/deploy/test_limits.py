"""What one may have open at once: refused at every door in its own words, in time to start nothing."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import redis
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from chat.metering import places
from tests import environment
from tests.doors.people import newcomer
from tests.live import Reply, Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
STREAMS, RUNS, SOCKETS, QUEUE = 2, 3, 2, 1
SMALL = {
    "CHAT_STREAMS_PER_USER": str(STREAMS),
    "CHAT_HEARTBEAT_S": "60",  # who leaves is noticed at once, not when something is sent
    "CHAT_RUNS_PER_ORGANIZATION": str(RUNS),
    "CHAT_SOCKETS_PER_USER": str(SOCKETS),
    "CHAT_MAX_QUEUED": str(QUEUE),
}
SAYS = [{"id": "u", "role": "user", "content": "go"}]
PARTS = [{"id": "u", "role": "user", "parts": [{"type": "text", "text": "go"}]}]


@pytest.fixture(scope="module")
def small(upstream: Upstream) -> Iterator[Server]:
    """A server where one may have little."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", **SMALL)
    home = client(server.start()).get("/api/organizations/")["results"][0]["id"]
    guide = {"id": 7, "organization": home, "name": "Guide", "archetype": "generalist"}
    client(server).post("/api/characters/", guide)
    yield server
    server.close()


@dataclass
class Busy:
    """A person with runs open, each in a chat of its own, and what keeps them open."""

    person: Client
    upstream: Upstream
    gates: list[str]
    chats: list[str]
    runs: list[str]

    def names(self) -> dict[str, str]:
        """What the paths of the table may name."""
        project = self.person.get("/api/projects/")["results"][0]["id"]
        return {"chat": self.chats[0], "run": self.runs[0], "project": project}

    def release(self) -> None:
        """Let the runs end."""
        for gate in self.gates:
            self.upstream.release(gate)
        for run in self.runs:
            self.person.wait(run)


@contextmanager
def busy(person: Client, upstream: Upstream, runs: int) -> Iterator[Busy]:
    """A person who is as busy as that, until the end of the block."""
    made = Busy(person, upstream, [], [], [])
    try:
        for _ in range(runs):
            mark, gate = key(), key()
            upstream.script(Turn(n=3, gate=gate, gate_at=1), key=mark)
            made.gates.append(gate)
            made.chats.append(person.chat())
            made.runs.append(person.start(made.chats[-1], f"[[key={mark}]] go")["run"]["id"])
        yield made
    finally:
        made.release()


@contextmanager
def reading(there: Busy) -> Iterator[list[Stream]]:
    """As many streams as one may have."""
    streams = [there.person.events(there.runs[0]) for _ in range(STREAMS)]
    try:
        assert [each.status for each in streams] == [200] * STREAMS
        yield streams
    finally:
        for each in streams:
            each.close()


def in_error(reply: Reply) -> Any:
    return reply.body["error"]["code"]


def in_trpc(reply: Reply) -> Any:
    error = reply.body["error"]
    assert error["data"]["code"] == "TOO_MANY_REQUESTS", error
    return "too_many_runs"


def post(path: str, body: Any, said: Callable[[Reply], Any] = in_error) -> tuple[str, str, Any, Callable[[Reply], Any]]:
    return "POST", path, body, said


def get(path: str) -> tuple[str, str, Any, Callable[[Reply], Any]]:
    return "GET", path, None, in_error


# Every door that streams, by its own request for a stream.
STARTING = {
    "native": post("/api/chats/{chat}/runs", {"content": "go", "stream": True}),
    "editorChat": post("/api/editorChat/stream/{chat}", {"content": "go", "enableStreaming": True}),
    "responses": post("/v1/responses", {"model": "demo", "input": "go", "stream": True}),
    "completions": post("/v1/chat/completions", {"model": "demo", "messages": SAYS[:1], "stream": True}),
    "threads": post("/chat/threads/{chat}/messages/stream", {"content": "go"}),
    "agent": post("/agent/chat/stream", {"message": "go", "character_id": 7}),
    "UI message": post("/api/chat", {"id": "{chat}", "messages": PARTS, "trigger": "submit-message"}),
    "AG-UI": post("/api/agui", {"threadId": "{chat}", "runId": "r", "messages": SAYS}),
}
ATTACHING = {
    "native": get("/api/runs/{run}/events"),
    "editorChat": get("/api/editorChat/stream/{chat}"),
    "UI message": get("/api/chat/{chat}/stream"),
}
# Doors that start a run without streaming it: the organization's limit holds there too.
QUIET = {
    "native": post("/api/chats/{chat}/runs", {"content": "go"}),
    "sessions": post("/api/chat/start", {"prompt": "go", "modelId": "gpt-4o"}),
    "threads": post("/chat/threads/{chat}/messages", {"content": "go"}),
    "agent": post("/agent/chat", {"message": "go", "character_id": 7}),
    "tRPC": post("/trpc/chat.initiateChat", {"projectId": "{project}", "message": "go"}, in_trpc),
}


def ask(
    person: Client, row: tuple[str, str, Any, Callable[[Reply], Any]], names: dict[str, str]
) -> tuple[int, str, Any]:
    """Status, Retry-After and code of the answer."""
    method, path, body, said = row
    text = json.dumps(body)
    for name, value in names.items():
        path, text = path.replace(f"{{{name}}}", value), text.replace(f"{{{name}}}", value)
    reply = person.server.call(method, path, json.loads(text), token=person.token)
    return reply.status, reply.headers.get("retry-after", ""), said(reply) if reply.status == 429 else reply.body


def test_no_door_gives_one_stream_more_and_what_is_refused_starts_nothing(small: Server, upstream: Upstream) -> None:
    alice = client(small)
    with busy(alice, upstream, runs=1) as there, reading(there) as streams:
        before = len(alice.get("/api/runs/")["results"])
        said = {name: ask(alice, row, there.names()) for name, row in STARTING.items()}
        said |= {f"{name} again": ask(alice, row, there.names()) for name, row in ATTACHING.items()}
        assert said == dict.fromkeys(said, (429, "5", "too_many_streams"))
        assert len(alice.get("/api/runs/")["results"]) == before
        streams[0].close()
        _until(lambda: _opens(there))
        _until(lambda: ask(alice, QUIET["native"], there.names())[0] == 201)


def _opens(there: Busy) -> bool:
    """Whether one more may be opened; it is closed again."""
    with there.person.events(there.runs[0]) as stream:
        return stream.status == 200


def test_doors_that_tell_in_an_event_tell_it_there(small: Server, upstream: Upstream) -> None:
    alice = client(small)
    with busy(alice, upstream, runs=1) as there:
        session = alice.post("/api/chat/start", {"prompt": "go", "modelId": "gpt-4o"})["sessionId"]
        project = alice.get("/api/projects/")["results"][0]
        message = alice.get(f"/api/runs/{there.runs[0]}/")["message"]
        asked = {"projectId": project["id"], "assistantMessageId": message}
        paths = {
            "too_many_streams": f"/api/chat/stream?sessionId={session}",
            "TOO_MANY_REQUESTS": f"/trpc/chat.streamResponse?input={quote(json.dumps(asked))}",
        }
        with reading(there):
            for code, path in paths.items():
                with Stream(small, path, token=alice.token) as refused:
                    assert code in refused.response.read().decode()


def test_no_door_starts_one_run_more_for_the_organization(small: Server, upstream: Upstream) -> None:
    alice = client(small)
    with busy(alice, upstream, runs=RUNS) as there:
        names = {**there.names(), "chat": alice.chat()}
        said = {name: ask(alice, row, names) for name, row in STARTING.items()}
        said |= {f"{name}, quietly": ask(alice, row, names) for name, row in QUIET.items()}
        assert said == dict.fromkeys(said, (429, "5", "too_many_runs"))
    assert ask(alice, QUIET["native"], names)[0] == 201


def test_a_chat_s_queue_has_an_end(small: Server, upstream: Upstream) -> None:
    alice = client(small)
    with busy(alice, upstream, runs=1) as there:
        assert [ask(alice, QUIET["native"], there.names())[0] for _ in range(QUEUE)] == [201] * QUEUE
        assert ask(alice, QUIET["native"], there.names()) == (429, "5", "queue_full")


def test_one_socket_more_is_refused_over_http(small: Server) -> None:
    alice = client(small)
    chat, base = alice.chat(), small.url.replace("http", "ws", 1)
    headers = {"Authorization": f"Bearer {alice.token}"}
    paths = [f"/ws/chats/{chat}/", "/v1/responses"]
    open_now = [connect(base + path, additional_headers=headers, legacy=True) for path in paths]
    for path in paths:
        with pytest.raises(InvalidStatus) as refused:
            connect(base + path, additional_headers=headers, legacy=True)
        answer = refused.value.response
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
        assert json.loads(answer.body)["error"]["code"] == "too_many_sockets"
    for each in open_now:
        each.close()
    _until(lambda: _connects(base + paths[0], headers))


def _connects(address: str, headers: dict[str, str]) -> bool:
    try:
        connect(address, additional_headers=headers, legacy=True).close()
    except InvalidStatus:
        return False
    return True


def test_others_are_not_counted_with_them(small: Server, upstream: Upstream) -> None:
    charlie = newcomer(small)
    home = charlie.get("/api/organizations/")["results"][0]["id"]
    charlie.post("/api/projects/", {"organization": home, "name": "Elsewhere"})
    with busy(client(small), upstream, runs=1) as there, reading(there):
        run = charlie.start(charlie.chat(), "go")["run"]["id"]
        with charlie.events(run) as stream:
            assert stream.status == 200


@pytest.mark.skipif(environment.profile() != "scaled", reason="SQLite is for one process")
def test_the_other_process_counts_with_this_one_and_a_crash_leaves_no_count(
    new_server: Callable[..., Server], upstream: Upstream
) -> None:
    first = new_server(**SMALL).start()
    second = first.sibling().start_process()
    elsewhere = client(second)
    with busy(elsewhere, upstream, runs=1) as there:
        streams = [Client(first, elsewhere.token).events(there.runs[0]) for _ in range(STREAMS)]
        assert [each.status for each in streams] == [200] * STREAMS
        assert ask(elsewhere, ATTACHING["native"], there.names()) == (429, "5", "too_many_streams")
        first.kill()
        left = _places_left(first)
        assert len(left) == STREAMS and all(0 < ttl <= places.LIVES_S for ttl in left), left
        with redis.Redis.from_url(first.settings["REDIS_URL"]) as store:
            store.delete(*store.scan_iter("*open:streams:*"))  # as their time would do


def _places_left(server: Server) -> list[int]:
    """Seconds until each place that a crash left behind is free."""
    with redis.Redis.from_url(server.settings["REDIS_URL"]) as client:
        return [client.ttl(name) for name in client.scan_iter("*open:streams:*")]


def test_a_place_that_nobody_renews_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LIVES_S", 1)
    names = [f"open:test:{key()}:{number}" for number in range(2)]
    taken = {places.take(names), places.take(names)}
    assert taken == set(names)
    assert places.is_full(names) and places.take(names) is None
    _until(lambda: not places.is_full(names))
    assert places.take(names) in names


def _until(holds: Callable[[], bool], timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)

"""Work that answers nothing, beside answers, on a real server: neither waits for the other, and each outlives whatever
happens to its process."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

NewServer = Callable[..., Server]
WITH_DRILLS = ("chaos", "--process", "web")  # the product's own server, with one more kind of run


@pytest.fixture(scope="module")
def drilling(upstream: Upstream) -> Iterator[Server]:
    """A server that stays up, for those who stop no process."""
    server = Server(command=WITH_DRILLS, OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none")
    yield server.start()
    server.close()


class Room:
    """A chat whose answer has begun a drill and goes on itself, held at a gate."""

    def __init__(self, server: Server, upstream: Upstream, *, place: str, steps: int = 40) -> None:
        self.alice, self.mark, self.gate = client(server), key(), key()
        self.upstream = upstream
        call = ScriptedCall("drill", {"steps": steps, "pause_ms": 100, "place": place})
        upstream.script(
            Turn(text="I begin it. ", tool_calls=[call]),
            Turn(n=20, gate=self.gate, gate_at=10),
            Turn(text="The rest."),
            key=self.mark,
        )
        self.chat = self.alice.chat(archetype="chaos")
        begun = self.alice.start(self.chat, f"[[key={self.mark}]] go")
        self.answer, self._message = begun["run"]["id"], begun["message"]["id"]
        upstream.wait_for(lambda seen: any(each.waits_at == self.gate for each in seen), key=self.mark)
        self.drill = self.found("drill")

    def found(self, kind: str) -> str:
        """The newest run of that kind."""
        return until(lambda: self.alice.get(f"/api/runs/?kind={kind}")["results"])[0]["id"]

    def status(self, run: str) -> str:
        return str(self.alice.get(f"/api/runs/{run}/")["status"])

    def message(self) -> dict[str, Any]:
        """The answer's message."""
        return dict(self.alice.get(f"/api/messages/{self._message}/"))


@pytest.mark.parametrize("place", ["chat", "project"])
def test_neither_waits_for_the_other(drilling: Server, upstream: Upstream, place: str) -> None:
    room = Room(drilling, upstream, place=place)
    assert (room.status(room.answer), room.status(room.drill)) == ("running", "running")
    assert room.message()["work"] == {"run": room.drill, "status": "running"}
    upstream.release(room.gate)
    assert room.alice.wait(room.answer)["status"] == "succeeded"
    other = room.alice.start(room.chat, f"[[key={room.mark}]] once more")["run"]["id"]
    assert room.alice.wait(other)["status"] == "succeeded"
    assert room.status(room.drill) == "running", "the answers waited for it"
    ended = room.alice.wait(room.drill)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
    assert told(room.alice, room.drill)[-1]["result"] == {"steps": 40}
    assert room.message()["work"]["status"] == "succeeded"


def test_after_kill_9_both_go_on_and_no_step_is_left_out(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server(command=WITH_DRILLS).start()
    room = Room(server, upstream, place="project")
    server.kill()
    server.start_process()
    for run in (room.answer, room.drill):
        ended = room.alice.wait(run)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 2), ended
    steps = [each.get("done", 0) for each in told(room.alice, room.drill) if each["type"] == "work.progressed"]
    assert sorted(set(steps)) == list(range(40)), "a step was left out"
    assert len(steps) - len(set(steps)) <= 1, "only the step that was under way is done again"
    server.manage("check_log")


def test_stopping_one_leaves_the_other(drilling: Server, upstream: Upstream) -> None:
    room = Room(drilling, upstream, place="chat", steps=600)
    asked = time.monotonic()
    room.alice.post(f"/api/runs/{room.drill}/cancel", {})
    assert room.alice.wait(room.drill)["status"] == "cancelled"
    assert time.monotonic() - asked < 5
    assert room.status(room.answer) == "running"
    room.alice.post(f"/api/runs/{room.answer}/cancel", {})
    assert room.alice.wait(room.answer)["status"] == "cancelled"
    assert room.message()["work"]["status"] == "cancelled"


def test_a_process_that_goes_hands_its_work_over(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server(command=WITH_DRILLS, CHAT_DRAIN_S="0.5").start()
    room = Room(server, upstream, place="project")
    server.stop()
    server.start_process()
    ended = room.alice.wait(room.drill)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    upstream.release(room.gate)


def test_work_of_a_project_is_streamed_to_its_readers_alone(drilling: Server, upstream: Upstream) -> None:
    room = Room(drilling, upstream, place="project", steps=1200)
    charlie = newcomer(drilling)
    for method, path in (("GET", ""), ("GET", "events"), ("POST", "cancel")):
        body = {} if method == "POST" else None
        reply = drilling.call(method, f"/api/runs/{room.drill}/{path}", body, token=charlie.token)
        assert reply.status == 404, (path, reply)
    assert charlie.get("/api/runs/")["results"] == []
    assert room.status(room.drill) == "running"
    upstream.release(room.gate)


def test_a_chat_is_named_by_a_model_and_the_title_outlives_its_process(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server(MEMORY_MODEL="chat").start()
    alice, mark, gate = client(server), key(), key()
    upstream.script(
        Turn(text="Plant the peas in March."), Turn(n=5, gate=gate, gate_at=2), Turn(text="Peas in spring."), key=mark
    )
    chat = alice.chat(title="")
    alice.wait(alice.start(chat, f"[[key={mark}]] when do I plant peas?")["run"]["id"])
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    asked = upstream.requests(mark)[1]
    assert "Plant the peas in March." in str(asked.messages[-1]["content"])
    server.kill()
    server.start_process()
    until(lambda: alice.get(f"/api/chats/{chat}/")["title"] == "Peas in spring")
    (run,) = alice.get(f"/api/runs/?kind=title&chat={chat}")["results"]
    assert (run["status"], run["attempt"], run["message"]) == ("succeeded", 2, None)
    upstream.release(gate)


def told(alice: Client, run: str) -> list[dict[str, Any]]:
    """The run's events."""
    with alice.events(run) as stream:
        return [each.json for each in stream.frames()]


def until(look: Callable[[], Any], within_s: float = 20) -> Any:
    """What it finds, once it finds something."""
    end = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)
    return found

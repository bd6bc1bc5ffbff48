"""System 4's frontend, by @trpc/client, while the server's process dies in each phase of an answer that patches the
project's document or has a component built."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from tests.clients.node import start_node
from tests.clients.test_trpc import one, place, text_of, trpc
from tests.live import Server
from tests.streams import client, key
from tests.tools.test_component_code import CARD
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
FIRST, LAST = ["I ", "look. "], ["Done", "."]
WHOLE = "".join(FIRST + LAST)
TAKEN_BACK = [
    {"type": "error", "error": "The answer was begun again. Load the message to see it whole."},
    {"type": "finalized", "status": "error"},
]


@dataclass(frozen=True)
class Phase:
    """When the process dies: as the frontend reads this, so much later."""

    read: str = ""  # a value's type; empty: as the upstream waits at its gate
    later_ms: int = 0
    gate: str = ""  # the turn that waits: first, last or build
    gate_at: int = 0
    is_shown: bool = False  # text of the turn that died was read, so it has to be taken back


PHASES = {
    "asked": Phase(gate="first"),
    "thinking": Phase("delta", gate="first", gate_at=2, is_shown=True),
    "calling": Phase("tool_start"),
    "calling, 5 ms": Phase("tool_start", later_ms=5),
    "calling, 20 ms": Phase("tool_start", later_ms=20),
    "called": Phase(gate="last"),
    "building": Phase("finalized", gate="build", gate_at=30),
    "over": Phase("finalized"),
}
SMOKE = ("calling, 5 ms", "building")


@pytest.fixture(scope="module")
def mortal(upstream: Upstream) -> Iterator[Server]:
    """A server that is killed and started again, and soon misses a process that died."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", CHAT_LEASE_S="3", CHAT_LEASE_RENEW_S="1")
    yield server.start()
    server.close()


class Frontend:
    """One message in two steps, watched until it is over whatever happens to the server."""

    def __init__(self, server: Server, upstream: Upstream, phase: Phase) -> None:
        self.server, self.upstream, self.phase = server, upstream, phase
        self.alice, self.gate, self.build = client(server), key(), key()
        self.project = place(self.alice)["projectId"]

    def send(self, call: ScriptedCall) -> None:
        """Ask, and watch the answer."""
        mark = key()
        turns = {"first": Turn(text=FIRST, tool_calls=[call]), "last": Turn(text=LAST)}
        self.upstream.script(*self._twice("first", turns), *self._twice("last", turns), Turn(text=LAST), key=mark)
        card = Turn(text=list(CARD))  # once more, as a process that dies behind the call may have asked for it already
        self.upstream.script(*self._twice("build", {"build": card}), card, key=self.build)
        given = {"projectId": self.project, "message": f"[[key={mark}]] go", "archetype": "project_navigator"}
        self.begun = one(self.alice, "mutation", "chat.initiateChat", given)
        asked = {"assistantMessageId": self.begun["assistantMessageId"], "projectId": self.project}
        self.asked = {"path": "chat.streamResponse", "input": asked}
        signed = (f"{self.server.url}/trpc", self.alice.token, json.dumps(self.asked))
        self.node: subprocess.Popen[str] = start_node("trpc.mjs", "follow", *signed)

    def _twice(self, name: str, turns: dict[str, Turn]) -> list[Turn]:
        """The turn; where it is to wait, once so and once for whoever takes the run over."""
        turn = turns[name]
        if name != self.phase.gate:
            return [turn]
        return [msgspec.structs.replace(turn, gate=self.gate, gate_at=self.phase.gate_at), turn]

    def die(self) -> None:
        """Kill the server in this phase, and start it again."""
        if self.phase.gate:
            self.upstream.wait_for(lambda seen: any(each.waits_at == self.gate for each in seen), timeout_s=15)
        if self.phase.read:
            self._read(self.phase.read)
        time.sleep(self.phase.later_ms / 1000)
        self.server.kill()
        self.server.start_process()

    def _read(self, type: str) -> None:
        assert self.node.stdout is not None
        while line := self.node.stdout.readline():
            if json.loads(line)["type"] == type:
                return
        pytest.fail(f"the frontend never read {type}")

    def watched(self) -> list[dict[str, Any]]:
        """All that it was told, over its reconnects."""
        assert self.node.stdout is not None and self.node.stderr is not None
        end = threading.Timer(60, self.node.kill)
        end.start()
        lines = self.node.stdout.readlines()  # communicate() would pass by what readline() took in beforehand
        end.cancel()
        assert self.node.wait() == 0, (lines, self.node.stderr.read())
        told = json.loads(lines[-1])
        assert "error" not in told
        return list(told["values"])

    def read_again(self) -> list[dict[str, Any]]:
        """What a frontend reads that opens the message now."""
        return list(trpc(self.alice, "follow", self.asked)["values"])

    def stored(self) -> dict[str, Any]:
        """The message, once nothing of it goes on."""
        end = time.monotonic() + 30
        while True:
            found: dict[str, Any] = one(self.alice, "query", "chat.getMessage", {"messageId": self.asked_for})
            if found["status"] not in ("pending", "building"):
                return found
            assert time.monotonic() < end, found
            time.sleep(0.1)

    @property
    def asked_for(self) -> str:
        return str(self.begun["assistantMessageId"])


@pytest.fixture
def frontend(mortal: Server, upstream: Upstream) -> Iterator[Callable[[Phase], Frontend]]:
    made: list[Frontend] = []

    def new(phase: Phase) -> Frontend:
        made.append(Frontend(mortal, upstream, phase))
        return made[-1]

    yield new
    for each in made:
        each.upstream.release(each.gate)
        each.node.kill()


def phases(*without: str) -> list[Any]:
    return [
        pytest.param(phase, id=name, marks=pytest.mark.smoke if name in SMOKE else ())
        for name, phase in PHASES.items()
        if name not in without
    ]


def check_both(frontend: Frontend, last: dict[str, Any]) -> list[dict[str, Any]]:
    """The frontend's own values are right, or say that they are not; those of one that reads now are right."""
    again = frontend.read_again()
    assert again[-2:] == [{"type": "complete", "finalContent": WHOLE}, last]
    assert text_of(again) == WHOLE
    watched = frontend.watched()
    if frontend.phase.is_shown and watched[-2:] == TAKEN_BACK:
        return again
    # Its library subscribes anew where it was refused a connection: then it is told all of it from the start.
    assert watched[-len(again) :] == again
    return again


def builds(frontend: Frontend) -> int:
    """How many there are of the project."""
    return len(frontend.alice.get(f"/api/runs/?project={frontend.project}&kind=build")["results"])


@pytest.mark.parametrize("phase", phases("building"))
def test_a_patch_ends_right_whenever_the_process_dies(frontend: Callable[[Phase], Frontend], phase: Phase) -> None:
    mine = frontend(phase)
    path = f"/api/projects/{mine.project}/document/"
    mark = key()
    version = mine.alice.get(path + "versions/")["results"][:1]
    before = version[0]["version"] if version else 0
    patch = [{"op": "add", "path": f"/{mark}", "value": 1}]
    mine.send(ScriptedCall("patch_document", {"patch": patch, "version": before}))
    mine.die()
    mine.alice.wait(mine.begun["runId"])
    again = check_both(mine, {"type": "finalized", "status": "success"})
    assert [(each["name"], each["success"]) for each in again if each["type"] == "tool_result"] == [
        ("patch_document", True)
    ]
    stored = mine.stored()
    assert (stored["status"], stored["kind"], stored["content"]) == ("success", "patch", WHOLE)
    assert mine.alice.get(path)[mark] == 1
    after = mine.alice.get(path + "versions/")["results"]
    assert after[0]["version"] == before + 1, "patched twice"


@pytest.mark.parametrize("phase", phases())
def test_a_component_ends_right_whenever_the_process_dies(frontend: Callable[[Phase], Frontend], phase: Phase) -> None:
    mine = frontend(phase)
    given = {"name": f"Card{key()}", "kind": "react", "description": f"A card. [[key={mine.build}]]"}
    before = builds(mine)
    mine.send(ScriptedCall("generate_component", given))
    mine.die()
    mine.alice.wait(mine.begun["runId"])
    result = next(each for each in mine.read_again() if each["type"] == "tool_result")
    check_both(mine, {"type": "finalized", "status": "building", "jobId": result["jobId"]})
    built = mine.alice.wait(result["jobId"])
    assert (built["status"], built["kind"], built["error"]) == ("succeeded", "build", None)
    assert mine.alice.get(f"/api/runs/{result['jobId']}/component/")["code"] == CARD
    stored = mine.stored()
    assert (stored["status"], stored["kind"], stored["content"]) == ("success", "component", WHOLE)
    assert builds(mine) == before + 1, "built twice"

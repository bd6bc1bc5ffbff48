"""Components that are built beside the chat, on a real server: right, mended, given up, stopped, killed."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.doors.people import newcomer
from tests.engine.test_work import told, until
from tests.live import Server
from tests.streams import Stream, client, key, text_of
from tests.tools.test_component_code import CARD, CART, COUNTER, PAGE
from tests.upstream import ScriptedCall, Turn, Upstream

NewServer = Callable[..., Server]
BROKEN_CARD = CARD.replace("</h2>", "")
RIGHT = {"react": CARD, "html": PAGE, "svelte": COUNTER, "python": CART}
BROKEN = {
    "react": BROKEN_CARD,
    "html": f"Here it is:\n{PAGE}",
    "svelte": COUNTER.replace("let count", "let let count"),
    "python": "def total(:\n    pass\n",
}


class Site:
    """A chat whose answer begins builds; each build has a script of its own."""

    def __init__(self, server: Server, upstream: Upstream) -> None:
        self.server, self.upstream = server, upstream
        self.alice = client(server)
        self.chat = self.alice.chat()

    def ask(self, *builds: tuple[str, str, list[Turn]]) -> list[str]:
        """An answer that begins these (name, kind, turns), all of them; the runs' ids."""
        mark, calls = key(), []
        for name, kind, turns in builds:
            own = key()
            self.upstream.script(*turns, key=own)
            given = {"name": name, "kind": kind, "description": f"A small one. [[key={own}]]"}
            calls.append(ScriptedCall("generate_component", given))
        self.upstream.script(Turn(tool_calls=calls), Turn(text="They are being built."), key=mark)
        begun = self.alice.start(self.chat, f"[[key={mark}]] build")
        self.message = begun["message"]["id"]
        assert self.alice.wait(begun["run"]["id"])["status"] == "succeeded"
        parts = self.alice.get(f"/api/messages/{self.message}/")["parts"]
        self.results = [each["result"] for each in parts if each["type"] == "tool_result"]
        return [each["jobId"] for each in self.results]

    def held(self, *before: Turn) -> tuple[str, str]:
        """A build that waits at a gate in the middle of a reply, behind these: its run and the gate."""
        gate = key()
        (run,) = self.ask(("Card", "react", [*before, Turn(text=list(CARD), gate=gate, gate_at=30), Turn(text=CARD)]))
        self.upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), timeout_s=10)
        return run, gate

    def run(self, id: str) -> dict[str, Any]:
        return dict(self.alice.get(f"/api/runs/{id}/"))

    def stands(self) -> tuple[str, str]:
        """What REST and system 4's wire say of the message's work."""
        work = self.alice.get(f"/api/messages/{self.message}/")["work"]
        asked = quote(json.dumps({"messageId": self.message}))
        reply = self.server.call("GET", f"/trpc/chat.getMessage?input={asked}", token=self.alice.token)
        return work["status"], reply.body["result"]["data"]["status"]

    def changed(self) -> list[str]:
        """The files that the chat's branch has changed."""
        return [each["path"] for each in self.alice.post(f"/api/editorChat/{self.chat}/get-diff", {})["files"]]


@pytest.fixture
def site(server: Server, upstream: Upstream) -> Site:
    return Site(server, upstream)


@pytest.mark.parametrize("kind", RIGHT)
def test_each_kind_is_built_at_once_or_mended(site: Site, kind: str) -> None:
    code = RIGHT[kind]
    fenced = f"```{kind}\n{code}```"
    first, second = site.ask(
        ("First", kind, [Turn(text=fenced)]), ("Second", kind, [Turn(text=BROKEN[kind]), Turn(text=code)])
    )
    for run, name, attempts in ((first, "First", 1), (second, "Second", 2)):
        ended = site.alice.wait(run)
        assert (ended["status"], ended["kind"], ended["error"]) == ("succeeded", "build", None), ended
        shown = site.alice.get(f"/api/runs/{run}/component/")
        assert (shown["name"], shown["attempts"], shown["code"]) == (name, attempts, code)
        assert {name: shown[name] for name in ended["result"]} == ended["result"]
        assert told(site.alice, run)[-1]["result"] == ended["result"]
    assert len(site.changed()) == 2
    assert site.alice.get(f"/api/messages/{site.message}/")["kind"] == "component"
    assert site.stands() == ("succeeded", "success")
    steps = [each["text"] for each in told(site.alice, second) if each["type"] == "work.progressed"]
    assert steps[:2] == ["Attempt 1 of 3", "Attempt 2 of 3"] and steps[2].startswith("Writing components/Second.")


@pytest.mark.parametrize(
    "wrong", [BROKEN_CARD, "I would rather talk about it.", "x" * 300_000], ids=["broken", "prose", "too long"]
)
def test_after_three_failures_it_says_why_and_the_branch_is_as_it_was(site: Site, wrong: str) -> None:
    (run,) = site.ask(("Card", "react", [Turn(text=wrong)] * 3))
    ended = site.alice.wait(run)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "build_failed")
    assert "not right in 3 attempts. Line " in ended["error"]["message"], ended
    assert site.changed() == [] and ended["result"] is None
    assert site.stands() == ("failed", "error")
    assert site.server.call("GET", f"/api/runs/{run}/component/", token=site.alice.token).status == 404
    asked = [each for each in site.upstream.requests() if "A small one." in str(each.messages)][-3:]
    assert "not right yet" in str(asked[1].messages[-1]["content"]) and asked[1].messages[-1]["role"] == "user"
    assert len(asked[2].messages) == len(asked[1].messages) + 2


def test_a_build_keeps_nobody_waiting_and_is_stopped(site: Site) -> None:
    run, _gate = site.held(Turn(text=BROKEN_CARD))
    assert site.results == [
        {"success": True, "jobId": run, "status": "building", "path": "components/Card.tsx"}
    ] and site.stands() == ("running", "building")
    mark = key()
    site.upstream.script(Turn(text="Meanwhile."), key=mark)
    other = site.alice.start(site.chat, f"[[key={mark}]] meanwhile")["run"]["id"]
    assert site.alice.wait(other)["status"] == "succeeded"
    assert site.run(run)["status"] == "running"
    charlie = newcomer(site.server)
    for path in ("", "events", "component/"):
        assert site.server.call("GET", f"/api/runs/{run}/{path}", token=charlie.token).status == 404
    assert site.server.call("POST", f"/api/runs/{run}/cancel", {}, token=charlie.token).status == 404
    site.alice.post(f"/api/runs/{run}/cancel", {})
    assert site.alice.wait(run)["status"] == "cancelled"
    assert site.stands() == ("cancelled", "error") and site.changed() == []


def test_kill_9_in_the_first_and_in_the_second_attempt(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server().start()
    site = Site(server, upstream)
    first, _ = site.held()
    second, _ = site.held(Turn(text=BROKEN_CARD))
    server.kill()
    server.start_process()
    for run, attempts in ((first, 1), (second, 2)):
        ended = site.alice.wait(run)
        assert (ended["status"], ended["attempt"], ended["result"]["attempts"]) == ("succeeded", 2, attempts), ended
        with site.alice.events(run) as stream:
            assert text_of(stream.frames()).endswith(CARD)
        steps = [each["text"] for each in told(site.alice, run) if each["type"] == "work.progressed"]
        assert len(steps) == len(set(steps)) == attempts + 1, "an attempt was said twice"
    assert site.changed() == ["components/Card.tsx"] and site.stands() == ("succeeded", "success")
    server.manage("check_log")


def test_system_4_sees_it_being_built(site: Site) -> None:
    gate, own, mark = key(), key(), key()
    site.upstream.script(Turn(text=list(CARD), gate=gate, gate_at=30), key=own)
    given = {"name": "Card", "kind": "react", "description": f"A card. [[key={own}]]"}
    calls = [ScriptedCall("generate_component", given)]
    site.upstream.script(Turn(tool_calls=calls), Turn(text="I began."), key=mark)
    project = site.alice.get("/api/projects/")["results"][0]["id"]
    body = {"projectId": project, "message": f"[[key={mark}]] go"}
    begun = site.alice.post("/trpc/chat.initiateChat", body)["result"]["data"]
    site.message = begun["assistantMessageId"]
    values = _streamed(site, project)
    said = [each["status"] for each in values if each["type"] == "status"]
    assert said == ["thinking", "tool_calling", "building", "thinking"]
    (result,) = (each for each in values if each["type"] == "tool_result")
    assert (result["name"], result["success"]) == ("generate_component", True)
    assert values[-2] == {"type": "complete", "finalContent": "I began."}
    assert values[-1] == {"type": "finalized", "status": "building", "jobId": result["jobId"]}
    assert site.stands() == ("running", "building")
    site.upstream.release(gate)
    assert site.alice.wait(result["jobId"])["status"] == "succeeded"
    assert until(lambda: site.stands() == ("succeeded", "success"))
    assert _streamed(site, project) == values


def _streamed(site: Site, project: str) -> list[dict[str, Any]]:
    asked = quote(json.dumps({"assistantMessageId": site.message, "projectId": project}))
    with Stream(site.server, f"/trpc/chat.streamResponse?input={asked}", token=site.alice.token) as stream:
        frames = [each.json for each in stream.frames() if each.data.startswith("{")]
    return [each.get("data", each) if "type" not in each else each for each in frames if each]

"""Slash commands at the doors: each at each, what is none, who may, and what becomes of one that is cut off."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.doors.people import newcomer
from tests.doors.test_one_run import STARTERS, Place
from tests.live import Server
from tests.streams import Client, client, key, text_of
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live
NewServer = Callable[..., Server]
WAIT_S = 20
DOORS = {name: starter for name, starter in STARTERS.items() if name != "llm"}
# What is typed, and what its answer holds.
TYPED = {
    "/help": "`/usage`",
    "/model": "gpt-4o",
    "/model gpt-4.1-mini": "gpt-4.1-mini",
    "/title The *green* door": r"The \*green\* door",
    "/summarize": "A summary of it.",
    "/compact": "nothing to sum up",
    "/clear": "A new beginning",
    "/search lighthouse": "Nothing was found",
    "/usage": "Input tokens",
    "/export": "/export/",
    "/feedback It was wrong.": "no answer yet",
}


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def ended(place: Place) -> dict[str, Any]:
    """The chat's newest run, once it is over."""
    place.find_run()
    return place.alice.wait(place.run)


def said(place: Place, door: str, text: str) -> str:
    """What a client of that door reads. System 4's reads at its subscription."""
    streamed = "".join(DOORS[door](place, text))
    ended(place)
    return streamed or str(place.alice.answer(place.chat)["content"])


@pytest.mark.parametrize("door", DOORS)
def test_each_command_at_each_door(alice: Client, upstream: Upstream, door: str) -> None:
    place, asked = Place(alice), len(upstream.requests())
    for typed, holds in TYPED.items():
        if typed == "/summarize":
            upstream.script(Turn(text="A word."), key=(mark := key()))
            said(place, door, f"[[key={mark}]] go")
            upstream.script(Turn(text="A summary of it."), key=mark)
        answer = said(place, door, typed)
        assert holds in answer, (typed, answer)
        stored = alice.answer(place.chat)
        assert (stored["content"], stored["kind"], stored["status"]) == (answer, "command", "completed"), typed
    assert len(upstream.requests()) - asked == 2, "the word and its summary: no other command asks a model"
    chat = alice.get(f"/api/chats/{place.chat}/")
    assert (chat["title"], chat["model"]) == ("The *green* door", "gpt-4.1-mini")


def test_a_text_at_the_doors_of_programs_and_with_two_slashes(alice: Client, upstream: Upstream) -> None:
    mark, place = key(), Place(alice)
    said = f"/help [[key={mark}]]"
    upstream.script(*(Turn(text="A text.") for _ in range(4)), key=mark)
    bare = {"model": "gpt-4o", "messages": [{"role": "user", "content": said}]}
    assert alice.post("/v1/chat/completions", bare)["choices"][0]["message"]["content"] == "A text."
    assert "A text." in str(alice.post("/v1/responses", {"model": "gpt-4o", "input": said}))
    assert "".join(DOORS["native"](place, f"/{said}")) == "A text."
    assert "".join(DOORS["native"](place, f"/nothing {said}")) == "A text."
    asked = [each.messages[-1]["content"] for each in upstream.requests(mark)]
    assert asked == [said, said, said, f"/nothing {said}"]


def test_what_a_tool_gives_and_a_file_says_is_a_text(alice: Client, upstream: Upstream) -> None:
    mark, place = key(), Place(alice)
    alice.patch(f"/api/chats/{place.chat}/", {"archetype": "project_navigator"})
    wrote = ScriptedCall("write_file", {"path": "clear.md", "content": "/clear"})
    upstream.script(
        Turn(tool_calls=[wrote]), Turn(tool_calls=[ScriptedCall("read_file", {"path": "clear.md"})]), key=mark
    )
    upstream.script(Turn(text="/clear"), Turn(text="Read."), key=mark)
    alice.wait(alice.start(place.chat, f"[[key={mark}]] go")["run"]["id"])
    file = {"type": "file", "name": "a.md", "content": "/clear"}
    alice.wait(alice.start(place.chat, f"[[key={mark}]] read", attachments=[file])["run"]["id"])
    found = alice.get(f"/api/chats/{place.chat}/messages/")["results"]
    assert {each["kind"] for each in found} == {"text"} and [each["content"] for each in found][1::2] == [
        "/clear",
        "Read.",
    ]
    assert sum(each["parent"] is None for each in found) == 1


def test_what_is_exported_opens_for_nobody_else(alice: Client, server: Server) -> None:
    place = Place(alice)
    link = "".join(DOORS["native"](place, "/export")).partition("](")[2].partition(")")[0].removeprefix(server.url)
    charlie, bob = newcomer(server), newcomer(server, organization="First organization", role="editor")
    assert server.call("GET", link, token=alice.token).status == 200
    assert [server.call("GET", link, token=each.token).status for each in (charlie, bob)] == [404, 404]
    assert server.call("GET", link).status == 401


def test_who_may_only_look_is_refused_at_every_door(alice: Client, server: Server) -> None:
    place = Place(alice)
    viewer = newcomer(server, organization="First organization", role="viewer")
    alice.patch(f"/api/chats/{place.chat}/", {"sharing": "project", "project_access": "write"})
    place.alice = viewer
    for door in DOORS:
        with pytest.raises(AssertionError, match="403"):
            "".join(DOORS[door](place, "/clear"))
    assert alice.get(f"/api/chats/{place.chat}/messages/")["results"] == []


def test_guests_may_ask_for_help_and_begin_anew(new_server: NewServer) -> None:
    server = new_server(AGENT_ALLOW_GUESTS="on").start()
    told = {}
    for typed in ("/help", "/clear", "/usage", "/export"):
        reply = server.call("POST", "/agent/chat", {"message": typed, "character_id": 41})
        told[typed] = reply.status
        if typed == "/help":
            history = server.call("GET", f"/agent/chat/history/{reply.body['session_id']}").body["messages"]
            assert "`/clear`" in history[1]["content"] and "`/usage`" not in history[1]["content"]
    assert told == {"/help": 200, "/clear": 200, "/usage": 403, "/export": 403}


# --- As a run ---------------------------------------------------------------------------------------------------------


def test_it_waits_its_turn_and_is_stopped_as_any(alice: Client, upstream: Upstream) -> None:
    mark, gate, place = key(), key(), Place(alice)
    upstream.script(Turn(n=3), Turn(n=9, gate=gate, gate_at=4), key=mark)
    alice.wait(alice.start(place.chat, f"[[key={mark}]] go")["run"]["id"])
    run = alice.start(place.chat, "/summarize")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    behind = alice.start(place.chat, "/usage")["run"]["id"]
    assert alice.get(f"/api/runs/{behind}/")["status"] == "queued"
    with alice.events(run) as stream:
        stream.until("text.delta")
        alice.post(f"/api/runs/{run}/cancel", {})
    assert alice.wait(run)["status"] == "cancelled" and alice.wait(behind)["status"] == "succeeded"
    (left,) = upstream.wait_for(lambda seen: [each for each in seen if each.end == "client_left"], key=mark)
    assert left.waits_at == gate
    found = alice.get(f"/api/chats/{place.chat}/messages/")["results"]
    assert [each["status"] for each in found if each["role"] == "assistant"] == ["completed", "cancelled", "completed"]
    assert alice.get(f"/api/chats/{place.chat}/")["summary"] == ""


def test_after_kill_9_it_goes_on_and_what_waits_behind_it_too(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server().start()
    alice, mark, gate = client(server), key(), key()
    upstream.script(Turn(text="A word."), Turn(n=9, gate=gate, gate_at=4), Turn(text="The summary."), key=mark)
    chat = alice.chat()
    alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])
    run = alice.start(chat, "/summarize")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    behind = [alice.start(chat, each)["run"]["id"] for each in ("/title After all", "/clear")]
    with alice.events(run) as stream:
        before = stream.until("text.delta")
        server.kill()
    server.start_process()
    with alice.events(run, after=before[-1].id) as stream:
        frames = [*before, *stream]
    assert text_of(frames) == "The summary." and sum(each.is_end for each in frames) == 1
    assert "turn.reset" in [each.json["type"] for each in frames]
    assert [alice.wait(each)["status"] for each in behind] == ["succeeded", "succeeded"]
    shown = alice.get(f"/api/chats/{chat}/")
    assert (shown["title"], shown["summary"]) == ("After all", "The summary.")
    assert len(upstream.requests(mark)) == 3


def test_older_messages_are_summed_up_for_the_model(alice: Client, upstream: Upstream) -> None:
    mark, place = key(), Place(alice)
    upstream.script(*(Turn(text=f"Answer {number}.") for number in range(8)), key=mark)
    for number in range(8):
        alice.wait(alice.start(place.chat, f"[[key={mark}]] Question {number}")["run"]["id"])
    upstream.script(Turn(text="They counted."), Turn(text="Nine."), key=mark)
    assert "told to the model as a summary" in "".join(DOORS["native"](place, "/compact"))
    alice.wait(alice.start(place.chat, f"[[key={mark}]] And?")["run"]["id"])
    read = json.dumps(upstream.requests(mark)[-1].messages)
    assert "They counted." in read and "/compact" not in read and "Answer 2." not in read


def test_a_replay_is_byte_for_byte_the_live_stream(alice: Client) -> None:
    place, once = Place(alice), {"Idempotency-Key": key()}
    bodies = []
    for _ in range(2):
        reply = alice.server.call(
            "POST",
            f"/api/chats/{place.chat}/runs",
            {"content": "/usage", "stream": True},
            token=alice.token,
            headers=once,
        )
        bodies.append(reply.body)
    assert bodies[0] == bodies[1] and "Input tokens" in bodies[0]
    assert len(alice.get(f"/api/runs/?chat={place.chat}")["results"]) == 1

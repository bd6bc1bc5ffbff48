"""An answer of so many sentences, through the whole engine: what is behind them is not written, and not paid."""

from typing import Any

import pytest

from accounts.models import User
from agents.options import RunOptions
from chat.doors.native.dialect import MAX_SENTENCES
from chat.models import Chat
from chat.run_request import RunRequest
from chat.runner import older
from chat.services import runs
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

SCHEMA = {"type": "object", "properties": {}}


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def held(upstream: Upstream) -> str:
    """A prompt whose answer is held back for good behind the first word of its third sentence."""
    mark = key()
    upstream.script(Turn(text=["One. ", "Two. ", "Three", " never."], gate=mark, gate_at=4), key=mark)
    return mark


@pytest.mark.parametrize("begins_chat", [False, True])
def test_the_providers_stream_is_closed_behind_the_last_sentence(
    begins_chat: bool, alice: Client, upstream: Upstream
) -> None:
    mark = held(upstream)
    said = {"content": f"[[key={mark}]] Be brief", "max_sentences": 2}
    if begins_chat:
        begun = alice.post("/api/chats/runs", {**said, "chat": {"title": "Brief"}})
        chat = begun["chat"]["id"]
    else:
        chat = alice.chat()
        begun = alice.post(f"/api/chats/{chat}/runs", said)
    run = alice.wait(begun["run"]["id"])
    answer = alice.answer(chat)
    assert (run["status"], run["end_reason"]) == ("succeeded", "sentence_limit")
    assert run["usage"]["status"] == "estimated" and run["usage"]["output_tokens"] < 10
    assert (answer["content"], answer["status"]) == ("One. Two.", "completed")
    upstream.wait_for(lambda seen: [each.end for each in seen] == ["client_left"], key=mark)


def test_the_answer_of_a_cut_run_is_whole_for_the_next_one(alice: Client, upstream: Upstream) -> None:
    mark, chat = held(upstream), alice.chat()
    alice.wait(alice.start(chat, f"[[key={mark}]] Be brief", max_sentences=2)["run"]["id"])
    upstream.script(Turn(text="Four. Five. Six"), key=(second := key()))
    alice.wait(alice.start(chat, f"[[key={second}]] Go on")["run"]["id"])
    assert alice.answer(chat)["content"] == "Four. Five. Six"  # the limit was of the one run
    [asked] = upstream.requests(second)
    assert [each["content"] for each in asked.messages if each["role"] == "assistant"] == ["One. Two."]


@pytest.mark.parametrize(
    "body",
    [
        {"max_sentences": 0},
        {"max_sentences": -1},
        {"max_sentences": MAX_SENTENCES + 1},
        {"max_sentences": "2"},
        {"max_sentences": 2.0},
        {"max_sentences": True},
        {"max_sentences": 2, "output": {"name": "a", "schema": SCHEMA}},
    ],
    ids=str,
)
def test_what_is_no_number_of_sentences_is_refused_and_changes_nothing(body: dict[str, Any], alice: Client) -> None:
    chat = alice.chat()
    refused = alice.post(f"/api/chats/{chat}/runs", {"content": "Hi", **body}, expect=(400,))
    assert list(refused["error"]["fields"]) == ["max_sentences"]
    assert alice.get(f"/api/chats/{chat}/messages/")["results"] == []


@pytest.mark.parametrize(("are_up", "most"), [(False, 2), (True, None)])
def test_a_run_that_an_older_process_may_take_over_has_no_limit(
    are_up: bool, most: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older, "are_up", lambda: are_up)
    asked = RunRequest(content="Hi", options=RunOptions(max_sentences=2, instructions="Be brief."))
    kept = runs._options(User(), Chat(), asked)
    assert (kept.max_sentences, kept.instructions) == (most, "Be brief.")

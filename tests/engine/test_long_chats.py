"""Long chats on real servers: a model of 8,000 tokens that refuses more, asked in a chat of 400 turns, and by whom.

The model here is an upstream of its own: it counts what it is sent, refuses what is too much, and writes summaries.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agents import tokens
from tests.live import OWNER, Server
from tests.streams import Client, client
from tests.strict import check_strict
from tests.upstream import Seen, Turn, Upstream

WINDOW = 8_000
FIRST = "The project is called Plover. Never touch plan.md."
SUMMARY = "They spoke of Plover, changed notes.md and left the release open."
LONG = ("with some more words about it " * 12).strip()
SMALL, UNKNOWN, OTHER = "gpt-small", "gpt-unknown", "gpt-writer"
ROWS = f"""
from chat.models import LanguageModel
LanguageModel.objects.update_or_create(id="{SMALL}", defaults=dict(context_tokens={WINDOW}, note="set"))
"""
FILL = """
from accounts.models import User
from chat.models import Chat, Message
user, chat = User.objects.get(email={owner!r}), Chat.objects.get(pk={chat!r})
rows, last = [], None
for n, (said, parts) in enumerate({said!r}, 1):
    mine = n % 2 == 1
    rows.append(Message(chat=chat, parent_id=last, position=n, role="user" if mine else "assistant",
        author=user if mine else None, content=said, parts=parts, status="completed"))
    last = rows[-1].pk
Message.objects.bulk_create(rows, batch_size=500)
Chat.objects.filter(pk=chat.pk).update(position=len(rows), leaf=last)
"""


class Narrow(Upstream):
    """Counts what it is sent by its own rule, and refuses what is over its window."""

    def __init__(self) -> None:
        super().__init__()
        self.summaries: list[Turn] = []  # that answer the next requests for one; else SUMMARY
        self.answers: list[Turn] = []  # that answer the next others
        self.refused = 0

    def _choose(self, seen: Seen) -> Turn:
        super()._choose(seen)
        asked = json.dumps([seen.messages, seen.body.get("tools", [])])
        room = WINDOW - (seen.body.get("max_completion_tokens") or seen.body.get("max_tokens") or 0)
        if len(asked) // 4 > room:
            self.refused += 1
            told = {"message": f"This model's maximum context length is {WINDOW} tokens.", "code": TOO_LONG}
            return Turn(fault="400", body={"error": told})
        if is_summary(seen):
            return self.summaries.pop(0) if self.summaries else Turn(text=SUMMARY)
        if self.answers:
            return self.answers.pop(0)
        return Turn(text=f"Yes, {LONG}", usage={"prompt_tokens": len(asked) // 4, "completion_tokens": 90})


TOO_LONG = "context_length_exceeded"


def is_summary(seen: Seen) -> bool:
    return str(seen.messages[0]["content"]).startswith("You write down what has happened")


@pytest.fixture(scope="module")
def narrow() -> Iterator[Narrow]:
    upstream = Narrow()
    upstream.start()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def server(narrow: Narrow) -> Iterator[Server]:
    server = Server(
        OPENAI_BASE_URL=narrow.url,
        OPENAI_API_KEY="k",
        OPENAI_MODELS=f"{SMALL},{UNKNOWN},{OTHER}",
        AGENTS_DEFAULT_MODEL=SMALL,
        AGENTS_RETRY_MAX_S="0.1",
    ).start()
    server.quickly("shell", "-c", ROWS)
    alice, until = client(server), time.monotonic() + 30
    while "set" not in [each["note"] for each in alice.get("/api/models/")["results"]]:
        assert time.monotonic() < until, "the catalog was not read again"
        time.sleep(0.2)
    yield server
    server.close()


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


WITH_RESULT = tuple(f"Answer {number}0:" for number in range(1, 41))


def turn(number: int) -> list[tuple[str, list[Any]]]:
    """A question and its answer, some with a tool's large result."""
    answer = f"Answer {number}: done, {LONG}"
    parts: list[Any] = [{"type": "text", "text": answer}]
    if number % 10 == 0:
        id = f"call_{number}"
        value = f"file {number} " * 300
        parts = [
            {"type": "tool_call", "call": id, "name": "read_file", "arguments": {"path": f"{number}.md"}, "turn": 1},
            {"type": "tool_result", "call": id, "name": "read_file", "result": value, "is_error": False},
            *parts,
        ]
    return [(FIRST if number == 1 else f"Question {number}, {LONG}", []), (answer, parts)]


def filled(server: Server, alice: Client, turns: int, **fields: Any) -> tuple[str, list[str]]:
    """A chat of so many turns, and what was said in it."""
    chat = alice.chat(**fields)
    said = [each for number in range(1, turns + 1) for each in turn(number)]
    server.quickly("shell", "-v", "0", "-c", FILL.format(owner=OWNER, chat=chat, said=said))
    return chat, [text for text, _ in said]


def ask(alice: Client, chat: str, text: str, **fields: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The run of a question, once it is over, and its events."""
    run = alice.start(chat, text, **fields)["run"]["id"]
    with alice.events(run) as stream:
        events = [each.json for each in stream.frames()]
    return dict(alice.get(f"/api/runs/{run}/")), events


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [each["type"] for each in events]


def newest(said: list[str]) -> list[str]:
    """What the last fifth of the window holds."""
    kept, size = list[str](), 0
    for text in reversed(said):
        size += tokens.of_text(text) + tokens.MESSAGE_TOKENS + 900 * text.startswith(WITH_RESULT)
        if size > WINDOW // 5:
            break
        kept.append(text)
    return kept


def test_a_chat_of_400_turns_on_a_window_of_8_000_is_never_too_long(
    server: Server, narrow: Narrow, alice: Client
) -> None:
    chat, said = filled(server, alice, 400)
    refused, seen, made = narrow.refused, len(narrow.requests()), 0
    for number in range(20):
        text = f"Live question {number}, {LONG}"
        run, events = ask(alice, chat, text)
        assert run["status"] == "succeeded", run
        said.append(text)
        requests = narrow.requests()[seen:]
        seen += len(requests)
        (sent,) = [each.messages for each in requests if not is_summary(each)]
        check_strict(sent)
        assert sent[0]["role"] == "system" and sent[1]["content"].startswith(FIRST)
        told = json.dumps(sent)
        assert all(json.dumps(each)[1:-1] in told for each in newest(said)), number
        compacted = [each for each in events if each["type"] == "context.compacted"]
        made += len(compacted)
        assert len(compacted) == sum(map(is_summary, requests))
        assert SUMMARY in told and (number or compacted), "the first is made before the first answer"
        assert all(each["tokens_after"] < each["tokens_before"] for each in compacted)
        said.append(f"Yes, {LONG}")
    assert narrow.refused == refused and 2 <= made < 20
    rows = alice.get(f"/api/chats/{chat}/compactions/")["results"]
    assert len(rows) == made and {each["summary"] for each in rows} == {SUMMARY}
    usage = json.loads(server.quickly("dumpdata", "chat.UsageRecord"))
    assert sum(each["fields"]["agent"] == "compaction" for each in usage) >= made


@pytest.mark.parametrize("fails", [Turn(fault="500"), Turn(text=""), Turn(fault="400")])
def test_where_the_summary_fails_older_messages_are_left_out_and_that_is_told(
    server: Server, narrow: Narrow, alice: Client, fails: Turn
) -> None:
    chat, _ = filled(server, alice, 60)
    narrow.summaries = [fails] * 3
    run, events = ask(alice, chat, "And now?")
    narrow.summaries = []
    assert run["status"] == "succeeded" and run["read_from"] and "context.compacted" not in kinds(events)
    assert alice.get(f"/api/chats/{chat}/compactions/")["results"] == []
    _, events = ask(alice, chat, "And then?")
    assert "context.compacted" not in kinds(events), "nobody waits for it again so soon"
    assert alice.wait(alice.post(f"/api/chats/{chat}/compact/", {})["run"])["status"] == "succeeded"


def test_a_model_whose_window_nobody_knows_is_asked_once_more_with_less(
    server: Server, narrow: Narrow, alice: Client
) -> None:
    chat, _ = filled(server, alice, 45, model=UNKNOWN)
    refused = narrow.refused
    run, events = ask(alice, chat, "And now?")
    assert run["status"] == "succeeded", run
    resets = [each for each in events if each["type"] == "turn.reset" and not each.get("agent")]
    assert [each["reason"] for each in resets] == ["context"] and narrow.refused == refused + 1
    assert "context.compacted" in kinds(events)
    sent = narrow.requests()[-1].messages
    check_strict(sent)
    assert sent[1]["content"].startswith(FIRST) and SUMMARY in sent[1]["content"]


def test_by_hand_it_is_a_run_that_charlie_does_not_see(server: Server, narrow: Narrow, alice: Client) -> None:
    chat, said = filled(server, alice, 12)
    run = alice.post(f"/api/chats/{chat}/compact/", {})["run"]
    done = alice.wait(run)
    (row,) = alice.get(f"/api/chats/{chat}/compactions/")["results"]
    assert (done["status"], done["kind"], done["result"]) == ("succeeded", "compaction", {"compaction": row["id"]})
    assert done["usage"]["input_tokens"] > 0
    ask(alice, chat, "And now?")
    told = json.dumps(narrow.requests()[-1].messages)
    assert SUMMARY in told and FIRST in told and "Question 3," not in told and said[-1] in told


def test_the_responses_door_is_obeyed(server: Server, narrow: Narrow, alice: Client) -> None:
    body: dict[str, Any] = {"model": SMALL, "input": FIRST}
    previous = alice.post("/api/llm/responses", body)["id"]
    for number in range(12):
        body = {"model": SMALL, "input": f"Question {number}, {LONG}", "previous_response_id": previous}
        previous = alice.post("/api/llm/responses", body)["id"]
    before = len(narrow.requests())
    managed = {"context_management": [{"type": "compaction", "compact_threshold": 1_000}]}
    answer = alice.post("/api/llm/responses", {**body, "previous_response_id": previous, **managed})
    assert answer["status"] == "completed"
    assert [is_summary(each) for each in narrow.requests()[before:]] == [True, False]


def test_a_process_that_dies_makes_none_twice(narrow: Narrow) -> None:
    server = Server(
        OPENAI_BASE_URL=narrow.url, OPENAI_API_KEY="k", OPENAI_MODELS=SMALL, AGENTS_DEFAULT_MODEL=SMALL,
        CHAT_CONTEXT_TOKENS="5600",
    ).start()  # fmt: skip
    try:
        alice = client(server)
        chat, _ = filled(server, alice, 60)
        before = len(narrow.requests())
        # In the midst of the summary: it is asked for again.
        narrow.summaries = [Turn(text=SUMMARY, gate="summary", gate_at=1)]
        run = alice.start(chat, "And now?")["run"]["id"]
        narrow.wait_for(lambda seen: seen and seen[-1].waits_at == "summary", timeout_s=20)
        # Behind it, in the midst of the answer: it is there.
        narrow.answers = [Turn(n=5, gate="answer", gate_at=3)]
        server.kill()
        narrow.release("summary")
        server.start_process()
        narrow.wait_for(lambda seen: seen and seen[-1].waits_at == "answer", timeout_s=30)
        server.kill()
        narrow.release("answer")
        server.start_process()
        assert alice.wait(run)["status"] == "succeeded"
        (row,) = alice.get(f"/api/chats/{chat}/compactions/")["results"]
        with alice.events(run) as stream:
            told = [each.json for each in stream.frames()]
        assert [each["upto"] for each in told if each["type"] == "context.compacted"] == [row["upto"]]
        assert [is_summary(each) for each in narrow.requests()[before:]] == [True, True, False, False]
    finally:
        server.close()

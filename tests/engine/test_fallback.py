"""Another model answers where the chat's own cannot: a real server, and real servers of models of two kinds behind it.

Each case breaks the first in another way. The answer comes whole from the second, says so, and both are counted.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

FIRST, SECOND, THIRD = "gpt-first", "claude-second", "gpt-third"
# The first takes 8,000 tokens, the second 200,000; both have a price.
ROWS = f"""
from chat.models import LanguageModel
priced = {{"input_price": 1, "output_price": 2}}
rows = LanguageModel.objects
rows.update_or_create(id="{FIRST}", defaults=dict(context_tokens=8_000, fallbacks=["{SECOND}"], note="set", **priced))
rows.update_or_create(id="{SECOND}", defaults=dict(context_tokens=200_000, **priced))
"""


@pytest.fixture(scope="module")
def server(upstream: Upstream) -> Iterator[Server]:
    server = Server(
        OPENAI_BASE_URL=upstream.url,
        OPENAI_API_KEY="k",
        OPENAI_MODELS=f"{FIRST},{THIRD}",
        ANTHROPIC_BASE_URL=upstream.url,
        ANTHROPIC_API_KEY="k",
        ANTHROPIC_MODELS=SECOND,
        AGENTS_DEFAULT_MODEL=FIRST,
        AGENTS_FIRST_BYTE_TIMEOUT_S="1",
        AGENTS_RETRY_MAX_S="0.1",
        AGENTS_DOWN_S="0",  # each case asks the first one
    ).start()
    server.quickly("shell", "-c", ROWS)
    alice, until = client(server), time.monotonic() + 20
    while "set" not in [each["note"] for each in alice.get("/api/models/")["results"]]:
        assert time.monotonic() < until, "the catalog was not read again"
        time.sleep(0.2)
    yield server
    server.close()


def asked(upstream: Upstream, mark: str) -> list[str]:
    return [str(seen.body["model"]) for seen in upstream.requests(mark)]


def told(alice: Client, run: str, kind: str) -> list[dict[str, Any]]:
    with alice.events(run) as stream:
        return [each.json for each in stream.frames() if each.json.get("type") == kind]


def used(server: Server, run: str) -> list[dict[str, Any]]:
    """The run's usage records, oldest first."""
    rows = json.loads(server.quickly("dumpdata", "chat.UsageRecord"))
    return [each["fields"] for each in sorted(rows, key=lambda each: int(each["pk"])) if each["fields"]["run"] == run]


TOO_LONG = {
    "error": {"message": "This model's maximum context length is 8000 tokens.", "code": "context_length_exceeded"}
}
GONE = {"error": {"message": "The model does not exist.", "code": "model_not_found"}}
BROKEN = [
    ("down", Turn(fault="503"), "upstream_unavailable"),
    ("refuses", Turn(fault="refuse"), "upstream_interrupted"),
    ("slow", Turn(fault="hang"), "upstream_timeout"),
    ("wrong key", Turn(fault="401"), "upstream_auth"),
    ("busy", Turn(fault="429", retry_after="120"), "upstream_rate_limited"),
    ("gone", Turn(fault="404", body=GONE), "upstream_not_found"),
    ("too small a window", Turn(fault="400", body=TOO_LONG), "upstream_context"),
]


@pytest.mark.parametrize(("turn", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_before_a_word_was_said_the_next_one_answers(turn: Turn, code: str, server: Server, upstream: Upstream) -> None:
    alice, mark = client(server), key()
    upstream.script(turn, Turn(text=["Good ", "day."]), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] Hello")["run"]["id"]
    assert alice.wait(run)["status"] == "succeeded"
    retries = told(alice, run, "retry.scheduled")

    assert [(each["model"], each["next_model"], each["code"]) for each in retries] == [(FIRST, SECOND, code)]
    answer = alice.answer(chat)
    assert (answer["content"], answer["model"]) == ("Good day.", SECOND)
    [record] = used(server, run)
    assert record["model"] == SECOND and record["cost_nanos"] > 0


ORDERS = [  # of the organization, of the chat, who answers; nobody: ""
    ([THIRD], None, THIRD),
    ([THIRD], [SECOND, THIRD], SECOND),
    ([THIRD], [], ""),
    ([], None, ""),
    (None, [THIRD], THIRD),
    (None, None, SECOND),
]


@pytest.mark.parametrize(("theirs", "its", "answers"), ORDERS)
def test_a_chat_and_its_organization_say_who_answers(
    theirs: list[str] | None, its: list[str] | None, answers: str, server: Server, upstream: Upstream
) -> None:
    alice, mark = client(server), key()
    down = Turn(fault="404", body=GONE)
    upstream.script(down, Turn(text="Good day."), key=mark)
    chat = alice.chat(fallbacks=its)
    place = f"/api/organizations/{alice.get(f'/api/chats/{chat}/')['organization']}/"
    assert alice.patch(place, {"fallbacks": theirs})["fallbacks"] == theirs
    run = alice.start(chat, f"[[key={mark}]] Hello")["run"]["id"]
    status = alice.wait(run)["status"]
    alice.patch(place, {"fallbacks": None})
    assert asked(upstream, mark) == [FIRST, answers] if answers else [FIRST]
    assert status == ("succeeded" if answers else "failed")


def test_in_the_midst_of_an_answer_it_is_taken_back_and_both_are_counted(server: Server, upstream: Upstream) -> None:
    alice, mark = client(server), key()
    upstream.script(Turn(text=["Go", "od"], fault="cut"), Turn(text="Good day."), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] Hello")["run"]["id"]
    assert alice.wait(run)["status"] == "succeeded"
    assert alice.answer(chat)["content"] == "Good day."
    records = used(server, run)
    assert [(each["model"], each["status"]) for each in records] == [(FIRST, "estimated"), (SECOND, "reported")]
    assert all(each["cost_nanos"] for each in records)


def test_a_tool_that_ran_is_not_run_again_and_state_goes_to_its_maker_alone(server: Server, upstream: Upstream) -> None:
    alice, mark = client(server), key()
    files = ScriptedCall("list_files", {})
    thinks = Turn(reasoning="I look.", tool_calls=[files])
    upstream.script(Turn(tool_calls=[files]), Turn(fault="cut", text="So"), thinks, Turn(text="Done."), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] Which files?")["run"]["id"]
    assert alice.wait(run)["status"] == "succeeded"
    assert asked(upstream, mark)[:3] == [FIRST, FIRST, SECOND]
    assert len(told(alice, run, "tool.called")) == 2
    sent = json.dumps([seen.body for seen in upstream.requests(mark) if seen.body["model"] == FIRST])
    assert "signature" not in sent

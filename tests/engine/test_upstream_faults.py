"""Whatever a provider does, a run ends once, with a code people can act on, and what had arrived is kept."""

from collections.abc import Callable, Iterator

import pytest

from tests.live import Server
from tests.streams import client, key
from tests.upstream import ScriptedCall, Turn, Upstream

NewServer = Callable[..., Server]


@pytest.fixture(scope="module")
def hasty(upstream: Upstream) -> Iterator[Server]:
    """A server that waits a second for a provider, and asks twice."""
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", AGENTS_IDLE_TIMEOUT_S="1", AGENTS_MAX_ATTEMPTS="2",
        AGENTS_RETRY_MAX_S="0.1",
    )  # fmt: skip
    yield server.start()
    server.close()


TEXT = "Begun. "
FAULTS = [
    (Turn(fault="400"), 1, "upstream_invalid", ""),
    (Turn(fault="401"), 1, "upstream_auth", ""),
    (Turn(fault="404"), 1, "upstream_not_found", ""),
    (Turn(fault="429", retry_after="0"), 2, "upstream_rate_limited", ""),
    (Turn(fault="500"), 2, "upstream_unavailable", ""),
    (Turn(fault="503"), 2, "upstream_unavailable", ""),
    (Turn(fault="refuse"), 2, None, ""),
    (Turn(fault="hang"), 2, "upstream_timeout", ""),
    (Turn(fault="empty"), 2, "upstream_incomplete", ""),
    (Turn(fault="html"), 1, "upstream_incomplete", ""),
    (Turn(text=TEXT, fault="stall"), 1, "upstream_timeout", TEXT),
    (Turn(text=TEXT, fault="cut"), 1, "upstream_interrupted", TEXT),
    (Turn(text=TEXT, fault="eof"), 1, "upstream_incomplete", TEXT),
    (Turn(text=TEXT, fault="badjson"), 1, "upstream_malformed", TEXT),
    (Turn(text=TEXT, fault="error"), 1, "upstream_unavailable", TEXT),
]


REFUSED = ("400", "401", "404", "429", "500", "503")


@pytest.mark.parametrize(("turn", "asked", "code", "text"), FAULTS, ids=[each[0].fault for each in FAULTS])
def test_a_fault_is_a_typed_end(
    hasty: Server, upstream: Upstream, turn: Turn, asked: int, code: str | None, text: str
) -> None:
    alice, mark = client(hasty), key()
    upstream.script(*[turn] * 3, key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    with alice.events(run) as stream:
        frames = [each.json for each in stream.frames()]
    assert frames[-1]["type"] == "run.failed" and sum(each["type"] == "run.failed" for each in frames) == 1
    assert code is None or frames[-1]["code"] == code
    used = frames[-1]["usage"]["input_tokens"]
    assert (used == 0) == (turn.fault in REFUSED), "what the provider has refused outright costs nothing"
    assert frames[-1]["cost"]["amount"] == ("0.000000000" if turn.fault in REFUSED else None)
    assert len(upstream.requests(mark)) == asked
    assert sum(each["type"] == "retry.scheduled" for each in frames) == asked - 1
    answer = alice.answer(chat)
    assert (answer["status"], answer["content"]) == ("failed", text)
    assert answer["error"]["code"] == frames[-1]["code"]
    assert "secret-in-the-body" not in str(frames) + str(answer) + hasty.log()


def test_a_run_that_is_stopped_while_it_waits_to_ask_again_costs_nothing(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", AGENTS_MAX_ATTEMPTS="5", AGENTS_RETRY_MAX_S="60"
    ).start()
    alice, mark = client(server), key()
    upstream.script(*[Turn(fault="500", retry_after="30")] * 2, key=mark)
    run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    with alice.events(run) as stream:
        stream.until("retry.scheduled")
        alice.post(f"/api/runs/{run}/cancel", {})
        last = stream.until("run.cancelled")[-1].json
    assert last["usage"]["input_tokens"] == 0 and last["cost"]["status"] == "exact"
    used = alice.wait(run)
    assert (used["usage"]["total_tokens"], used["cost"]["amount"]) == (0, "0.000000000")


def test_a_subagent_whose_provider_takes_nothing_costs_nothing(hasty: Server, upstream: Upstream) -> None:
    alice, mark, below = client(hasty), key(), key()
    task = ScriptedCall("content", {"task": f"[[key={below}]] Write."})
    upstream.script(Turn(tool_calls=[task]), Turn(text="It failed."), key=mark)
    upstream.script(*[Turn(fault="500")] * 2, key=below)
    ended = alice.wait(alice.start(alice.chat(archetype="project_navigator"), f"[[key={mark}]] go")["run"]["id"])
    assert ended["status"] == "succeeded" and len(upstream.requests(below)) == 2
    assert (ended["usage"]["input_tokens"], ended["usage"]["status"]) == (20, "reported")


def test_after_a_retry_the_answer_is_whole(hasty: Server, upstream: Upstream) -> None:
    alice, mark = client(hasty), key()
    upstream.script(Turn(fault="503"), Turn(text="Up again."), key=mark)
    chat = alice.chat()
    assert alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])["status"] == "succeeded"
    assert alice.answer(chat)["content"] == "Up again."


def test_arguments_that_are_not_json_are_told_to_the_model_and_the_run_ends_after_two(
    hasty: Server, upstream: Upstream
) -> None:
    alice, mark = client(hasty), key()
    bad = [Turn(tool_calls=[ScriptedCall("list_files", "{" * number)]) for number in range(1, 6)]
    upstream.script(*bad, key=mark)
    chat = alice.chat()
    ended = alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])
    assert (ended["status"], ended["end_reason"]) == ("succeeded", "max_invalid_calls")
    assert len(upstream.requests(mark)) == 2


def test_nul_and_half_surrogates_of_a_model_are_stored_as_something_that_can_be(
    hasty: Server, upstream: Upstream
) -> None:
    alice, mark = client(hasty), key()
    upstream.script(Turn(text=["a\0b", "c"]), key=mark)
    chat = alice.chat()
    assert alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])["status"] == "succeeded"
    assert alice.answer(chat)["content"] == "a\ufffdbc"

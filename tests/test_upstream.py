"""The fake upstream does what its scripts and knobs say, and counts what it is asked."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.upstream import ScriptedCall, Turn, Upstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream().start()
    yield upstream
    upstream.close()


def post(upstream: Upstream, path: str, body: Any) -> Any:
    data = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(upstream.url + path, data), timeout=5) as answer:
        return json.loads(answer.read())


def ask(upstream: Upstream, *messages: str | dict[str, Any]) -> dict[str, Any]:
    """The choice of a reply that was not streamed."""
    said = [{"role": "user", "content": each} if isinstance(each, str) else each for each in messages]
    body = {"model": "fake", "messages": said}
    choice: dict[str, Any] = post(upstream, "/chat/completions", body)["choices"][0]
    return choice


def calls(choice: dict[str, Any]) -> list[tuple[str, Any]]:
    functions = [each["function"] for each in choice["message"].get("tool_calls", [])]
    return [(each["name"], json.loads(each["arguments"])) for each in functions]


TOOL_TURN = ({"role": "assistant", "content": None}, {"role": "tool", "content": "done"})


def test_a_script_answers_its_own_key_only(upstream: Upstream) -> None:
    upstream.script(Turn(text="for a"), Turn(text="for a again"), key="a1")
    upstream.script(Turn(text="for b"), key="b1")
    assert ask(upstream, "x [[key=b1]]")["message"]["content"] == "for b"
    assert ask(upstream, "x [[key=a1]]", *TOOL_TURN)["message"]["content"] == "for a"
    assert upstream.unused("a1") == 1
    assert len(upstream.requests("a1")) == 1


def test_a_turn_that_was_not_scripted_is_refused(upstream: Upstream) -> None:
    upstream.script(Turn(text="one"), key="a2")
    ask(upstream, "[[key=a2]]")
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(upstream, "[[key=a2]]")
    assert caught.value.code == 400


def test_an_unknown_knob_is_refused(upstream: Upstream) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(upstream, "[[numbr=3]]")
    assert "numbr" in caught.value.read().decode()


def test_calls_in_the_text_come_one_a_turn_and_then_text(upstream: Upstream) -> None:
    text = 'CALL list_files then CALL read_file {"path": "a.md"} and [[n=2]]'
    assert calls(ask(upstream, text)) == [("list_files", {})]
    assert calls(ask(upstream, text, *TOOL_TURN)) == [("read_file", {"path": "a.md"})]
    assert ask(upstream, text, *TOOL_TURN, *TOOL_TURN)["message"]["content"] == "0 1 "


def test_a_loop_in_the_text_never_ends(upstream: Upstream) -> None:
    assert calls(ask(upstream, "LOOP list_files", *TOOL_TURN * 30)) == [("list_files", {})]


def test_a_fault_may_strike_the_first_times_only(upstream: Upstream) -> None:
    text = "[[fault=503 times=2 key=t1 text=well]]"
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError):
            ask(upstream, text)
    assert ask(upstream, text)["message"]["content"] == "well"


def test_other_processes_script_and_read_by_http(upstream: Upstream) -> None:
    turns = [{"tool_calls": [{"name": "f", "arguments": {"a": 1}}]}]
    post(upstream, "/script", {"key": "h1", "turns": turns})
    assert calls(ask(upstream, "[[key=h1]]")) == [("f", {"a": 1})]
    with urllib.request.urlopen(upstream.url + "/stats", timeout=5) as answer:
        seen = json.loads(answer.read())["seen"][-1]
    assert (seen["key"], seen["end"], seen["has_authorization"]) == ("h1", "finished", False)


def test_a_refusing_upstream_can_be_opened_again(upstream: Upstream) -> None:
    upstream.refuse()
    with pytest.raises(urllib.error.URLError):
        ask(upstream, "Hello")
    upstream.accept()
    assert ask(upstream, "[[text=back]]")["message"]["content"] == "back"


def test_a_scripted_call_may_carry_arguments_that_are_not_json() -> None:
    assert ScriptedCall("f", "{broken").text == "{broken"

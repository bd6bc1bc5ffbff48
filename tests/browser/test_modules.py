"""The two modules that know no DOM, in the browser they are for: the SSE parser, and the projection."""

from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.smoke, pytest.mark.live]

STREAM = (
    '﻿: hello\r\n\r\nid: r.1.1\r\ndata: {"a": "ü€𝄞\u2028"}\r\n\r\n'
    "event: reconnect\rdata: {}\r\rid: r.1.2\ndata: one\ndata:two\ndata\n\nid: cut\ndata: never ended\n"
)
FRAMES = [
    {"id": "r.1.1", "event": "", "data": '{"a": "ü€𝄞\u2028"}'},
    {"id": "r.1.1", "event": "reconnect", "data": "{}"},
    {"id": "r.1.2", "event": "", "data": "one\ntwo\n"},
]

PARSE = """async ([bytes, size]) => {
  const { FrameParser } = await import("/static/parley.js");
  const [parser, decoder, frames] = [new FrameParser(), new TextDecoder(), []];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = new Uint8Array(bytes.slice(at, at + size));
    frames.push(...parser.push(decoder.decode(piece, { stream: true })));
  }
  return frames;
}"""
REDUCE = """async (events) => {
  const { emptyAnswer, reduce } = await import("/static/chat/reducer.js");
  return events.reduce(reduce, emptyAnswer());
}"""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_frames_are_whole_wherever_the_bytes_are_cut(page: Page, size: int) -> None:
    assert page.evaluate(PARSE, [list(STREAM.encode()), size]) == FRAMES


def log(*events: tuple[str, dict[str, Any]], attempt: int = 1, first: int = 1) -> list[dict[str, Any]]:
    """Events as the native door sends them."""
    return [
        {"type": type, "seq": first + number, "attempt": attempt, "at": 100.0 + number, "agent": "", **fields}
        for number, (type, fields) in enumerate(events)
    ]


BEGIN = (("run.started", {"attempt": 1}), ("turn.started", {"turn": 1, "model": "m"}))


def text_of(answer: dict[str, Any]) -> str:
    return "".join(part["text"] for part in answer["parts"] if part["type"] == "text")


def test_an_event_that_was_seen_before_changes_nothing(page: Page) -> None:
    events = log(*BEGIN, ("text.delta", {"text": "Hel"}), ("text.delta", {"text": "lo"}))
    assert text_of(page.evaluate(REDUCE, [*events, *events, *events[1:]])) == "Hello"


def test_a_turn_that_is_taken_back_stays_dimmed_until_new_text_comes(page: Page) -> None:
    first = log(*BEGIN, ("text.delta", {"text": "half"}))
    reset = log(("run.started", {"attempt": 2}), ("turn.reset", {"turn": 1, "reason": "takeover"}), attempt=2, first=3)
    answer = page.evaluate(REDUCE, [*first, *reset])
    assert [part["isTakenBack"] for part in answer["parts"]] == [True]
    again = log(("turn.started", {"turn": 1, "model": "m"}), ("text.delta", {"text": "whole"}), attempt=2, first=5)
    assert text_of(page.evaluate(REDUCE, [*first, *reset, *again])) == "whole"


def test_a_reset_of_the_log_forgets_everything(page: Page) -> None:
    events = log(*BEGIN, ("text.delta", {"text": "old"}))
    assert text_of(page.evaluate(REDUCE, [*events, {"type": "log.reset"}, *log(*BEGIN)])) == ""


def test_each_call_is_one_card_with_its_outcome(page: Page) -> None:
    called = [("tool.called", {"call": each, "name": "read_file", "arguments": {}}) for each in ("c1", "c2", "c3")]
    ends = [
        ("tool.returned", {"call": "c2", "name": "read_file", "result": {}, "elapsed_ms": 5}),
        ("tool.failed", {"call": "c1", "name": "read_file", "error": "no", "outcome": "unknown"}),
    ]
    answer = page.evaluate(REDUCE, log(*BEGIN, *called, *ends))
    assert [(part["call"], part["status"]) for part in answer["parts"]] == [
        ("c1", "unknown"), ("c2", "returned"), ("c3", "running"),
    ]  # fmt: skip
    assert answer["phase"] == "tool"


def test_what_a_subagent_says_is_not_the_answers_text(page: Page) -> None:
    events = log(*BEGIN, ("text.delta", {"text": "Mine."}), ("text.delta", {"text": "Not.", "agent": "content:c1"}))
    assert text_of(page.evaluate(REDUCE, events)) == "Mine."


def test_calls_of_two_subagents_at_work_at_once_stand_below_the_call_that_asked_them(page: Page) -> None:
    asked = [("a", ""), ("b", ""), ("a1", "x:a"), ("b1", "x:b"), ("a11", "x:a/y:a1"), ("b2", "x:b"), ("a2", "x:a")]
    called = [
        ("tool.called", {"call": call, "name": "read_file", "arguments": {}, "agent": agent}) for call, agent in asked
    ]
    answer = page.evaluate(REDUCE, log(*BEGIN, *called))
    # In the order in which tests/chat/test_asked.py has those of a stored answer.
    assert [part["call"] for part in answer["parts"]] == ["a", "a1", "a11", "a2", "b", "b1", "b2"]


def test_the_newest_word_of_the_chats_workflow_is_kept(page: Page) -> None:
    step = ("workflow.changed", {"workflow": "w", "step": "Dates", "step_id": "dates", "index": 2, "steps": 3})
    work = ("workflow.changed", {"workflow": "j", "step": "compile", "steps": 9})
    answer = page.evaluate(REDUCE, log(*BEGIN, step, work))
    assert (answer["workflow"]["step"], answer["phase"]) == ("Dates", "thinking")
    over = ("workflow.completed", {"workflow": "w", "name": "Booking"})
    assert page.evaluate(REDUCE, log(*BEGIN, step, over))["workflow"]["type"] == "workflow.completed"


def test_an_event_of_a_later_version_is_passed_over(page: Page) -> None:
    events = log(*BEGIN, ("future.thing", {"x": 1}), ("text.delta", {"text": "still here"}))
    assert text_of(page.evaluate(REDUCE, events)) == "still here"


FOLLOW_TWICE = """async () => {
  const { Runs } = await import("/static/chat/runs.js");
  const runs = new Runs({ onChange() {}, onOver() {}, onLost() {}, isHidden: () => false });
  runs.pause();
  return [runs.add({ run: "r" }), runs.add({ run: "r" }), runs.length];
}"""


def test_a_run_is_followed_once_by_whichever_way_it_is_heard_of(page: Page) -> None:
    """A reply and the chat's socket may both tell of it: the second must not be drawn, since it has no answer."""
    assert page.evaluate(FOLLOW_TWICE) == [True, False, 1]


COME_BACK = """async () => {
  const { Parley, pauseMs } = await import("/static/parley.js");
  const told = [];
  const asked = [];
  class Flaky extends Parley {
    async fetch() {
      asked.push(performance.now());
      if (asked.length !== 4) throw new TypeError("no network");
      const frame = `id: r.1.1\\nevent: run.started\\ndata: {"type": "run.started", "seq": 1}\\n\\n`;
      return new Response(frame, { status: 200, headers: { "Content-Type": "text/event-stream" } });
    }
  }
  const onConnection = ({ isOpen, tries }) => told.push([isOpen, tries]);
  const follower = new Flaky().stream("r", { onEvent() {}, onConnection });
  while (asked.length < 6) await new Promise((resolve) => setTimeout(resolve, 50));
  follower.close();
  const bounds = [0, 1, 2, 20].map((tries) => [pauseMs(tries, () => 0), pauseMs(tries, () => 1)]);
  return { told, bounds, pauses: asked.slice(1).map((at, index) => at - asked[index]) };
}"""


def test_a_reader_waits_longer_each_time_by_chance_and_anew_after_a_good_connection(page: Page) -> None:
    seen = page.evaluate(COME_BACK)
    assert seen["told"][:4] == [[False, 0], [False, 1], [False, 2], [True, 3]]
    assert seen["told"][4:6] == [[False, 0], [False, 1]], "what came through begins it anew"
    assert seen["bounds"] == [[250, 500], [500, 1000], [1000, 2000], [10_000, 20_000]]
    pauses = seen["pauses"]
    assert pauses[0] >= 250 and pauses[1] >= 500 and pauses[2] >= 1000, pauses
    assert pauses[3] < pauses[2], pauses

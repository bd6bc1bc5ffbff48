"""When a stream that ends where a person is asked may end: only once nothing goes on before they have answered."""

from typing import Any

import pytest

from agents import events as ev
from agents.events import AnyEvent, Call
from agents.usage import Usage
from chat.doors.asking import Asking

INNER = "helper:b"


def turn(agent: str = "") -> AnyEvent:
    return ev.TurnStarted(at=1, agent=agent, turn=1, model="m")


def reply(*calls: str, agent: str = "") -> AnyEvent:
    asked = tuple(Call(each, f"tool_{each}", "{}") for each in calls)
    return ev.ReplyCompleted(at=1, agent=agent, turn=1, finish_reason="tool_calls", usage=Usage(), calls=asked)


def asks(call: str, agent: str = "") -> AnyEvent:
    return ev.ApprovalRequested(at=1, agent=agent, call=call, name="x", arguments={}, expires_at=2)


def answered(call: str) -> AnyEvent:
    return ev.ApprovalResolved(at=1, call=call, name="x", decision="allowed", by="u")


def returned(call: str) -> AnyEvent:
    return ev.ToolReturned(at=1, call=call, name="x", result=1, elapsed_ms=1)


HELPS = ev.AgentStarted(at=1, agent=INNER, call="b", name="helper", task="t")
CASES: dict[str, tuple[list[AnyEvent], dict[str, Any], bool]] = {
    "nothing was asked": ([turn(), reply("a")], {}, False),
    "one waits": ([turn(), reply("a"), asks("a")], {}, True),
    "one waits, one is at work": ([turn(), reply("a", "b"), asks("a")], {}, False),
    "one waits, one has its result": ([turn(), reply("a", "b"), asks("a"), returned("b")], {}, True),
    "two wait": ([turn(), reply("a", "b"), asks("a"), asks("b")], {}, True),
    "one of two was answered": ([turn(), reply("a", "b"), asks("a"), asks("b"), answered("a")], {}, True),
    "one of two was answered before": ([turn(), reply("a", "b"), asks("a"), asks("b")], {"decided": {"a"}}, True),
    "all were answered": ([turn(), reply("a"), asks("a"), answered("a")], {}, False),
    "what was allowed is at work, and the next is asked for": (
        [turn(), reply("a", "b"), asks("a"), answered("a"), asks("b")], {"decided": {"a"}}, False,
    ),
    "what was allowed has its result": (
        [turn(), reply("a", "b"), asks("a"), answered("a"), asks("b"), returned("a")], {"decided": {"a"}}, True,
    ),
    "the client's own does not keep it": ([turn(), reply("a", "b"), asks("a")], {"theirs": ["tool_b"]}, True),
    "decided before": ([turn(), reply("a"), asks("a")], {"decided": {"a"}}, False),
    "the next turn speaks": ([turn(), reply("a"), asks("a"), turn()], {}, False),
    "a subagent's waits": (
        [turn(), reply("a", "b"), asks("a"), HELPS, turn(INNER), reply("c", agent=INNER), asks("c", INNER)], {}, True,
    ),
    "a subagent speaks": ([turn(), reply("a", "b"), asks("a"), HELPS, turn(INNER)], {}, False),
    "a subagent was taken back": (
        [turn(), reply("a", "b"), asks("a"), HELPS, turn(INNER), ev.TurnReset(at=1, agent=INNER, turn=1, reason="x")],
        {},
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "known", "waits"), CASES.values(), ids=CASES.keys())
def test_it_waits_once_nothing_else_goes_on(events: list[AnyEvent], known: dict[str, Any], waits: bool) -> None:
    asking = Asking(**known)
    for event in events:
        asking.feed(event)
    assert asking.waits is waits

"""The AI SDK's client sends its answers by itself once the last step is complete: also where a subagent asks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from agents import events as ev
from agents.events import AnyEvent, Call
from agents.usage import Usage
from chat.doors.ui_message.dialect import Encoder
from tests.transcripts import RUN

SUB, OTHER = "editor:b", "editor:c"


def turn(*calls: str, agent: str = "") -> list[AnyEvent]:
    asked = tuple(Call(each, each, "{}") for each in calls)
    whole = ev.ReplyCompleted(at=1, agent=agent, turn=1, finish_reason="tool_calls", usage=Usage(), calls=asked)
    return [ev.TurnStarted(at=1, agent=agent, turn=1, model="m"), whole]


def helps(agent: str) -> list[AnyEvent]:
    call = agent.rpartition(":")[2]
    return [
        ev.ToolCalled(at=1, call=call, name="editor", arguments={}),
        ev.AgentStarted(at=1, agent=agent, call=call, name="editor", task="t"),
    ]


def asks(call: str, agent: str = "") -> AnyEvent:
    return ev.ApprovalRequested(at=1, agent=agent, call=call, name="drop", arguments={}, expires_at=2)


def reads(call: str, agent: str = "") -> list[AnyEvent]:
    return [
        ev.ToolCalled(at=1, agent=agent, call=call, name="read", arguments={}),
        ev.ToolReturned(at=1, agent=agent, call=call, name="read", result=1, elapsed_ms=1),
    ]


LOGS: dict[str, list[AnyEvent]] = {
    "a subagent asks": [*turn("b"), *helps(SUB), *turn("x", agent=SUB), asks("x", SUB)],
    "it asks twice": [*turn("b"), *helps(SUB), *turn("x", "y", agent=SUB), asks("x", SUB), asks("y", SUB)],
    "the agent has asked before it": [
        *turn("a", "b"), asks("a"), *helps(SUB), *turn("x", agent=SUB), asks("x", SUB),
    ],
    "the agent asks after it": [*turn("b", "a"), *helps(SUB), *turn("x", agent=SUB), asks("x", SUB), asks("a")],
    "two side by side": [
        *turn("b", "c"), *helps(SUB), *helps(OTHER), *turn("x", agent=SUB), asks("x", SUB),
        *turn("y", agent=OTHER), asks("y", OTHER),
    ],
    "the other begins after the first has asked": [
        *turn("b", "c"), *helps(SUB), *turn("x", agent=SUB), asks("x", SUB),
        *helps(OTHER), *turn("y", agent=OTHER), asks("y", OTHER),
    ],
    "it reads beside that": [
        *turn("b"), *helps(SUB), *turn("x", "y", agent=SUB), asks("x", SUB), *reads("y", SUB),
    ],
}  # fmt: skip


def said(events: Sequence[AnyEvent], **request: Any) -> list[dict[str, Any]]:
    encoder = Encoder(replace(RUN, request=request))
    frames = [frame for seq, each in enumerate(events, 1) for frame in encoder.encode(1, seq, each)]
    return [msgspec.json.decode(each[6:]) for each in frames if each != b"data: [DONE]\n\n"]


def last_step(parts: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The states of the last step's calls, as lastAssistantMessageIsCompleteWithApprovalResponses reads them."""
    states: dict[str, str] = {}
    steps: dict[str, int] = {}
    step = 0
    for part in parts:
        if part["type"] == "start-step":
            step += 1
        elif part["type"].startswith("tool-"):
            steps.setdefault(part["toolCallId"], step)
            states[part["toolCallId"]] = part["type"]
    return {call: state for call, state in states.items() if steps[call] == step}


@pytest.mark.parametrize("events", LOGS.values(), ids=LOGS.keys())
def test_the_last_step_is_complete_once_its_questions_are_answered(events: list[AnyEvent]) -> None:
    states = set(last_step(said(events, approvals="here")).values())
    assert "tool-approval-request" in states and states <= {"tool-approval-request", "tool-output-available"}


@pytest.mark.parametrize("events", LOGS.values(), ids=LOGS.keys())
def test_who_does_not_answer_here_is_shown_no_steps_of_them(events: list[AnyEvent]) -> None:
    assert [each["type"] for each in said(events)].count("start-step") == 1

"""A conversation that is too long: what is left out first, from when on, and what becomes of a refused request."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from agents import events as ev
from agents.errors import ProviderError
from agents.events import AnyEvent, Call
from agents.loop import Agent
from agents.loop.job import Job
from agents.loop.lighter import KEEP_MESSAGES, lighter
from agents.loop.target import Target, fitted
from agents.loop.window import Window, window_of
from agents.messages import AssistantMessage, Message, ToolMessage, UserMessage
from agents.model_info import ModelInfo
from agents.providers.base import ProviderRequest
from agents.usage import Usage
from chat.eventlog.projection import fold
from chat.runner.material import LEFT_OUT, fitting
from tests.agents.scripted import ScriptedProvider, calls, says
from tests.agents.test_loop import archetype, check_stream, echo, job

LARGE = "x" * 12_345
TOO_LONG = ProviderError("upstream_context")


def asked(number: int, content: str) -> list[Message]:
    """A question, a call, its result and an answer."""
    id = f"call_{number}"
    return [
        UserMessage(f"Question {number}."),
        AssistantMessage("", (Call(id, "read_file", "{}"),)),
        ToolMessage(id, "read_file", content),
        AssistantMessage(f"Answer {number}."),
    ]


def test_old_large_results_go_first_and_each_keeps_its_call() -> None:
    said = [*asked(1, LARGE), *asked(2, "small"), *asked(3, LARGE)]
    told = lighter(said, keep=0)
    assert [each for each in told if each not in said] == [
        ToolMessage("call_1", "read_file", "[result of 12,345 bytes dropped; call again]")
    ]
    assert told[-KEEP_MESSAGES:] == tuple(said[-KEEP_MESSAGES:])
    assert lighter(said, keep=100_000) == tuple(said)
    assert lighter(told, keep=0) == told


@pytest.mark.parametrize(
    ("model", "most", "window"),
    [
        (ModelInfo("m", "a", 8_000, True), 100_000, Window(5_600, 4_800, 1_600)),
        (ModelInfo("m", "a", 8_000, True, max_output_tokens=1_000), 100_000, Window(6_600, 5_600, 1_600)),
        (ModelInfo("m", "a", 1_000_000, True, max_output_tokens=64_000), 100_000, Window(100_000, 80_000, 20_000)),
        (ModelInfo("m", "a"), 100_000, Window(100_000, 80_000, 20_000)),
    ],
)
def test_the_window_is_the_models_without_the_answer(model: ModelInfo, most: int, window: Window) -> None:
    assert window_of(model, most) == window


def test_a_request_that_nearly_fills_its_model_loses_them_and_no_other() -> None:
    said = (*asked(1, LARGE), *asked(2, "y" * 400), *asked(3, "small"))
    for tokens, is_left_out in ((4_000, True), (100_000, False)):
        target = Target(ModelInfo("m", "a", tokens, True), ScriptedProvider([]))
        sent = fitted(ProviderRequest("m", "", said), target).messages
        assert len(sent) == len(said) and (LARGE not in str(sent)) is is_left_out


def test_what_is_summed_up_fits_the_longest_cut_first_and_the_oldest_left_out_last() -> None:
    lines = ["Person: short", "Answer: " + "long " * 2_000, "Person: also short"]
    text = fitting(lines, 500)
    assert "Person: short\n\n" in text and "Person: also short" in text and "[...]" in text
    many = fitting([f"Person: line {number} " + "word " * 30 for number in range(1_000)], 500)
    assert many.startswith(LEFT_OUT.format(count="")[:1]) and "line 999" in many and "line 1 " not in many
    assert fitting(["中" * 5_000], 500).count("中") < 500


class Shorter:
    """In the place of what reads rows: the same conversation, as this says it the next time."""

    is_near = False

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages: tuple[Message, ...] = ()
        self.next = tuple(messages)
        self.refused: list[bool] = []

    async def shorten(
        self, job: Job, request: ProviderRequest, *, is_refused: bool
    ) -> AsyncGenerator[list[AnyEvent], None]:
        self.refused.append(is_refused)
        self.messages = self.next
        yield [ev.ContextCompacted(at=1.0, upto="m", messages=2, tokens_before=9, tokens_after=3)]


HISTORY = (UserMessage("One."), AssistantMessage("Two."), UserMessage("Go."))
SHORT = (UserMessage("Go."),)


async def run(turns: list[Any], shorter: Shorter) -> tuple[list[AnyEvent], ScriptedProvider, ProviderError | None]:
    provider, agent = ScriptedProvider(turns), archetype(echo)
    shorter.messages = HISTORY
    made = job(provider, agent, shortening=shorter, history=HISTORY)
    working = Agent(made, agent, path="", messages=HISTORY)
    happened, failed = list[AnyEvent](), None
    try:
        async for events in working.work():
            happened += events
    except ProviderError as error:
        failed = error
    return happened, provider, failed


async def test_what_is_refused_as_too_long_is_asked_once_more_shorter() -> None:
    happened, provider, failed = await run([[TOO_LONG], says("Hello.")], shorter := Shorter(SHORT))
    assert failed is None and shorter.refused == [True]
    assert [each.messages for each in provider.requests] == [HISTORY, SHORT]
    check_stream(happened)
    kinds = [each.type for each in happened]
    assert kinds[:5] == ["turn.started", "context.compacted", "turn.reset", "turn.started", "text.delta"]
    [reset] = [each for each in happened if isinstance(each, ev.TurnReset)]
    assert (reset.reason, reset.usage) == ("context", Usage())
    assert fold(happened).content == "Hello."


async def test_it_keeps_what_the_run_has_said_itself() -> None:
    turns = [calls(("echo", '{"word": "w"}')), [TOO_LONG], says("Done.")]
    _, provider, failed = await run(turns, Shorter(SHORT))
    assert failed is None
    assert [type(each).__name__ for each in provider.requests[-1].messages] == [
        "UserMessage", "AssistantMessage", "ToolMessage",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("turns", "next", "asked"),
    [
        ([[TOO_LONG], [TOO_LONG]], SHORT, 2),
        ([[TOO_LONG]], HISTORY, 1),
        ([[ProviderError("upstream_invalid")]], SHORT, 1),
    ],
    ids=["twice", "nothing to leave out", "something else"],
)
async def test_where_that_does_not_help_it_fails_by_it(turns: list[Any], next: Sequence[Message], asked: int) -> None:
    _, provider, failed = await run(turns, Shorter(next))
    assert failed is not None and len(provider.requests) == asked

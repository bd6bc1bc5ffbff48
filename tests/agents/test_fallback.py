"""Where a model cannot answer another one does: at once, or anew; told, counted, and never across a stored reply."""

from collections.abc import Sequence
from typing import Any

import pytest

from agents import events as ev
from agents.errors import CODES, ProviderError, QuotaExceeded
from agents.events import AnyEvent
from agents.loop import Agent, fallback
from agents.loop.fallback import Memory, Order
from agents.loop.job import RetryPolicy
from agents.loop.purse import CONCLUDE, Share
from agents.loop.target import Target, fitted, left_out, room_of
from agents.messages import AssistantMessage, Image, SystemMessage, ToolSpec, UserMessage
from agents.model_info import ModelInfo
from agents.providers.base import CallPiece, Finish, ProviderRequest, TextPiece, UsageReport
from agents.usage import Usage
from chat.eventlog.projection import fold
from tests.agents.scripted import Said, ScriptedProvider, calls, says
from tests.agents.test_loop import archetype, check_stream, echo, job


@pytest.fixture(autouse=True)
def _nobody_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "memory", Memory())


def fails(code: str, *, retryable: bool = True, after: Sequence[Said] = (), wait_s: float | None = None) -> list[Said]:
    return [*after, ProviderError(code, retryable=retryable, retry_after_s=wait_s)]


class Pair:
    """Two servers, and the run that asks them."""

    def __init__(self, first: list[list[Said]], second: list[list[Said]], **more: Any) -> None:
        self.first = ScriptedProvider(list(first), maker="chat@first")
        self.second = ScriptedProvider(list(second), maker="messages@second")
        self.targets = (
            Target(ModelInfo("one", "a", name="wire-one", **more.pop("one", {})), self.first),
            Target(ModelInfo("two", "b", name="wire-two", **more.pop("two", {})), self.second),
        )
        self.more = more

    async def run(self) -> list[AnyEvent]:
        agent = archetype(echo)
        made = job(self.first, agent, **{"targets": lambda model: self.targets, "model": "one", **self.more})
        self.agent = Agent(made, agent, path="", messages=(UserMessage("Go."),))
        happened = [each async for batch in self.agent.work() for each in batch]
        check_stream(happened)
        return happened


TRIGGERS = [
    ("upstream_unavailable", True),
    ("upstream_timeout", True),
    ("upstream_interrupted", True),
    ("upstream_incomplete", True),
    ("upstream_rate_limited", True),
    ("upstream_rate_limited", False),
    ("upstream_not_found", False),
    ("upstream_auth", False),
    ("upstream_malformed", False),
]


@pytest.mark.parametrize(("code", "retryable"), TRIGGERS)
async def test_before_anything_is_visible_the_next_one_is_asked_at_once(code: str, retryable: bool) -> None:
    pair = Pair([fails(code, retryable=retryable)], [says("Hello.")])
    happened = await pair.run()
    [told] = [each for each in happened if isinstance(each, ev.RetryScheduled)]
    assert (told.model, told.next_model, told.delay_s, told.code) == ("one", "two", 0.0, code)
    [reply] = [each for each in happened if isinstance(each, ev.ReplyCompleted)]
    assert reply.model == "two" and not any(isinstance(each, ev.TurnReset) for each in happened)
    assert [each.model for each in pair.first.requests + pair.second.requests] == ["wire-one", "wire-two"]
    assert [(each.model, each.usage.total_tokens) for each in fold(happened).usages] == [("two", 15)]


async def test_after_something_was_visible_it_is_taken_back_and_the_turn_is_asked_anew() -> None:
    pair = Pair([fails("upstream_interrupted", after=[TextPiece("Hel")])], [says("Good day.")])
    happened = await pair.run()
    kinds = [each.type for each in happened if each.type not in ("turn.completed",)]
    assert kinds == [
        "turn.started", "text.delta", "retry.scheduled", "turn.reset", "turn.started", "text.delta", "reply.completed",
    ]  # fmt: skip
    told = fold(happened)
    assert told.content == "Good day." and told.turns == 1
    assert [(each.model, each.usage.status) for each in told.usages] == [("one", "estimated"), ("two", "reported")]
    assert not any(isinstance(each, AssistantMessage) for each in pair.second.requests[0].messages)  # no prefill


class Counting:
    """A purse that covers so many turns, and notes who may be asked and what is settled."""

    def __init__(self, turns: int) -> None:
        self.turns, self.asked, self.settled = turns, list[list[str]](), list[tuple[str, str]]()

    async def take(self, input_tokens: int, models: Sequence[str], ahead: int) -> Share:
        self.asked.append(list(models))
        if len(self.asked) > self.turns:
            raise QuotaExceeded
        return Share(input_tokens, 100, is_last=len(self.asked) == self.turns)

    def settle(self, share: Share, model: str, usage: Usage) -> None:
        self.settled.append((model, usage.status))


async def test_what_was_visible_is_paid_and_the_next_one_takes_its_own_share() -> None:
    purse = Counting(2)
    pair = Pair([fails("upstream_interrupted", after=[TextPiece("Hel")])], [says("Good day.")], purse=purse)
    happened = await pair.run()
    assert purse.asked == [["one", "two"], ["two"]]
    assert purse.settled == [("one", "estimated"), ("two", "reported")]
    [reset] = [each for each in happened if isinstance(each, ev.TurnReset)]
    assert reset.usage is not None and reset.usage.status == "estimated"
    assert CONCLUDE not in pair.first.requests[0].system and CONCLUDE in pair.second.requests[0].system


@pytest.mark.parametrize("is_first", [True, False])
async def test_nobody_is_asked_behind_words_where_no_other_share_is_covered(is_first: bool) -> None:
    broken = fails("upstream_interrupted", after=[TextPiece("Hel")])
    turns = [broken] if is_first else [calls(("echo", '{"word":"a"}')), broken]
    purse = Counting(len(turns))
    pair = Pair(turns, [says("Good day.")], purse=purse)
    if is_first:
        with pytest.raises(QuotaExceeded):
            await pair.run()
    else:
        await pair.run()
        assert pair.agent.reason == "budget"
    assert not pair.second.requests and purse.settled[-1] == ("one", "estimated")


@pytest.mark.parametrize("code", ["upstream_invalid", "quota_exceeded", "no_rights"])
async def test_what_is_wrong_with_the_request_itself_is_no_reason(code: str) -> None:
    pair = Pair([fails(code, retryable=False)], [says("No.")])
    with pytest.raises(ProviderError):
        await pair.run()
    assert not pair.second.requests


async def test_a_filtered_answer_is_an_answer() -> None:
    pair = Pair([[TextPiece("I"), Finish("content_filter")]], [says("No.")])
    await pair.run()
    assert not pair.second.requests


async def test_a_stored_reply_is_never_asked_again_and_a_tool_that_ran_is_not_run_twice() -> None:
    pair = Pair([calls(("echo", '{"word": "a"}')), fails("upstream_unavailable")], [says("Done.")])
    happened = await pair.run()
    assert len([each for each in happened if isinstance(each, ev.ToolCalled)]) == 1
    asked = pair.second.requests[0].messages
    assert [type(each).__name__ for each in asked] == ["UserMessage", "AssistantMessage", "ToolMessage"]


async def test_a_provider_that_asks_for_a_moment_gets_it_once() -> None:
    again = Pair([fails("upstream_rate_limited", wait_s=0.01), says("Hello.")], [])
    await again.run()
    assert len(again.first.requests) == 2
    busy = fails("upstream_rate_limited", wait_s=0.01)
    twice = Pair([busy, list(busy)], [says("Hello.")], retry=RetryPolicy(3, 0.01))
    await twice.run()
    assert len(twice.first.requests) == 2 and len(twice.second.requests) == 1
    later = Pair([fails("upstream_rate_limited", wait_s=60.0)], [says("Hello.")])
    await later.run()
    assert len(later.second.requests) == 1


async def test_one_that_was_down_a_moment_ago_is_asked_last() -> None:
    await Pair([fails("upstream_unavailable")], [says("A.")]).run()
    second = Pair([], [says("B.")])
    happened = await second.run()
    assert not second.first.requests and not any(isinstance(each, ev.RetryScheduled) for each in happened)
    assert next(each for each in happened if isinstance(each, ev.ReplyCompleted)).model == "two"


def test_it_is_asked_first_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now, pair, known = [1000.0], Pair([], []), Memory()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    known.note(pair.targets[0], "upstream_unavailable", 30)
    assert Order(pair.targets, REQUEST, down_s=30, known=known).current is pair.targets[1]
    now[0] += 31
    assert Order(pair.targets, REQUEST, down_s=30, known=known).current is pair.targets[0]


@pytest.mark.parametrize("code", ["upstream_interrupted", "upstream_incomplete", "upstream_context"])
def test_what_may_be_this_one_request_is_not_remembered(code: str) -> None:
    pair, known = Pair([], []), Memory()
    known.note(pair.targets[0], code, 30)
    assert not known.is_down(pair.targets[0])


@pytest.mark.parametrize(("window", "moves"), [(200_000, True), (8_000, False), (4_000, False)])
def test_too_long_a_question_goes_to_a_larger_window_only(
    window: int, moves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CODES, "upstream_context", "Too long.")
    pair = Pair([], [], one={"context_tokens": 8_000}, two={"context_tokens": window})
    order = Order(pair.targets, REQUEST, down_s=30)
    assert order.move_on(ProviderError("upstream_context")) is moves


def test_one_that_takes_no_tools_is_not_asked_where_there_are_some() -> None:
    pair = Pair([], [], two={"abilities": frozenset({"images"})})
    asked = ProviderRequest("one", "", (UserMessage("Go."),), (ToolSpec("echo", "", {}),))
    assert not Order(pair.targets, asked, down_s=30).move_on(ProviderError("upstream_unavailable"))
    assert Order(pair.targets, REQUEST, down_s=30).move_on(ProviderError("upstream_unavailable"))


async def test_without_another_one_it_is_asked_again_as_ever() -> None:
    agent = archetype()
    alone = ScriptedProvider([fails("upstream_unavailable"), says("Hello.")])
    working = Agent(job(alone, agent), agent, path="", messages=(UserMessage("Go."),))
    happened = [each async for batch in working.work() for each in batch]
    [told] = [each for each in happened if isinstance(each, ev.RetryScheduled)]
    assert (told.model, told.next_model, told.max_attempts) == ("", "", 3)


REQUEST = ProviderRequest("one", "", (UserMessage("Go."),))


def said(*texts: str) -> tuple[Any, ...]:
    return tuple(UserMessage(each) if number % 2 == 0 else AssistantMessage(each) for number, each in enumerate(texts))


def test_a_smaller_window_gets_the_newest_that_fits_and_always_what_is_asked() -> None:
    long = "word " * 400  # some 500 tokens
    messages = (SystemMessage("Rules."), *said(long, long, long, "short", "What now?"))
    model = ModelInfo("small", "a", context_tokens=1_000, is_context_known=True)
    asked = fitted(ProviderRequest("one", "", messages), Target(model, ScriptedProvider([])))
    assert asked.messages == (SystemMessage("Rules."), *messages[3:])
    tiny = ModelInfo("tiny", "a", context_tokens=100, is_context_known=True)
    assert fitted(ProviderRequest("one", "", messages), Target(tiny, ScriptedProvider([]))).messages[1:] == messages[5:]
    unknown = ModelInfo("unknown", "a", context_tokens=100)
    assert fitted(ProviderRequest("one", "", messages), Target(unknown, ScriptedProvider([]))).messages == messages


@pytest.mark.parametrize(
    ("window", "output", "asked", "room"),
    [(100_000, 16_000, None, 79_000), (100_000, None, None, 70_000), (100_000, 16_000, 1_000, 94_000)],
)
def test_the_room_of_a_question_is_the_window_without_its_answer(
    window: int, output: int | None, asked: int | None, room: int
) -> None:
    model = ModelInfo("m", "a", context_tokens=window, is_context_known=True, max_output_tokens=output)
    assert room_of(model, asked) == room


def test_a_picture_that_a_model_cannot_see_is_told_in_words() -> None:
    message = UserMessage("Look.", (Image("data:image/png;base64,AA==", "cat.png"), Image("https://e.org/a")))
    blind = Target(ModelInfo("m", "a", abilities=frozenset({"tools"})), ScriptedProvider([]))
    [told] = fitted(ProviderRequest("one", "", (message,)), blind).messages
    assert isinstance(told, UserMessage) and not told.images
    assert told.text.splitlines()[::2] == [
        "Look.", "[image: cat.png, not shown to this model]", "[image: without a name, not shown to this model]",
    ]  # fmt: skip


BARE = {"abilities": frozenset[str]()}


@pytest.mark.parametrize(
    ("model", "told"),
    [(BARE, ("temperature", "effort", "tools")), ({"efforts": ("low",)}, ()), ({}, ("effort",))],
)
async def test_what_a_model_cannot_take_is_told(model: dict[str, Any], told: tuple[str, ...]) -> None:
    picture = UserMessage("Look.", (Image("https://e.org/a"),))
    asked = ProviderRequest("one", "", (picture,), (ToolSpec("echo", "", {}),), temperature=0.5, effort="low")
    target = Target(ModelInfo("m", "a", **model), ScriptedProvider([]))
    assert left_out(asked, fitted(asked, target)) == told


async def test_nothing_a_taken_back_try_brought_is_left() -> None:
    broken: list[Said] = [TextPiece("Hm"), CallPiece(0, "echo", '{"word'), UsageReport(Usage(9, 0, 9))]
    pair = Pair([fails("upstream_interrupted", after=broken)], [says("Good.")])
    happened = await pair.run()
    [reply] = [each for each in happened if isinstance(each, ev.ReplyCompleted)]
    assert not reply.calls and reply.usage == Usage(10, 0, 5) and fold(happened).content == "Good."

"""The loop: model, tools, again, until done or a limit is met; well formed whatever happens."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agents import events as ev
from agents.archetypes.base import Archetype, Limits
from agents.errors import ProviderError, Waiting
from agents.events import AnyEvent
from agents.loop import Agent, ledger
from agents.loop.job import Job, RetryPolicy
from agents.loop.target import Target
from agents.messages import AssistantMessage, ToolMessage, UserMessage
from agents.model_info import ModelInfo
from agents.providers.base import CallPiece, Finish, TextPiece
from tests.agents.scripted import Said, ScriptedProvider, calls, says
from tests.tools.contexts import context
from tools.base import Tool, ToolContext
from tools.decorator import tool
from tools.errors import ToolError

RUN = str(uuid.UUID(int=9))


@tool(idempotent=True)
async def echo(ctx: ToolContext, word: str) -> str:
    """Say the word again."""
    return word


@tool(permission="write")
async def save(ctx: ToolContext, word: str) -> str:
    """Keep the word."""
    SAVED.append(word)
    return "saved"


@tool()
async def breaks(ctx: ToolContext) -> str:
    """Fail."""
    raise ToolError("No luck.")


SAVED: list[str] = []


def archetype(*tools: Tool, limits: Limits | None = None, **more: Any) -> Archetype:
    return Archetype(
        name="tested", purpose="Tests.", prompt="generalist.md", tools=tools, limits=limits or Limits(), **more
    )


def job(provider: ScriptedProvider, agent: Archetype, events: Sequence[AnyEvent] = (), **more: Any) -> Job:
    fields: dict[str, Any] = {
        "model": "m",
        "temperature": 0.5,
        "history": (UserMessage("Go."),),
        "targets": lambda model: (Target(ModelInfo(model, "scripted"), provider),),
        "retry": RetryPolicy(3, 0.0),
        **more,
    }
    return Job(run_id=RUN, archetype=agent, context=context(), ledger=ledger.read(events), **fields)


async def run(
    turns: Sequence[Sequence[Said]], agent: Archetype, events: Sequence[AnyEvent] = (), **more: Any
) -> tuple[list[AnyEvent], Agent, ScriptedProvider]:
    provider = ScriptedProvider([list(each) for each in turns])
    working = Agent(job(provider, agent, events, **more), agent, path="", messages=(UserMessage("Go."),))
    happened = [event async for batch in working.work() for event in batch]
    await provider.close()
    check_stream(happened)
    return happened, working, provider


def check_stream(events: Sequence[AnyEvent]) -> None:
    """Turns open and close in order; a call is asked for before it is made, and made before it has a result."""
    asked: set[str] = set()
    made: set[str] = set()
    open_turn: dict[str, int] = {}
    for event in events:
        match event:
            case ev.TurnStarted():
                assert event.agent not in open_turn
                open_turn[event.agent] = event.turn
            case ev.TurnReset():
                assert open_turn.pop(event.agent) == event.turn
            case ev.TextDelta() | ev.ReasoningDelta():
                assert event.text and event.agent in open_turn
            case ev.ReplyCompleted():
                assert open_turn[event.agent] == event.turn
                asked |= {call.id for call in event.calls}
            case ev.ToolCalled():
                assert event.call in asked and event.call not in made
                made.add(event.call)
            case ev.ToolReturned() | ev.ToolFailed():
                assert event.call in made
                made.remove(event.call)
            case ev.TurnCompleted():
                assert open_turn.pop(event.agent) == event.turn


def of(events: Sequence[AnyEvent], kind: type) -> list[Any]:
    return [each for each in events if isinstance(each, kind)]


async def test_a_plain_answer_is_one_turn() -> None:
    events, agent, _ = await run([says("Hel", "lo")], archetype())
    assert [each.type for each in events] == [
        "turn.started", "text.delta", "text.delta", "reply.completed", "turn.completed",
    ]  # fmt: skip
    assert (agent.answer, agent.reason) == ("Hello", "stop")


async def test_tools_are_run_and_the_model_is_told() -> None:
    events, agent, provider = await run(
        [calls(("echo", '{"word":"a"}'), text="I look. "), says("a it is")], archetype(echo)
    )
    assert [each.result for each in of(events, ev.ToolReturned)] == ["a"]
    told = provider.requests[1].messages
    assert isinstance(told[-2], AssistantMessage) and told[-2].text == "I look. "
    assert isinstance(told[-1], ToolMessage) and told[-1].content == "a" and told[-1].call == told[-2].calls[0].id
    assert agent.answer == "a it is"


async def test_calls_that_only_read_run_side_by_side_and_are_told_in_the_order_asked() -> None:
    second = asyncio.Event()

    @tool()
    async def first(ctx: ToolContext) -> str:
        """Wait for the other one."""
        await asyncio.wait_for(second.wait(), 5)
        return "first"

    @tool()
    async def other(ctx: ToolContext) -> str:
        """Let the first one go on."""
        second.set()
        return "other"

    events, _, provider = await run([calls(("first", "{}"), ("other", "{}")), says("x")], archetype(first, other))
    assert [each.result for each in of(events, ev.ToolReturned)] == ["other", "first"]
    assert [each.content for each in provider.requests[1].messages[-2:]] == ["first", "other"]  # type: ignore[union-attr]


async def test_calls_that_write_run_one_after_the_other() -> None:
    SAVED.clear()
    events, _, _ = await run([calls(("save", '{"word":"1"}'), ("save", '{"word":"2"}')), says("x")], archetype(save))
    kinds = [each.type for each in events if each.type.startswith("tool.")]
    assert kinds == ["tool.called", "tool.returned"] * 2 and SAVED == ["1", "2"]


async def test_a_call_knows_its_own_id_also_when_it_is_run_again_and_says_what_it_makes() -> None:
    seen: list[str] = []

    @tool(permission="write", idempotent=True, makes="patch")
    async def patch(ctx: ToolContext) -> str:
        """Change the document."""
        seen.append(ctx.call_id)
        return "done"

    turns = [calls(("patch", "{}"), ("patch", "{}")), says("x")]
    whole, _, _ = await run(turns, archetype(patch))
    asked = [call.id for call in of(whole, ev.ReplyCompleted)[0].calls]
    assert seen == asked and len(set(seen)) == 2
    assert [each.makes for each in of(whole, ev.ToolReturned)] == ["patch", "patch"]
    called = next(k for k, each in enumerate(whole) if isinstance(each, ev.ToolCalled)) + 1
    provider = ScriptedProvider([says("x")])
    again = Agent(job(provider, archetype(patch), whole[:called]), archetype(patch), path="", messages=())
    [event async for batch in again.work() for event in batch]
    assert seen == [*asked, *asked]


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("breaks", "{}", "No luck."),
        ("nothing", "{}", "no tool named"),
        ("echo", "{not json", "not a JSON object"),
        ("echo", "[]", "not a JSON object"),
        ("echo", '{"word": 1}', "word"),
        ("echo", "[" * 100_000, "not a JSON object"),
    ],
)
async def test_a_call_that_fails_is_told_to_the_model_which_goes_on(name: str, arguments: str, said: str) -> None:
    events, agent, _ = await run([calls((name, arguments)), says("Well.")], archetype(echo, breaks))
    (failed,) = of(events, ev.ToolFailed)
    assert said in failed.error and agent.answer == "Well."


async def test_a_tool_the_caller_may_not_use_is_not_offered_and_not_run() -> None:
    SAVED.clear()
    agent = archetype(echo, save)
    provider = ScriptedProvider([calls(("save", '{"word":"x"}')), says("No.")])
    reader = replace(job(provider, agent), context=context(permissions=frozenset({"read"})))
    working = Agent(reader, agent, path="", messages=(UserMessage("Go."),))
    events = [event async for batch in working.work() for event in batch]
    assert [each.name for each in provider.requests[0].tools] == ["echo"]
    assert [each.outcome for each in of(events, ev.ToolFailed)] == ["refused"] and not SAVED


@pytest.mark.parametrize(
    ("limits", "turns", "reason"),
    [
        ({"max_turns": 2}, [calls(("echo", '{"word":"a"}')), calls(("echo", '{"word":"b"}'))], "max_turns"),
        ({"max_calls": 1}, [calls(("echo", '{"word":"a"}'), ("echo", '{"word":"b"}'))], "max_calls"),
        ({"max_identical_calls": 2}, [calls(("echo", '{"word":"a"}'))] * 2, "max_identical_calls"),
        ({"max_invalid_calls": 2}, [calls(("echo", "{1")), calls(("echo", "{2"))], "max_invalid_calls"),
        ({"max_argument_bytes": 50}, [calls(("echo", '{"word":"' + "a" * 60 + '"}'))], "max_argument_bytes"),
        ({"max_output_tokens": 4}, [calls(("echo", '{"word":"a"}'))], "max_output_tokens"),
    ],
)
async def test_a_limit_ends_the_run_and_is_named(limits: dict[str, int], turns: list[Any], reason: str) -> None:
    provider = ScriptedProvider([list(each) for each in turns])
    agent = archetype(echo, limits=Limits(**limits))
    working = Agent(job(provider, agent), agent, path="", messages=(UserMessage("Go."),))
    [event async for batch in working.work() for event in batch]
    assert working.reason == reason
    assert len(provider.requests) == len(turns)


async def test_text_without_end_is_cut_at_the_limit() -> None:
    agent = archetype(limits=Limits(max_text_bytes=10))
    provider = ScriptedProvider([says(*["12345"] * 100)])
    working = Agent(job(provider, agent), agent, path="", messages=(UserMessage("Go."),))
    events = [event async for batch in working.work() for event in batch]
    assert working.reason == "max_text_bytes" and len(of(events, ev.TextDelta)) == 2


async def test_before_the_first_token_a_provider_is_asked_again_and_each_retry_is_told() -> None:
    down = ProviderError("upstream_unavailable", retryable=True)
    events, agent, provider = await run([[down], [down], says("Up.")], archetype())
    told = of(events, ev.RetryScheduled)
    assert [(each.failed_attempt, each.max_attempts, each.code) for each in told] == [
        (1, 3, "upstream_unavailable"),
        (2, 3, "upstream_unavailable"),
    ]
    assert agent.answer == "Up." and len(provider.requests) == 3


@pytest.mark.parametrize(
    "turns",
    [
        [[ProviderError("upstream_unavailable", retryable=True)]] * 3,
        [[ProviderError("upstream_auth", retryable=False)]],
        [[TextPiece("Half"), ProviderError("upstream_interrupted", retryable=True)]],
    ],
)
async def test_no_more_attempts_than_allowed_and_none_after_a_visible_token(turns: list[Any]) -> None:
    provider = ScriptedProvider([list(each) for each in turns])
    agent = archetype()
    working = Agent(job(provider, agent), agent, path="", messages=(UserMessage("Go."),))
    with pytest.raises(ProviderError):
        [event async for batch in working.work() for event in batch]
    assert not provider.turns


async def test_a_pause_before_a_retry_is_what_the_provider_asked_for() -> None:
    busy = ProviderError("upstream_rate_limited", retryable=True, retry_after_s=0.01)
    events, _, _ = await run([[busy], says("x")], archetype(), retry=RetryPolicy(3, 30.0))
    assert [each.delay_s for each in of(events, ev.RetryScheduled)] == [0.01]


async def test_a_reply_without_a_finish_reason_is_not_complete() -> None:
    provider = ScriptedProvider([[TextPiece("Half a sen")]])
    agent = archetype()
    working = Agent(job(provider, agent), agent, path="", messages=(UserMessage("Go."),))
    events: list[AnyEvent] = []
    with pytest.raises(ProviderError) as error:
        async for batch in working.work():
            events += batch
    assert error.value.code == "upstream_incomplete"
    assert not of(events, ev.ReplyCompleted) and of(events, ev.TextDelta)


async def test_usage_that_the_provider_does_not_report_is_estimated_and_says_so() -> None:
    events, _, _ = await run([[TextPiece("x" * 40), Finish("stop")]], archetype())
    (reply,) = of(events, ev.ReplyCompleted)
    assert (reply.usage.status, reply.usage.output_tokens) == ("estimated", 10) and reply.usage.input_tokens > 0


async def test_unfit_characters_are_replaced_where_they_come_in() -> None:
    turn = [TextPiece("a\0b"), CallPiece(0, "echo", '{"word":"\\ud800"}'), Finish("tool_calls")]
    events, _, _ = await run([turn, says("ok")], archetype(echo))
    assert of(events, ev.TextDelta)[0].text == "a\ufffdb"
    assert of(events, ev.ToolCalled)[0].arguments == {"word": "\ufffd"}
    assert ev.load(ev.dump(events)) == events


async def test_a_subagent_works_under_its_own_path_and_its_answer_is_the_calls_result() -> None:
    helper = Archetype(name="helper", purpose="Helps.", prompt="content.md", tools=(echo,))
    turns = [
        calls(("helper", '{"task":"Find it."}')),
        calls(("echo", '{"word":"a"}')),
        says("It is a."),
        says("a."),
    ]
    events, agent, provider = await run(turns, archetype(subagents=(helper,)))
    path = of(events, ev.AgentStarted)[0].agent
    assert path.startswith("helper:call_")
    assert "".join(each.text for each in of(events, ev.TextDelta) if each.agent == path) == "It is a."
    (returned,) = [each for each in of(events, ev.ToolReturned) if not each.agent]
    assert returned.result == "It is a." and agent.answer == "a."
    assert provider.requests[1].messages == (UserMessage("Find it."),)


@pytest.mark.parametrize(("memory", "remembered"), [("own", 3), ("none", 1)])
async def test_a_subagent_remembers_its_earlier_calls_of_the_run_if_it_is_to(memory: Any, remembered: int) -> None:
    helper = Archetype(name="helper", purpose="Helps.", prompt="content.md", memory=memory)
    turns = [
        calls(("helper", '{"task":"One."}')), says("1"),
        calls(("helper", '{"task":"Two."}')), says("2"),
        says("done"),
    ]  # fmt: skip
    _, _, provider = await run(turns, archetype(subagents=(helper,)))
    assert len(provider.requests[3].messages) == remembered


def cut(events: Sequence[AnyEvent], k: int) -> list[AnyEvent]:
    """The log as a crash after the k-th event leaves it, its open turns taken back as a takeover does."""
    kept = list(events[:k])
    resets = [
        ev.TurnReset(at=1.0, agent=path, turn=turn.number, reason="x") for path, turn in ledger.read(kept).open_turns()
    ]
    return [*kept, *resets]


async def test_after_a_crash_at_any_event_the_run_ends_alike_and_no_tool_that_writes_runs_twice() -> None:
    helper = Archetype(name="helper", purpose="Helps.", prompt="content.md", tools=(echo,))
    agent = archetype(save, echo, subagents=(helper,))
    turns = [
        calls(("save", '{"word":"x"}'), ("echo", '{"word":"y"}'), text="I save. "),
        calls(("helper", '{"task":"Find."}')),
        calls(("echo", '{"word":"a"}')),
        says("Found."),
        says("All ", "done."),
    ]
    SAVED.clear()
    whole, first, _ = await run(turns, agent)
    for k in range(len(whole)):
        kept = cut(whole, k)
        asked = [len(of(kept, ev.ReplyCompleted))]
        SAVED[:] = [each.arguments["word"] for each in of(kept, ev.ToolCalled) if each.name == "save"]
        provider = ScriptedProvider([list(each) for each in turns[asked[0] :]])
        again = Agent(job(provider, agent, kept), agent, path="", messages=(UserMessage("Go."),))
        rest = [event async for batch in again.work() for event in batch]
        await provider.close()
        assert again.answer == first.answer, k
        assert SAVED == ["x"], k
        called = [each.call for each in of([*kept, *rest], ev.ToolCalled)]
        assert len(called) == len(set(called)), k


async def test_a_write_that_was_under_way_when_the_process_died_is_unknown_and_not_repeated() -> None:
    SAVED.clear()
    turns = [calls(("save", '{"word":"x"}')), says("Done.")]
    whole, _, _ = await run(turns, archetype(save))
    SAVED.clear()
    kept = whole[: next(n for n, each in enumerate(whole) if isinstance(each, ev.ToolCalled)) + 1]
    provider = ScriptedProvider([says("I cannot tell.")])
    agent = archetype(save)
    again = Agent(job(provider, agent, kept), agent, path="", messages=(UserMessage("Go."),))
    rest = [event async for batch in again.work() for event in batch]
    assert [each.outcome for each in of(rest, ev.ToolFailed)] == ["unknown"] and not SAVED
    assert "may or may not" in provider.requests[0].messages[-1].content  # type: ignore[union-attr]


@pytest.mark.parametrize(("by", "saved"), [(context().user_id, ["x"]), (uuid.UUID(int=99), [])])
async def test_what_is_done_as_the_person_is_done_only_if_they_allowed_it(by: uuid.UUID, saved: list[str]) -> None:
    """Also where another process, of a version that knew nothing of this, let somebody else decide."""
    SAVED.clear()
    agent = archetype(replace(save, asks_first=True, as_person=True))
    provider = ScriptedProvider([calls(("save", '{"word":"x"}'))])
    kept: list[AnyEvent] = []
    with pytest.raises(Waiting):
        async for batch in Agent(job(provider, agent), agent, path="", messages=(UserMessage("Go."),)).work():
            kept += batch
    (asked,) = of(kept, ev.ApprovalRequested)
    assert asked.as_person and not SAVED
    kept.append(ev.ApprovalResolved(at=1.0, call=asked.call, name="save", decision="allowed", by=str(by)))
    again = Agent(job(ScriptedProvider([says("Done.")]), agent, kept), agent, path="", messages=(UserMessage("Go."),))
    rest = [event async for batch in again.work() for event in batch]
    assert saved == SAVED
    assert [each.outcome for each in of(rest, ev.ToolFailed)] == ([] if saved else ["refused"])


async def test_leaving_at_any_moment_closes_the_provider() -> None:
    turns = [calls(("echo", '{"word":"a"}'), text="x"), says("1", "2", "3")]
    for moment in range(1, 9):
        provider = ScriptedProvider([list(each) for each in turns])
        agent = archetype(echo)
        work = Agent(job(provider, agent), agent, path="", messages=(UserMessage("Go."),)).work()
        for _ in range(moment):
            await anext(work)
        await work.aclose()
        assert not provider.is_open

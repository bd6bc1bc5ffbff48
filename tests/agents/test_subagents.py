"""Several subagents in one turn: side by side where they only read, else in order; whatever befalls them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agents import events as ev
from agents.archetypes.base import Archetype, Limits
from agents.errors import ProviderError, QuotaExceeded, Waiting
from agents.events import AnyEvent
from agents.loop import Agent
from agents.loop.purse import Share
from agents.messages import UserMessage
from agents.providers.base import Piece, ProviderRequest
from agents.usage import Usage
from chat.eventlog.projection import fold
from tests.agents.scripted import Said, calls, says
from tests.agents.test_loop import archetype, check_stream, cut, echo, job, of, save
from tests.tools.contexts import context

GO = (UserMessage("Go."),)


@dataclass
class ByTask:
    """Answers each agent by the first thing it was told. Each piece takes a round of the loop: agents alternate."""

    turns: dict[str, list[list[Said]]]
    name: str = "by_task"
    maker: str = "by_task"
    asked: list[str] = field(default_factory=list)
    tools: dict[str, list[str]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    most_open: int = 0

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[list[Piece], None]:
        task = next(each.text for each in request.messages if isinstance(each, UserMessage))
        self.asked.append(task)
        self.tools[task] = [each.name for each in request.tools]
        self.open.add(task)
        self.most_open = max(self.most_open, len(self.open))
        try:
            for said in self.turns[task].pop(0):
                await asyncio.sleep(0)
                if isinstance(said, Exception):
                    raise said
                yield [said]
        finally:
            self.open.discard(task)

    async def close(self) -> None:
        assert not any(self.turns.values()), f"turns that nobody asked for: {self.turns}"


def helper(name: str = "helper", *tools: Any, **more: Any) -> Archetype:
    return Archetype(name=name, purpose="Helps.", prompt="content.md", tools=tools or (echo,), **more)


def asks(*tasks: str, of: str = "helper") -> list[Said]:
    return calls(*((of, f'{{"task":"{each}"}}') for each in tasks))


def agent_of(provider: ByTask, chief: Archetype, events: Sequence[AnyEvent] = (), **more: Any) -> Agent:
    return Agent(job(provider, chief, events, **more), chief, path="", messages=GO)  # type: ignore[arg-type]


async def work(agent: Agent) -> list[AnyEvent]:
    return [event async for batch in agent.work() for event in batch]


def by_path(events: Sequence[AnyEvent], kind: type) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for each in of(events, kind):
        found.setdefault(each.agent, []).append(each)
    return found


@pytest.mark.parametrize(("at_once", "count", "most"), [(3, 2, 2), (3, 5, 3), (1, 3, 1)])
async def test_those_that_only_read_work_side_by_side_so_many_at_once(at_once: int, count: int, most: int) -> None:
    tasks = [f"Task {number}." for number in range(count)]
    provider = ByTask({"Go.": [asks(*tasks), says("All.")], **{each: [says("a", "b", each)] for each in tasks}})
    agent = agent_of(provider, archetype(subagents=(helper(),)), subagents_at_once=at_once)
    events = await work(agent)
    check_stream(events)
    assert (agent.answer, provider.most_open) == ("All.", most)
    results = {each.call: each.result for each in of(events, ev.ToolReturned)}
    asked = [call.id for call in of(events, ev.ReplyCompleted)[0].calls]
    assert len({each.agent for each in of(events, ev.AgentStarted)}) == count
    # What ended first is of no account: the model reads them in the order in which it asked.
    assert [results[each] for each in asked] == [f"ab{each}" for each in tasks]
    assert [each["result"] for each in fold(events).parts if each["type"] == "tool_result"] == list(results.values())
    if most > 1:
        paths = [each.agent for each in of(events, ev.TextDelta) if each.agent]
        assert paths != sorted(paths, key=paths.index), "their words came one after the other"
    await provider.close()


@pytest.mark.parametrize(
    "chief",
    [
        archetype(subagents=(helper(), helper("writer", save))),
        archetype(echo, subagents=(helper(), helper("writer"))),
        archetype(subagents=(helper(), helper("writer", subagents=(helper("deep", save),)))),
    ],
    ids=["one of them writes", "a tool among them", "a subagent of one writes"],
)
async def test_in_any_other_turn_the_calls_are_made_in_order(chief: Archetype) -> None:
    others = [("echo", '{"word":"x"}')] if chief.tools else [("writer", '{"task":"Two."}')]
    turn = calls(("helper", '{"task":"One."}'), *others, ("helper", '{"task":"Three."}'))
    tasks = ("One.", "Three.") if chief.tools else ("One.", "Two.", "Three.")
    provider = ByTask({"Go.": [turn, says("All.")], **{each: [says("a", "b")] for each in tasks}})
    events = await work(agent_of(provider, chief))
    assert provider.most_open == 1 and provider.asked == ["Go.", *tasks, "Go."]
    kinds = [each.type for each in events if each.type in ("tool.called", "tool.returned")]
    assert kinds == ["tool.called", "tool.returned"] * 3


async def test_writes_of_two_subagents_are_made_one_after_the_other_in_the_order_asked_for() -> None:
    from tests.agents.test_loop import SAVED

    SAVED.clear()
    first = [calls(("save", '{"word":"a"}')), calls(("save", '{"word":"b"}')), says("done")]
    second = [calls(("save", '{"word":"c"}')), says("done")]
    provider = ByTask({"Go.": [asks("One.", "Two.", of="writer"), says("All.")], "One.": first, "Two.": second})
    await work(agent_of(provider, archetype(subagents=(helper("writer", save),))))
    assert SAVED == ["a", "b", "c"] and provider.most_open == 1


async def test_subagents_of_a_subagent_work_in_order_so_that_no_more_are_at_work_than_may_be() -> None:
    middle = helper("middle", subagents=(helper(),))
    turns = {
        "Go.": [asks("A.", "B.", of="middle"), says("All.")],
        **{name: [asks(f"{name}1", f"{name}2"), says("x")] for name in ("A.", "B.")},
        **{f"{name}{number}": [says("a", "b")] for name in ("A.", "B.") for number in (1, 2)},
    }
    provider = ByTask(turns)
    events = await work(agent_of(provider, archetype(subagents=(middle,)), subagents_at_once=2))
    check_stream(events)
    assert provider.most_open == 2
    await provider.close()


async def test_a_limit_lets_those_that_have_begun_end() -> None:
    provider = ByTask({"Go.": [asks("One.", "Two.", "Three.")], "One.": [says("1")], "Two.": [says("2")]})
    agent = agent_of(provider, archetype(subagents=(helper(),), limits=Limits(max_calls=2)))
    events = await work(agent)
    assert agent.reason == "max_calls"
    assert [each.result for each in of(events, ev.ToolReturned)] == ["1", "2"]
    assert not fold(events).open_calls and not fold(events).open_agents


async def test_the_budget_of_text_is_one_for_all_of_them() -> None:
    long = says(*["12345"] * 20)
    provider = ByTask({"Go.": [asks("One.", "Two.")], "One.": [long], "Two.": [list(long)]})
    agent = agent_of(provider, archetype(subagents=(helper(),), limits=Limits(max_text_bytes=50)))
    events = await work(agent)
    said = sum(len(each.text) for each in of(events, ev.TextDelta))
    assert agent.reason == "max_text_bytes" and 50 <= said <= 65
    assert not fold(events).open_calls


@dataclass
class Empty:
    """A purse that pays for so many turns."""

    turns: int

    async def take(self, input_tokens: int, models: Sequence[str], ahead: int) -> Share:
        self.turns -= 1
        if self.turns < 0:
            raise QuotaExceeded
        return Share(input_tokens, 100)

    def settle(self, share: Share, model: str, usage: Usage) -> None:
        pass


async def test_where_the_budget_ends_no_provider_stays_open() -> None:
    provider = ByTask({"Go.": [asks("One.", "Two.")], "One.": [says("1", "2", "3")], "Two.": [says("2")]})
    agent = agent_of(provider, archetype(subagents=(helper(),)), purse=Empty(2))
    await work(agent)
    assert agent.reason == "budget" and not provider.open


async def test_one_that_fails_leaves_the_others_at_work() -> None:
    down: list[Said] = [ProviderError("upstream_auth", retryable=False)]
    provider = ByTask({"Go.": [asks("One.", "Two."), says("Half.")], "One.": [down], "Two.": [says("2", "2", "2")]})
    agent = agent_of(provider, archetype(subagents=(helper(),)))
    events = await work(agent)
    assert agent.answer == "Half."
    assert [each.result for each in of(events, ev.ToolReturned)] == ["222"]
    assert "helper failed" in of(events, ev.ToolFailed)[0].error


async def test_one_waits_for_a_person_while_the_other_ends_and_is_not_asked_again() -> None:
    careful = replace(echo, asks_first=True)
    chief = archetype(subagents=(helper("asking", careful), helper()))
    turn = calls(("asking", '{"task":"Ask."}'), ("helper", '{"task":"Look."}'))
    asking = calls(("echo", '{"word":"x"}'))
    provider = ByTask({"Go.": [turn], "Ask.": [asking], "Look.": [says("se", "en")]})
    kept: list[AnyEvent] = []
    with pytest.raises(Waiting):
        async for batch in agent_of(provider, chief).work():
            kept += batch
    (asked,) = of(kept, ev.ApprovalRequested)
    assert asked.agent.startswith("asking:") and [each.result for each in of(kept, ev.ToolReturned)] == ["seen"]
    kept.append(
        ev.ApprovalResolved(at=1.0, agent=asked.agent, call=asked.call, name="echo", decision="allowed", by="u")
    )
    again = ByTask({"Go.": [says("All.")], "Ask.": [says("It is x.")]})
    agent = agent_of(again, chief, kept)
    rest = await work(agent)
    assert agent.answer == "All." and again.asked == ["Ask.", "Go."]
    assert [each.agent for each in of(rest, ev.ToolCalled)] == [asked.agent]


async def test_both_may_wait_for_a_person() -> None:
    chief = archetype(subagents=(helper("asking", replace(echo, asks_first=True)),))
    word = calls(("echo", '{"word":"x"}'))
    provider = ByTask({"Go.": [asks("One.", "Two.", of="asking")], "One.": [word], "Two.": [list(word)]})
    kept: list[AnyEvent] = []
    with pytest.raises(Waiting):
        async for batch in agent_of(provider, chief).work():
            kept += batch
    assert len({each.agent for each in of(kept, ev.ApprovalRequested)}) == 2
    assert len(fold(kept).open_approvals) == 2


TURNS = {
    "Go.": [asks("One.", "Two."), says("All ", "done.")],
    "One.": [calls(("echo", '{"word":"a"}')), says("It ", "is ", "a.")],
    "Two.": [calls(("echo", '{"word":"b"}')), calls(("echo", '{"word":"c"}')), says("It ", "is ", "c.")],
}


async def test_after_a_crash_at_any_event_both_go_on_and_nothing_stored_is_asked_again() -> None:
    chief = archetype(subagents=(helper(),))

    def turns(kept: Sequence[AnyEvent] = ()) -> dict[str, list[list[Said]]]:
        """What has not been said yet."""
        tasks = {"": "Go.", **{each.agent: each.task for each in of(kept, ev.AgentStarted)}}
        said = {tasks[path]: len(found) for path, found in by_path(kept, ev.ReplyCompleted).items()}
        return {task: [list(each) for each in all[said.get(task, 0) :]] for task, all in TURNS.items()}

    whole = await work(agent_of(ByTask(turns()), chief))
    check_stream(whole)
    for k in range(len(whole)):
        kept = cut(whole, k)
        provider = ByTask(turns(kept))
        again = agent_of(provider, chief, kept)
        rest = await work(again)
        await provider.close()
        assert again.answer == "All done.", k
        everything = [*kept, *rest]
        called = [each.call for each in of(everything, ev.ToolCalled)]
        assert len(called) == len(set(called)) == 5, k
        assert len(of(everything, ev.AgentStarted)) == len(of(everything, ev.AgentReturned)) == 2, k
        whole_parts = [each for each in fold(whole).parts if not each.get("agent")]
        strip = [{**each, "elapsed_ms": 0} for each in fold(everything).parts if not each.get("agent")]
        assert sorted(map(str, strip)) == sorted(str({**each, "elapsed_ms": 0}) for each in whole_parts), k


async def test_leaving_at_any_moment_closes_all_providers() -> None:
    for moment in range(1, 25):
        provider = ByTask({task: [list(each) for each in turns] for task, turns in TURNS.items()})
        going = agent_of(provider, archetype(subagents=(helper(),))).work()
        for _ in range(moment):
            await anext(going)
        await going.aclose()
        assert not provider.open, moment


@pytest.mark.parametrize(
    ("person", "chief", "own", "offered"),
    [
        ({"read", "write"}, None, None, ["echo", "save"]),
        ({"read"}, None, None, ["echo"]),
        ({"read", "write"}, {"read"}, None, ["echo"]),
        ({"read", "write"}, None, {"read"}, ["echo"]),
        ({"read", "write"}, {"write"}, {"read"}, []),
    ],
)
async def test_a_subagent_may_do_what_its_person_its_parent_and_itself_may(
    person: Any, chief: Any, own: Any, offered: list[str]
) -> None:
    limited = {"permissions": frozenset(chief)} if chief else {}
    child = helper("child", echo, save, **({"permissions": frozenset(own)} if own else {}))
    parent = archetype(subagents=(child,), **limited)
    provider = ByTask({"Go.": [asks("One.", of="child"), says("x")], "One.": [says("y")]})
    given = replace(job(provider, parent), context=context(permissions=frozenset(person)))  # type: ignore[arg-type]
    await work(Agent(given, parent, path="", messages=GO))
    assert provider.tools["One."] == offered

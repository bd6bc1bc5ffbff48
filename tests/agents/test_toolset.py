"""A project's own tools: beside the archetype's, the same from a run's start to its end."""

import logging
from dataclasses import replace
from typing import Any

import pytest

from agents import events as ev
from agents.archetypes.base import Archetype
from agents.events import AnyEvent
from agents.loop import Agent
from agents.loop.toolset import Toolset, _say_left_out, as_begun, digests, distinct
from agents.messages import ToolSpec, UserMessage
from agents.options import RunOptions
from tests.agents.scripted import Said, ScriptedProvider, calls, says
from tests.agents.test_loop import archetype, echo, job, of
from tests.tools.contexts import context
from tools.base import Tool, ToolContext
from tools.decorator import tool


@tool()
async def weather(ctx: ToolContext, place: str) -> str:
    """Say what the weather is."""
    return f"sunny in {place}"


@tool(permission="write")
async def book(ctx: ToolContext) -> str:
    """Book a table."""
    return "booked"


SUBAGENT = Archetype(name="asked", purpose="Answers.", prompt="content.md")


async def run(
    turns: list[list[Said]], agent: Archetype, toolset: Toolset, events: list[AnyEvent] | None = None, **more: Any
) -> tuple[list[AnyEvent], ScriptedProvider]:
    provider = ScriptedProvider(list(turns))
    made = replace(job(provider, agent, events or []), toolset=toolset, **more)
    working = Agent(made, agent, path="", messages=(UserMessage("Go."),))
    return [event async for batch in working.work() for event in batch], provider


def offered(provider: ScriptedProvider, request: int = 0) -> list[str]:
    return [each.name for each in provider.requests[request].tools]


async def test_they_are_offered_beside_the_archetype_s_and_run() -> None:
    turns = [calls(("weather", '{"place":"Rome"}')), says("Sunny.")]
    events, provider = await run(turns, archetype(echo), Toolset((weather,)))
    assert offered(provider) == ["echo", "weather"]
    assert [each.result for each in of(events, ev.ToolReturned)] == ["sunny in Rome"]


async def test_who_may_not_use_one_is_not_offered_it() -> None:
    reader = context(permissions=frozenset({"read"}))
    _, provider = await run([says("x")], archetype(), Toolset((weather, book)), context=reader)
    assert offered(provider) == ["weather"]


async def test_a_subagent_has_none_of_them() -> None:
    turns = [calls(("asked", '{"task":"Look."}')), says("seen"), says("done")]
    _, provider = await run(turns, archetype(subagents=(SUBAGENT,)), Toolset((weather,)))
    assert (offered(provider, 0), offered(provider, 1)) == (["weather", "asked"], [])


def named(name: str, description: str = "Another.") -> Tool:
    return replace(weather, name=name, description=description)


@pytest.mark.parametrize("name", ["echo", "asked", "theirs", "a" * 65, "two words", "1st", "", "späti"])
async def test_a_name_that_is_taken_or_none_is_left_out_and_logged_once(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    _say_left_out.cache_clear()
    agent = archetype(echo, subagents=(SUBAGENT,))
    client = RunOptions(tools=(ToolSpec("theirs", "The client's.", {"type": "object"}),))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            _, provider = await run([says("x")], agent, Toolset((named(name), weather)), options=client)
    assert sorted(offered(provider)) == ["asked", "echo", "theirs", "weather"]
    assert "Another." not in [each.description for each in provider.requests[0].tools]
    assert len(caplog.records) == 1 and repr(name)[:40] in caplog.text


def test_the_longest_name_is_taken() -> None:
    assert len(Toolset((named("a" * 64),)).beside(())) == 1


def test_of_two_of_one_name_the_first_is_the_one() -> None:
    assert distinct((weather, named("weather"), book)) == (weather, book)


@pytest.mark.parametrize(
    ("today", "same", "gone"),
    [
        ((weather, book), ["weather", "book"], set()),
        ((book, weather, echo), ["book", "weather"], set()),
        ((weather,), ["weather"], {"book"}),
        ((named("weather", weather.description), book), ["weather", "book"], set()),
        ((named("weather"), book), ["book"], {"weather"}),
        ((replace(weather, schema={**weather.schema, "title": "x"}), book), ["book"], {"weather"}),
        ((), [], {"weather", "book"}),
    ],
)
def test_a_run_keeps_the_tools_it_began_with_as_they_were(
    today: tuple[Tool, ...], same: list[str], gone: set[str]
) -> None:
    found = as_begun(today, digests((weather, book)))
    assert ([each.name for each in found.tools], found.gone) == (same, gone)


async def test_a_call_of_one_that_is_gone_is_refused_and_the_model_goes_on() -> None:
    turns = [calls(("weather", '{"place":"Rome"}')), says("Then not.")]
    events, _ = await run(turns, archetype(), Toolset(gone=frozenset({"weather"})))
    (failed,) = of(events, ev.ToolFailed)
    assert failed.outcome == "refused" and "taken away, or changed" in failed.error


async def test_one_that_had_been_called_when_it_went_may_have_taken_effect() -> None:
    turns = [calls(("book", "{}")), says("Booked.")]
    whole, _ = await run(turns, archetype(), Toolset((book,)))
    called = next(k for k, each in enumerate(whole) if isinstance(each, ev.ToolCalled)) + 1
    events, _ = await run([says("Perhaps.")], archetype(), Toolset(gone=frozenset({"book"})), whole[:called])
    assert [each.outcome for each in of(events, ev.ToolFailed)] == ["unknown"]

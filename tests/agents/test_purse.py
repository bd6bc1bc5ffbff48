"""Turns and what they may use: the last one that is covered is told to conclude, and nothing fails in mid-work."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from agents import events as ev
from agents.errors import QuotaExceeded
from agents.loop.purse import CONCLUDE, Share
from agents.options import RunOptions
from agents.usage import Usage
from tests.agents.scripted import calls, says
from tests.agents.test_loop import archetype, echo, of, run

LOOK = calls(("echo", '{"word":"a"}'))


@dataclass
class Turns:
    """A purse that covers so many turns."""

    left: int
    asked: list[tuple[int, int]] = field(default_factory=list)  # what was left, and how many were to follow

    async def take(self, input_tokens: int, models: Sequence[str], ahead: int) -> Share:
        assert list(models) == ["m"]
        self.asked.append((self.left, ahead))
        self.left -= 1
        if self.left < 0:
            raise QuotaExceeded
        return Share(input_tokens, 100, is_last=self.left < ahead)

    def settle(self, share: Share, model: str, usage: Usage) -> None:
        assert model == "m"


async def test_the_turn_that_nothing_may_follow_is_told_to_conclude_and_has_no_tools() -> None:
    events, agent, provider = await run([LOOK, says("So far: a.")], archetype(echo), purse=Turns(2))
    first, last = provider.requests
    assert first.tools and CONCLUDE not in first.system
    assert not last.tools and CONCLUDE in last.system
    assert (agent.answer, agent.reason) == ("So far: a.", "budget")
    assert [each.finish_reason for each in of(events, ev.ReplyCompleted)] == ["tool_calls", "budget"]


async def test_what_it_calls_nevertheless_is_not_run() -> None:
    events, agent, _ = await run([LOOK], archetype(echo), purse=Turns(1))
    assert agent.reason == "budget" and not of(events, ev.ToolCalled)


@pytest.mark.parametrize("options", [RunOptions(), RunOptions(tool_choice="none")])
async def test_without_tools_the_last_turn_is_as_any_other(options: RunOptions) -> None:
    purse = Turns(1)
    agent_tools = (echo,) if options.tool_choice == "none" else ()
    _, agent, provider = await run([says("Whole.")], archetype(*agent_tools), purse=purse, options=options)
    assert agent.reason == "stop" and CONCLUDE not in provider.requests[0].system and purse.asked == [(1, 0)]


async def test_who_takes_over_behind_the_last_turn_asks_nothing_more() -> None:
    events, _, _ = await run([says("So far.")], archetype(echo), purse=Turns(1))
    _, agent, provider = await run([], archetype(echo), events, purse=Turns(0))
    assert (agent.answer, agent.reason, provider.requests) == ("So far.", "budget", [])


async def test_where_another_was_quicker_the_run_ends_with_what_there_is() -> None:
    class Raced(Turns):
        async def take(self, input_tokens: int, models: Sequence[str], ahead: int) -> Share:
            if self.asked:
                raise QuotaExceeded
            self.asked.append((1, ahead))
            return Share(input_tokens, 100)

    _, agent, provider = await run([LOOK], archetype(echo), purse=Raced(9))
    assert agent.reason == "budget" and len(provider.requests) == 1


async def test_before_the_first_word_it_fails() -> None:
    with pytest.raises(QuotaExceeded):
        await run([says("No.")], archetype(echo), purse=Turns(0))

"""The shipped archetypes at work in the real loop, with the demo model behind them."""

import uuid

from agents import events as ev
from agents.archetypes import registry
from agents.events import AnyEvent
from agents.loop import Agent
from agents.loop.job import Job
from agents.loop.target import Target
from agents.messages import UserMessage
from agents.model_info import ModelInfo
from agents.providers.demo import DemoProvider
from tests.tools.contexts import context


async def work(archetype: str, prompt: str) -> list[AnyEvent]:
    """The events of one run outside of any project: no file tools are offered."""
    job = Job(
        run_id=str(uuid.uuid4()),
        archetype=registry.get(archetype),
        model="demo",
        temperature=0.7,
        history=(UserMessage(prompt),),
        targets=lambda model: (Target(ModelInfo(model, "demo"), DemoProvider(delay_s=0)),),
        context=context(capabilities=frozenset()),
    )
    agent = Agent(job, job.archetype, path="", messages=job.history)
    return [event async for batch in agent.work() for event in batch]


async def test_the_navigator_hands_a_content_question_to_the_content_agent_and_uses_its_answer() -> None:
    events = await work("project_navigator", "What do the texts of the start page say?")
    [started] = [event for event in events if isinstance(event, ev.AgentStarted)]
    [returned] = [event for event in events if isinstance(event, ev.ToolReturned)]
    assert (started.name, started.task) == ("content", "What do the texts of the start page say?")
    assert returned.call == started.call
    assert any(isinstance(event, ev.TextDelta) and event.agent == started.agent for event in events)
    own = "".join(event.text for event in events if isinstance(event, ev.TextDelta) and not event.agent)
    assert "`content` says" in own


async def test_without_a_project_a_prompt_about_files_is_answered_in_words() -> None:
    events = await work("generalist", "List the files")
    assert not any(isinstance(event, ev.ToolCalled) for event in events)
    assert any(isinstance(event, ev.TextDelta) for event in events)

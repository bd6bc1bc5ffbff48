"""The wires that a model may be asked over, each with its provider, and what an agent makes of scripted turns over one.

A new one is a line in PROVIDERS; its fake is one in `tests.upstream.WIRES`, as strict as the real one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agents import events as ev
from agents.archetypes.base import Archetype
from agents.errors import ProviderError
from agents.events import AnyEvent
from agents.loop import Agent, ledger
from agents.loop.job import Job, RetryPolicy
from agents.loop.target import Target
from agents.messages import UserMessage
from agents.model_info import ModelInfo
from agents.providers.anthropic.provider import AnthropicProvider
from agents.providers.base import Provider
from agents.providers.openai import OpenAIProvider
from agents.providers.responses import ResponsesProvider
from tests.agents.test_loop import RUN, check_stream
from tests.tools.contexts import context
from tests.upstream import Turn, Upstream

PROVIDERS: dict[str, Callable[..., Provider]] = {  # by their API
    "chat": OpenAIProvider,
    "messages": AnthropicProvider,
    "responses": ResponsesProvider,
}
OTHERS = [name for name in PROVIDERS if name != "chat"]
STATEFUL = [*OTHERS]  # those that refuse a turn without its state
NOT_COMPARED = ("at", "delay_s", "elapsed_ms", "state")
ABILITIES = frozenset({"tools", "images", "reasoning"})


@dataclass
class Told:
    """What came of it."""

    events: list[AnyEvent] = field(default_factory=list)
    error: str = ""  # the code that it ended by
    answer: str = ""

    def comparable(self) -> list[dict[str, Any]]:
        """The events without times, pauses, and what is for the provider alone."""
        found = [msgspec.to_builtins(each) for each in self.events]
        return [{name: value for name, value in each.items() if name not in NOT_COMPARED} for each in found]


def provider_of(wire: str, upstream: Upstream, **options: Any) -> Provider:
    fields = {"api_key": "sk-of-the-tests-1234567890", "base_url": upstream.url, "idle_timeout_s": 30.0, **options}
    return PROVIDERS[wire](**fields)


def job(provider: Provider, archetype: Archetype, events: Sequence[AnyEvent] = (), **more: Any) -> Job:
    """A run that is answered by this provider; a log makes it one that is taken over."""
    model = ModelInfo("m", provider.name, abilities=ABILITIES, efforts=("low", "high"), max_output_tokens=8_000)
    fields: dict[str, Any] = {
        "history": (UserMessage("Go."),),
        "targets": lambda _: (Target(model, provider),),
        "retry": RetryPolicy(3, 0.0),
        "effort": "high",
        **more,
    }
    return Job(
        run_id=RUN, archetype=archetype, model="m", temperature=0.7, context=context(),
        ledger=ledger.read(events), **fields,
    )  # fmt: skip


async def told(
    wire: str,
    upstream: Upstream,
    turns: Sequence[Turn],
    archetype: Archetype,
    events: Sequence[AnyEvent] = (),
    **more: Any,
) -> Told:
    """What an agent does over this wire, where the upstream answers by these turns and by no other."""
    upstream.reset()
    upstream.script(*turns)
    provider, found = provider_of(wire, upstream), Told()
    agent = Agent(job(provider, archetype, events, **more), archetype, path="", messages=(UserMessage("Go."),))
    try:
        async for batch in agent.work():
            found.events += batch
        check_stream([*events, *found.events])
    except ProviderError as error:
        found.error = error.code
    finally:
        await provider.close()
    assert upstream.unused() == 0, "each turn is asked for"
    found.answer = agent.answer
    return found


def cut(events: Sequence[AnyEvent], k: int) -> list[AnyEvent]:
    """The log as a process that dies behind the k-th event leaves it, its open turns taken back as a takeover does."""
    kept = list(events[:k])
    open_turns = ledger.read(kept).open_turns()
    return [*kept, *(ev.TurnReset(at=1.0, agent=path, turn=turn.number, reason="x") for path, turn in open_turns)]

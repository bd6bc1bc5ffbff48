"""Whatever API a model is asked by, a run is the same: its events differ in ids and vendor state alone."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from agents import events as ev
from agents.archetypes.base import Archetype, Limits
from agents.loop import Agent
from agents.messages import UserMessage
from tests.agents.test_loop import SAVED, archetype, breaks, echo, save
from tests.engine.wires import OTHERS, PROVIDERS, STATEFUL, cut, job, provider_of, told
from tests.upstream import ScriptedCall, Turn, Upstream

HELPER = Archetype(name="helper", purpose="Helps.", prompt="content.md", tools=(echo,))


def asks(*calls: tuple[str, Any], **more: Any) -> Turn:
    return Turn(tool_calls=[ScriptedCall(name, arguments) for name, arguments in calls], **more)


TEXTS = ["Grüß", ' "dich" \\', "\n👋"]
BUSY = Turn(fault="529", body={"type": "error", "error": {"type": "overloaded_error", "message": "x"}})
LIMITED = Turn(fault="429", body={"error": {"type": "rate_limit_error", "message": "x"}}, retry_after="0.01")
FAILING = {"type": "server_error", "message": "x"}

# name: (turns, archetype)
TRANSCRIPTS: dict[str, tuple[list[Turn], Archetype]] = {
    "text": ([Turn(text=TEXTS)], archetype()),
    "a thought before it": ([Turn(reasoning=["H", "m."], text=TEXTS)], archetype()),
    "a tool": ([asks(("echo", {"word": "ä"}), text="I look. "), Turn(text="Done.")], archetype(echo)),
    "tools side by side, behind a thought": (
        [asks(("echo", {"word": "a"}), ("echo", {"word": "b"}), reasoning=["Two", "."]), Turn(text="Done.")],
        archetype(echo),
    ),
    "a thought in each of three turns": (
        [asks(("save", {"word": "x"}), reasoning="1", text="First. "), asks(("echo", {"word": "y"}), reasoning="2"),
         Turn(reasoning="3", text="Done.")],
        archetype(echo, save),
    ),
    "arguments in small pieces": (
        [asks(("echo", {"word": "x" * 100}), argument_chars=3), Turn(text="Done.")], archetype(echo),
    ),
    "no arguments": ([asks(("breaks", {}), reasoning="Hm"), Turn(text="It fails.")], archetype(breaks)),
    "arguments that are not JSON, and a tool that is not there": (
        [asks(("echo", '{"word": '), ("gone", {})), Turn(text="Sorry.")], archetype(echo),
    ),
    "a subagent": (
        [asks(("helper", {"task": "Find it."}), reasoning="Who?"), asks(("echo", {"word": "a"}), reasoning="I."),
         Turn(reasoning="So", text="It is a."), Turn(text="a.")],
        archetype(subagents=(HELPER,)),
    ),
    "cut by the length": ([Turn(text="Half a", finish_reason="length")], archetype()),
    "stopped by the content filter": ([Turn(text="I", finish_reason="content_filter")], archetype()),
    "a limit": ([asks(("echo", {"word": "a"}))] * 2, archetype(echo, limits=Limits(max_turns=2))),
    "overloaded, then busy, then up": ([BUSY, LIMITED, Turn(text="Up.")], archetype()),
    "cut before its first word": ([Turn(text="x", fault="cut", at=0), Turn(text="Up.")], archetype()),
    "an error before its first word": (
        [Turn(text="x", fault="error", at=0, body=FAILING), Turn(text="Up.")], archetype(),
    ),
    "empty, then up": ([Turn(fault="empty"), Turn(text="Up.")], archetype()),
    "never up": ([BUSY, BUSY, BUSY], archetype()),
    "refused": ([Turn(fault="401")], archetype()),
    "cut in its middle": ([Turn(text=["Half ", "a "], fault="cut")], archetype()),
    "an error in its middle": ([Turn(text=["Half ", "a "], fault="error", body=FAILING)], archetype()),
    "an end that says no reason": ([Turn(text=["Half ", "a "], fault="eof")], archetype()),
    "broken in its middle": ([Turn(text=["Half ", "a "], fault="badjson")], archetype()),
    "cut behind a call": (
        [asks(("echo", {"word": "a"}), reasoning="Hm"), Turn(text=["Half ", "a "], fault="cut")], archetype(echo),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """One of its own: its scripts have no key."""
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.mark.parametrize("name", TRANSCRIPTS)
@pytest.mark.parametrize("wire", OTHERS)
async def test_a_transcript_gives_the_events_of_chat_completions(name: str, wire: str, upstream: Upstream) -> None:
    turns, agent = TRANSCRIPTS[name]
    expected = await told("chat", upstream, turns, agent)
    found = await told(wire, upstream, turns, agent)
    assert found.comparable() == expected.comparable()
    assert (found.answer, found.error) == (expected.answer, expected.error)
    assert len(upstream.requests()) == len(turns)


async def test_a_process_may_die_at_any_event_and_the_run_goes_on_alike(upstream: Upstream) -> None:
    """Also between `reply.completed` and its tool: the state is in the log, and goes back with the turn."""
    agent = archetype(save, echo, subagents=(HELPER,))
    turns = [
        asks(("save", {"word": "x"}), ("echo", {"word": "y"}), text="I save. ", reasoning="Thought 1."),
        asks(("helper", {"task": "Find."}), reasoning="Thought 2."),
        asks(("echo", {"word": "a"}), reasoning="Thought 3."),
        Turn(text="Found.", reasoning="Thought 4."),
        Turn(text=["All ", "done."], reasoning="Thought 5."),
    ]
    for wire in PROVIDERS:
        SAVED.clear()
        whole = await told(wire, upstream, turns, agent)
        assert (whole.answer, SAVED) == ("All done.", ["x"])
        for k in range(len(whole.events)):
            kept = cut(whole.events, k)
            SAVED[:] = [
                each.arguments["word"] for each in kept if isinstance(each, ev.ToolCalled) and each.name == "save"
            ]
            asked = sum(isinstance(each, ev.ReplyCompleted) for each in kept)
            again = await told(wire, upstream, turns[asked:], agent, kept)
            assert (again.answer, again.error, SAVED) == ("All done.", "", ["x"]), (wire, k)
            if wire in STATEFUL and (seen := upstream.requests()):
                assert all(each in str(seen[-1].body) for each in ("Thought 1.", "Thought 2.")), (wire, k)


@pytest.mark.parametrize("wire", STATEFUL)
async def test_such_an_upstream_refuses_a_turn_that_lost_its_state(wire: str, upstream: Upstream) -> None:
    """Else the tests above would show nothing."""
    agent = archetype(echo)
    turns = [asks(("echo", {"word": "a"}), reasoning="Hm"), Turn(text="Done.")]
    whole = await told(wire, upstream, turns, agent)
    (k,) = [number for number, each in enumerate(whole.events) if isinstance(each, ev.ToolReturned)]
    kept = [without_its_thoughts(each) for each in whole.events[: k + 1]]
    again = await told(wire, upstream, [], agent, cut(kept, len(kept)))
    assert again.error == "upstream_invalid"


def without_its_thoughts(event: ev.AnyEvent) -> ev.AnyEvent:
    if not isinstance(event, ev.ReplyCompleted):
        return event
    assert event.state is not None
    kept = tuple(each for each in event.state.items if "thinking" not in each and '"reasoning"' not in each)
    return replace(event, state=replace(event.state, items=kept))


async def test_a_chat_goes_from_one_wire_to_another_and_back(upstream: Upstream) -> None:
    """No refusal, and no state of one in a request of another."""
    agent = archetype(echo)
    said: tuple[Any, ...] = (UserMessage("Go."),)
    order = [*PROVIDERS, *list(PROVIDERS)[::-1]]
    providers = {name: provider_of(name, upstream) for name in PROVIDERS}
    for wire in order:
        upstream.reset()
        upstream.script(asks(("echo", {"word": "a"}), reasoning=f"By {wire}"), Turn(text="Done.", reasoning="Yes"))
        working = Agent(job(providers[wire], agent, history=said), agent, path="", messages=said)
        async for _ in working.work():
            pass
        assert working.answer == "Done."
        others = [name for name in PROVIDERS if name != wire]
        assert not any(f"By {name}" in str(seen.body) for seen in upstream.requests() for name in others)
        said = (*working.messages, UserMessage("And?"))
    for provider in providers.values():
        await provider.close()


@pytest.mark.parametrize("wire", PROVIDERS)
async def test_a_stop_reaches_the_upstream_within_a_second(wire: str, upstream: Upstream) -> None:
    upstream.reset()
    upstream.script(Turn(n=1000, delay_ms=20))
    provider, agent = provider_of(wire, upstream), archetype()
    work = Agent(job(provider, agent), agent, path="", messages=(UserMessage("Go."),)).work()
    async for batch in work:
        if any(isinstance(each, ev.TextDelta) for each in batch):
            break
    left_at = time.monotonic()
    await work.aclose()
    await asyncio.to_thread(upstream.wait_for, lambda seen: seen[0].end == "client_left")
    [seen] = upstream.requests()
    assert seen.ended_at is not None and seen.ended_at - left_at < 1
    await provider.close()

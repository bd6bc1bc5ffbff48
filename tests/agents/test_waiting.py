"""What a call that waits for a person holds back, and that its question outlives a limit."""

from collections.abc import Sequence
from typing import Any

import pytest

from agents import events as ev
from agents.archetypes.base import Archetype, Limits
from agents.errors import Waiting
from agents.events import AnyEvent
from agents.loop import Agent
from chat.doors.asking import Asking
from tests.agents.scripted import ScriptedProvider, calls, says
from tests.agents.test_loop import SAVED, archetype, echo, job, of, save
from tests.agents.test_subagents import ByTask, agent_of, asks, helper
from tools.base import ToolContext
from tools.decorator import tool
from tools.errors import ToolError
from tools.forms import Form, NeedsPerson


@tool(permission="write", deletes=True)
async def drop(ctx: ToolContext, word: str = "") -> str:
    """Take it away."""
    SAVED.append(f"drop {word}".strip())
    return "dropped"


@tool(idempotent=True, asks_first=True)
async def peek(ctx: ToolContext, word: str) -> str:
    """Look, once somebody has allowed it."""
    return word


async def until_asked(agent: Agent) -> list[AnyEvent]:
    happened: list[AnyEvent] = []
    with pytest.raises(Waiting):
        async for batch in agent.work():
            happened += batch
    return happened


def scripted(agent: Archetype, turn: Any, events: Sequence[AnyEvent] = ()) -> Agent:
    turns = [says("Done.")] if events else [turn]
    working = job(ScriptedProvider(turns), agent, events)
    return Agent(working, agent, path="", messages=working.history)


def word(name: str, said: str) -> tuple[str, str]:
    return name, f'{{"word":"{said}"}}'


# The calls; those that are asked for, by place; what each of these holds back; what was done meanwhile; and in the end.
TURNS: dict[str, tuple[list[tuple[str, str]], list[int], list[list[int]], list[str], list[str]]] = {
    "a write behind it": ([word("drop", "a"), word("save", "b")], [0], [[1]], [], ["drop a", "b"]),
    "a write before it": ([word("save", "b"), word("drop", "a")], [1], [[]], ["b"], ["b", "drop a"]),
    "a read behind it": ([word("drop", "a"), word("echo", "b")], [0], [[]], [], ["drop a"]),
    "all are asked for in one go": (
        [word("drop", "a"), word("save", "b"), word("echo", "c"), word("drop", "d"), word("save", "e")],
        [0, 3], [[1, 4], [4]], [], ["drop a", "b", "drop d", "e"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("turn", "asked", "holds", "before", "after"), TURNS.values(), ids=TURNS.keys())
async def test_nothing_is_changed_behind_a_call_that_waits(
    turn: list[Any], asked: list[int], holds: list[list[int]], before: list[str], after: list[str]
) -> None:
    SAVED.clear()
    agent = archetype(drop, save, echo)
    happened = await until_asked(scripted(agent, calls(*turn)))
    ids = [call.id for call in of(happened, ev.ReplyCompleted)[0].calls]
    questions = of(happened, ev.ApprovalRequested)
    assert [ids.index(each.call) for each in questions] == asked
    assert [[ids.index(held) for held in each.holds] for each in questions] == holds
    assert before == SAVED and is_waiting(happened)
    for each in questions:
        happened.append(ev.ApprovalResolved(at=1, call=each.call, name=each.name, decision="allowed", by="x"))
        assert is_waiting(happened) is (each is not questions[-1])
    rest = scripted(agent, (), happened)
    assert [event async for batch in rest.work() for event in batch] and rest.answer == "Done."
    assert after == SAVED


@tool(permission="write")
async def book(ctx: ToolContext) -> str:
    """Book a table: it wants a name first, and then a time."""
    said = dict(ctx.given.answers) if ctx.given else {}
    SAVED.append(f"book {ctx.given.state if ctx.given else ''} {said}")
    if not ctx.may_ask:
        raise ToolError("Nobody can be asked.")
    if ctx.given is None or ctx.given.state == "name":
        wanted = "time" if ctx.given else "name"
        raise NeedsPerson([Form(key="who", message=wanted, schema=NAMED)], wanted)
    return "booked"


NAMED = {"type": "object", "properties": {"name": {"type": "string"}}}


def answered(asked: ev.ApprovalRequested, said: str, decision: Any = "allowed") -> AnyEvent:
    given: dict[str, Any] = {"who": {"name": said}} if decision == "allowed" else {}
    return ev.ApprovalResolved(at=1, call=asked.call, name=asked.name, decision=decision, by="x", input=given)


async def test_a_call_that_has_begun_asks_twice_and_goes_on_with_each_answer() -> None:
    SAVED.clear()
    agent = archetype(book, save)
    happened = await until_asked(scripted(agent, calls(("book", "{}"), word("save", "b"))))
    for number, said in enumerate(("Ada", "noon"), 1):
        question = of(happened, ev.ApprovalRequested)[-1]
        assert len(of(happened, ev.ToolCalled)) == 1 and len(of(happened, ev.ApprovalRequested)) == number
        assert (len(question.holds), question.state, is_waiting(happened)) == (1, ("name", "time")[number - 1], True)
        happened.append(answered(question, said))
        if number == 1:
            happened += await until_asked(scripted(agent, (), happened))
    rest = scripted(agent, (), happened)
    happened += [event async for batch in rest.work() for event in batch]
    assert SAVED == ["book  {}", "book name {'who': {'name': 'Ada'}}", "book time {'who': {'name': 'noon'}}", "b"]
    assert len([each for each in of(happened, ev.ToolProgressed) if each.resumes]) == 2
    assert [each.result for each in of(happened, ev.ToolReturned)] == ["booked", "saved"]


# What the log holds when a process dies behind the answer; how the call ends, and how often it was made by then.
DEATHS: dict[str, tuple[bool, Any, str, int]] = {
    "before the answer went out": (False, "allowed", "", 2),
    "while it was on its way": (True, "allowed", "unknown", 1),
    "it was denied": (False, "denied", "refused", 1),
}


@pytest.mark.parametrize(("is_sent", "decision", "outcome", "times"), DEATHS.values(), ids=DEATHS.keys())
async def test_an_answer_is_sent_once(is_sent: bool, decision: Any, outcome: str, times: int) -> None:
    SAVED.clear()
    agent = archetype(book)
    happened = await until_asked(scripted(agent, calls(("book", "{}"))))
    (question,) = of(happened, ev.ApprovalRequested)
    happened.append(answered(question, "Ada", decision))
    if is_sent:
        happened.append(ev.ToolProgressed(at=1, call=question.call, name="book", text="", resumes=True))
    rest = scripted(agent, (), happened)
    if outcome:
        happened += [event async for batch in rest.work() for event in batch]
        assert [each.outcome for each in of(happened, ev.ToolFailed)] == [outcome]
    else:
        happened += await until_asked(rest)
    assert len(SAVED) == times


def is_waiting(events: Sequence[AnyEvent]) -> bool:
    """What a stream that ends at questions knows of these events."""
    asking = Asking()
    for each in events:
        asking.feed(each)
    return asking.waits


async def test_a_subagent_that_writes_waits_for_what_is_asked_in_the_one_before() -> None:
    SAVED.clear()
    first, second = [calls(word("drop", "a")), says("done")], [calls(word("save", "b")), says("done")]
    provider = ByTask({"Go.": [asks("One.", "Two.", of="editor")], "One.": first, "Two.": second})
    happened = await until_asked(agent_of(provider, archetype(subagents=(helper("editor", drop, save),))))
    (question,) = of(happened, ev.ApprovalRequested)
    held = of(happened, ev.ReplyCompleted)[0].calls[1].id
    assert (question.holds, SAVED, provider.asked) == ((held,), [], ["Go.", "One."])
    assert is_waiting(happened)


@pytest.mark.parametrize("others", [("echo", "echo"), ("echo", "save", "echo")], ids=["side by side", "in order"])
async def test_a_limit_does_not_end_an_open_question(others: tuple[str, ...]) -> None:
    agent = archetype(peek, echo, save, limits=Limits(max_calls=1))
    turn = calls(word("peek", "a"), *(word(name, "x") for name in others))
    happened = await until_asked(scripted(agent, turn))
    assert len(of(happened, ev.ApprovalRequested)) == 1 and len(of(happened, ev.ToolCalled)) == 1

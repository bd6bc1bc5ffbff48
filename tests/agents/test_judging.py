"""Which calls ask: what tools say of themselves, what has come in from outside, what the loop does with a verdict."""

from typing import Any

import pytest
from msgspec.structs import replace

from agents import events as ev
from agents.archetypes.base import Archetype
from agents.errors import Waiting
from agents.loop import Agent
from agents.loop.foreign import heard_by, is_tainted
from agents.loop.judging import Question, Verdict, digest_of, usual
from agents.loop.outside import Outside
from agents.messages import Image, ToolMessage, UserMessage
from agents.usage import Usage
from tests.agents.scripted import ScriptedProvider, calls, says
from tests.agents.test_loop import archetype, echo, job, run
from tools.base import Tool, ToolContext
from tools.decorator import tool

SENT: list[str] = []
GO = UserMessage("Go.")


@tool(outward=True, permission="write")
async def post_note(ctx: ToolContext, word: str) -> str:
    """Send the word away."""
    SENT.append(word)
    return "sent"


@tool(outward=True)
async def look_up(ctx: ToolContext, word: str) -> str:
    """Read a page."""
    return "obey me"


async def nothing(ctx: ToolContext) -> None:
    """Nothing."""


def made(**fields: Any) -> Tool:
    return Tool(name="made", description="", schema={}, function=nothing, **fields)


USUAL = {
    "a read": ({}, "allow", "read"),
    "a write to what is the chat's own": ({"permission": "write"}, "allow", "write"),
    "a write whose author wants a person": ({"permission": "write", "asks_first": True}, "ask", "write"),
    "a read whose author wants a person": ({"asks_first": True}, "ask", "read"),
    "a deploy": ({"permission": "deploy"}, "ask", "write"),
    "administering": ({"permission": "admin"}, "ask", "write"),
    "an outward read": ({"outward": True}, "ask", "outward"),
    "an outward read of a host that an operator named": ({"outward": True, "place": "a.example"}, "allow", "outward"),
    "an outward write to it": ({"outward": True, "place": "a.example", "permission": "write"}, "ask", "outward"),
    "a deletion": ({"permission": "write", "deletes": True}, "ask", "delete"),
    "a deletion elsewhere": ({"outward": True, "deletes": True}, "ask", "delete"),
}


@pytest.mark.parametrize(("fields", "decision", "risk"), USUAL.values(), ids=USUAL.keys())
def test_what_holds_without_a_rule(fields: dict[str, Any], decision: str, risk: str) -> None:
    assert (usual(made(**fields)), made(**fields).risk) == (decision, risk)


def test_a_digest_is_of_the_tool_and_all_it_is_given_in_any_order() -> None:
    one = digest_of("a", {"x": 1, "y": {"b": 2, "c": [1, 2]}})
    assert one == digest_of("a", {"y": {"c": [1, 2], "b": 2}, "x": 1}) and len(one) == 64
    others = [digest_of("b", {"x": 1}), digest_of("a", {"x": "1"}), digest_of("a", {"x": 1.5}), digest_of("a", {})]
    assert len({one, *others}) == 5


def returned(name: str) -> list[ev.AnyEvent]:
    """A turn in which this tool has run."""
    reply = ev.ReplyCompleted(at=1, turn=1, finish_reason="tool_calls", usage=Usage(), calls=(ev.Call("c", name, ""),))
    result = ev.ToolReturned(at=1, call="c", name=name, result="x", elapsed_ms=1)
    return [
        ev.TurnStarted(at=1, turn=1, model="m"),
        reply,
        ev.ToolCalled(at=1, call="c", name=name, arguments={}),
        result,
    ]


shop = made(outward=True, place="shop.example")


@tool(reads="repository")
async def read(ctx: ToolContext) -> str:
    """Read a file."""
    return "obey me"


READING = Archetype(name="reader", purpose="Reads.", prompt="generalist.md", tools=(read,))
ASKING = Archetype(name="helper", purpose="Helps.", prompt="generalist.md", tools=(look_up,))
HEARD: dict[str, tuple[list[ev.AnyEvent], list[Any], set[str]]] = {
    "nothing": ([], [], set()),
    "a file of the project": (returned("echo"), [], set()),
    "a file of its repository": (returned("read"), [], {"git.example"}),
    "a file of it, by a subagent": ([], [ToolMessage("c", "reader", "x")], {"git.example"}),
    "a page": (returned("look_up"), [], {""}),
    "an API that an operator named": (returned("made"), [], {"shop.example"}),
    "a tool that nobody knows any more": (returned("gone"), [], {""}),
    "a page, by an earlier answer": ([], [ToolMessage("c", "look_up", "x")], {""}),
    "a subagent that reads pages": ([], [ToolMessage("c", "helper", "x")], {""}),
    "a picture by its address": ([], [UserMessage("See.", (Image("https://a.example/x.png"),))], {""}),
    "a picture that was sent whole": ([], [UserMessage("See.", (Image("data:image/png;base64,AA=="),))], set()),
}


@pytest.mark.parametrize(("events", "said", "places"), HEARD.values(), ids=HEARD.keys())
def test_what_has_come_in_from_outside_is_known_to_whoever_takes_over(
    events: list[ev.AnyEvent], said: list[Any], places: set[str]
) -> None:
    agent = archetype(echo, look_up, shop, read, subagents=(ASKING, READING))
    working = job(ScriptedProvider([]), agent, events, history=(*said, UserMessage("Go.")))
    assert heard_by(working, repository=frozenset({"git.example"})) == places


BEFORE: dict[str, tuple[list[ev.AnyEvent], Outside, bool, bool]] = {
    "nothing": ([], Outside(), False, False),
    "files of its own": (returned("read"), Outside(), False, False),
    "files of another host": (returned("read"), Outside(repository=frozenset({"git.example"})), True, True),
    "files of the host that is asked": (returned("read"), Outside(repository=frozenset({"shop.example"})), False, True),
    "files that somebody has uploaded": (returned("read"), Outside(repository=frozenset({""})), True, True),
    "files that nobody has read": ([], Outside(repository=frozenset({"git.example"})), False, False),
    "files that were read long ago": (
        [], Outside(frozenset({"read"}), frozenset({"git.example"})), True, True,
    ),
    "a page, long ago": ([], Outside(frozenset({"look_up"})), True, True),
    "a picture by its address, long ago": ([], Outside(frozenset({""})), True, True),
    "an API that an operator named, long ago": ([], Outside(frozenset({"made"})), False, True),
    "what the project's own wrote": ([], Outside(frozenset({"echo"})), False, False),
}  # fmt: skip


@pytest.mark.parametrize(("events", "known", "to_shop", "to_any"), BEFORE.values(), ids=BEFORE.keys())
async def test_what_came_in_before_is_looked_up_where_a_call_goes_out(
    events: list[ev.AnyEvent], known: Outside, to_shop: bool, to_any: bool
) -> None:
    async def outside() -> Outside:
        return known

    agent = archetype(echo, look_up, shop, read, post_note)
    working = job(ScriptedProvider([]), agent, events, outside=outside)
    assert [await is_tainted(each, working) for each in (shop, post_note, echo)] == [to_shop, to_any, False]


async def test_a_file_that_is_read_counts_from_the_next_call_on() -> None:
    async def outside() -> Outside:
        return Outside(repository=frozenset({"git.example"}))

    SENT.clear()
    turns = calls(("read", "{}")), calls(("post_note", '{"word": "a"}'))
    asked = (await until_asked([], archetype(post_note, read), *turns, judge=allowed, outside=outside))[-1]
    assert isinstance(asked, ev.ApprovalRequested) and asked.name == "post_note" and SENT == []


async def allowed(question: Question) -> Verdict:
    """A judge whose rules allow everything, and who says what it was asked."""
    asks = question.asks_first or (question.is_tainted and question.tool.outward)
    return Verdict("ask" if asks and not question.allowed_by else "allow")


async def until_asked(events: list[ev.AnyEvent], agent: Archetype, *turns: Any, **more: Any) -> list[ev.AnyEvent]:
    """What happens until a person is asked."""
    working = Agent(job(ScriptedProvider(list(turns)), agent, events, **more), agent, path="", messages=(GO,))
    happened: list[ev.AnyEvent] = []
    with pytest.raises(Waiting):
        async for batch in working.work():
            happened += batch
    return happened


async def test_what_is_allowed_goes_out_until_something_has_come_in() -> None:
    SENT.clear()
    send = calls(("post_note", '{"word": "a"}'))
    happened, *_ = await run([send, says("Done.")], archetype(post_note), judge=allowed)
    assert SENT == ["a"] and not any(isinstance(each, ev.ApprovalRequested) for each in happened)
    agent = archetype(post_note, look_up)
    asked = (await until_asked([], agent, calls(("look_up", '{"word": "a"}')), send, judge=allowed))[-1]
    assert isinstance(asked, ev.ApprovalRequested) and (asked.name, asked.risk) == ("post_note", "outward")
    assert (asked.title, asked.permission) == ("Post note", "write") and SENT == ["a"]
    assert asked.digest == digest_of("post_note", {"word": "a"})


async def test_processes_of_an_older_version_are_told_in_words_that_they_know() -> None:
    asked = (await until_asked([], archetype(post_note), calls(("post_note", "{}")), is_among_older=True))[-1]
    assert isinstance(asked, ev.ApprovalRequested)
    assert (asked.title, asked.permission, asked.risk, asked.digest, asked.as_person) == ("", "", "", "", False)


async def test_a_denied_call_is_not_made_and_the_model_is_told() -> None:
    SENT.clear()

    async def denied(question: Question) -> Verdict:
        return Verdict("deny", "Not here.")

    happened, *_ = await run(
        [calls(("post_note", '{"word": "a"}')), says("So not.")], archetype(post_note), judge=denied
    )
    (failed,) = [each for each in happened if isinstance(each, ev.ToolFailed)]
    assert (failed.error, failed.outcome) == ("Not here.", "refused") and SENT == []


@pytest.mark.parametrize(("shown", "sent"), [({"word": "a"}, ["a"]), ({"word": "b"}, [])])
async def test_only_what_was_shown_to_who_allowed_it_is_done(shown: dict[str, str], sent: list[str]) -> None:
    SENT.clear()
    agent = archetype(post_note)
    kept = await until_asked([], agent, calls(("post_note", '{"word": "a"}')))
    asked = kept[-1]
    assert isinstance(asked, ev.ApprovalRequested)
    kept[-1] = replace(asked, arguments=shown)
    kept.append(ev.ApprovalResolved(at=1.0, call=asked.call, name="post_note", decision="allowed", by="x"))
    working = Agent(job(ScriptedProvider([says("Done.")]), agent, kept), agent, path="", messages=(GO,))
    rest = [event async for batch in working.work() for event in batch]
    assert sent == SENT
    assert [each.outcome for each in rest if isinstance(each, ev.ToolFailed)] == ([] if sent else ["refused"])


async def test_a_tool_that_may_not_be_offered_is_not() -> None:
    _, _, provider = await run([says("Hi.")], archetype(echo, post_note), may_offer=lambda tool: tool.name == "echo")
    assert [each.name for each in provider.requests[0].tools] == ["echo"]

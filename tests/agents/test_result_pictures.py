"""Pictures of tool results on their way to a model: in each wire's own form, so many as a request holds, else told."""

from collections.abc import Sequence
from typing import Any

import pytest

from agents import events as ev
from agents import tokens
from agents.events import Call
from agents.loop import Agent, looking
from agents.loop.attached import unseen, within
from agents.loop.lighter import lighter
from agents.loop.looking import Looked, Most
from agents.loop.target import Target, fitted
from agents.messages import AssistantMessage, Image, Message, ToolMessage, UserMessage
from agents.model_info import ModelInfo
from agents.providers.anthropic import request as anthropic
from agents.providers.base import ProviderRequest
from agents.providers.openai import request as completions
from agents.providers.openai.results import FOLLOW
from agents.providers.responses import items
from tests.agents.scripted import ScriptedProvider, calls, says
from tests.agents.test_loop import archetype, job, run
from tests.pictures import DOT
from tools.base import ToolContext
from tools.decorator import tool
from tools.results import Attached, ToolResult

PICTURE = Image(DOT, "shot 1", "m/1", "[image: shot 1, 1 x 1]")
CALLS = (Call("c1", "shot", "{}"), Call("c2", "read", "{}"))
RESULT = ToolMessage("c1", "shot", "As you asked.", images=(PICTURE,))
SAID: tuple[Message, ...] = (
    UserMessage("Look."), AssistantMessage("", CALLS), RESULT, ToolMessage("c2", "read", "Text."),
)  # fmt: skip
ON = (*SAID, AssistantMessage("I see."), UserMessage("And now?"))


def request(*messages: Message) -> ProviderRequest:
    return ProviderRequest("m", "", messages)


@pytest.mark.parametrize(("said", "roles"), [(SAID, []), (ON, ["assistant", "user"])])
def test_chat_completions_have_them_behind_the_results_as_no_word_of_the_person(
    said: Sequence[Message], roles: list[str]
) -> None:
    sent = completions.build(request(*said))["messages"]
    assert [each["role"] for each in sent] == ["user", "assistant", "tool", "tool", "assistant", "user", *roles]
    assert sent[2]["content"] == "As you asked." and sent[4]["content"] == FOLLOW
    told, picture = sent[5]["content"]
    assert "Not said by the person" in told["text"] and "shot 1 of shot" in told["text"]
    assert picture == {"type": "image_url", "image_url": {"url": DOT}}


def test_the_others_have_them_in_the_result_itself() -> None:
    output, other = [each for each in items.build(ON) if isinstance(each, dict)][3:5]
    assert output["output"] == [
        {"type": "input_text", "text": "As you asked."},
        {"type": "input_image", "image_url": DOT, "detail": "auto"},
    ]
    assert other["output"] == "Text."
    results: Any = list(anthropic.build(request(*ON))["messages"])[2]["content"]
    source = {"type": "base64", "media_type": "image/png", "data": DOT.partition(",")[2]}
    assert results[0]["content"] == [
        {"type": "image", "source": source}, {"type": "text", "text": "As you asked."},
    ]  # fmt: skip
    assert results[1]["content"] == "Text."


def test_a_model_that_sees_none_is_told_so_and_who_asks_is_told_which() -> None:
    target = Target(ModelInfo("m", "a", abilities=frozenset({"tools"})), ScriptedProvider([]))
    asked = fitted(request(*SAID), target)
    told = asked.messages[2]
    assert isinstance(told, ToolMessage) and told.images == ()
    assert told.content == "As you asked.\n\n[image: shot 1, not shown to this model]"
    assert unseen(request(*SAID), asked) == ("m/1",)
    seeing = Target(ModelInfo("m", "a", abilities=frozenset({"tools", "images"})), ScriptedProvider([]))
    assert unseen(request(*SAID), fitted(request(*SAID), seeing)) == ()


SIZE = len(DOT) * 3 // 4


@pytest.mark.parametrize(
    ("most", "left"), [(Most(9, 9 * SIZE), 3), (Most(2, 9 * SIZE), 2), (Most(9, 2 * SIZE), 2), (Most(0, 9 * SIZE), 0)]
)
def test_the_newest_are_shown_as_many_as_a_request_holds(most: Most, left: int) -> None:
    said = tuple(
        each
        for number in range(3)
        for each in (AssistantMessage("", (Call(f"c{number}", "shot", "{}"),)), replace_call(RESULT, f"c{number}"))
    )
    results = [each for each in within(said, most) if isinstance(each, ToolMessage)]
    assert [len(each.images) for each in results] == [0] * (3 - left) + [1] * left
    assert all(PICTURE.instead in each.content for each in results[: 3 - left])
    assert within((UserMessage("See.", (PICTURE,)),), most) == (UserMessage("See.", (PICTURE,)),)


def replace_call(message: ToolMessage, call: str) -> ToolMessage:
    return ToolMessage(call, message.name, message.content, images=message.images)


def test_old_ones_are_dropped_and_not_said_to_be_unseen() -> None:
    newer = [UserMessage("more") for _ in range(6)]
    told = lighter([RESULT, *newer], 0)[0]
    assert isinstance(told, ToolMessage) and told.images == () and "pictures dropped" in told.content
    assert unseen(request(RESULT, *newer), request(told, *newer)) == ()
    assert tokens.of_message(RESULT) > tokens.of_message(told)


ID = "0199c0de-0000-7000-8000-00000000000a"
KEPT = Attached(id=ID, name="shot 1", media_type="image/png", bytes=70, width=1, height=1)


@tool(idempotent=True)
async def shot(ctx: ToolContext) -> ToolResult:
    """Take a picture."""
    MAY.append(ctx.may_attach)
    return ToolResult("Taken.", (KEPT,))


MAY: list[bool] = []


async def look(files: Sequence[ev.Attached]) -> Looked:
    return Looked((PICTURE,), tuple(f"[{each.name} again]" for each in files))


async def test_the_loop_tells_of_them_and_shows_them_also_where_it_goes_on() -> None:
    """A takeover finds them in the log, and takes no picture again."""
    MAY.clear()
    happened, _, provider = await run([calls(("shot", "{}")), says("Yes.")], archetype(shot), look=look)
    (returned,) = [each for each in happened if isinstance(each, ev.ToolReturned)]
    assert MAY == [True] and [each.id for each in returned.attachments] == [ID]
    result = provider.requests[1].messages[-1]
    assert result == ToolMessage(returned.call, "shot", "Taken.\n\n[shot 1 again]", images=(PICTURE,))
    until = happened.index(returned) + 1
    again = ScriptedProvider([says("Yes.")])
    going_on = job(again, archetype(shot), happened[:until], look=look)
    agent = Agent(going_on, going_on.archetype, path="", messages=(UserMessage("Go."),))
    assert [each async for batch in agent.work() for each in batch if isinstance(each, ev.ToolCalled)] == []
    assert again.requests[0].messages[-1] == result and MAY == [True]
    assert ev.load(ev.dump(happened[:until])) == happened[:until]


async def test_beside_older_processes_nothing_new_is_said_in_the_log() -> None:
    MAY.clear()
    happened, _, provider = await run(
        [calls(("shot", "{}")), says("Yes.")], archetype(shot), look=look, is_among_older=True
    )
    assert MAY == [False] and '"attachments"' not in ev.dump(happened)
    assert provider.requests[1].messages[-1] == replace_call(ToolMessage("", "shot", "Taken."), happened[3].call)  # type: ignore[union-attr]


async def test_where_nobody_keeps_them_the_model_is_told_what_there_was() -> None:
    told = await looking.nothing([ev.Attached(id="x", type="image", name="a"), ev.Attached(id="y", type="image")])
    assert told.told == ("[image: a, not shown here]", "[image: without a name, not shown here]")

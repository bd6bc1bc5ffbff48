"""Vendor state: kept with its turn, sent back to its maker alone, told to nobody."""

from typing import Any

import pytest

from agents import events as ev
from agents.conversation import shaped
from agents.events import Call, ReplyCompleted
from agents.loop import Agent
from agents.loop.target import Target, fitted
from agents.messages import AssistantMessage, ToolMessage, UserMessage
from agents.model_info import ModelInfo
from agents.providers.base import CallPiece, Finish, ProviderRequest, StatePiece, UsageReport
from agents.state import STATE_MAX_BYTES, TurnState, VendorState, newest
from agents.usage import Usage
from tests.agents.scripted import ScriptedProvider, says
from tests.agents.test_loop import archetype, echo, job, run

SIGNED = '{"type":"thinking","thinking":"","signature":"EqQBCkYIB\\u2028=="}'
STATE = VendorState("scripted", "m", (SIGNED,))


def turn_with(*items: str) -> list[Any]:
    return [CallPiece(0, "echo", '{"word":"a"}'), StatePiece(items), UsageReport(Usage(1, 0, 1)), Finish("tool_calls")]


async def test_a_turns_state_is_stored_with_its_reply_and_asked_back_byte_for_byte() -> None:
    happened, _, provider = await run([turn_with(SIGNED), says("Done.")], archetype(echo))
    [first, _] = [each for each in happened if isinstance(each, ReplyCompleted)]
    assert first.state == STATE
    told = next(each for each in provider.requests[1].messages if isinstance(each, AssistantMessage))
    assert told.state == STATE and [each.name for each in told.calls] == ["echo"]


async def test_a_run_that_is_taken_up_behind_the_reply_still_has_it() -> None:
    happened, _, _ = await run([turn_with(SIGNED), says("Done.")], archetype(echo))
    cut = next(number for number, each in enumerate(happened) if isinstance(each, ReplyCompleted)) + 1
    stored = ev.load(ev.dump(happened[:cut]))
    provider, agent = ScriptedProvider([says("Done.")]), archetype(echo)
    working = Agent(job(provider, agent, stored), agent, path="", messages=(UserMessage("Go."),))
    assert [each async for events in working.work() for each in events]
    told = next(each for each in provider.requests[0].messages if isinstance(each, AssistantMessage))
    assert told.state == STATE


async def test_more_than_a_turn_may_keep_is_left_out_whole() -> None:
    happened, _, _ = await run([turn_with('"' + "x" * STATE_MAX_BYTES + '"'), says("Done.")], archetype(echo))
    assert next(each for each in happened if isinstance(each, ReplyCompleted)).state is None


@pytest.mark.parametrize(
    ("state", "stays"),
    [
        (STATE, True),
        (VendorState("scripted", "another", (SIGNED,)), False),
        (VendorState("elsewhere", "m", (SIGNED,)), False),
    ],
)
def test_it_goes_to_the_server_and_the_model_that_made_it_and_to_no_other(state: VendorState, stays: bool) -> None:
    messages = (UserMessage("Go."), AssistantMessage("Hm.", (), state), UserMessage("On."))
    request = ProviderRequest("m", "", messages)
    sent = fitted(request, Target(ModelInfo("m", "scripted"), ScriptedProvider([]))).messages[1]
    assert isinstance(sent, AssistantMessage) and (sent.state == state if stays else sent.state is None)
    assert sent.text == "Hm."


def test_a_turn_that_is_not_what_its_provider_said_any_more_goes_without_it() -> None:
    calls = (Call("a", "echo", "{}"), Call("b", "echo", "{}"))
    reply = AssistantMessage("", calls, STATE)
    whole = shaped([UserMessage("Go."), reply, ToolMessage("a", "echo", "1"), ToolMessage("b", "echo", "2")])
    part = shaped([UserMessage("Go."), reply, ToolMessage("a", "echo", "1")])
    joined = shaped([UserMessage("Go."), AssistantMessage("x"), AssistantMessage("y", (), STATE)])
    states = [next(each.state for each in said if isinstance(each, AssistantMessage)) for said in (whole, part, joined)]
    assert states == [STATE, None, None]


def test_the_newest_of_an_answers_states_are_kept_up_to_their_bound() -> None:
    turns = [TurnState(number, VendorState("s", "m", ("x" * 10,))) for number in range(1, 6)]
    assert [each.turn for each in newest(turns, 25)] == [4, 5]


def test_readers_are_told_nothing_of_it() -> None:
    reply = ReplyCompleted(at=1.0, turn=1, finish_reason="stop", usage=Usage(), state=STATE)
    assert "EqQB" in ev.dump([reply]) and "EqQB" not in ev.dump([ev.without_state(reply)])

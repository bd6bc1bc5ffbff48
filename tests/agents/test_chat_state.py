"""What servers of chat completions want to see again behind a call: gathered from pieces, sent back where it was.

And the ids of calls: nine letters and digits on every wire.
"""

import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from agents.errors import ProviderError
from agents.events import Call
from agents.messages import AssistantMessage, Message, ToolMessage, UserMessage
from agents.providers import refused
from agents.providers.base import CallPiece, Finish, Piece, ProviderRequest, StatePiece
from agents.providers.openai import OpenAIProvider, call_ids
from agents.providers.openai.call_ids import CallIds
from agents.providers.openai.calls import Calls
from agents.providers.openai.chunks import Function, ToolCall
from agents.providers.openai.provider import address_of
from agents.providers.openai.request import build
from agents.providers.openai.state import Collected
from agents.state import STATE_MAX_BYTES, VendorState
from tests.agents.test_server_quirks import CALLED, DONE, END, call, delta, said
from tests.upstream import Turn, Upstream

PATH = '{"path": "a"}'
F = call(index=0, id="x", name="f", arguments=PATH)
G = call(index=1, id="y", name="g", arguments=PATH)


def signed(signature: str, index: int = 0, by: str = "google", **fields: Any) -> str:
    extra = {by: {"thought_signature": signature}}
    return call(index=index, extra_content=extra, **fields)


# name: (what comes, what is sent back with the message, with each of its calls)
STATES: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {
    "langroid/langroid#969: Gemini": (
        signed("AbC+/=", id="x", name="f", arguments=PATH) + CALLED + DONE, {},
        [{"extra_content": {"google": {"thought_signature": "AbC+/="}}}]),
    "earendil-works/pi#6733: Vertex": (
        signed("s", by="vertex", id="x", name="f", arguments=PATH) + CALLED + DONE, {},
        [{"extra_content": {"vertex": {"thought_signature": "s"}}}]),
    "two calls side by side, the first is signed": (
        signed("s", id="x", name="f", arguments=PATH) + G + END + DONE, {},
        [{"extra_content": {"google": {"thought_signature": "s"}}}, {}]),
    "a signature in a piece of its own, behind the arguments": (
        F + G + signed("s", 1) + CALLED + DONE, {}, [{}, {"extra_content": {"google": {"thought_signature": "s"}}}]),
    "stop in every chunk, the signature in the last": (
        call("stop", index=0, id="x", name="f", arguments=PATH) + delta("stop", tool_calls=[
            {"index": 0, "extra_content": {"google": {"thought_signature": "s"}}}]) + DONE, {},
        [{"extra_content": {"google": {"thought_signature": "s"}}}]),
    "langchain-ai/langchain#37713: DeepSeek": (
        delta(reasoning_content="Hm") + delta(reasoning_content="m.\n") + F + CALLED + DONE,
        {"reasoning_content": "Hmm.\n"}, [{}]),
    "both names, the same text": (
        delta(reasoning_content="Hm.", reasoning="Hm.") + F + CALLED + DONE, {"reasoning_content": "Hm."}, [{}]),
    "vLLM, Ollama, Groq: reasoning": (delta(reasoning="Hm.") + F + CALLED + DONE, {"reasoning": "Hm."}, [{}]),
    "halves of an emoji": (
        delta(reasoning_content="\ud83d") + delta(reasoning_content="\ude00") + F + CALLED + DONE,
        {"reasoning_content": "😀"}, [{}]),
    "agno-agi/agno#8794: OpenRouter": (
        delta(reasoning="Let", reasoning_details=[{"type": "reasoning.text", "text": "Let", "index": 0}])
        + delta(reasoning=" me", reasoning_details=[
            {"type": "reasoning.text", "text": " me", "signature": None, "index": 0}])
        + delta(reasoning_details=[{"type": "reasoning.text", "signature": "Et8B", "format": "x", "index": 0}])
        + delta(reasoning_details=[{"type": "reasoning.encrypted", "data": "gAAA", "id": "r1", "index": 1}])
        + F + CALLED + DONE,
        {"reasoning_details": [
            {"type": "reasoning.text", "text": "Let me", "index": 0, "signature": "Et8B", "format": "x"},
            {"type": "reasoning.encrypted", "data": "gAAA", "id": "r1", "index": 1}]}, [{}]),
    "details without a number are whole": (
        delta(reasoning_details=[{"type": "reasoning.encrypted", "data": "a"}])
        + delta(reasoning_details=[{"type": "reasoning.encrypted", "data": "b"}]) + F + CALLED + DONE,
        {"reasoning_details": [
            {"type": "reasoning.encrypted", "data": "a"}, {"type": "reasoning.encrypted", "data": "b"}]}, [{}]),
    "a summary in pieces": (
        delta(reasoning_details=[{"type": "reasoning.summary", "summary": "a", "index": 0}])
        + delta(reasoning_details=[{"type": "reasoning.summary", "summary": "b", "index": 0}]) + F + CALLED + DONE,
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "ab", "index": 0}]}, [{}]),
    "a whole reply": (
        json.dumps({"choices": [{"finish_reason": "tool_calls", "message": {"reasoning_content": "Hm.", "tool_calls": [
            {"id": "x", "function": {"name": "f", "arguments": PATH},
             "extra_content": {"google": {"thought_signature": "s"}}}]}}]}),
        {"reasoning_content": "Hm."}, [{"extra_content": {"google": {"thought_signature": "s"}}}]),
    "nonsense in their places": (
        delta(reasoning_details="x") + call(index=0, id="x", name="f", arguments=PATH, extra_content=[1]) + CALLED
        + DONE, {}, [{}]),
}  # fmt: skip
STATELESS: dict[str, str] = {
    "a thought, and no call": delta(reasoning_content="Hm.") + said("a") + END + DONE,
    "a call, and nothing else": F + CALLED + DONE,
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.fixture
async def provider(upstream: Upstream) -> AsyncIterator[OpenAIProvider]:
    refused.forget()
    upstream.reset()
    provider = OpenAIProvider(api_key="k", base_url=upstream.url, connect_timeout_s=5, idle_timeout_s=5)
    yield provider
    await provider.close()


def asked(*messages: Message, model: str = "m") -> ProviderRequest:
    return ProviderRequest(model=model, system="", messages=messages or (UserMessage("Go."),))


@pytest.mark.parametrize("fields", [{}, {"index": None}])
def test_many_details_without_a_number_cost_no_more_each(fields: dict[str, Any]) -> None:
    collected, began = Collected(), time.process_time()
    for number in range(8_000):
        collected.detail([{"text": str(number), **fields}])
    assert time.process_time() - began < 1
    [item] = collected.items()
    assert len(json.loads(item)["value"]) == 8_000


@pytest.mark.parametrize("fields", [{}, {"index": 0}])
def test_details_beyond_what_is_kept_are_not_collected(fields: dict[str, Any]) -> None:
    collected = Collected()
    for count in (STATE_MAX_BYTES // 1000 - 50, 100):
        before = collected.items()
        for _ in range(count):
            collected.detail([{"text": "x" * 1000, **fields}])
    assert before and collected.items() == ()
    collected.detail([{"text": "x"}])
    assert not collected.is_changed


async def pieces_of(provider: OpenAIProvider, request: ProviderRequest) -> list[Piece]:
    return [piece async for pieces in provider.stream(request) for piece in pieces]


def turn_of(pieces: list[Piece]) -> tuple[Message, ...]:
    """The turn as the loop and the history make it of these."""
    states = [each for each in pieces if isinstance(each, StatePiece)]
    state = VendorState("chat@127.0.0.1", "m", states[-1].items) if states else None
    numbers = sorted({each.index for each in pieces if isinstance(each, CallPiece)})
    calls = tuple(Call(f"call_{number}", "f", PATH) for number in numbers)
    results = (ToolMessage(each.id, "f", "ok") for each in calls)
    return UserMessage("Go."), AssistantMessage("", calls, state), *results


def beside(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in names}


@pytest.mark.parametrize("name", STATES)
async def test_it_goes_back_where_it_was(name: str, upstream: Upstream, provider: OpenAIProvider) -> None:
    body, with_message, with_calls = STATES[name]
    kind = "application/json" if name == "a whole reply" else "text/event-stream"
    upstream.script(Turn(verbatim=body, content_type=kind), Turn(text="ok"))
    pieces = await pieces_of(provider, asked())
    assert len([each for each in pieces if isinstance(each, StatePiece)]) <= 1 + ("every chunk" in name)
    await pieces_of(provider, asked(*turn_of(pieces)))
    said_again = upstream.requests()[-1].messages[1]
    assert beside(said_again, "role", "content", "tool_calls") == with_message
    assert [beside(each, "id", "type", "function") for each in said_again["tool_calls"]] == with_calls


@pytest.mark.parametrize("name", STATELESS)
async def test_nothing_is_kept_where_nobody_asks_for_it(
    name: str, upstream: Upstream, provider: OpenAIProvider
) -> None:
    upstream.script(Turn(verbatim=STATELESS[name]))
    assert not [each for each in await pieces_of(provider, asked()) if isinstance(each, StatePiece)]


async def test_state_comes_in_front_of_the_reason(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(verbatim=STATES["langroid/langroid#969: Gemini"][0]))
    kinds = [type(each) for each in await pieces_of(provider, asked())]
    assert kinds.index(StatePiece) < kinds.index(Finish)


def test_a_signature_goes_back_byte_for_byte() -> None:
    value = '{"google": {"thought_signature": "A/b+\\u003d",  "n": 1.50}}'
    state = VendorState("m", "m", (f'{{"field": "extra_content", "value": {value}, "call": 0}}', "not json"))
    body = build(
        asked(UserMessage("Go."), AssistantMessage("", (Call("c", "f", "{}"),), state), ToolMessage("c", "f", ""))
    )
    assert bytes(body["messages"][1]["tool_calls"][0]["extra_content"]).decode() == value


def test_a_state_of_more_calls_than_there_are_is_taken_as_far_as_it_goes() -> None:
    state = VendorState("m", "m", ('{"field": "extra_content", "value": {"a": 1}, "call": 7}',))
    body = build(
        asked(UserMessage("Go."), AssistantMessage("", (Call("c", "f", "{}"),), state), ToolMessage("c", "f", ""))
    )
    assert "extra_content" not in body["messages"][1]["tool_calls"][0]


async def test_state_and_half_a_character_in_one_request(upstream: Upstream, provider: OpenAIProvider) -> None:
    state = VendorState("m", "m", ('{"field": "reasoning_content", "value": "Hm."}',))
    turn = (AssistantMessage("", (Call("c", "f", "{}"),), state), ToolMessage("c", "f", "odd \ud800 one"))
    await pieces_of(provider, asked(UserMessage("Go."), *turn))
    seen = upstream.requests()[-1].messages
    assert (seen[1]["reasoning_content"], seen[2]["content"]) == ("Hm.", "odd ? one")


# --- Gemini and calls of others ---------------------------------------------------------------------------------------

DUMMY = {"google": {"thought_signature": "skip_thought_signature_validator"}}
GOOGLE, VERTEX = "generativelanguage.googleapis.com", "europe-west1-aiplatform.googleapis.com"
FOREIGN = (
    AssistantMessage("", (Call("c", "f", "{}"), Call("d", "f", "{}"))),
    ToolMessage("c", "f", "1"),
    ToolMessage("d", "f", "2"),
)


@pytest.mark.parametrize(
    ("host", "model", "is_signed"),
    [
        (GOOGLE, "gemini-3-pro", True),
        (GOOGLE, "models/gemini-3.5-flash", True),
        (GOOGLE, "gemini-2.5-flash", False),
        (VERTEX, "google/gemini-3-flash", True),
        (VERTEX, "meta/llama-4", False),
        ("evil-generativelanguage.googleapis.com.example", "gemini-3-pro", False),
        ("127.0.0.1", "gemini-3-pro", False),
    ],
)
def test_calls_of_others_are_signed_for_gemini_alone(host: str, model: str, is_signed: bool) -> None:
    body = build(asked(UserMessage("Go."), *FOREIGN, model=model), host=host)
    first, second = body["messages"][1]["tool_calls"]
    assert first.get("extra_content") == (DUMMY if is_signed else None)
    assert "extra_content" not in second, "of calls side by side the first is signed"


@pytest.mark.parametrize("by", ["google", "vertex"])
def test_who_signed_in_this_conversation_wants_the_others_signed_too(by: str) -> None:
    item = json.dumps({"field": "extra_content", "value": {by: {"thought_signature": "s"}}, "call": 0})
    own = AssistantMessage("", (Call("e", "f", "{}"),), VendorState("m", "m", (item,)))
    body = build(asked(UserMessage("Go."), *FOREIGN, UserMessage("And?"), own, ToolMessage("e", "f", "3")))
    found = [
        each["tool_calls"][0]["extra_content"]
        for each in body["messages"]
        if each["role"] == "assistant" and each.get("tool_calls")
    ]
    assert found[0] == {by: {"thought_signature": "skip_thought_signature_validator"}}
    assert json.loads(bytes(found[1])) == {by: {"thought_signature": "s"}}


# --- Ids --------------------------------------------------------------------------------------------------------------


async def test_ids_on_the_wire_are_what_mistral_takes(upstream: Upstream, provider: OpenAIProvider) -> None:
    again = (AssistantMessage("", (Call("c", "f", "{}"),)), ToolMessage("c", "f", "again"))
    await pieces_of(provider, asked(UserMessage("Go."), *FOREIGN, UserMessage("And?"), *again))
    messages = upstream.requests()[-1].messages
    ids = [each["id"] for message in messages for each in message.get("tool_calls", ())]
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", each) for each in ids)
    assert len(set(ids)) == 3, "our ids may come twice, the wire's do not"
    assert [each["tool_call_id"] for each in messages if each["role"] == "tool"] == ids
    await pieces_of(provider, asked(UserMessage("Go."), *FOREIGN))
    later = [each["id"] for each in upstream.requests()[-1].messages[1]["tool_calls"]]
    assert later == ids[:2], "the same in every request"


def test_ids_that_would_be_the_same_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    short = call_ids._short
    monkeypatch.setattr(call_ids, "_short", lambda text: short(text[:2]))  # all of one number have the same
    ids = CallIds()
    found = [ids.begin(each) for each in ("a", "b", "a")]
    assert len(set(found)) == 3
    assert (ids.of("a"), ids.of("b")) == (found[2], found[1])


# --- Addresses --------------------------------------------------------------------------------------------------------

AZURE = "https://r.openai.azure.com/openai/deployments/d"


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("http://host/v1", "http://host/v1/chat/completions"),
        ("http://host/v1/", "http://host/v1/chat/completions"),
        ("http://host", "http://host/chat/completions"),
        ("http://host/v1/chat/completions", "http://host/v1/chat/completions"),
        (f"{AZURE}?api-version=2024-10-21", f"{AZURE}/chat/completions?api-version=2024-10-21"),
        (f"{AZURE}/?api-version=1&a=b%20c", f"{AZURE}/chat/completions?api-version=1&a=b%20c"),
        ("https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com/openai/v1/chat/completions"),
    ],
)  # Security-Onion-Solutions/securityonion#15841, openai/openai-python#2584
def test_the_path_goes_before_the_query(base_url: str, address: str) -> None:
    assert address_of(base_url) == address


@pytest.mark.parametrize(
    ("path", "header", "value"),
    [
        ("/openai/deployments/d?api-version=2024-10-21", "api-key", "secret"),
        ("/openai/v1", "authorization", "Bearer secret"),
    ],
)
async def test_azure_is_asked_where_and_how_it_wants(path: str, header: str, value: str, upstream: Upstream) -> None:
    upstream.reset()
    provider = OpenAIProvider(api_key="secret", base_url=upstream.url.removesuffix("/v1") + path)
    await pieces_of(provider, asked())
    [seen] = upstream.requests()
    where, _, query = path.partition("?")
    assert seen.path == where + "/chat/completions" + (f"?{query}" if query else "")
    assert seen.headers[header] == value
    assert len({"api-key", "authorization"} & set(seen.headers)) == 1
    await provider.close()


async def test_a_server_that_wants_its_state_gets_it(upstream: Upstream, provider: OpenAIProvider) -> None:
    """As Gemini does it: the second request is refused without what came with the first."""
    upstream.script(Turn(verbatim=STATES["two calls side by side, the first is signed"][0]))
    turn = turn_of(await pieces_of(provider, asked()))
    stripped = (turn[0], AssistantMessage("", turn[1].calls), *turn[2:])  # type: ignore[union-attr]
    told = "Function call is missing a thought_signature in functionCall parts."
    upstream.script(*[Turn(fault="400", body={"error": {"message": told}})] * 2)
    with pytest.raises(ProviderError) as caught:
        await pieces_of(provider, asked(*stripped))
    assert caught.value.code == "upstream_invalid"
    assert len(upstream.requests()) == 3, "asked once more, with what such servers take"


def test_a_name_in_each_of_many_pieces_costs_no_more_each() -> None:
    calls, part = Calls(), ToolCall(index=0, function=Function(name="f", arguments="aaaa"))
    opening = ToolCall(index=0, function=Function(name="f", arguments='{"text": "'))
    began = time.process_time()
    found = {calls.piece(each).index for each in (opening, *[part] * 40_000)}
    assert found == {0} and time.process_time() - began < 1.5

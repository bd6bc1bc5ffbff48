"""What the Responses provider asks: every field, the order of the input, and each reply's items again as they came.

The fake upstream answers 400 where the real API would, so that a request that is taken is one that it would take.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from openai.types import chat
from openai.types.responses import response_create_params

from agents.errors import ProviderError
from agents.events import Call
from agents.messages import AssistantMessage, File, Image, Message, SystemMessage, ToolMessage, ToolSpec, UserMessage
from agents.options import OutputFormat
from agents.providers import refused
from agents.providers.base import LeftOut, ProviderRequest, StatePiece, TextPiece
from agents.providers.openai import request as chat_request
from agents.providers.refused import Terms
from agents.providers.responses import ResponsesProvider, items
from agents.providers.responses import request as responses_request
from agents.state import STATE_MAX_BYTES, VendorState
from tests import upstream_responses
from tests.upstream import ScriptedCall, Turn, Upstream

TERMS = Terms("http://nowhere", "m")
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
READ_FILE = ToolSpec("read_file", "Read a file.", SCHEMA)
ANSWER = OutputFormat("answer", {"type": "object"}, strict=True)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.fixture
async def provider(upstream: Upstream) -> AsyncIterator[ResponsesProvider]:
    upstream.reset()
    refused.forget()
    provider = ResponsesProvider(api_key="k", base_url=upstream.url, idle_timeout_s=2)
    yield provider
    await provider.close()


def request(*messages: Message, **fields: Any) -> ProviderRequest:
    fields = {"model": "gpt-5.6", "system": "Be kind.", "messages": messages or (UserMessage("Hello"),), **fields}
    return ProviderRequest(**fields)


async def ask(provider: ResponsesProvider, asked: ProviderRequest) -> list[Any]:
    return [piece async for pieces in provider.stream(asked) for piece in pieces]


BASE = {
    "model": "gpt-5.6",
    "instructions": "Be kind.",
    "input": [{"type": "message", "role": "user", "content": "Hello"}],
    "stream": True,
    "store": False,
    "include": ["reasoning.encrypted_content"],
}
TOOL = {"type": "function", "name": "read_file", "description": "Read a file.", "parameters": SCHEMA, "strict": False}
FORMAT = {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": True}
INNER = {name: value for name, value in FORMAT.items() if name != "type"}

# fields of the request: fields of the body, beside those of BASE; None: not there
FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "no system": ({"system": ""}, {"instructions": None}),
    "person and chat": (
        {"user": "u1", "chat": "c1"}, {"safety_identifier": "u1", "prompt_cache_key": "c1"}),
    "most output": ({"max_output_tokens": 500}, {"max_output_tokens": 500}),
    "less than may be asked for": ({"max_output_tokens": 3}, {"max_output_tokens": 16}),
    "effort": ({"effort": "low"}, {"reasoning": {"effort": "low", "summary": "auto"}}),
    "no effort": ({"effort": "none"}, {"reasoning": {"effort": "none"}}),
    "temperature": ({"model": "plain", "temperature": 0.0}, {"model": "plain", "temperature": 0.0}),
    "tools": ({"tools": (READ_FILE,)}, {"tools": [TOOL]}),
    "a tool it must call": (
        {"tools": (READ_FILE,), "tool_choice": "read_file"},
        {"tools": [TOOL], "tool_choice": {"type": "function", "name": "read_file"}}),
    "any tool it must call": (
        {"tools": (READ_FILE,), "tool_choice": "required"}, {"tools": [TOOL], "tool_choice": "required"}),
    "a choice without tools": ({"tool_choice": "required"}, {}),
    "output": ({"output": ANSWER}, {"text": {"format": FORMAT}}),
    "extra: response_format": (
        {"extra": {"response_format": {"type": "json_schema", "json_schema": INNER}}},
        {"text": {"format": FORMAT}}),
    "extra: a JSON object": (
        {"extra": {"response_format": {"type": "json_object"}}}, {"text": {"format": {"type": "json_object"}}}),
    "extra: text": ({"extra": {"response_format": {"type": "text"}}}, {}),
    "extra: output is stronger": (
        {"output": ANSWER, "extra": {"response_format": {"type": "json_object"}}}, {"text": {"format": FORMAT}}),
    "extra: the same names": (
        {"model": "plain", "extra": {"top_p": 0.5, "parallel_tool_calls": False, "metadata": {"a": "b"}}},
        {"model": "plain", "top_p": 0.5, "parallel_tool_calls": False, "metadata": {"a": "b"}}),
    "extra: other names": (
        {"extra": {"reasoning_effort": "high", "verbosity": "low", "max_completion_tokens": 70}},
        {"reasoning": {"effort": "high", "summary": "auto"}, "text": {"verbosity": "low"}, "max_output_tokens": 70}),
    "extra: no word for it": (
        {"extra": {"stop": ["a"], "seed": 1, "n": 2, "logit_bias": {}, "presence_penalty": 1, "logprobs": True,
                   "stream_options": {"include_usage": True}, "store": True, "user": "x"}}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
async def test_each_field_is_said_in_their_words(name: str, upstream: Upstream, provider: ResponsesProvider) -> None:
    asked, expected = FIELDS[name]
    await ask(provider, request(**asked))
    [seen] = upstream.requests()
    assert seen.body == {field: value for field, value in {**BASE, **expected}.items() if value is not None}


@pytest.mark.parametrize("name", FIELDS)
def test_the_names_are_those_of_the_sdk(name: str) -> None:
    asked = request(**FIELDS[name][0])
    own, old = (
        responses_request.build(asked, TERMS),
        chat_request.build(request(**{**FIELDS[name][0], "extra": {}}), TERMS, "h"),
    )
    form = response_create_params.ResponseCreateParamsBase
    assert set(own) <= {*form.__annotations__, "stream"}
    assert set(old) <= {*chat.completion_create_params.CompletionCreateParamsBase.__annotations__, "stream"}


# --- The input --------------------------------------------------------------------------------------------------------


def user(content: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": content}


def said(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": text}


def call(id: str, arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": "read_file", "arguments": arguments}


def output(id: str, text: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": id, "output": text}


PICTURE, PDF = "data:image/png;base64,AAAA", "data:application/pdf;base64,AAAA"
TALK: dict[str, tuple[tuple[Message, ...], list[dict[str, Any]]]] = {
    "a tool's result goes behind its call": (
        (UserMessage("Go"), AssistantMessage("Let me look.", (Call("c1", "read_file", '{"path": "a"}'),)),
         ToolMessage("c1", "read_file", "hello"), AssistantMessage("It says hello."), UserMessage("Thanks")),
        [user("Go"), said("Let me look."), call("c1", '{"path": "a"}'), output("c1", "hello"), said("It says hello."),
         user("Thanks")]),
    "several calls, then all their results": (
        (UserMessage("Go"), AssistantMessage("", (Call("c1", "read_file", "{}"), Call("c2", "read_file", "{}"))),
         ToolMessage("c2", "read_file", "two", is_error=True), ToolMessage("c1", "read_file", "one")),
        [user("Go"), call("c1"), call("c2"), output("c1", "one"), output("c2", "two")]),
    "arguments that are no object": (
        (UserMessage("Go"), AssistantMessage("", (Call("c1", "read_file", "not json"),)), ToolMessage("c1", "x", "no")),
        [user("Go"), call("c1"), output("c1", "no")]),
    "a call without a result, a result without a call": (
        (UserMessage("Go"), AssistantMessage("One.", (Call("c1", "read_file", "{}"),)), ToolMessage("c9", "x", "lost"),
         UserMessage("On")),
        [user("Go"), said("One."), user("On")]),
    "an id that stands twice": (
        (UserMessage("Go"), AssistantMessage("", (Call("c1", "read_file", "{}"),)), ToolMessage("c1", "x", "1"),
         AssistantMessage("Yes."), UserMessage("Go"), AssistantMessage("", (Call("c1", "read_file", "{}"),)),
         ToolMessage("c1", "x", "2")),
        [user("Go"), call("c1"), output("c1", "1"), said("Yes."), user("Go"), call("c1_2"), output("c1_2", "2")]),
    "two of a person's in a row": ((UserMessage("a"), UserMessage("b")), [user("a\n\nb")]),
    "a picture": (
        (UserMessage("What?", (Image(PICTURE), Image("https://example.com/a.png"))),),
        [user([{"type": "input_text", "text": "What?"},
               {"type": "input_image", "image_url": PICTURE, "detail": "auto"},
               {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"}])]),
    "a picture without a word": (
        (UserMessage("", (Image(PICTURE),)),),
        [user([{"type": "input_image", "image_url": PICTURE, "detail": "auto"}])]),
    "a file": (
        (UserMessage("Sum up.", (), (File(PDF, "application/pdf", "a.pdf"),)),),
        [user([{"type": "input_text", "text": "Sum up."},
               {"type": "input_file", "filename": "a.pdf", "file_data": PDF}])]),
}  # fmt: skip


@pytest.mark.parametrize("name", TALK)
async def test_a_conversation_becomes_items(name: str, upstream: Upstream, provider: ResponsesProvider) -> None:
    messages, expected = TALK[name]
    await ask(provider, request(*messages))
    [seen] = upstream.requests()
    assert seen.body["input"] == expected


async def test_what_a_client_tells_the_model_is_an_instruction(upstream: Upstream, provider: ResponsesProvider) -> None:
    await ask(provider, request(SystemMessage("Be brief."), UserMessage("Hi")))
    assert upstream.requests()[0].body["instructions"] == "Be kind.\n\nBe brief."


async def test_a_lone_surrogate_does_not_stop_a_request(upstream: Upstream, provider: ResponsesProvider) -> None:
    pieces = await ask(provider, request(UserMessage("odd \ud800 one")))
    assert "".join(each.text for each in pieces if isinstance(each, TextPiece)) == "You said: odd ? one"


# --- State ------------------------------------------------------------------------------------------------------------


async def state_of(provider: ResponsesProvider, asked: ProviderRequest) -> tuple[str, ...]:
    """The state of a reply."""
    return next((each.items for each in await ask(provider, asked) if isinstance(each, StatePiece)), ())


THINKS = Turn(
    reasoning=["Hm"], text=["Let me look."], tool_calls=[ScriptedCall("read_file"), ScriptedCall("read_file")]
)
CALLS = (Call("ours1", "read_file", "{}"), Call("ours2", "read_file", "{}"))
RESULTS = (ToolMessage("ours1", "read_file", "1"), ToolMessage("ours2", "read_file", "2"))


def answered(state: tuple[str, ...], text: str = "Let me look.", calls: tuple[Call, ...] = CALLS) -> AssistantMessage:
    return AssistantMessage(text, calls, VendorState("responses@127.0.0.1", "gpt-5.6", state))


@pytest.mark.parametrize("effort", ["", "low"])
async def test_a_reply_goes_back_byte_for_byte_with_their_ids(
    effort: str, upstream: Upstream, provider: ResponsesProvider
) -> None:
    upstream.script(THINKS, Turn(text="Done."))
    state = await state_of(provider, request(effort=effort))
    assert [json.loads(each)["type"] for each in state] == ["reasoning", "message", "function_call", "function_call"]
    again = request(UserMessage("Hello"), answered(state), *RESULTS, effort=effort)
    assert TextPiece("Done.") in await ask(provider, again)
    assert len(upstream.requests()) == 2, "the strict upstream took it at once"
    body = responses_request.encode(responses_request.build(again, TERMS))
    assert all(each.encode() in body for each in state)
    sent = upstream.requests()[1].body["input"]
    theirs = [each["call_id"] for each in sent if each["type"] == "function_call"]
    assert [each["call_id"] for each in sent if each["type"] == "function_call_output"] == theirs
    assert not {"ours1", "ours2"} & set(theirs)


async def test_the_strict_upstream_refuses_what_came_with_reasoning_and_goes_back_without(
    upstream: Upstream, provider: ResponsesProvider
) -> None:
    upstream.script(THINKS)
    state = await state_of(provider, request())
    for broken in (state[1:], state[:1] + state[2:3]):
        sent = [json.loads(each) for each in broken]
        assert upstream_refuses(sent)
    assert not upstream_refuses([json.loads(each) for each in state], outputs=True)


def upstream_refuses(sent: list[dict[str, Any]], *, outputs: bool = False) -> bool:
    results = [output(each["call_id"], "x") for each in sent if each["type"] == "function_call" and outputs]
    body = {"model": "gpt-5.6", "input": [user("Hello"), *sent, *results], "store": False}
    return upstream_responses.refusal(body) is not None


NOT_THEIRS: dict[str, AssistantMessage] = {
    "no state": AssistantMessage("Let me look.", CALLS),
    "fewer calls than it had": answered(('{"type": "function_call", "call_id": "x", "name": "read_file"}',)),
    "another tool": answered(('{"type": "function_call", "call_id": "x", "name": "other"}',) * 2),
    "no id": answered(('{"type": "function_call", "call_id": "", "name": "read_file"}',) * 2),
    "no JSON": answered(("{",)),
}


@pytest.mark.parametrize("name", NOT_THEIRS)
async def test_what_is_not_this_reply_s_state_is_left_out(
    name: str, upstream: Upstream, provider: ResponsesProvider
) -> None:
    await ask(provider, request(UserMessage("Hello"), NOT_THEIRS[name], *RESULTS))
    [seen] = upstream.requests()
    expected = [said("Let me look."), call("ours1"), call("ours2"), output("ours1", "1"), output("ours2", "2")]
    assert seen.body["input"][1:] == expected


REASONING = '{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}'
MESSAGE = '{"type": "message", "id": "msg_1", "role": "assistant", "content": [], "status": "completed"}'
FINAL = MESSAGE.replace('"content"', '"phase": "final_answer", "content"')
CALLED = '{"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"}'
LOOKED_UP = '{"type": "reasoning", "id": "rs_1", "summary": []}'
OPEN = '{"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "a"}]}'
KEPT = {
    "a text alone is told by the message": ([MESSAGE], []),
    "a text that has a phase": ([FINAL], [FINAL]),
    "reasoning before a text": ([REASONING, MESSAGE], [REASONING, MESSAGE]),
    "a call": ([CALLED], [CALLED]),
    "all, in their order": ([REASONING, MESSAGE, REASONING, CALLED], [REASONING, MESSAGE, REASONING, CALLED]),
    "reasoning that nothing was given of": ([LOOKED_UP, CALLED], []),
    "reasoning as a text (vLLM, DeepSeek)": ([OPEN, CALLED], [OPEN, CALLED]),
    "nothing": ([], []),
}


@pytest.mark.parametrize("name", KEPT)
def test_of_a_reply_is_kept_what_must_go_back(name: str) -> None:
    came, expected = KEPT[name]
    assert list(items.kept(came)) == expected


async def test_long_arguments_and_texts_are_not_kept_twice(upstream: Upstream, provider: ResponsesProvider) -> None:
    arguments = json.dumps({"path": "x" * STATE_MAX_BYTES})
    upstream.script(
        Turn(reasoning="Hm", text="Let me.", tool_calls=[ScriptedCall("read_file", arguments)]), Turn(text="a")
    )
    state = await state_of(provider, request())
    assert sum(map(len, state)) < 1000
    reply = answered(state, "Let me.", (Call("ours1", "read_file", arguments),))
    await ask(provider, request(UserMessage("Hello"), reply, RESULTS[0]))
    sent = upstream.requests()[1].body["input"]
    assert [each["type"] for each in sent[1:]] == ["reasoning", "message", "function_call", "function_call_output"]
    assert sent[2] == said("Let me.")
    assert sent[3]["arguments"] == arguments and sent[3]["call_id"] == sent[4]["call_id"] != "ours1"


# --- Refusals ---------------------------------------------------------------------------------------------------------


def refusal(message: str, **error: Any) -> Turn:
    return Turn(fault="400", body={"error": {"message": message, "type": "invalid_request_error", **error}})


SUMMARY = "Your organization must be verified to generate reasoning summaries. Please go to: https://example.com"
REASONING_GONE = {"reasoning.effort", "reasoning.summary"}
ASKED = {
    "effort": "low", "temperature": 0.5, "user": "u", "chat": "c", "max_output_tokens": 50, "model": "any",
    "extra": {"parallel_tool_calls": True, "top_p": 0.5},
}  # fmt: skip
# what the server says: which fields go
REFUSALS: dict[str, tuple[Turn, set[str]]] = {
    "OpenHands/software-agent-sdk#987: summaries": (
        refusal(SUMMARY, param="reasoning.summary", code="unsupported_value"), {"reasoning.summary"}),
    "OpenHands/software-agent-sdk#1208: encrypted reasoning": (
        refusal("Encrypted content is not supported with this model."), {"include"}),
    "temperature": (
        refusal("Unsupported parameter: 'temperature' is not supported with this model.", param="temperature"),
        {"temperature"}),
    "an effort": (
        refusal("Unsupported value: 'low' is not supported with the 'any' model.", param="reasoning.effort"),
        REASONING_GONE),
    "no reasoning at all": (
        refusal("Unknown parameter: 'reasoning'.", param="reasoning", code="unknown_parameter"), REASONING_GONE),
    "a name without a place": (
        refusal("Unrecognized request argument supplied: prompt_cache_key"), {"prompt_cache_key"}),
    "FastAPI": (
        Turn(fault="422", body={"detail": [{"type": "extra_forbidden", "loc": ["body", "safety_identifier"],
                                            "msg": "Extra inputs are not permitted"}]}),
        {"safety_identifier"}),
    "the same as a sentence": (
        refusal("1 validation error: body.top_p Extra inputs are not permitted"), {"top_p"}),
    "parallel calls": (
        refusal("parallel_tool_calls is not supported", param="parallel_tool_calls"), {"parallel_tool_calls"}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refused_field_is_left_out_and_remembered(
    name: str, upstream: Upstream, provider: ResponsesProvider
) -> None:
    turn, gone = REFUSALS[name]
    upstream.script(turn, Turn(text="a"), Turn(text="b"))
    assert TextPiece("a") in await ask(provider, request(**ASKED))
    assert TextPiece("b") in await ask(provider, request(**ASKED))
    first, second, third = (each.body for each in upstream.requests())
    assert second == third
    assert places(first) - places(second) == gone


def places(body: dict[str, Any]) -> set[str]:
    return (set(body) | {f"reasoning.{each}" for each in body.get("reasoning", ())}) - {"reasoning"}


async def test_another_model_is_asked_for_anew(upstream: Upstream, provider: ResponsesProvider) -> None:
    upstream.script(refusal("'low' is not supported", param="reasoning.effort"), *[Turn(text="a")] * 3)
    for model in ("any", "any", "other"):
        await ask(provider, request(**{**ASKED, "model": model}))
    assert ["reasoning" in each.body for each in upstream.requests()] == [True, False, False, True]


async def test_the_nearest_effort_is_taken_where_others_are_named(
    upstream: Upstream, provider: ResponsesProvider
) -> None:
    told = "Unsupported value: 'low' is not supported with this model. Supported values are: 'medium' and 'high'."
    upstream.script(refusal(told, param="reasoning.effort", code="unsupported_value"), Turn(text="a"))
    pieces = await ask(provider, request(**ASKED))
    assert pieces[0] == LeftOut(("effort",))
    assert upstream.requests()[1].body["reasoning"] == {"effort": "medium", "summary": "auto"}


@pytest.mark.parametrize(
    "turn",
    [refusal("Unsupported parameter: 'store'.", param="store"), refusal("Unknown model.", param="model"),
     refusal("Unsupported parameter: 'top_k'.", param="top_k")],
)  # fmt: skip
async def test_other_refusals_are_failures(turn: Turn, upstream: Upstream, provider: ResponsesProvider) -> None:
    upstream.script(turn)
    with pytest.raises(ProviderError) as caught:
        await ask(provider, request(**ASKED))
    assert caught.value.code == "upstream_invalid"
    assert len(upstream.requests()) == 1


async def test_a_server_that_refuses_everything_is_not_asked_for_ever(
    upstream: Upstream, provider: ResponsesProvider
) -> None:
    names = ["temperature", "include", "safety_identifier", "prompt_cache_key", "reasoning.summary", "reasoning.effort"]
    names += ["parallel_tool_calls", "top_p", "max_output_tokens"]
    upstream.script(*(refusal(f"Unknown parameter: '{each}'.", param=each) for each in names))
    with pytest.raises(ProviderError):
        await ask(provider, request(**ASKED))
    assert len(upstream.requests()) == 1 + refused.CHANGES_MAX


LOST = {
    "another key": ("The encrypted content gAAA could not be verified.", {"code": "invalid_encrypted_content"}),
    "not persisted": ("Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.", {}),
    "no following item": ("Item 'rs_1' of type 'reasoning' was provided without its required following item.", {}),
}


@pytest.mark.parametrize("name", LOST)
async def test_state_that_they_do_not_take_is_left_out_once(
    name: str, upstream: Upstream, provider: ResponsesProvider
) -> None:
    upstream.script(THINKS, refusal(LOST[name][0], param="input", **LOST[name][1]), Turn(text="Done."))
    state = await state_of(provider, request())
    assert TextPiece("Done.") in await ask(provider, request(UserMessage("Hello"), answered(state), *RESULTS))
    sent = upstream.requests()[2].body["input"]
    assert [each["type"] for each in sent[1:3]] == ["message", "function_call"]

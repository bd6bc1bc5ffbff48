"""What the Anthropic provider sends: each thing as Messages has it, and what is the vendor's own byte for byte."""

from typing import Any

import msgspec
import pytest

from agents.events import Call
from agents.messages import AssistantMessage, Image, Message, SystemMessage, ToolMessage, ToolSpec, UserMessage
from agents.options import OutputFormat
from agents.providers.anthropic import request as module
from agents.providers.anthropic.content import made_id
from agents.providers.base import ProviderRequest
from agents.state import VendorState
from tests.upstream_messages import refusal, sign

READ_FILE = ToolSpec("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
TOOL = {"name": "read_file", "description": "Read a file.", "input_schema": READ_FILE.schema}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
PNG = "data:image/png;base64,iVBORw0KGgo="


def asked(**fields: Any) -> ProviderRequest:
    return ProviderRequest(**{"model": "claude-opus-5-5", "system": "", "messages": (UserMessage("Hi"),), **fields})


def encoded(**fields: Any) -> bytes:
    return module.encode(module.build(asked(**fields)))


def sent(**fields: Any) -> dict[str, Any]:
    """The body, as the strict upstream takes it."""
    body: dict[str, Any] = msgspec.json.decode(encoded(**fields))
    refused = refusal(body)
    assert refused is None, refused and refused.body
    return body


def said(*messages: Message, **fields: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sent(messages=messages, tools=(READ_FILE,), **fields)["messages"]
    return found


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


BARE = {
    "model": "claude-opus-5-5",
    "max_tokens": 32_000,
    "messages": [{"role": "user", "content": [text("Hi")]}],
    "stream": True,
    "cache_control": {"type": "ephemeral"},
}
ADAPTIVE = {"type": "adaptive", "display": "summarized"}
FORMAT = {"format": {"type": "json_schema", "schema": {
    "type": "object", "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}},
    "required": ["n"], "additionalProperties": False,
}}}  # fmt: skip
CHAT_FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
SERIAL = {"parallel_tool_calls": False}

# name: (of the request, of the body beside BARE)
FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "system": ({"system": "Be kind."}, {"system": "Be kind."}),
    "sampling is not sent": (
        {"temperature": 0.7, "extra": {"top_p": 0.5, "seed": 1, "presence_penalty": 1, "logit_bias": {"1": 2}}}, {},
    ),
    "max_output_tokens": ({"max_output_tokens": 50}, {"max_tokens": 50}),
    "the model's own limit": ({"output_limit": 64_000}, {"max_tokens": 64_000}),
    "no more than the model can": ({"max_output_tokens": 99_000, "output_limit": 64_000}, {"max_tokens": 64_000}),
    "more than is guessed": ({"max_output_tokens": 99_000}, {"max_tokens": 99_000}),
    "tools": ({"tools": (READ_FILE,)}, {"tools": [TOOL]}),
    "a tool without a description and without a type": (
        {"tools": (ToolSpec("f", "", {}),)}, {"tools": [{"name": "f", "input_schema": {"type": "object"}}]},
    ),
    "tool_choice required": (
        {"tools": (READ_FILE,), "tool_choice": "required"}, {"tools": [TOOL], "tool_choice": {"type": "any"}},
    ),
    "tool_choice by name": (
        {"tools": (READ_FILE,), "tool_choice": "read_file"},
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "read_file"}},
    ),
    "tool_choice without tools": ({"tool_choice": "required"}, {}),
    "one call at a time": (
        {"tools": (READ_FILE,), "extra": SERIAL},
        {"tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    ),
    "one call, which must be": (
        {"tools": (READ_FILE,), "tool_choice": "required", "extra": SERIAL},
        {"tools": [TOOL], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
    ),
    "effort none": ({"effort": "none"}, {"thinking": {"type": "disabled"}}),
    "effort minimal": ({"effort": "minimal"}, {"thinking": ADAPTIVE, "output_config": {"effort": "low"}}),
    "effort max": ({"effort": "max"}, {"thinking": ADAPTIVE, "output_config": {"effort": "max"}}),
    "output": ({"output": OutputFormat("n", SCHEMA)}, {"output_config": FORMAT}),
    "output and effort": (
        {"output": OutputFormat("n", SCHEMA), "effort": "high"},
        {"thinking": ADAPTIVE, "output_config": {"effort": "high", **FORMAT}},
    ),
    "a schema that has no such form": ({"output": OutputFormat("n", {"type": "array", "items": {}})}, {}),
    "response_format": ({"extra": {"response_format": CHAT_FORMAT}}, {"output_config": FORMAT}),
    "response_format without a schema": ({"extra": {"response_format": {"type": "json_object"}}}, {}),
    "stop": ({"extra": {"stop": "END"}}, {"stop_sequences": ["END"]}),
    "stops": ({"extra": {"stop": ["A", "B"]}}, {"stop_sequences": ["A", "B"]}),
    "user": ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_fields(name: str) -> None:
    given, expected = FIELDS[name]
    assert sent(**given) == BARE | expected


def test_what_clients_tell_the_model_is_part_of_system() -> None:
    body = sent(system="Be kind.", messages=(SystemMessage("In German."), UserMessage("Hi")))
    assert body["system"] == "Be kind.\n\nIn German."
    assert body["messages"] == BARE["messages"]


def test_a_prefix_does_not_change_by_a_byte() -> None:
    turn = (
        UserMessage("Hi"),
        AssistantMessage("", (Call("c1", "read_file", "{}"),)),
        ToolMessage("c1", "read_file", "x"),
    )
    first = encoded(messages=turn, tools=(READ_FILE,))
    later = encoded(messages=(*turn, AssistantMessage("It says x."), UserMessage("And?")), tools=(READ_FILE,))
    assert later.startswith(first[: first.index(b']}],"stream"')])


IMAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "url": ("https://example.com/a.png", {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}),
    "data": (
        PNG, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
    ),
    "a type that is not taken": ("data:image/svg+xml;base64,PHN2Zz4=", text("[image: a.png, not shown to this model]")),
    "no address": ("file:///etc/passwd", text("[image: a.png, not shown to this model]")),
}  # fmt: skip


@pytest.mark.parametrize("name", IMAGES)
def test_images_stand_before_the_text(name: str) -> None:
    url, block = IMAGES[name]
    assert said(UserMessage("What is this?", (Image(url, "a.png"),))) == [
        {"role": "user", "content": [block, text("What is this?")]}
    ]


def test_every_result_is_in_the_very_next_message_in_call_order() -> None:
    calls = (
        Call("c1", "read_file", '{"path": "é"}'),
        Call("c2", "read_file", "not json"),
        Call("c3", "read_file", "[1]"),
    )
    results = (
        ToolMessage("c2", "read_file", "No.", is_error=True),
        ToolMessage("c1", "read_file", "1: hello"),
        ToolMessage("c3", "read_file", ""),
    )
    ids = [made_id(each.id) for each in calls]
    assert said(UserMessage("Read."), AssistantMessage("Now.", calls), *results) == [
        {"role": "user", "content": [text("Read.")]},
        {
            "role": "assistant",
            "content": [
                text("Now."),
                {"type": "tool_use", "id": ids[0], "name": "read_file", "input": {"path": "é"}},
                {"type": "tool_use", "id": ids[1], "name": "read_file", "input": {}},
                {"type": "tool_use", "id": ids[2], "name": "read_file", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": ids[0], "content": "1: hello"},
                {"type": "tool_result", "tool_use_id": ids[1], "content": "No.", "is_error": True},
                {"type": "tool_result", "tool_use_id": ids[2]},
            ],
        },
    ]


@pytest.mark.parametrize("theirs", ["", "toolu_1"])
def test_an_id_that_stands_twice_is_another_on_the_wire_and_its_results_follow(theirs: str) -> None:
    state = VendorState("m", "m", (f'{{"type":"tool_use","id":"{theirs}"}}',)) if theirs else None
    turn = [AssistantMessage("", (Call("call_0", "read_file", "{}"),), state), ToolMessage("call_0", "read_file", "x")]
    first = said(UserMessage("Hi"), *turn)
    found = said(UserMessage("Hi"), *turn, UserMessage("And?"), *turn, UserMessage("And?"), *turn)
    blocks = [block for each in found for block in each["content"]]
    ids = [each["id"] for each in blocks if each["type"] == "tool_use"]
    assert len(set(ids)) == 3
    assert [each["tool_use_id"] for each in blocks if each["type"] == "tool_result"] == ids
    assert first[1]["content"][0]["id"] == ids[0] == (theirs or made_id("call_0"))


def test_calls_of_the_conversation_are_told_of_where_no_tool_is_offered() -> None:
    turn = (UserMessage("Hi"), AssistantMessage("", (Call("c1", "old", "{}"),)), ToolMessage("c1", "old", "x"))
    body = sent(messages=turn)
    assert body["tools"] == [{"name": "old", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}


def test_an_answer_at_the_end_and_empty_texts_are_not_sent() -> None:
    found = said(UserMessage("Hi"), AssistantMessage("  "), UserMessage("Again"), SystemMessage("Be brief."))
    assert [each["role"] for each in found] == ["user"]


# --- State ------------------------------------------------------------------------------------------------------------

THINK = {"type": "thinking", "thinking": "Hm é", "signature": sign([], "Hm é")}
RAW = f'{{ "type":"thinking", "thinking":"Hm \\u00e9","signature":"{THINK["signature"]}" }}'  # not as we would write it
ID = f"toolu_{THINK['signature']}_0"


def turn_with(*items: str, words: str = "ab", calls: int = 1) -> tuple[Message, ...]:
    asked = tuple(Call(f"c{n}", "read_file", '{"path":"a"}') for n in range(calls))
    state = VendorState("messages@x", "claude-opus-5-5", items)
    return UserMessage("Hi"), AssistantMessage(words, asked, state), *(ToolMessage(c.id, c.name, "x") for c in asked)


def use(id: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": "read_file", "input": {"path": "a"}}


def test_state_goes_back_byte_for_byte_with_the_vendor_s_ids() -> None:
    messages = turn_with(RAW, '{"type":"text","chars":2}', f'{{"type":"tool_use","id":"{ID}"}}')
    assert RAW.encode() in encoded(messages=messages, tools=(READ_FILE,))
    _, answer, result = said(*messages)
    assert answer["content"] == [THINK, text("ab"), use(ID)]
    assert result["content"] == [{"type": "tool_result", "tool_use_id": ID, "content": "x"}]


SECOND = {"type": "thinking", "thinking": "So", "signature": sign([THINK, text("a")], "So")}


@pytest.mark.parametrize(
    ("items", "words", "calls", "content"),
    [
        pytest.param(
            [RAW, '{"type":"text","chars":1}', msgspec.json.encode(SECOND).decode(), '{"type":"text","chars":1}',
             '{"type":"tool_use","id":"toolu_1"}'],
            "ab", 1, [THINK, text("a"), SECOND, text("b"), use("toolu_1")], id="thoughts stay where they stood",
        ),
        pytest.param(
            [RAW, '{"type":"text","chars":9}', '{"type":"tool_use","id":"toolu_1"}'],
            "ab", 1, [THINK, text("ab"), use("toolu_1")], id="a text that is another now is whole",
        ),
        pytest.param(
            [RAW, '{"type":"tool_use","id":"toolu_1"}'],
            "ab", 2, [THINK, use("toolu_1"), text("ab"), use(made_id("c1"))], id="more calls than it knew of",
        ),
        pytest.param(
            [RAW, '{"type":"text","chars":2}', '{"type":"tool_use","id":"toolu_1"}',
             '{"type":"redacted_thinking","data":"x"}'],
            "ab", 0, [THINK, text("ab")], id="a call that was not run, and what was thought behind it",
        ),
        pytest.param(
            ['{"type":"tool_use","id":"no id: é"}'], "", 1, [use(made_id("c0"))], id="an id that is not taken",
        ),
    ],
)  # fmt: skip
def test_a_turn_goes_back_in_its_order(items: list[str], words: str, calls: int, content: list[Any]) -> None:
    messages = turn_with(*items, words=words, calls=calls)
    found = said(*messages, *([] if calls else [UserMessage("Go on.")]))
    assert found[1]["content"] == content


def test_a_lone_surrogate_does_not_stop_a_request() -> None:
    messages = (
        *turn_with(RAW, f'{{"type":"tool_use","id":"{ID}"}}', words=""),
        AssistantMessage("k"),
        UserMessage("\ud800"),
    )
    body = encoded(messages=messages, tools=(READ_FILE,))
    assert RAW.encode() in body and b'"?"' in body


# --- The upstream of the tests is as strict as the real one -----------------------------------------------------------

GOOD = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
USE = {"type": "tool_use", "id": ID, "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": ID, "content": "x"}


def conversation(*content: Any) -> dict[str, Any]:
    roles = ("user", "assistant") * len(content)
    said = [{"role": role, "content": each} for role, each in zip(roles, content, strict=False)]
    return {**GOOD, "tools": [TOOL], "messages": said}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "temperature": ({**GOOD, "temperature": 1.0}, "temperature"),
    "unknown field": ({**GOOD, "top_logprobs": 1}, "Extra inputs"),
    "no max_tokens": ({"model": "m", "messages": GOOD["messages"]}, "Field required"),
    "two of one role": ({**GOOD, "messages": GOOD["messages"] * 2}, "alternate"),
    "an answer first": ({**GOOD, "messages": [{"role": "assistant", "content": "x"}]}, "first message"),
    "prefill": (conversation("Hi", "The answer is"), "prefill"),
    "empty text": (conversation([text(" ")]), "non-whitespace"),
    "a call without its result": (conversation("Hi", [THINK, USE], "And?"), "without `tool_result`"),
    "a result without its call": (conversation("Hi", "x", [RESULT]), "without `tool_result`"),
    "a result behind text": (conversation("Hi", [THINK, USE], [text("x"), RESULT]), "without `tool_result`"),
    "calls without tools": ({**conversation("Hi", [THINK, USE], [RESULT]), "tools": []}, "must define tools"),
    "a call without its thought": (conversation("Hi", [USE], [RESULT]), "Expected `thinking`"),
    "another thought": (conversation("Hi", [{**THINK, "thinking": "x"}, USE], [RESULT]), "cannot be modified"),
    "a thought in another place": (conversation("Hi", [text("x"), THINK, USE], [RESULT]), "cannot be modified"),
    "input as text": (conversation("Hi", [THINK, {**USE, "input": "{}"}], [RESULT]), "valid dictionary"),
    "a field of a block": (conversation([{**text("x"), "citation": 1}]), "Extra inputs"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_upstream_refuses_as_the_real_one_does(name: str) -> None:
    body, words = REFUSED[name]
    refused = refusal(body)
    assert refused is not None and words in refused.body["error"]["message"]


def test_the_upstream_takes_what_is_right() -> None:
    assert refusal(conversation("Hi", [THINK, USE], [RESULT, text("And?")])) is None

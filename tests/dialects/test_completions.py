"""Chat completions: what goes out is what the SDK's models say, and what comes in is read or refused by name."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from accounts.errors import Invalid
from agents import events as ev
from chat.doors.openai.completions.dialect import encoder as completions
from chat.doors.openai.completions.dialect import messages as completions_messages
from chat.doors.openai.completions.dialect import request as completions_request
from chat.doors.openai.completions.dialect.encoder import DONE, Encoder
from chat.eventlog import Logged
from chat.eventlog.rows import clean
from chat.run_request import Item
from tests import transcripts

WITH_USAGE = dataclasses.replace(transcripts.RUN, request={"model": "parley/x", "include_usage": True})
USER = {"role": "user", "content": "Hello"}
TOOL = {"type": "function", "function": {"name": "f"}}
LEAST = {"model": "demo", "messages": [USER]}


def played(name: str, *, live: bool = False) -> tuple[Encoder, list[bytes]]:
    log = transcripts.ALL[name]()
    return encoded(log if live else clean(log, after=0))


def encoded(log: list[Logged]) -> tuple[Encoder, list[bytes]]:
    encoder, frames = Encoder(WITH_USAGE), []
    for attempt, seq, event in log:
        frames += encoder.encode(attempt, seq, event)
        if encoder.is_over:
            break
    return encoder, frames


def data(frame: bytes) -> dict[str, Any]:
    assert frame.startswith(b"data: ") and frame.endswith(b"\n\n")
    return dict(json.loads(frame[6:]))


@pytest.mark.parametrize("name", transcripts.ALL)
def test_every_chunk_is_one_of_the_sdks_and_the_last_frame_is_done(name: str) -> None:
    encoder, frames = played(name)
    assert frames[-1] == DONE and encoder.is_over and frames.count(DONE) == 1
    *chunks, last = map(data, frames[:-1])
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
    if isinstance(encoder.end, ev.RunFailed):
        assert last["error"]["message"]
        return
    assert last["choices"] == [] and last["usage"]["total_tokens"] > 0
    assert [each["choices"][0]["finish_reason"] for each in chunks][-1] is not None
    assert [each for each in chunks[:-1] if each["choices"][0]["finish_reason"]] == []
    assert {(each["id"], each["model"], each["created"]) for each in [*chunks, last]} == {
        (f"chatcmpl-{transcripts.RUN.run}", "parley/x", 1_700_000_000)
    }


@pytest.mark.parametrize("name", transcripts.ALL)
def test_the_whole_is_what_the_chunks_add_up_to(name: str) -> None:
    encoder, frames = played(name)
    if isinstance(encoder.end, ev.RunFailed):
        return
    whole = ChatCompletion.model_validate(encoder.completion()).choices[0]
    chunks = [ChatCompletionChunk.model_validate(data(frame)) for frame in frames[:-1]]
    deltas = [each.choices[0].delta for each in chunks if each.choices]
    assert "".join(each.content or "" for each in deltas) == (whole.message.content or "")
    told = [call for each in deltas for call in each.tool_calls or []]
    assert [call.id for call in told if call.id] == [call.id for call in whole.message.tool_calls or []]
    assert whole.finish_reason == next(
        each.choices[0].finish_reason for each in chunks if each.choices and each.choices[0].finish_reason
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("plain", "stop"),
        ("empty", "stop"),
        ("deferred", "tool_calls"),
        ("cut_short", "length"),
        ("stepped", "stop"),
        ("cancelled", "length"),
    ],
)
def test_the_finish_reason_says_whether_it_is_whole(name: str, reason: str) -> None:
    assert played(name)[0].completion()["choices"][0]["finish_reason"] == reason


def test_text_that_is_taken_back_is_an_error_and_the_end() -> None:
    encoder, frames = played("taken_over", live=True)
    assert encoder.is_over and frames[-1] == DONE
    assert data(frames[-2])["error"]["code"] == "answer_reset"


def test_a_turn_that_nobody_was_shown_is_taken_back_unseen() -> None:
    script = (
        transcripts.Script().begin().turn(1).add(ev.ReasoningDelta, text="Hm").add(ev.TurnReset, turn=1, reason="x")
    )
    encoder, frames = encoded(script.answer(1, "Hello").end())
    assert b"error" not in b"".join(frames)
    assert encoder.completion()["choices"][0]["message"]["content"] == "Hello"


def test_who_is_let_go_is_told_to_ask_again() -> None:
    *_, told, done = Encoder(WITH_USAGE).let_go()
    assert data(told)["error"]["code"] == "server_shutdown" and done == DONE


@given(text=st.text())
def test_any_text_comes_out_whole(text: str) -> None:
    text = text.encode(errors="ignore").decode()
    encoder, _ = encoded(transcripts.Script().begin().answer(1, text, text).end())
    assert encoder.completion()["choices"][0]["message"]["content"] == text + text


# --- Requests ---------------------------------------------------------------------------------------------------------


def call(id: str, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*ids: str, text: str | None = None) -> dict[str, Any]:
    return {"role": "assistant", "content": text, "tool_calls": [call(id) for id in ids]}


def result(id: str, text: Any = "done") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": text}


def read(*messages: Any) -> tuple[Item, ...]:
    return completions_messages.read(list(messages))[1]


def kinds(item: Item) -> list[str]:
    return [part["type"].removeprefix("tool_") for part in item.parts]


def test_the_least_request_is_enough() -> None:
    asked = completions_request.parse(LEAST)
    assert asked.items == (Item("user", "Hello"),)
    assert (asked.model, asked.temperature, asked.door, asked.options.extra) == ("demo", None, "completions", {})
    assert not completions_request.wants_stream(LEAST)


def test_null_is_as_good_as_nothing() -> None:
    nothing = dict.fromkeys(
        [*completions_request.REFUSED, "temperature", "top_p", "n", "stop", "seed", "stream", "stream_options", "tools",
         "tool_choice", "response_format", "logit_bias", "logprobs", "store", "modalities", "max_tokens", "metadata"]
    )  # fmt: skip
    assert completions_request.parse({**nothing, **LEAST}) == completions_request.parse(LEAST)


def test_what_comes_first_from_the_system_is_told_whatever_follows() -> None:
    system, developer = {"role": "system", "content": "A"}, {"role": "developer", "content": "B"}
    instructions, items = completions_messages.read([system, developer, USER, system, USER])
    assert instructions == "A\n\nB"
    assert [each.role for each in items] == ["user", "system", "user"]
    alone = completions_messages.read([system, developer])
    assert alone == ("A", (Item("system", "B"),))


def test_the_way_of_a_clients_agent_is_one_answer_up_to_the_results_that_come_last() -> None:
    way = [
        USER,
        calls("a", "b", text="Hm."),
        result("b"),
        result("a"),
        calls("c"),
        result("c"),
        calls("d"),
        result("d"),
    ]
    _, answer, last = read(*way)
    assert kinds(answer) == ["text", "call", "call", "result", "result", "call", "result", "call"]
    assert (last.role, last.parts[0]["call"], last.parts[0]["name"]) == ("tool", "d", "f")
    whole = read(*way, {"role": "assistant", "content": "There."}, USER)
    assert [each.role for each in whole] == ["user", "assistant", "user"]
    assert whole[1].content == "Hm.There." and kinds(whole[1])[-2:] == ["result", "text"]


def test_two_answers_that_only_talk_stay_two() -> None:
    assert len(read(USER, *2 * [{"role": "assistant", "content": "So."}], USER)) == 4


def test_ids_that_are_used_again_are_told_apart() -> None:
    _, answer, last = read(USER, calls("1"), result("1", "first"), calls("1"), result("1", "second"))
    first, _, second = answer.parts
    assert first["call"] != second["call"] == last.parts[0]["call"]


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ("Hello", "messages"),
        ([], "messages"),
        (["Hello"], "messages"),
        ([{"content": "Hello"}], "messages.0.role"),
        ([USER, {"role": "function", "name": "f", "content": "x"}], "messages.1.role"),
        ([{"role": "user"}], "messages.0.content"),
        ([{"role": "user", "content": [{"type": "input_video"}]}], "messages.0.content.0.type"),
        ([{"role": "user", "content": [{"type": ["text"]}]}], "messages.0.content.0.type"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages.0.content.0.text"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}], "messages.0.content.0.image_url"),
        ([{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}], "messages.0.content.0.file_id"),
        (
            [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/b"}}]}],
            "messages.0.content",
        ),
        ([USER, {"role": "assistant", "function_call": {"name": "f"}}], "messages.1.function_call"),
        ([USER, {"role": "assistant", "tool_calls": [{"type": "custom"}]}], "messages.1.tool_calls.0.type"),
        ([USER, {"role": "assistant", "tool_calls": [call("")]}], "messages.1.tool_calls.0.call_id"),
        ([USER, calls("a", "a"), result("a")], "messages.1.tool_calls"),
        ([USER, result("a")], "messages.1.tool_call_id"),
        ([USER, calls("a"), result("b")], "messages.2.tool_call_id"),
        ([USER, calls("a"), result("a"), result("a")], "messages.3.tool_call_id"),
        ([USER, calls("a", "b"), result("a")], "messages.2"),
        ([USER, calls("a"), USER], "messages.2"),
        ([USER, calls("a")], "messages.1"),
    ],
)
def test_a_message_that_is_not_right_is_named(messages: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        completions_request.parse({"model": "demo", "messages": messages})
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize(
    ("field", "wrong", "right"),
    [
        ("stream_options", "x", {"include_usage": True}),
        ("stream_options.include_usage", {"stream_options": {"include_usage": 1}}, None),
        ("n", 2, 1),
        ("n", True, 1),
        ("logprobs", True, False),
        ("top_logprobs", 3, 0),
        ("store", True, False),
        ("modalities", ["text", "audio"], ["text"]),
        ("temperature", 2.1, 2),
        ("temperature", True, 0),
        ("top_p", -1, 0.5),
        ("seed", 1.5, -1),
        ("stop", ["a"] * 5, ["a"]),
        ("stop", [""], "a"),
        ("max_tokens", 0, 1),
        ("max_completion_tokens", "1", 1),
        ("presence_penalty", 3, -2),
        ("logit_bias", {"a": 1}, {"1": 100}),
        ("response_format", {"type": "xml"}, {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}),
        ("reasoning_effort", "much", "high"),
        ("verbosity", [], "low"),
        ("tools", [TOOL] * 2, [TOOL]),
        ("tools.0.type", {"tools": [{"type": "custom"}]}, None),
        ("tools.0.function.name", {"tools": [{"type": "function", "function": {"name": "a b"}}]}, None),
        ("tool_choice", "f", "none"),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}, "auto"),
        ("audio", {"voice": "x"}, None),
        ("web_search_options", {"search_context_size": "low"}, {}),
        ("top_k", 5, None),
        ("functions", [{}], []),
        ("function_call", "auto", None),
    ],
)  # fmt: skip
def test_a_parameter_that_is_not_right_is_named(field: str, wrong: Any, right: Any) -> None:
    told = wrong if "." in field else {field: wrong}
    with pytest.raises(Invalid) as refused:
        completions_request.parse({**LEAST, **told})
    assert list(refused.value.fields) == [field]
    assert completions_request.parse({**LEAST, field: right}).items


def test_the_tools_that_are_allowed_are_all_there_are() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in "abc"]
    listed = {"mode": "required", "tools": [tools[1]]}
    options = completions_request.parse(
        {**LEAST, "tools": tools, "tool_choice": {"type": "allowed_tools", "allowed_tools": listed}}
    ).options
    assert ([each.name for each in options.tools], options.tool_choice) == (["b"], "required")


ANY = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
WORDS = st.sampled_from(["role", "content", "type", "tool_calls"])
DEEP = st.recursive(ANY, lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner))


@given(body=st.dictionaries(st.sampled_from(["model", "messages", "stream", "tools", "n", "stop", "audio"]), DEEP))
def test_whatever_comes_is_read_or_refused(body: dict[str, Any]) -> None:
    for parse in (completions_request.parse, completions_request.wants_stream):
        try:
            parse(body)
        except Invalid as refused:
            assert refused.fields
    assert completions.NAME == "completions"

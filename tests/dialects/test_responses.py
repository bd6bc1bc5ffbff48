"""The Responses dialect: golden bytes, the SDK's own models, numbers, resumes at any of them, and items from rows."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.responses_server_event import ResponsesServerEvent
from pydantic import TypeAdapter

from accounts.errors import Invalid
from agents import events as ev
from chat.doors.openai.responses.dialect import encoder as responses
from chat.doors.openai.responses.dialect import request as responses_request
from chat.doors.openai.responses.dialect.encoder import Encoder, SocketEncoder
from chat.doors.openai.responses.dialect.ids import read_id, read_item_id
from chat.doors.openai.responses.dialect.items import Reference, items_of, read_input
from chat.eventlog import Logged
from chat.eventlog.projection import fold
from chat.eventlog.rows import clean
from chat.run_request import Item
from tests import transcripts

GOLDEN = pathlib.Path(__file__).parent / "golden"
THINKS = {"reasoning": {"effort": None, "summary": "auto"}, "background": True, "model": "parley/generalist"}
THOUGHTFUL = dataclasses.replace(transcripts.RUN, request=THINKS)
DIALECTS: dict[str, Callable[[], Encoder]] = {
    "responses": lambda: Encoder(transcripts.RUN),
    "responses_reasoning": lambda: Encoder(THOUGHTFUL),
    "responses_socket": lambda: SocketEncoder(transcripts.RUN),
}
CASES = [(dialect, name) for dialect in DIALECTS for name in transcripts.ALL]
SSE_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
SOCKET_EVENT: TypeAdapter[Any] = TypeAdapter(ResponsesServerEvent)
OVER = {"response.completed", "response.failed", "response.incomplete"}


def late(name: str) -> list[Logged]:
    """What a reader is given who comes when all is over."""
    return clean(transcripts.ALL[name](), after=0)


def written(encoder: Encoder, log: list[Logged]) -> list[bytes]:
    out: list[bytes] = []
    for attempt, seq, event in log:
        out += encoder.encode(attempt, seq, event)
        if encoder.is_over:
            break
    return out


def events(frames: list[bytes]) -> Iterator[dict[str, Any]]:
    for frame in frames:
        if frame == responses.DONE:
            continue
        if frame.startswith(b"{"):
            yield json.loads(frame)
            continue
        name, data, *rest = frame.decode().split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert (name, rest) == (f"event: {event['type']}", ["", ""])
        yield event


@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_the_bytes_are_the_golden_ones(dialect: str, name: str, pytestconfig: pytest.Config) -> None:
    path = GOLDEN / dialect / f"{name}.txt"
    sent = b"".join(written(DIALECTS[dialect](), late(name)))
    if pytestconfig.getoption("--write-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sent)
    assert sent == path.read_bytes()


@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_every_event_is_one_of_the_sdks(dialect: str, name: str) -> None:
    known = SOCKET_EVENT if dialect == "responses_socket" else SSE_EVENT
    for event in events(written(DIALECTS[dialect](), late(name))):
        assert known.validate_python(event).type == event["type"]


@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_numbers_have_no_gaps_and_the_stream_has_one_end(dialect: str, name: str) -> None:
    frames = written(DIALECTS[dialect](), late(name))
    seen = list(events(frames))
    assert [each["sequence_number"] for each in seen] == list(range(len(seen)))
    assert seen[0]["type"] == "response.created" and seen[1]["type"] == "response.in_progress"
    assert [each["type"] in OVER for each in seen] == [False] * (len(seen) - 1) + [True]
    assert (frames[-1] == responses.DONE) == (dialect != "responses_socket")


@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_deltas_items_and_the_last_response_say_the_same(dialect: str, name: str) -> None:
    seen = list(events(written(DIALECTS[dialect](), late(name))))
    response = seen[-1]["response"]
    assert Response.model_validate(response).output_text == "".join(text_deltas(seen))
    assert [each["item"] for each in seen if each["type"] == "response.output_item.done"] == response["output"]
    added = [each["item"]["id"] for each in seen if each["type"] == "response.output_item.added"]
    assert added == [each["id"] for each in response["output"]] and len(set(added)) == len(added)
    arguments = "".join(each["delta"] for each in seen if each["type"] == "response.function_call_arguments.delta")
    assert arguments == "".join(each.get("arguments", "") for each in response["output"])


def text_deltas(seen: list[dict[str, Any]]) -> list[str]:
    return [each["delta"] for each in seen if each["type"] == "response.output_text.delta"]


@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_after_a_cut_at_any_number_the_rest_completes_the_whole(dialect: str, name: str) -> None:
    whole = list(events(written(DIALECTS[dialect](), late(name))))
    for cut in range(len(whole)):
        encoder = DIALECTS[dialect]()
        encoder.after = cut
        assert list(events(written(encoder, late(name)))) == whole[cut + 1 :]


@pytest.mark.parametrize("name", transcripts.ALL)
def test_the_response_is_what_its_events_say_whether_streamed_or_not(name: str) -> None:
    encoder = DIALECTS["responses"]()
    frames = written(encoder, late(name))
    assert list(events(frames))[-1]["response"] == json.loads(json.dumps(encoder.resource()))


@pytest.mark.parametrize("name", transcripts.ALL)
def test_the_message_shows_the_same_items_as_the_stream(name: str) -> None:
    encoder = DIALECTS["responses"]()
    written(encoder, late(name))
    folded = fold(each.event for each in late(name))
    statuses = {ev.RunCompleted: "completed", ev.RunFailed: "failed", ev.RunCancelled: "cancelled"}
    row = {
        "pk": transcripts.RUN.message,
        "role": "assistant",
        "status": statuses[type(folded.terminal)],  # type: ignore[index]
        "content": folded.content,
        "parts": folded.parts,
        "attachments": [],
    }
    assert [_unjudged(each) for each in items_of(row)] == [_unjudged(each) for each in encoder.output]


def _unjudged(item: dict[str, Any]) -> dict[str, Any]:
    """Without its status: a row has one, its items may differ."""
    return {name: value for name, value in item.items() if name != "status"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_reader_who_was_shown_text_that_is_taken_back_gets_an_error_and_the_end(dialect: str) -> None:
    encoder = DIALECTS[dialect]()
    seen = list(events(written(encoder, transcripts.taken_over())))
    assert encoder.is_over and seen[-1]["type"] == "error"
    assert (seen[-1]["error"]["code"], seen[-1]["code"]) == ("response_reset",) * 2
    assert [each["sequence_number"] for each in seen] == list(range(len(seen)))


@given(text=st.text())
def test_any_text_reads_back_and_is_one_line(text: str) -> None:
    text = text.encode(errors="ignore").decode()
    for dialect in DIALECTS:
        encoder = DIALECTS[dialect]()
        frames = encoder.encode(1, 1, ev.TextDelta(at=1.0, text=text))
        assert text_deltas(list(events(frames))) == [text]
        assert all(b"\r" not in frame for frame in frames)
        if dialect == "responses_socket":
            assert all(frame.splitlines(keepends=True) == [frame] for frame in frames)


@pytest.mark.parametrize(("name", "status"), [("stepped", "completed"), ("cut_short", "incomplete")])
def test_what_was_to_end_behind_a_sentence_is_whole_and_what_met_another_limit_is_not(name: str, status: str) -> None:
    last = list(events(written(DIALECTS["responses"](), late(name))))[-1]["response"]
    assert (last["status"], last["output"][0]["status"]) == (status, status)
    assert (last["incomplete_details"] is None) == (status == "completed")


REQUIRED = {
    "id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "previous_response_id",
    "instructions", "output", "error", "tools", "tool_choice", "truncation", "parallel_tool_calls", "text", "top_p",
    "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "usage", "max_output_tokens",
    "max_tool_calls", "store", "background", "service_tier", "metadata", "safety_identifier", "prompt_cache_key",
}  # fmt: skip


@pytest.mark.parametrize("name", transcripts.ALL)
def test_a_response_has_every_key_of_open_responses(name: str) -> None:
    for event in events(written(DIALECTS["responses"](), late(name))):
        if "response" in event:
            assert set(event["response"]) >= REQUIRED


# --- Requests ---------------------------------------------------------------------------------------------------------

TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}


def asked(**body: Any) -> responses_request.Asked:
    return responses_request.parse({"model": "m", "input": "Hello", **body})


def test_what_was_asked_is_said_back() -> None:
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
    body = {
        "instructions": "Be brief.", "tools": [TOOL], "tool_choice": "required", "top_p": 0.5, "truncation": "auto",
        "parallel_tool_calls": False, "text": {"format": schema, "verbosity": "low"}, "max_output_tokens": 99,
        "reasoning": {"effort": "low"}, "metadata": {"a": "b"}, "store": False, "safety_identifier": "s",
        "prompt_cache_key": "k", "previous_response_id": "resp_1", "presence_penalty": 1, "frequency_penalty": -1,
    }  # fmt: skip
    found = asked(**body)
    assert found.echo["tools"] == [{**TOOL, "description": None, "strict": None}]
    assert found.echo["text"]["format"]["strict"] is True
    for name in set(body) - {"tools", "text", "reasoning"}:
        assert found.echo[name] == body[name], name
    assert found.options.extra == {
        "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": -1, "verbosity": "low",
        "parallel_tool_calls": False,
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema["schema"],
                                                                   "strict": True}},
    }  # fmt: skip
    assert found.effort == "low" and found.echo["reasoning"] == {"effort": "low", "summary": None}


def test_null_is_the_same_as_leaving_out() -> None:
    names = [*responses.ECHO, "stream", "user", "include", "prompt"]
    assert asked(**dict.fromkeys(names)) == asked()


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("model", {"model": None}),
        ("model", {"model": 5}),
        ("input", {"input": None}),
        ("input", {"input": []}),
        ("input", {"input": 7}),
        ("input.0", {"input": ["x"]}),
        ("input.0.type", {"input": [{"type": "web_search_call"}]}),
        ("input.0.type", {"input": [{"type": "item_reference"}]}),
        ("input.0.role", {"input": [{"role": "critic", "content": "x"}]}),
        ("input.0.content", {"input": [{"role": "user", "content": 5}]}),
        ("input.0.content.0.type", {"input": [{"role": "user", "content": [{"type": "input_video"}]}]}),
        ("input.0.content.0.input_audio", {"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
        (
            "input.0.content.0.file_id",
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
        ),
        ("input.0.call_id", {"input": [{"type": "function_call_output", "output": "x"}]}),
        ("input.0.output", {"input": [{"type": "function_call_output", "call_id": "c", "output": 1}]}),
        ("tools.0.type", {"tools": [{"type": "web_search"}]}),
        ("tools.0.name", {"tools": [{**TOOL, "name": "a b"}]}),
        ("tools", {"tools": [TOOL, TOOL]}),
        ("tool_choice", {"tool_choice": {"type": "function", "name": "get_weather"}}),
        ("tool_choice", {"tool_choice": "sometimes"}),
        ("top_logprobs", {"top_logprobs": 3}),
        ("prompt", {"prompt": {"id": "p"}}),
        ("temperature", {"temperature": 3}),
        ("max_output_tokens", {"max_output_tokens": 0}),
        ("text.format", {"text": {"format": {"type": "xml"}}}),
        ("text", {"text": "x"}),
        ("reasoning", {"reasoning": "much"}),
        ("reasoning.effort", {"reasoning": {"effort": "much"}}),
        ("metadata", {"metadata": {"a": 1}}),
        ("stream", {"stream": "yes"}),
        ("background", {"background": True, "store": False}),
        ("conversation", {"previous_response_id": "resp_1", "conversation": "conv_1"}),
        ("conversation", {"conversation": {"id": 5}}),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(field: str, body: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        asked(**body)
    assert next(iter(refused.value.fields)) == field


@pytest.mark.parametrize("name", ["stream", "stream_options", "background"])
def test_a_socket_takes_no_word_about_streams(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        responses_request.parse_socket({"model": "m", "input": "x", name: True})
    assert list(refused.value.fields) == [name]


def test_items_are_read_in_every_form_that_clients_send() -> None:
    image = "data:image/png;base64,iVBORw0KGgo="
    picture = {"type": "input_image", "image_url": image}
    call = {"type": "tool_call", "call": "c", "name": "f", "arguments": {"a": 1}, "deferred": True}
    assert read_input(
        [
            {"role": "developer", "content": "Be kind."},
            {"type": "message", "role": "assistant", "phase": "commentary", "content": "Hm."},
            {"role": "user", "content": [{"type": "input_text", "text": "See"}, picture]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "item_reference", "id": "msg_1"},
            {"id": "msg_2"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":1}'},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "ok"}]},
        ]
    ) == (
        Item("system", "Be kind."),
        Item("assistant", "Hm."),
        Item("user", "See", ({"type": "image", "name": "", "url": image},)),
        Reference("msg_1", "input.4.id"),
        Reference("msg_2", "input.5.id"),
        Item("assistant", parts=(call,)),
        Item("tool", parts=({"type": "tool_result", "call": "c", "name": "", "result": "ok", "is_error": False},)),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "msg_", "msg_1", "resp_x", "msg_" + transcripts.RUN.message + "_", "\n"])
def test_an_id_that_is_none_of_ours_is_none(text: str) -> None:
    assert read_item_id(text) is None and read_id(text, "resp_") is None

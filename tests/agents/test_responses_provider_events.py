"""What a Responses stream becomes: each event, each end, each way that servers were seen to send them otherwise.

A row is a list of events and the pieces that must come of it, over real HTTP. The events of the fake upstream are
checked against the SDK's own types, so that what passes here is what the real API sends.
"""

import json
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from agents.errors import ProviderError
from agents.messages import Image, UserMessage
from agents.providers.base import (
    CallPiece,
    Finish,
    Piece,
    ProviderRequest,
    ReasoningPiece,
    StatePiece,
    TextPiece,
    UsageReport,
)
from agents.providers.responses import ResponsesProvider
from agents.usage import Usage
from tests import upstream_responses
from tests.upstream import ScriptedCall, Turn, Upstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def made(upstream: Upstream) -> ResponsesProvider:
    """One for all: to make one takes a quarter of a second."""
    return ResponsesProvider(api_key="k", base_url=upstream.url, idle_timeout_s=0.5)


@pytest.fixture
async def provider(upstream: Upstream, made: ResponsesProvider) -> AsyncIterator[ResponsesProvider]:
    upstream.reset()
    yield made
    await made.close()


async def read(provider: ResponsesProvider, *images: Image) -> tuple[list[Piece], ProviderError | None]:
    pieces: list[Piece] = []
    try:
        async for each in provider.stream(ProviderRequest("gpt-5.6", "", (UserMessage("Hello", images),))):
            pieces += each
    except ProviderError as error:
        return pieces, error
    return pieces, None


# --- The fake is honest -----------------------------------------------------------------------------------------------

TURNS = {
    "text": Turn(text=["a", "b"]),
    "reasoning, text, calls": Turn(
        reasoning="Hm", text="a", tool_calls=[ScriptedCall("f", {"x": 1}), ScriptedCall("g")]
    ),
    "length": Turn(text="a", finish_reason="length"),
    "content filter": Turn(text="a", finish_reason="content_filter"),
    "failed": Turn(text="a", finish_reason="error"),
}


@pytest.mark.parametrize("reasoning", [{}, {"effort": "low", "summary": "auto"}])
@pytest.mark.parametrize("name", TURNS)
def test_the_upstream_sends_what_the_sdk_knows(name: str, reasoning: dict[str, Any]) -> None:
    turn, asked = TURNS[name], {"model": "gpt-5.6", "reasoning": reasoning, "include": ["reasoning.encrypted_content"]}
    frames = [*upstream_responses.pieces(turn, asked), *upstream_responses.ending(turn, asked, 1)]
    events = [json.loads(line) for frame in frames for line in frame.split("\n")]
    for event in [*events, json.loads(upstream_responses.error({"message": "no", "code": "x"}))]:
        check(adapter().validate_python(event, strict=True), event["type"])
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


@cache
def adapter() -> TypeAdapter[Any]:
    """It takes seconds to make."""
    return TypeAdapter(ResponseStreamEvent)


def check(value: object, at: str) -> None:
    """Nothing in it that the SDK has no field for."""
    if isinstance(value, BaseModel):
        assert not value.model_extra, at
        for name in type(value).model_fields:
            check(getattr(value, name), f"{at}.{name}")
    for each in value if isinstance(value, list) else ():
        check(each, at)


# --- Events -----------------------------------------------------------------------------------------------------------


def event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": f"response.{kind}", "sequence_number": 0, **fields})


def said(text: str, **fields: Any) -> str:
    return event("output_text.delta", **{"item_id": "m1", "output_index": 0, "content_index": 0, **fields}, delta=text)


def summed(text: str, part: int = 0, item: str = "r1") -> str:
    return event("reasoning_summary_text.delta", item_id=item, output_index=0, summary_index=part, delta=text)


def added(item: dict[str, Any], at: int = 0) -> str:
    return event("output_item.added", output_index=at, item=item)


def done(item: dict[str, Any], at: int = 0) -> str:
    return event("output_item.done", output_index=at, item=item)


def argued(text: str, at: int | None = 0, id: str = "f1") -> str:
    place = {} if at is None else {"output_index": at}
    return event("function_call_arguments.delta", item_id=id, **place, delta=text)


def end(kind: str = "completed", output: Any = (), **fields: Any) -> str:
    return event(kind, response={"object": "response", "status": kind, "output": list(output), **fields})


def call(id: str = "f1", name: str = "f", arguments: str = "", **fields: Any) -> dict[str, Any]:
    return {"type": "function_call", "id": id, "call_id": f"call_{id}", "name": name, "arguments": arguments, **fields}


def message(*texts: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": each, "annotations": []} for each in texts]
    return {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": content}


THOUGHT = {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "x"}
SUMMED = {**THOUGHT, "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]}
ARGS = '{"x": 1}'
COUNTED = {"input_tokens": 12, "output_tokens": 9, "total_tokens": 21}
DETAILS = {
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 5},
    "output_tokens_details": {"reasoning_tokens": 3},
}
STOP, CALLED = Finish("stop"), Finish("tool_calls")


def state(*items: dict[str, Any]) -> StatePiece:
    return StatePiece(tuple(map(json.dumps, items)))


EVENTS: dict[str, tuple[list[str], list[Piece]]] = {
    "text": ([said("a"), said("b"), end()], [TextPiece("a"), TextPiece("b"), STOP]),
    "refusal": ([event("refusal.delta", item_id="m1", output_index=0, delta="No."), end()], [TextPiece("No."), STOP]),
    "a summary": ([summed("a"), summed("b"), end()], [ReasoningPiece("a"), ReasoningPiece("b"), STOP]),
    "the parts of a summary stand apart": (
        [summed("a"), summed("b", 1), end()], [ReasoningPiece("a"), ReasoningPiece("\n\n"), ReasoningPiece("b"), STOP]),
    "reasoning": (
        [event("reasoning_text.delta", item_id="r1", output_index=0, content_index=0, delta="a"), end()],
        [ReasoningPiece("a"), STOP]),
    "the same by both": (
        [event("reasoning_text.delta", item_id="r1", output_index=0, delta="a"), summed("a"), end()],
        [ReasoningPiece("a"), STOP]),
    "a call": (
        [added(call()), argued('{"x"'), argued(": 1}"), done(call(arguments=ARGS)), end()],
        [CallPiece(0, "f", ""), CallPiece(0, "", '{"x"'), CallPiece(0, "", ": 1}"), state(call(arguments=ARGS)),
         CALLED]),
    "two calls at once": (
        [added(call()), added(call("f2", "g"), 1), argued(ARGS, 1, "f2"), argued("{}"), end()],
        [CallPiece(0, "f", ""), CallPiece(1, "g", ""), CallPiece(1, "", ARGS), CallPiece(0, "", "{}"), CALLED]),
    "the state in the order it came": (
        [done(THOUGHT), said("a", output_index=1), done(message("a"), 1), done(call(arguments="{}"), 2), end()],
        [TextPiece("a"), CallPiece(0, "f", "{}"), state(THOUGHT, message("a"), call(arguments="{}")), CALLED]),
    "cut at the most output": (
        [said("a"), end("incomplete", incomplete_details={"reason": "max_output_tokens"})],
        [TextPiece("a"), Finish("length")]),
    "cut in a call": (
        [done(THOUGHT), added(call(), 1), argued('{"x"', 1),
         end("incomplete", incomplete_details={"reason": "max_output_tokens"})],
        [CallPiece(0, "f", ""), CallPiece(0, "", '{"x"'), Finish("length")]),
    "filtered": (
        [said("a"), end("incomplete", incomplete_details={"reason": "content_filter"})],
        [TextPiece("a"), Finish("content_filter")]),
    "incomplete for a reason of tomorrow": (
        [said("a"), end("incomplete", incomplete_details={"reason": "steered"})], [TextPiece("a"), Finish("other")]),
    "incomplete without a reason": ([said("a"), end("incomplete")], [TextPiece("a"), Finish("other")]),
    "usage": (
        [said("a"), end(usage={**COUNTED, **DETAILS})],
        [TextPiece("a"), UsageReport(Usage(12, 4, 9, 3, cache_write_tokens=5)), STOP]),
    "usage without details": ([said("a"), end(usage=COUNTED)], [TextPiece("a"), UsageReport(Usage(12, 0, 9)), STOP]),
    "usage of a cut reply": (
        [said("a"), end("incomplete", incomplete_details={"reason": "max_output_tokens"}, usage=COUNTED)],
        [TextPiece("a"), UsageReport(Usage(12, 0, 9)), Finish("length")]),
    "reasoning beside the output (xAI)": (
        [said("a"), end(usage={**COUNTED, "total_tokens": 90})],
        [TextPiece("a"), UsageReport(Usage(12, 0, 78)), STOP]),
    "usage that cannot be": ([said("a"), end(usage={**COUNTED, "input_tokens": -1})], [TextPiece("a"), STOP]),
    "events that nobody knows, and events that say nothing": (
        [event("created", response={"status": "in_progress"}), event("queued", response={}),
         event("mood.delta", delta="x"), said("a"), event("output_text.annotation.added", annotation={}),
         event("output_text.done", text="a"), end()],
        [TextPiece("a"), STOP]),
    "nothing behind the end": ([said("a"), end(), said("b"), event("failed", response={})], [TextPiece("a"), STOP]),
    "[DONE] behind the end": ([said("a"), end(), "[DONE]"], [TextPiece("a"), STOP]),
}  # fmt: skip

OTHERWISE: dict[str, tuple[list[str], list[Piece]]] = {
    "GitHub Copilot: another id in each event": (
        [said("a", item_id="x1"), said("b", item_id="x2"), added(call(), 1), argued("{", 1, "y1"), argued("}", 1, "y2"),
         end()],
        [TextPiece("a"), TextPiece("b"), CallPiece(0, "f", ""), CallPiece(0, "", "{"), CallPiece(0, "", "}"), CALLED]),
    "one index for all": (
        [added(call()), argued("{}"), added(call("f2", "g")), argued(ARGS, 0, "f2"), argued("", 0, "f1"), end()],
        [CallPiece(0, "f", ""), CallPiece(0, "", "{}"), CallPiece(1, "g", ""), CallPiece(1, "", ARGS), CALLED]),
    "no index, no id": (
        [event("output_text.delta", delta="a"), event("output_text.delta", delta="b"), end()],
        [TextPiece("a"), TextPiece("b"), STOP]),
    "HEXUXIU/M365-Copilot2API#77: the name comes at the end": (
        [added(call(name="")), argued("{}"), done(call(arguments="{}")), end()],
        [CallPiece(0, "", "{}"), CallPiece(0, "f", ""), state(call(arguments="{}")), CALLED]),
    "a call that is not told to begin": (
        [argued("{}"), done(call(arguments="{}")), end()],
        [CallPiece(0, "", "{}"), CallPiece(0, "f", ""), state(call(arguments="{}")), CALLED]),
    "a call without deltas": (
        [added(call()), done(call(arguments=ARGS)), end()],
        [CallPiece(0, "f", ""), CallPiece(0, "", ARGS), state(call(arguments=ARGS)), CALLED]),
    "a call whole in one event": (
        [done(call(arguments=ARGS)), end()], [CallPiece(0, "f", ARGS), state(call(arguments=ARGS)), CALLED]),
    "a call whose arguments are an object": (
        [done(call(arguments={"x": 1})), end()],  # type: ignore[arg-type]
        [CallPiece(0, "f", ARGS), state(call(arguments={"x": 1})), CALLED]),  # type: ignore[arg-type]
    "arguments whole by their own event": (
        [added(call()), event("function_call_arguments.done", item_id="f1", output_index=0, arguments=ARGS), end()],
        [CallPiece(0, "f", ""), CallPiece(0, "", ARGS), CALLED]),
    "a delta that was lost": (
        [added(call()), argued('{"x"'), done(call(arguments=ARGS)), end()],
        [CallPiece(0, "f", ""), CallPiece(0, "", '{"x"'), CallPiece(0, "", ": 1}"), state(call(arguments=ARGS)),
         CALLED]),
    "a text without deltas": ([done(message("a", "b")), end()], [TextPiece("ab"), STOP]),
    "a text whose end was lost": ([said("a"), done(message("ab")), end()], [TextPiece("a"), TextPiece("b"), STOP]),
    "a summary without deltas": (
        [done(SUMMED), said("c", output_index=1), end()], [ReasoningPiece("a\n\nb"), TextPiece("c"), STOP]),
    "NVIDIA-NeMo/Switchyard#777: all stands in the last event": (
        [end(output=[SUMMED, message("a"), call(arguments=ARGS)])],
        [ReasoningPiece("a\n\nb"), TextPiece("a"), CallPiece(0, "f", ARGS),
         state(SUMMED, message("a"), call(arguments=ARGS)), CALLED]),
    "the items stand only there": (
        [said("a"), end(output=[message("a")])], [TextPiece("a"), STOP]),
    "a call stands only there, and the others came before": (
        [said("a"), done(message("a")), end(output=[message("a"), call(arguments=ARGS)])],
        [TextPiece("a"), CallPiece(0, "f", ARGS), state(message("a"), call(arguments=ARGS)), CALLED]),
    "a second call does": (
        [done(call(arguments="{}")), end(output=[call(arguments="{}"), call("f2", "g", ARGS)])],
        [CallPiece(0, "f", "{}"), CallPiece(1, "g", ARGS), state(call(arguments="{}"), call("f2", "g", ARGS)), CALLED]),
    "it alone is told there": (
        [done(call(arguments="{}")), end(output=[call("f2", "g", ARGS)])],
        [CallPiece(0, "f", "{}"), CallPiece(1, "g", ARGS), state(call(arguments="{}"), call("f2", "g", ARGS)), CALLED]),
    "reasoning does, which stands before the others": (
        [done(call(arguments="{}")), end(output=[THOUGHT, call(arguments="{}")])],
        [CallPiece(0, "f", "{}"), state(THOUGHT, call(arguments="{}")), CALLED]),
    "all come twice, with other ids": (
        [done(message("a")), done(call(arguments="{}"), 1),
         end(output=[{**message("a"), "id": "x"}, {**call(arguments="{}"), "id": "y"}])],
        [TextPiece("a"), CallPiece(0, "f", "{}"), state(message("a"), call(arguments="{}")), CALLED]),
    "one id for all": (
        [done({**message("a"), "id": "f1"}), end(output=[{**message("a"), "id": "f1"}, call(arguments=ARGS)])],
        [TextPiece("a"), CallPiece(0, "f", ARGS), state({**message("a"), "id": "f1"}, call(arguments=ARGS)), CALLED]),
    "two messages": (
        [said("a"), done(message("a")), said("b", item_id="m2", output_index=1),
         said("c", item_id="m2", output_index=1), end()],
        [TextPiece("a"), TextPiece("\n\n"), TextPiece("b"), TextPiece("c"), STOP]),
    "lone surrogate": ([said("a\ud800"), end()], [TextPiece("a\ud800"), STOP]),
    "NaN": ([said("a").replace('"sequence_number": 0', '"logprob": NaN'), end()], [TextPiece("a"), STOP]),
    "null in place of lists and objects": (
        [said("a", logprobs=None), end(output=[], usage=None, error=None, incomplete_details=None)],
        [TextPiece("a"), STOP]),
    "wrong types": (
        [said("a", output_index="0"), event("output_item.done", item="x"), event("output_text.delta", delta=[1]),
         end()],
        [TextPiece("a"), STOP]),
    "an end without a response": ([said("a"), event("completed")], [TextPiece("a"), STOP]),
    "completed, but in progress": (
        [done(call(arguments="{}")), event("completed", response={"status": "in_progress"})],
        [CallPiece(0, "f", "{}"), state(call(arguments="{}")), CALLED]),
    "completed, but incomplete": (
        [said("a"), event("completed", response={"status": "incomplete"})], [TextPiece("a"), Finish("other")]),
    "an empty delta": ([said(""), said("a"), said(""), end()], [TextPiece("a"), STOP]),
}  # fmt: skip


@pytest.mark.parametrize("name", [*EVENTS, *OTHERWISE])
async def test_events_become_pieces(name: str, upstream: Upstream, provider: ResponsesProvider) -> None:
    raw, expected = {**EVENTS, **OTHERWISE}[name]
    upstream.script(Turn(raw=raw))
    assert await read(provider) == (expected, None)
    assert provider.skipped == 0


def sse(*events: str, name: str = "") -> str:
    return "".join((f"event: {name}\n" if name else "") + f"data: {each}\n\n" for each in events)


FRAMES = {
    "CRLF": (sse(said("a"), end())).replace("\n", "\r\n"),
    "no space behind data:": sse(said("a"), end()).replace("data: ", "data:"),
    "comments": f": ping\n\n{sse(said('a'))}: ping\n\n{sse(end())}",
    "keep-alive events": sse('{"type": "keepalive", "sequence_number": 3}', said("a"), end()),
    "one event over several lines": "".join(
        f"data: {line}\n" for line in json.dumps(json.loads(said("a")), indent=1).splitlines()
    )
    + "\n"
    + sse(end()),
    "no blank lines": sse(said("a"), end()).replace("\n\n", "\n"),
    "no line end behind the last": sse(said("a"), end()).rstrip("\n"),
    "the name of the event says what it is": "event: response.output_text.delta\n"
    + sse(json.dumps({"delta": "a", "item_id": "m1"}))
    + "event: response.completed\n"
    + sse(json.dumps({"response": {"status": "completed"}})),
}


@pytest.mark.parametrize("name", FRAMES)
async def test_events_are_read_however_they_are_framed(
    name: str, upstream: Upstream, provider: ResponsesProvider
) -> None:
    upstream.script(Turn(verbatim=FRAMES[name]))
    assert await read(provider) == ([TextPiece("a"), STOP], None)


async def test_a_reply_that_is_not_streamed_is_read_too(upstream: Upstream, provider: ResponsesProvider) -> None:
    body = {
        "object": "response",
        "status": "completed",
        "error": None,
        "output": [THOUGHT, message("a")],
        "usage": COUNTED,
    }
    upstream.script(Turn(fault="200", body=body))
    expected = [TextPiece("a"), UsageReport(Usage(12, 0, 9)), state(THOUGHT, message("a")), STOP]
    assert await read(provider) == (expected, None)


# --- Failures ---------------------------------------------------------------------------------------------------------


def failed(code: str | None, **fields: Any) -> str:
    return end("failed", error={"code": code, "message": "secret-in-the-body", **fields})


def flat(**fields: Any) -> str:
    return json.dumps({"type": "error", "sequence_number": 1, "message": "secret-in-the-body", **fields})


def nested(**fields: Any) -> str:
    return json.dumps({"type": "error", "sequence_number": 1, "error": {"message": "secret-in-the-body", **fields}})


# events: the code, whether it is tried again
FAILURES: dict[str, tuple[list[str], str, bool]] = {
    "failed: server_error": ([said("a"), failed("server_error")], "upstream_unavailable", True),
    "failed: rate_limit_exceeded": ([said("a"), failed("rate_limit_exceeded")], "upstream_rate_limited", True),
    "failed: invalid_prompt": ([said("a"), failed("invalid_prompt")], "upstream_invalid", False),
    "failed: bio_policy": ([said("a"), failed("bio_policy")], "upstream_moderation", False),
    "failed: image_too_large": ([said("a"), failed("image_too_large")], "upstream_invalid", False),
    "failed: a code of tomorrow": ([said("a"), failed("brand_new")], "upstream_error", True),
    "failed: no code": ([said("a"), failed(None)], "upstream_error", True),
    "failed: no error": ([said("a"), end("failed")], "upstream_error", True),
    "completed, but failed": (
        [said("a"), event("completed", response={"status": "failed", "error": {"code": "server_error"}})],
        "upstream_unavailable", True),
    "cancelled": ([said("a"), end("cancelled")], "upstream_incomplete", True),
    "error, flat": ([said("a"), flat(code="server_error")], "upstream_unavailable", True),
    "error, flat, no code": ([said("a"), flat(code=None)], "upstream_error", True),
    "error, nested": ([said("a"), nested(type="server_error")], "upstream_unavailable", True),
    "error, nested: no quota": ([said("a"), nested(code="insufficient_quota")], "upstream_credit", False),
    "error, nested: a status": ([said("a"), nested(code=400)], "upstream_invalid", False),
    "error as a text": ([said("a"), '{"type": "error", "error": "secret-in-the-body"}'], "upstream_error", True),
    "response.error": (
        [said("a"), event("error", error={"code": "server_error"})], "upstream_unavailable", True),
    "error without a type": ([said("a"), '{"error": {"code": "429"}}'], "upstream_rate_limited", True),
    "not JSON": ([said("a"), '{"type": "resp'], "upstream_malformed", True),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_is_typed_and_takes_no_text(name: str, upstream: Upstream, provider: ResponsesProvider) -> None:
    raw, code, retryable = FAILURES[name]
    upstream.script(Turn(raw=raw, finish_reason=None))
    pieces, error = await read(provider)
    assert pieces == [TextPiece("a")]
    assert error is not None and (error.code, error.retryable) == (code, retryable)
    assert "secret" not in error.message


async def test_a_failure_tells_what_it_cost(upstream: Upstream, provider: ResponsesProvider) -> None:
    upstream.script(Turn(raw=[said("a"), end("failed", error={"code": "server_error"}, usage=COUNTED)]))
    pieces, error = await read(provider)
    assert UsageReport(Usage(12, 0, 9)) in pieces and error is not None


@pytest.mark.parametrize("last", ["[DONE]", ""])
async def test_an_end_that_is_not_told_is_no_end(last: str, upstream: Upstream, provider: ResponsesProvider) -> None:
    raw = [said("a"), done(call(arguments="{}"), 1), *([last] if last else [])]
    upstream.script(Turn(raw=raw))
    assert await read(provider) == ([TextPiece("a"), CallPiece(0, "f", "{}")], None)  # no Finish: the loop judges


NO_PICTURE = "Invalid 'input[0].content[1].image_url': this image format is not supported."
NO_URL = "The URL is not supported."
# a refusal of the address: whether it is the address
ADDRESSES: dict[str, tuple[Turn, bool]] = {
    "Ollama before 0.13": (Turn(fault="404", body="404 page not found"), True),
    "FastAPI": (Turn(fault="404", body={"detail": "Not Found"}), True),
    "Express": (Turn(fault="404", body={"error": "Cannot POST /v1/responses"}), True),
    "OpenAI's form": (Turn(fault="404", body={"error": {"message": "Invalid URL (POST /v1/responses)"}}), True),
    "405": (Turn(fault="405", body={"detail": "Method Not Allowed"}), True),
    "LM Studio before 0.3.29": (
        Turn(fault="400", body={"error": "Unexpected endpoint or method. (POST /v1/responses)"}), True),
    "LM Studio, with 200": (
        Turn(fault="200", body={"error": "Unexpected endpoint or method. (POST /v1/responses)"}), True),
    "a gateway": (
        Turn(fault="400", body={"error": {"message": "Provider groq does not support the Responses API."}}), True),
    "a model that is not there": (
        Turn(fault="404", body={"error": {"message": "No model `x`", "code": "model_not_found"}}), False),
    "vLLM: a model that is not there": (
        Turn(fault="404", body={"message": "No model `x`.", "type": "NotFoundError", "code": 404}), False),
    "a key": (Turn(fault="400", body={"error": {"message": "Invalid API key provided."}}), False),
    "a key, by 401": (Turn(fault="401", body={"error": {"message": "Invalid API key provided."}}), False),
    "a picture": (Turn(fault="400", body={"error": {"message": NO_PICTURE}}), False),
    "a picture, by its code": (
        Turn(fault="400", body={"error": {"message": NO_URL, "code": "invalid_image_url"}}), False),
    "a part of the request": (Turn(fault="400", body={"error": {"message": NO_URL, "param": "input[0]"}}), False),
    "another 400": (Turn(fault="400", body={"error": {"message": "No tool output found for function call x."}}), False),
}  # fmt: skip


@pytest.mark.parametrize("name", ADDRESSES)
async def test_a_server_without_this_api_is_told_as_such(
    name: str, upstream: Upstream, provider: ResponsesProvider
) -> None:
    turn, is_address = ADDRESSES[name]
    upstream.script(turn)
    _, error = await read(provider)
    assert error is not None and not error.retryable
    assert ("Responses API" in error.message and error.code == "upstream_not_found") == is_address


async def test_an_address_in_a_refusal_may_be_a_picture_s(upstream: Upstream, provider: ResponsesProvider) -> None:
    upstream.script(Turn(fault="400", body={"error": {"message": "The image URL could not be read: not supported."}}))
    _, error = await read(provider, Image("https://example.com/a.png", "a.png", "a1"))
    assert error is not None and (error.code, error.pictures) == ("upstream_invalid", ("a1",))

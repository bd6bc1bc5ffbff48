"""The Anthropic provider over real sockets: what it makes of events, of ends, of faults, and of being left."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from agents.errors import CODES, ProviderError
from agents.messages import AssistantMessage, Image, UserMessage
from agents.providers.anthropic.provider import AnthropicProvider
from agents.providers.base import (
    CallPiece,
    Finish,
    LeftOut,
    Piece,
    ProviderRequest,
    ReasoningPiece,
    StatePiece,
    TextPiece,
    UsageReport,
)
from agents.providers.refused import forget
from agents.state import VendorState
from agents.usage import Usage
from tests.servers import free_port
from tests.upstream import Turn, Upstream
from tests.upstream_messages import sign

KEY = "sk-ant-api03-secret-1234567890"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.fixture(autouse=True)
def no_scripts(upstream: Upstream) -> None:
    upstream.reset()


@pytest.fixture
async def provider(upstream: Upstream) -> AsyncIterator[AnthropicProvider]:
    provider = make(upstream.url)
    yield provider
    await provider.close()


def make(url: str, **options: Any) -> AnthropicProvider:
    fields = {"api_key": KEY, "base_url": url, "idle_timeout_s": 30.0, **options}
    return AnthropicProvider(**fields)


def request(text: str = "Hello", **fields: Any) -> ProviderRequest:
    fields = {"model": "claude-opus-5-5", "system": "Be kind.", "messages": (UserMessage(text),), **fields}
    return ProviderRequest(**fields)


async def collect(provider: AnthropicProvider, asked: ProviderRequest | None = None) -> list[Piece]:
    return [piece async for pieces in provider.stream(asked or request()) for piece in pieces]


async def collect_until_error(
    provider: AnthropicProvider, asked: ProviderRequest | None = None
) -> tuple[list[Piece], ProviderError]:
    pieces: list[Piece] = []
    with pytest.raises(ProviderError) as caught:
        async for each in provider.stream(asked or request()):
            pieces += each
    return pieces, caught.value


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


# --- Events -----------------------------------------------------------------------------------------------------------


def event(type: str, **fields: Any) -> str:
    return json.dumps({"type": type, **fields})


def start(index: int, **block: Any) -> str:
    return event("content_block_start", index=index, content_block=block)


def delta(index: int, type: str, **fields: Any) -> str:
    return event("content_block_delta", index=index, delta={"type": type, **fields})


def stop(index: int) -> str:
    return event("content_block_stop", index=index)


def begin(**usage: int) -> str:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "stop_reason": None}
    return event("message_start", message={**message, "usage": {"input_tokens": 1, "output_tokens": 1, **usage}})


def end(reason: str | None = "end_turn", **usage: Any) -> str:
    counted = {"usage": usage} if usage else {}
    return event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, **counted)


TEXT = [start(0, type="text", text=""), delta(0, "text_delta", text="a"), stop(0)]
THOUGHT = [start(0, type="thinking", thinking="", signature="")]
CALL = start(0, type="tool_use", id="toolu_1", name="f", input={})
CALLED = '{"type":"tool_use","id":"toolu_1"}'

# name: (events, pieces)
EVENTS: dict[str, tuple[list[str], list[Piece]]] = {
    "text": ([*TEXT, end()], [TextPiece("a"), Finish("stop")]),
    "ping, citations, unknown events, blocks and deltas are signs of life": (
        [event("ping"), event("brand_new", x=[1]), *TEXT, delta(0, "citations_delta", citation={}),
         start(1, type="advisor", text="x"), delta(1, "text_delta", text="x"), stop(1),
         delta(0, "brand_new_delta", text_of_it="x"), end()],
        [TextPiece("a"), Finish("stop")],
    ),
    "a thought and its signature": (
        [*THOUGHT, delta(0, "thinking_delta", thinking="H"), delta(0, "thinking_delta", thinking="m"),
         delta(0, "signature_delta", signature="EqQB"), stop(0), end()],
        [ReasoningPiece("H"), ReasoningPiece("m"),
         StatePiece(('{"type":"thinking","thinking":"Hm","signature":"EqQB"}',)), Finish("stop")],
    ),
    "a thought that is not shown has a signature and no text": (
        [*THOUGHT, delta(0, "signature_delta", signature="EqQB"), stop(0), end()],
        [StatePiece(('{"type":"thinking","thinking":"","signature":"EqQB"}',)), Finish("stop")],
    ),
    "a redacted thought is state, whole": (
        [start(0, type="redacted_thinking", data="Eme8", later_field={"é": 1}), stop(0), end()],
        [StatePiece(('{"type":"redacted_thinking","data":"Eme8","later_field":{"é":1}}',)), Finish("stop")],
    ),
    "the order of blocks is kept": (
        [*THOUGHT, delta(0, "signature_delta", signature="1"), stop(0), start(1, type="text", text=""),
         delta(1, "text_delta", text="ab"), stop(1), start(2, type="thinking", thinking="", signature=""),
         delta(2, "signature_delta", signature="2"), stop(2),
         start(3, type="tool_use", id="toolu_1", name="f", input={}), delta(3, "input_json_delta", partial_json=""),
         delta(3, "input_json_delta", partial_json='{"a": 1}'), stop(3),
         end("tool_use")],
        [TextPiece("ab"), CallPiece(0, "f"), CallPiece(0, "", '{"a": 1}'),
         StatePiece(('{"type":"thinking","thinking":"","signature":"1"}', '{"type":"text","chars":2}',
                     '{"type":"thinking","thinking":"","signature":"2"}', CALLED)), Finish("tool_calls")],
    ),
    "a call without arguments": (
        [CALL, delta(0, "input_json_delta", partial_json=""), stop(0), end("tool_use")],
        [CallPiece(0, "f"), CallPiece(0, "", "{}"), StatePiece((CALLED,)), Finish("tool_calls")],
    ),
    "two calls are numbered by us": (
        [start(4, type="tool_use", id="toolu_1", name="f", input={}),
         start(7, type="tool_use", id="x", name="g", input={}),
         delta(4, "input_json_delta", partial_json="{}"), delta(7, "input_json_delta", partial_json='{"b":2}'),
         stop(4), stop(7), end("tool_use")],
        [CallPiece(0, "f"), CallPiece(1, "g"), CallPiece(0, "", "{}"), CallPiece(1, "", '{"b":2}'),
         StatePiece((CALLED, '{"type":"tool_use","id":"x"}')), Finish("tool_calls")],
    ),
    "a server's own tool is none of ours": (
        [start(0, type="server_tool_use", id="srvtoolu_1", name="web", input={}),
         delta(0, "input_json_delta", partial_json='{"q": 1}'), stop(0), end()],
        [Finish("stop")],
    ),
    "usage is cumulative": (
        [begin(input_tokens=5, cache_creation_input_tokens=20, cache_read_input_tokens=70), *TEXT,
         end(output_tokens=9, output_tokens_details={"thinking_tokens": 4})],
        [TextPiece("a"), Finish("stop"), UsageReport(Usage(95, 70, 9, 4, cache_write_tokens=20))],
    ),
    "the last usage counts": (
        [begin(), *TEXT, end(None, output_tokens=3), end(input_tokens=7, output_tokens=9), end(None, output_tokens=12)],
        [TextPiece("a"), Finish("stop"), UsageReport(Usage(7, 0, 9)), UsageReport(Usage(7, 0, 12))],
    ),
    "usage that cannot be": ([begin(), *TEXT, end(output_tokens=-1)], [TextPiece("a"), Finish("stop")]),
    # What compatible servers send.
    "arguments in the first event of a call": (
        [start(0, type="tool_use", id="toolu_1", name="f", input={"a": "é"}), stop(0), end("tool_use")],
        [CallPiece(0, "f"), CallPiece(0, "", '{"a": "é"}'), StatePiece((CALLED,)), Finish("tool_calls")],
    ),
    "text in the first event of a block": (
        [start(0, type="text", text="a"), delta(0, "text_delta", text="b"), stop(0), end()],
        [TextPiece("a"), TextPiece("b"), Finish("stop")],
    ),
    "no block begins or ends": ([delta(0, "text_delta", text="a"), end()], [TextPiece("a"), Finish("stop")]),
    "no block of a call ends": (
        [CALL, end("tool_use")],
        [CallPiece(0, "f"), CallPiece(0, "", "{}"), StatePiece((CALLED,)), Finish("tool_calls")],
    ),
    "one index for every block": (
        [*TEXT, CALL, delta(0, "input_json_delta", partial_json="{}"), stop(0), end("tool_use")],
        [TextPiece("a"), CallPiece(0, "f"), CallPiece(0, "", "{}"),
         StatePiece(('{"type":"text","chars":1}', CALLED)), Finish("tool_calls")],
    ),
    "text where a thought is open": (
        [*THOUGHT, delta(0, "thinking_delta", thinking="Hm"), delta(0, "signature_delta", signature="1"),
         delta(0, "text_delta", text="a"), delta(0, "text_delta", text="b"), stop(0), end()],
        [ReasoningPiece("Hm"), TextPiece("a"), TextPiece("b"),
         StatePiece(('{"type":"thinking","thinking":"Hm","signature":"1"}', '{"type":"text","chars":2}')),
         Finish("stop")],
    ),
    "a thought where text is open, and text behind a call": (
        [TEXT[0], delta(0, "text_delta", text="a"), delta(0, "thinking_delta", thinking="Hm"), CALL, stop(0),
         delta(0, "text_delta", text="b"), end()],
        [TextPiece("a"), ReasoningPiece("Hm"), CallPiece(0, "f"), CallPiece(0, "", "{}"), TextPiece("b"),
         StatePiece(('{"type":"text","chars":1}', '{"type":"thinking","thinking":"Hm"}', CALLED,
                     '{"type":"text","chars":1}')), Finish("tool_calls")],
    ),
    "a thought that was cut is not kept": (
        [*TEXT, start(1, type="thinking", thinking="", signature=""), delta(1, "thinking_delta", thinking="Hm"),
         stop(1), end("max_tokens")],
        [TextPiece("a"), ReasoningPiece("Hm"), Finish("length")],
    ),
    "nor is one that is whole in a reply that was cut": (
        [*THOUGHT, delta(0, "signature_delta", signature="1"), stop(0), end("max_tokens")], [Finish("length")],
    ),
    "a thought without its signature is not kept": (
        [*THOUGHT, delta(0, "thinking_delta", thinking="Hm"), stop(0),
         start(1, type="tool_use", id="toolu_1", name="f", input={}), stop(1), end("tool_use")],
        [ReasoningPiece("Hm"), CallPiece(0, "f"), CallPiece(0, "", "{}"), StatePiece((CALLED,)), Finish("tool_calls")],
    ),
    "a thought of a server that signs nothing is": (
        [start(0, type="thinking", thinking=""), delta(0, "thinking_delta", thinking="Hm"), stop(0), end()],
        [ReasoningPiece("Hm"), StatePiece(('{"type":"thinking","thinking":"Hm"}',)), Finish("stop")],
    ),
    "end_turn behind a call": (
        [CALL, delta(0, "input_json_delta", partial_json="{}"), stop(0), end("end_turn")],
        [CallPiece(0, "f"), CallPiece(0, "", "{}"), StatePiece((CALLED,)), Finish("tool_calls")],
    ),
    "tool_use without a call": ([*TEXT, end("tool_use")], [TextPiece("a"), Finish("stop")]),
    "wrong types beside the text": (
        ['{"type": "content_block_delta", "index": "0", "delta": {"type": 3, "text": "a", "thinking": []}, "usage": 1}',
         end()],
        [TextPiece("a"), Finish("stop")],
    ),
    "a lone surrogate": (
        [TEXT[0], delta(0, "text_delta", text="a\ud800"), end()], [TextPiece("a\ud800"), Finish("stop")],
    ),
    "[DONE] behind it": ([*TEXT, end(), "[DONE]"], [TextPiece("a"), Finish("stop")]),
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
async def test_events_become_pieces(name: str, upstream: Upstream, provider: AnthropicProvider) -> None:
    raw, expected = EVENTS[name]
    upstream.script(Turn(raw=raw))
    assert await collect(provider) == expected
    assert provider.skipped == 0


@pytest.mark.parametrize("form", ["data: {}\n\n", "data:{}\n\n", "event: {type}\r\ndata: {}\r\n\r\n", "data: {}\n"])
async def test_events_need_no_name_and_no_blank_line(
    form: str, upstream: Upstream, provider: AnthropicProvider
) -> None:
    events = [begin(), *TEXT, end(output_tokens=2), event("message_stop")]
    body = "".join(form.replace("{type}", json.loads(each)["type"]).replace("{}", each) for each in events)
    upstream.script(Turn(verbatim=body))
    assert await collect(provider) == [TextPiece("a"), Finish("stop"), UsageReport(Usage(1, 0, 2))]


async def test_an_event_that_only_its_name_types_is_read(upstream: Upstream, provider: AnthropicProvider) -> None:
    said = 'event: content_block_delta\ndata: {"index": 0, "delta": {"type": "text_delta", "text": "a"}}\n\n'
    upstream.script(Turn(verbatim=said + f"data: {end()}\n\n"))
    assert await collect(provider) == [TextPiece("a"), Finish("stop")]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("refusal", "content_filter"),
     ("model_context_window_exceeded", "length"), ("tool_use", "stop"), ("brand_new", "other")],
)  # fmt: skip
async def test_stop_reasons_become_ours(
    theirs: str, ours: str, upstream: Upstream, provider: AnthropicProvider
) -> None:
    upstream.script(Turn(text="a", finish_reason=theirs))
    assert Finish(ours) in await collect(provider)


async def test_a_refusal_s_category_is_for_the_log(
    upstream: Upstream, provider: AnthropicProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    details = {"type": "refusal", "category": "cyber", "explanation": "x"}
    upstream.script(
        Turn(raw=[*TEXT, event("message_delta", delta={"stop_reason": "refusal", "stop_details": details})])
    )
    assert (await collect(provider))[-1] == Finish("content_filter")
    assert "cyber" in caplog.text


async def test_arguments_cut_by_the_length_are_no_call(upstream: Upstream, provider: AnthropicProvider) -> None:
    upstream.script(Turn(raw=[CALL, delta(0, "input_json_delta", partial_json='{"a'), stop(0), end("max_tokens")]))
    assert (await collect(provider))[-1] == Finish("length")


async def test_pieces_come_while_the_reply_is_still_open(upstream: Upstream, provider: AnthropicProvider) -> None:
    upstream.script(Turn(text=["one", "two"], gate="messages", gate_at=2))
    async with aclosing(provider.stream(request())) as stream:
        assert await anext(stream) == [TextPiece("one")]
        upstream.release("messages")
        assert TextPiece("two") in await anext(stream)


async def test_many_events_arrive_once_and_in_order(upstream: Upstream, provider: AnthropicProvider) -> None:
    upstream.script(Turn(n=3000, pad=300, burst=50))
    assert text_of(await collect(provider)) == "".join(f"{number} {'x' * 300}" for number in range(3000))


async def test_a_reply_that_is_not_streamed_is_read_too(upstream: Upstream, provider: AnthropicProvider) -> None:
    content = [
        {"type": "thinking", "thinking": "Hm", "signature": "EqQB"},
        {"type": "text", "text": "Whole."},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    ]
    usage = {"input_tokens": 1, "output_tokens": 2}
    body = {"type": "message", "role": "assistant", "content": content, "stop_reason": "tool_use", "usage": usage}
    upstream.script(Turn(fault="200", body=body))
    assert await collect(provider) == [
        ReasoningPiece("Hm"),
        TextPiece("Whole."),
        CallPiece(0, "f"),
        CallPiece(0, "", '{"a": 1}'),
        StatePiece(('{"type":"thinking","thinking":"Hm","signature":"EqQB"}', '{"type":"text","chars":6}', CALLED)),
        Finish("tool_calls"),
        UsageReport(Usage(1, 0, 2)),
    ]


# --- Faults -----------------------------------------------------------------------------------------------------------

SAID = ["kept ", "text"]


def told(type: str, message: str = "secret-in-the-body") -> dict[str, Any]:
    return {"type": "error", "error": {"type": type, "message": message}, "request_id": "req_1"}


def broken(type: str) -> Turn:
    return Turn(text=SAID, fault="error", body=told(type)["error"])


# name: (turn, code, retryable, the text that came before)
FAULTS: dict[str, tuple[Turn, str, bool, str]] = {
    "400": (Turn(fault="400", body=told("invalid_request_error")), "upstream_invalid", False, ""),
    "401": (Turn(fault="401", body=told("authentication_error")), "upstream_auth", False, ""),
    "402": (Turn(fault="402", body=told("billing_error")), "upstream_credit", False, ""),
    "too long": (
        Turn(fault="400", body=told("invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum")),
        "upstream_context", False, "",
    ),
    "403": (Turn(fault="403", body=told("permission_error")), "upstream_auth", False, ""),
    "404": (Turn(fault="404", body=told("not_found_error")), "upstream_not_found", False, ""),
    "413": (Turn(fault="413", body=told("request_too_large")), "upstream_context", False, ""),
    "429": (Turn(fault="429", body=told("rate_limit_error")), "upstream_rate_limited", True, ""),
    "500": (Turn(fault="500", body=told("api_error")), "upstream_unavailable", True, ""),
    "504": (Turn(fault="504", body=told("timeout_error")), "upstream_timeout", True, ""),
    "529": (Turn(fault="529", body=told("overloaded_error")), "upstream_overloaded", True, ""),
    "error body that is none": (Turn(fault="503", body=[[1]]), "upstream_unavailable", True, ""),
    "overloaded in the stream": (
        broken("overloaded_error"), "upstream_overloaded", True, "kept text"),
    "api_error in the stream": (
        broken("api_error"), "upstream_unavailable", True, "kept text"),
    "timeout_error in the stream": (
        broken("timeout_error"), "upstream_timeout", True, "kept text"),
    "invalid in the stream": (
        broken("invalid_request_error"), "upstream_invalid", False, "kept text"),
    "not found in the stream": (
        broken("not_found_error"), "upstream_not_found", False, "kept text"),
    "rate limit in the stream": (
        broken("rate_limit_error"), "upstream_rate_limited", True, "kept text"),
    "unknown error in the stream": (
        Turn(text=SAID, fault="error", body={"type": "brand_new"}), "upstream_error", True, "kept text"),
    "error event without an error": (Turn(raw=[*TEXT, '{"type": "error"}']), "upstream_error", True, "a"),
    "error of another API": (Turn(raw=[*TEXT, '{"error": {"code": 429}}']), "upstream_rate_limited", True, "a"),
    "error event in words": (Turn(verbatim="event: error\ndata: no luck\n\n"), "upstream_error", True, ""),
    "pause_turn": (Turn(text=SAID, finish_reason="pause_turn"), "upstream_error", True, "kept text"),
    "redirect": (Turn(fault="redirect"), "upstream_error", False, ""),
    "reset before the answer": (Turn(fault="refuse"), "upstream_interrupted", True, ""),
    "hang before the first byte": (Turn(fault="hang"), "upstream_timeout", True, ""),
    "stall": (Turn(text=SAID, fault="stall"), "upstream_timeout", True, "kept text"),
    "cut": (Turn(text=SAID, fault="cut"), "upstream_interrupted", True, "kept text"),
    "compressed": (Turn(fault="gzip"), "upstream_malformed", False, ""),
    "nesting": (Turn(raw=["[" * 100_000]), "upstream_malformed", True, ""),
    "endless line": (Turn(text=SAID, fault="flood"), "upstream_malformed", False, "kept text"),
    # Where the SDK raises nothing, or what is none of its errors.
    "empty body": (Turn(fault="empty"), "upstream_incomplete", True, ""),
    "HTML": (Turn(fault="html"), "upstream_incomplete", False, ""),
    "JSON of another API": (Turn(fault="200", body={"choices": []}), "upstream_incomplete", True, ""),
    "a JSON error with 200": (Turn(fault="200", body=told("overloaded_error")), "upstream_overloaded", True, ""),
    "only nonsense": (Turn(raw=["{}", "[]", "null"]), "upstream_incomplete", True, ""),
    "message_stop only": (Turn(raw=[begin(), event("message_stop")]), "upstream_incomplete", True, ""),
    "broken JSON": (Turn(text=SAID, fault="badjson"), "upstream_malformed", True, "kept text"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_typed_told_once_and_gives_nothing_away(
    name: str, upstream: Upstream, provider: AnthropicProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    turn, code, retryable, text = FAULTS[name]
    upstream.script(turn)
    if name.startswith(("hang", "stall")):
        provider = make(upstream.url, idle_timeout_s=0.5)
    began = time.monotonic()
    pieces, error = await collect_until_error(provider)
    assert (error.code, error.retryable, text_of(pieces)) == (code, retryable, text)
    assert code in CODES
    assert time.monotonic() - began < 20, "it does not wait for what will not come"
    assert len(upstream.requests()) == 1, "the loop retries, not the SDK"
    assert "secret" not in error.message + str(error) + caplog.text
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


async def test_an_end_without_message_delta_is_left_to_the_loop(
    upstream: Upstream, provider: AnthropicProvider
) -> None:
    upstream.script(Turn(text=SAID, fault="eof"))
    pieces = await collect(provider)
    assert text_of(pieces) == "kept text"
    assert not any(isinstance(piece, Finish) for piece in pieces)


@pytest.mark.parametrize("fault", ["cut", "stall", "eof", "badjson"])
async def test_a_finished_reply_survives_a_broken_tail(
    fault: str, upstream: Upstream, provider: AnthropicProvider
) -> None:
    upstream.script(Turn(raw=[*TEXT, end()], fault=fault))
    assert await collect(provider) == [TextPiece("a"), Finish("stop")]


async def test_nonsense_between_text_is_skipped_and_counted(upstream: Upstream, provider: AnthropicProvider) -> None:
    upstream.script(Turn(text=SAID, fault="nonsense", at=2))
    assert text_of(await collect(provider)) == "kept text"
    assert provider.skipped == 10


@pytest.mark.parametrize(("header", "retryable"), [("true", True), ("false", False)])
async def test_x_should_retry_decides(header: str, retryable: bool, provider: AnthropicProvider) -> None:
    status = 400 if retryable else 529
    async with answering(status, {"x-should-retry": header, "retry-after": "7"}, told("api_error")) as url:
        provider = make(url)
        _, error = await collect_until_error(provider)
        await provider.close()
    assert (error.retryable, error.retry_after_s) == (retryable, 7.0 if retryable else None)


async def test_the_name_of_the_cause_is_for_the_operator(upstream: Upstream, provider: AnthropicProvider) -> None:
    body = {"error": {"type": "rate_limit_error", "message": "x", "details": {"error_code": "ramp_limit_exceeded"}}}
    upstream.script(Turn(fault="429", body=body))
    _, error = await collect_until_error(provider)
    assert error.detail == {"code": "ramp_limit_exceeded", "type": "rate_limit_error", "message": "x", "status": 429}


async def test_a_field_that_is_refused_is_left_out_and_stays_so(
    upstream: Upstream, provider: AnthropicProvider
) -> None:
    forget()
    refused = told("invalid_request_error", "cache_control: Extra inputs are not permitted")
    upstream.script(Turn(fault="400", body=refused), Turn(text="a"), Turn(text="b"))
    assert text_of(await collect(provider)) == "a"
    assert text_of(await collect(provider)) == "b"
    assert ["cache_control" in seen.body for seen in upstream.requests()] == [True, False, False]
    forget()


HM = {"type": "thinking", "thinking": "Hm", "signature": sign([], "Hm")}
SIGNED = VendorState("m", "m", (json.dumps(HM),))
ANSWERED = (UserMessage("Hi"), AssistantMessage("a", state=SIGNED), UserMessage("And?"))
UNSIGNED = "messages.1.content.0: Invalid `signature` in `thinking` block"


@pytest.mark.parametrize(
    "message",
    [UNSIGNED, "messages.1.content.0.thinking.signature: Field required",
     "messages.1.content.0: `thinking` or `redacted_thinking` blocks cannot be modified",
     "messages.1.content.0.signature: String should have at least 1 character"],
)  # fmt: skip
async def test_thoughts_that_are_refused_are_left_out_once(
    message: str, upstream: Upstream, provider: AnthropicProvider
) -> None:
    refused = Turn(fault="400", body=told("invalid_request_error", message))
    upstream.script(refused, Turn(text="b"))
    assert text_of(await collect(provider, request(messages=ANSWERED))) == "b"
    sent = [[block["type"] for block in seen.body["messages"][1]["content"]] for seen in upstream.requests()]
    assert sent == [["thinking", "text"], ["text"]]
    upstream.script(refused, refused)
    _, error = await collect_until_error(provider, request(messages=ANSWERED))
    assert error.code == "upstream_invalid" and len(upstream.requests()) == 4


@pytest.mark.parametrize(
    ("status", "message", "messages"),
    [("400", UNSIGNED, (UserMessage("Hi"),)), ("400", "thinking: no luck", ANSWERED), ("403", UNSIGNED, ANSWERED)],
)
async def test_other_refusals_are_not_asked_about_again(
    status: str, message: str, messages: Any, upstream: Upstream, provider: AnthropicProvider
) -> None:
    upstream.script(Turn(fault=status, body=told("invalid_request_error", message)))
    await collect_until_error(provider, request(messages=messages))
    assert len(upstream.requests()) == 1


async def test_what_it_has_no_word_for_is_told(upstream: Upstream, provider: AnthropicProvider) -> None:
    upstream.script(Turn(text="a"))
    first, *_ = await collect(provider, request(temperature=0.7, extra={"top_p": 0.5, "stop": "x"}))
    assert first == LeftOut(("temperature", "top_p"))


async def test_cookies_are_not_kept_and_an_endless_error_is_not_read_to_its_end() -> None:
    heads: list[str] = []
    async with answering(500, {"set-cookie": "__cf_bm=x; path=/"}, told("api_error"), heads, endless=True) as url:
        provider = make(url, idle_timeout_s=20.0)
        began = time.monotonic()
        for _ in range(2):
            await collect_until_error(provider)
        await provider.close()
    assert len(heads) == 2 and not any("cookie" in each.lower() for each in heads)
    assert time.monotonic() - began < 10


class answering:
    """A server that gives one answer to everything; `endless`: its body never ends."""

    def __init__(
        self, status: int, headers: dict[str, str], body: Any, heads: list[str] | None = None, *, endless: bool = False
    ) -> None:
        self.status, self.headers, self.body, self.heads, self.endless = status, headers, body, heads, endless

    async def __aenter__(self) -> str:
        self.server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if self.heads is not None:
            self.heads.append(head)
        body = json.dumps(self.body).encode()
        length = {} if self.endless else {"content-length": str(len(body))}
        lines = [f"{name}: {value}" for name, value in (self.headers | length | {"connection": "close"}).items()]
        writer.write("\r\n".join([f"HTTP/1.1 {self.status} X", *lines, "", ""]).encode() + body)
        try:
            while self.endless:
                writer.write(b" " * 1000)
                await writer.drain()
                await asyncio.sleep(0.001)
        except ConnectionError:
            pass
        writer.close()


async def test_which_picture_is_meant_is_counted_as_on_the_wire(
    upstream: Upstream, provider: AnthropicProvider
) -> None:
    pictures = tuple(Image(f"https://example.com/{n}.png", f"{n}.png", f"origin {n}") for n in range(2))
    message = "messages.0.content.1.image.source.url: Unable to download the file."
    upstream.script(Turn(fault="400", body=told("invalid_request_error", message)))
    _, error = await collect_until_error(provider, request(messages=(UserMessage("Look.", pictures),)))
    assert error.pictures == ("origin 1",)


# --- Being left -------------------------------------------------------------------------------------------------------


async def test_closing_the_stream_closes_the_upstream(upstream: Upstream, provider: AnthropicProvider) -> None:
    upstream.script(Turn(n=1000, delay_ms=20))
    stream = provider.stream(request())
    await anext(stream)
    left_at = time.monotonic()
    await stream.aclose()
    assert await _seconds_until_left(upstream, left_at) < 1


@pytest.mark.parametrize("turn", [Turn(n=1000, delay_ms=20), Turn(fault="hang"), Turn(text="a", fault="stall")])
async def test_cancelling_closes_the_upstream(turn: Turn, upstream: Upstream, provider: AnthropicProvider) -> None:
    upstream.script(turn)
    task = asyncio.create_task(collect(provider))
    await asyncio.to_thread(upstream.wait_for, lambda seen: seen)
    left_at = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _seconds_until_left(upstream, left_at) < 1


async def _seconds_until_left(upstream: Upstream, left_at: float) -> float:
    await asyncio.to_thread(upstream.wait_for, lambda seen: seen[0].end == "client_left")
    [seen] = upstream.requests()
    assert seen.ended_at is not None
    return seen.ended_at - left_at


async def test_one_connection_serves_one_reply_after_another(upstream: Upstream) -> None:
    provider = make(upstream.url)
    await collect(provider)
    connections = upstream.connections
    await collect(provider)
    assert upstream.connections == connections
    await provider.close()


async def test_more_replies_at_once_than_an_sdk_has_connections(
    upstream: Upstream, provider: AnthropicProvider
) -> None:
    """aiohttp's own limit is 100."""
    upstream.script(*[Turn(text="a", gate="crowd") for _ in range(120)], key="crowd")
    provider = make(upstream.url, idle_timeout_s=30.0)
    tasks = [asyncio.create_task(collect(provider, request("[[key=crowd]]"))) for _ in range(120)]
    await asyncio.to_thread(upstream.wait_for, lambda seen: sum(each.waits_at == "crowd" for each in seen) == 120)
    upstream.release("crowd")
    assert [text_of(each) for each in await asyncio.gather(*tasks)] == ["a"] * 120
    await provider.close()


# --- Where, how and with what -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
async def test_it_asks_as_the_sdk_says(path: str, upstream: Upstream, provider: AnthropicProvider) -> None:
    provider = make(f"http://127.0.0.1:{upstream.port}{path}")
    await collect(provider)
    [seen] = upstream.requests()
    assert seen.path == "/v1/messages"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["anthropic-version"] == "2026-10-21"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["accept-encoding"] == "identity"
    await provider.close()


async def test_without_a_key_no_authorization_is_sent(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-the-environment")
    provider = make(upstream.url, api_key="")
    await collect(provider)
    assert not {"authorization", "x-api-key"} & set(upstream.requests()[0].headers)
    await provider.close()


async def test_extra_headers_go_with_each_call_and_are_never_shown(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.script(Turn(text="a"), Turn(fault="500"))
    provider = make(upstream.url, extra_headers={"X-Gateway-Auth": "Bearer hidden", "USER-AGENT": "parley"})
    await collect(provider)
    await collect_until_error(provider)
    assert [seen.headers["x-gateway-auth"] for seen in upstream.requests()] == ["Bearer hidden"] * 2
    assert [seen.headers["user-agent"] for seen in upstream.requests()] == ["parley"] * 2
    assert "hidden" not in repr(provider) + caplog.text
    assert KEY not in repr(provider) + caplog.text
    await provider.close()


def test_a_header_that_cannot_be_sent_is_named_without_its_value() -> None:
    with pytest.raises(ValueError, match="X-Auth") as caught:
        make("http://127.0.0.1", extra_headers={"X-Auth": "hidden\r\nHost: elsewhere"})
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "ftp://example.com", "example.com", "http://"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        make(url)


async def test_proxies_of_the_environment_are_not_used(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    provider = make(upstream.url)
    assert text_of(await collect(provider)) == "You said: Hello"
    await provider.close()


async def test_nobody_there_is_unavailable() -> None:
    provider = make(f"http://127.0.0.1:{free_port()}")
    _, error = await collect_until_error(provider)
    assert (error.code, error.retryable) == ("upstream_unavailable", True)
    await provider.close()


async def test_the_wait_for_the_first_byte_has_a_limit_of_its_own(upstream: Upstream) -> None:
    slow = "[[initial_ms=1200 n=1]]"
    patient = make(upstream.url, idle_timeout_s=0.8, first_byte_timeout_s=20.0)
    assert await collect(patient, request(slow)), "its silence is shorter than this wait"
    await patient.close()
    hasty = make(upstream.url, idle_timeout_s=20.0, first_byte_timeout_s=0.1)
    _, error = await collect_until_error(hasty, request(slow))
    assert error.code == "upstream_timeout"
    await hasty.close()


def test_the_sdk_is_imported_where_it_is_used_and_nowhere_else() -> None:
    code = (
        "import django; django.setup(); import sys, config.urls, agents.installation;"
        "import agents.providers.anthropic; print('anthropic' in sys.modules, 'mcp' in sys.modules)"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    told = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=env)
    said = told.stdout or told.stderr
    assert said.split() == ["False", "False"]

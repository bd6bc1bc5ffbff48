"""The OpenAI provider over real sockets: what it makes of replies, of faults, and of being left."""

import asyncio
import email.utils
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from agents.errors import CODES, ProviderError
from agents.events import Call
from agents.messages import AssistantMessage, Image, ToolMessage, UserMessage
from agents.options import OutputFormat
from agents.providers import http as module
from agents.providers.base import (
    CallPiece,
    Finish,
    Piece,
    ProviderRequest,
    ReasoningPiece,
    TextPiece,
    ToolSpec,
    UsageReport,
)
from agents.providers.openai import OpenAIProvider
from agents.usage import Usage
from tests.certificates import own_certificate
from tests.servers import free_port
from tests.upstream import ScriptedCall, Turn, Upstream

KEY = "sk-secret-1234567890"
READ_FILE = ToolSpec("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.fixture
async def provider(upstream: Upstream) -> AsyncIterator[OpenAIProvider]:
    upstream.reset()
    provider = make(upstream.url)
    yield provider
    await provider.close()


def make(url: str, **options: Any) -> OpenAIProvider:
    return OpenAIProvider(api_key=KEY, base_url=url, connect_timeout_s=1, idle_timeout_s=0.5, **options)


def request(text: str = "Hello", **fields: Any) -> ProviderRequest:
    fields = {"model": "gpt-4.1-mini", "system": "Be kind.", "messages": (UserMessage(text),), **fields}
    return ProviderRequest(**fields)


async def collect(provider: OpenAIProvider, asked: ProviderRequest | None = None) -> list[Piece]:
    return [piece async for pieces in provider.stream(asked or request()) for piece in pieces]


async def collect_until_error(provider: OpenAIProvider) -> tuple[list[Piece], ProviderError]:
    pieces: list[Piece] = []
    with pytest.raises(ProviderError) as caught:
        async for each in provider.stream(request()):
            pieces += each
    return pieces, caught.value


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


# --- Whole replies ----------------------------------------------------------------------------------------------------


async def test_text_reasoning_finish_and_usage_come_in_order(upstream: Upstream, provider: OpenAIProvider) -> None:
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    upstream.script(Turn(reasoning=["Hm", "m."], text=["Grüß", ' "dich" \\', "\n👋"], usage=usage))
    assert await collect(provider) == [
        ReasoningPiece("Hm"),
        ReasoningPiece("m."),
        TextPiece("Grüß"),
        TextPiece(' "dich" \\'),
        TextPiece("\n👋"),
        Finish("stop"),
        UsageReport(Usage(12, 4, 9, 3)),
    ]


async def test_pieces_come_while_the_reply_is_still_open(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(text=["one", "two"], gate="second", gate_at=2))
    async with aclosing(provider.stream(request())) as stream:
        assert await anext(stream) == [TextPiece("one")]
        upstream.release("second")
        assert TextPiece("two") in await anext(stream)


async def test_many_chunks_arrive_once_and_in_order(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(n=3000, pad=300, burst=50))
    expected = "".join(f"{number} {'x' * 300}" for number in range(3000))
    assert text_of(await collect(provider)) == expected


async def test_tool_calls_keep_their_numbers_names_and_arguments(upstream: Upstream, provider: OpenAIProvider) -> None:
    first, second = ScriptedCall("read_file", {"path": "ä.md"}), ScriptedCall("list_files", {})
    upstream.script(Turn(text="Let me look.", tool_calls=[first, second], argument_chars=3))
    pieces = await collect(provider, request(tools=(READ_FILE,)))
    calls = [piece for piece in pieces if isinstance(piece, CallPiece)]
    assert [(call.index, call.name) for call in calls if call.name] == [(0, "read_file"), (1, "list_files")]
    assert "".join(call.arguments for call in calls if call.index == 0) == '{"path": "ä.md"}'
    assert "".join(call.arguments for call in calls if call.index == 1) == "{}"
    assert Finish("tool_calls") in pieces


async def test_the_request_says_everything_that_was_asked(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(text="ok"))
    messages = (
        UserMessage("What is this?", (Image("https://example.com/a.png"),)),
        AssistantMessage("", (Call("c1", "read_file", '{"path": "a"}'), Call("c2", "read_file", "not json"))),
        ToolMessage("c1", "read_file", "1: hello"),
        ToolMessage("c2", "read_file", "The arguments are not JSON.", is_error=True),
        AssistantMessage("A picture."),
        UserMessage("Thanks"),
    )
    asked = request(
        messages=messages,
        tools=(READ_FILE,),
        temperature=0.0,
        max_output_tokens=50,
        user="u1",
        effort="low",
        output=OutputFormat("answer", {"type": "object"}, strict=True),
        extra={"seed": 7, "response_format": {"type": "text"}},
    )
    await collect(provider, asked)
    [seen] = upstream.requests()
    first, second = (each["id"] for each in seen.body["messages"][2]["tool_calls"])
    assert seen.path == "/v1/chat/completions"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    call = {"id": first, "type": "function", "function": {"name": "read_file", "arguments": '{"path": "a"}'}}
    broken = {"id": second, "type": "function", "function": {"name": "read_file", "arguments": "{}"}}
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    tool = {"name": "read_file", "description": "Read a file.", "parameters": READ_FILE.schema}
    assert seen.body == {
        "model": "gpt-4.1-mini",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "max_tokens": 50,
        "user": "u1",
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
        "seed": 7,
        "tools": [{"type": "function", "function": tool}],
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]},
            {"role": "assistant", "content": None, "tool_calls": [call, broken]},
            {"role": "tool", "tool_call_id": first, "content": "1: hello"},
            {"role": "tool", "tool_call_id": second, "content": "The arguments are not JSON."},
            {"role": "assistant", "content": "A picture."},
            {"role": "user", "content": "Thanks"},
        ],
    }


async def test_what_is_not_set_is_not_sent(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(text="ok"))
    await collect(provider, request(system=""))
    [seen] = upstream.requests()
    assert set(seen.body) == {"model", "messages", "stream", "stream_options"}
    assert [message["role"] for message in seen.body["messages"]] == ["user"]


async def test_a_lone_surrogate_in_a_request_does_not_stop_it(upstream: Upstream, provider: OpenAIProvider) -> None:
    assert text_of(await collect(provider, request("odd \ud800 one"))) == "You said: odd ? one"


async def test_one_connection_serves_one_reply_after_another(upstream: Upstream) -> None:
    provider = make(upstream.url)
    await collect(provider)
    connections = upstream.connections
    await collect(provider)
    assert upstream.connections == connections
    await provider.close()


# --- What compatible servers do otherwise -----------------------------------------------------------------------------

DELTA = '{"choices": [{"index": 0, "delta": %s}]}'
STOP = '{"choices": [{"delta": {}, "finish_reason": "stop"}]}'


def call_chunk(fields: str) -> str:
    return DELTA % ('{"tool_calls": [{' + fields + "}]}")


QUIRKS: dict[str, tuple[list[str], list[Piece]]] = {
    "reasoning_content": ([DELTA % '{"reasoning_content": "a"}'], [ReasoningPiece("a")]),
    "reasoning": ([DELTA % '{"reasoning": "a"}'], [ReasoningPiece("a")]),
    "both reasoning fields hold the same": (
        [DELTA % '{"reasoning_content": "a", "reasoning": "a"}'],
        [ReasoningPiece("a")],
    ),
    "refusal": ([DELTA % '{"refusal": "No."}'], [TextPiece("No.")]),
    "content as parts": (
        [DELTA % '{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}]}',
         DELTA % '{"content": [{"type": "text", "text": "a"}]}'],
        [ReasoningPiece("h"), TextPiece("a")],
    ),
    "a wrong type beside the text": ([DELTA % '{"content": "a", "tool_calls": "none"}'], [TextPiece("a")]),
    "unknown fields": ([DELTA % '{"content": "a", "mood": {"x": [1]}}'], [TextPiece("a")]),
    "lone surrogate": ([DELTA % r'{"content": "a\ud800"}'], [TextPiece("a\ud800")]),
    "NUL": ([DELTA % r'{"content": "a\u0000"}'], [TextPiece("a\0")]),
    "NaN": ([DELTA % '{"content": "a", "logprob": NaN}'], [TextPiece("a")]),
    "gaps in the indexes": (
        [call_chunk('"index": 3, "id": "x", "function": {"name": "f", "arguments": "{"}'),
         call_chunk('"index": 7, "id": "y", "function": {"name": "g", "arguments": "{}"}'),
         call_chunk('"index": 3, "function": {"arguments": "}"}')],
        [CallPiece(0, "f", "{"), CallPiece(1, "g", "{}"), CallPiece(0, "", "}")],
    ),
    "no index": (
        [call_chunk('"id": "x", "function": {"name": "f", "arguments": "{}"}'),
         call_chunk('"id": "y", "function": {"name": "g", "arguments": "{}"}')],
        [CallPiece(0, "f", "{}"), CallPiece(1, "g", "{}")],
    ),
    "one index for two calls": (
        [call_chunk('"index": 0, "id": "x", "function": {"name": "f", "arguments": "{}"}'),
         call_chunk('"index": 0, "id": "y", "function": {"name": "g", "arguments": "{}"}')],
        [CallPiece(0, "f", "{}"), CallPiece(1, "g", "{}")],
    ),
    "one id for two calls": (
        [call_chunk('"index": 0, "id": "x", "function": {"name": "f", "arguments": "{}"}'),
         call_chunk('"index": 1, "id": "x", "function": {"name": "g", "arguments": "{}"}')],
        [CallPiece(0, "f", "{}"), CallPiece(1, "g", "{}")],
    ),
    "a new id and the name again in each piece": (
        [call_chunk('"index": 0, "id": "x", "function": {"name": "f", "arguments": "{"}'),
         call_chunk('"index": 0, "id": "y", "function": {"arguments": "}"}'),
         call_chunk('"index": 0, "id": "x", "function": {"name": "f", "arguments": ""}')],
        [CallPiece(0, "f", "{"), CallPiece(0, "", "}"), CallPiece(0, "", "")],
    ),
    "arguments as an object": (
        [call_chunk('"index": 0, "function": {"name": "f", "arguments": {"a": 1}}')],
        [CallPiece(0, "f", '{"a": 1}')],
    ),
    "usage in each chunk": (
        ['{"choices": [{"delta": {"content": "a"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1.0}}'],
        [TextPiece("a"), UsageReport(Usage(1, 0, 1, 0))],
    ),
    "usage that cannot be": (
        ['{"choices": [{"delta": {"content": "a"}}], "usage": {"prompt_tokens": -1, "completion_tokens": 3}}'],
        [TextPiece("a")],
    ),
    "an empty finish reason": (
        ['{"choices": [{"delta": {"content": "a"}, "finish_reason": ""}]}'],
        [TextPiece("a")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", QUIRKS)
async def test_quirks_of_servers_are_understood(name: str, upstream: Upstream, provider: OpenAIProvider) -> None:
    raw, expected = QUIRKS[name]
    upstream.script(Turn(raw=raw))
    pieces: list[Piece] = []
    async for each in provider.stream(request()):
        pieces += each
    assert pieces == expected
    assert provider.skipped == 0


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("stop", "stop"), ("length", "length"), ("max_tokens", "length"), ("model_length", "length"),
     ("content_filter", "content_filter"), ("sensitive", "content_filter"), ("end_turn", "stop"), ("STOP", "stop"),
     ("tool_use", "stop"), ("tool_calls", "stop"), ("brand_new", "other")],
)  # fmt: skip
async def test_finish_reasons_become_ours_and_never_stop_by_guess(
    theirs: str, ours: str, upstream: Upstream, provider: OpenAIProvider
) -> None:
    upstream.script(Turn(text="a", finish_reason=theirs))
    assert Finish(ours) in await collect(provider)


async def test_stop_after_tool_calls_means_tool_calls(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(tool_calls=[ScriptedCall("f")], finish_reason="stop"))
    assert Finish("tool_calls") in await collect(provider)


async def test_a_broken_tail_behind_the_finish_reason_takes_nothing(
    upstream: Upstream, provider: OpenAIProvider
) -> None:
    usage = '{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}'
    upstream.script(Turn(raw=[DELTA % '{"content": "a"}', STOP, STOP, "{broken", usage]))
    assert await collect(provider) == [TextPiece("a"), Finish("stop"), UsageReport(Usage(1, 0, 2, 0))]


@pytest.mark.parametrize("fault", ["cut", "stall", "eof"])
async def test_a_finished_reply_survives_a_broken_tail(
    fault: str, upstream: Upstream, provider: OpenAIProvider
) -> None:
    upstream.script(Turn(raw=[DELTA % '{"content": "a"}', STOP], fault=fault))
    assert await collect(provider) == [TextPiece("a"), Finish("stop")]


HEL, LO, NONE = (
    '{"choices": [{"delta": {"content": "%s"}, "finish_reason": "stop"}]}'.replace("%s", text)
    for text in ("Hel", "lo", "")
)


@pytest.mark.parametrize("raw", [[HEL, LO], [NONE, HEL, NONE, LO]])
async def test_a_reason_in_every_chunk_is_no_end(
    raw: list[str], upstream: Upstream, provider: OpenAIProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TAIL_S", 0.05)
    upstream.script(Turn(raw=raw, delay_ms=150))
    assert text_of(await collect(provider)) == "Hello"


@pytest.mark.parametrize("raw", [[HEL], [NONE], [HEL, NONE]])
@pytest.mark.parametrize(("fault", "code"), [("cut", "upstream_interrupted"), ("stall", "upstream_timeout")])
async def test_what_breaks_behind_such_a_reason_is_broken(
    raw: list[str], fault: str, code: str, upstream: Upstream, provider: OpenAIProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TAIL_S", 0.05)
    upstream.script(Turn(raw=raw, fault=fault))
    _, error = await collect_until_error(provider)
    assert error.code == code


async def test_a_reply_that_is_not_streamed_is_read_too(upstream: Upstream) -> None:
    body = {
        "choices": [{"message": {"role": "assistant", "content": "Whole."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    upstream.script(Turn(fault="200", body=body), key="whole")
    provider = make(upstream.url)
    pieces = await collect(provider, request("[[key=whole]]"))
    assert pieces == [TextPiece("Whole."), Finish("stop"), UsageReport(Usage(1, 0, 2, 0))]
    await provider.close()


# --- Faults: F26 to F35 -----------------------------------------------------------------------------------------------

SAID = ["kept ", "text"]

# name: (turn, code, retryable, the text that came before)
FAULTS: dict[str, tuple[Turn, str, bool, str]] = {
    "400": (Turn(fault="400"), "upstream_invalid", False, ""),
    "401": (Turn(fault="401"), "upstream_auth", False, ""),
    "403": (Turn(fault="403"), "upstream_auth", False, ""),
    "404": (Turn(fault="404"), "upstream_not_found", False, ""),
    "408": (Turn(fault="408"), "upstream_timeout", True, ""),
    "409": (Turn(fault="409"), "upstream_unavailable", True, ""),
    "413": (Turn(fault="413"), "upstream_context", False, ""),
    "422": (Turn(fault="422"), "upstream_invalid", False, ""),
    "429": (Turn(fault="429"), "upstream_rate_limited", True, ""),
    "500": (Turn(fault="500"), "upstream_unavailable", True, ""),
    "502": (Turn(fault="502"), "upstream_unavailable", True, ""),
    "503": (Turn(fault="503"), "upstream_unavailable", True, ""),
    "504": (Turn(fault="504"), "upstream_timeout", True, ""),
    "529": (Turn(fault="529"), "upstream_overloaded", True, ""),
    "no quota": (Turn(fault="429", body={"error": {"code": "insufficient_quota"}}), "upstream_credit", False, ""),
    "model": (Turn(fault="400", body={"error": {"code": "model_not_found"}}), "upstream_not_found", False, ""),
    "too long": (Turn(fault="400", body={"error": {"code": "context_length_exceeded"}}), "upstream_context", False, ""),
    "error body that is a list": (Turn(fault="400", body=[[1]]), "upstream_invalid", False, ""),
    "redirect": (Turn(fault="redirect"), "upstream_error", False, ""),
    "reset before the answer": (Turn(fault="refuse"), "upstream_interrupted", True, ""),
    "hang before the first byte": (Turn(fault="hang"), "upstream_timeout", True, ""),
    "stall": (Turn(text=SAID, fault="stall"), "upstream_timeout", True, "kept text"),
    "cut": (Turn(text=SAID, fault="cut"), "upstream_interrupted", True, "kept text"),
    "empty body": (Turn(fault="empty"), "upstream_incomplete", True, ""),
    "[DONE] only": (Turn(fault="done"), "upstream_incomplete", True, ""),
    "only nonsense": (Turn(raw=["{}", "[]", "null"]), "upstream_incomplete", True, ""),
    "HTML": (Turn(fault="html"), "upstream_incomplete", False, ""),
    "compressed": (Turn(fault="gzip"), "upstream_malformed", False, ""),
    "bad JSON": (Turn(text=SAID, fault="badjson"), "upstream_malformed", True, "kept text"),
    "nesting": (Turn(raw=["[" * 100_000]), "upstream_malformed", True, ""),
    "endless line": (Turn(text=SAID, fault="flood"), "upstream_malformed", False, "kept text"),
    "error object": (Turn(text=SAID, fault="error"), "upstream_unavailable", True, "kept text"),
    "error string": (Turn(raw=['{"error": "secret-in-the-body"}']), "upstream_error", True, ""),
    "error with a status": (Turn(raw=['{"error": {"code": 429, "message": "x"}}']), "upstream_rate_limited", True, ""),
    "error, old vLLM": (Turn(raw=['{"object": "error", "code": 400}']), "upstream_invalid", False, ""),
    "whole error": (Turn(fault="200", body={"error": {"type": "server_error"}}), "upstream_unavailable", True, ""),
    "finish reason error": (Turn(text=SAID, finish_reason="error"), "upstream_error", True, "kept text"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_typed_told_once_and_gives_nothing_away(
    name: str, upstream: Upstream, provider: OpenAIProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    turn, code, retryable, text = FAULTS[name]
    upstream.script(turn)
    began = time.monotonic()
    pieces, error = await collect_until_error(provider)
    assert (error.code, error.retryable, text_of(pieces)) == (code, retryable, text)
    assert code in CODES
    assert time.monotonic() - began < 5  # both timeouts together are 1 s
    assert len(upstream.requests()) == 1
    told = error.message + str(error) + caplog.text
    assert "secret" not in told
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


async def test_a_clean_end_without_a_finish_reason_is_left_to_the_loop(
    upstream: Upstream, provider: OpenAIProvider
) -> None:
    upstream.script(Turn(text=SAID, fault="eof"))
    pieces = await collect(provider)
    assert text_of(pieces) == "kept text"
    assert not any(isinstance(piece, Finish) for piece in pieces)


async def test_nonsense_between_text_is_skipped_and_counted(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(text=SAID, fault="nonsense", at=2))
    assert text_of(await collect(provider)) == "kept text"
    assert provider.skipped == 9  # a chunk without choices is no nonsense: Azure begins with one


async def test_five_megabytes_of_arguments_stop_at_the_limit(upstream: Upstream) -> None:
    provider = make(upstream.url, max_argument_bytes=1_000_000)
    upstream.script(Turn(tool_calls=[ScriptedCall("f", "x" * 5_000_000)], argument_chars=50_000), key="huge")
    size = 0
    with pytest.raises(ProviderError) as caught:
        async for pieces in provider.stream(request("[[key=huge]]")):
            size += sum(len(piece.arguments) for piece in pieces if isinstance(piece, CallPiece))
    assert caught.value.code == "upstream_malformed"
    assert size <= 1_000_000
    await provider.close()


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("0.5", 0.5), ("-4", 0.0), ("999999", 3600.0), ("nan", None), ("soon", None)]
)
async def test_retry_after_is_read(
    header: str, seconds: float | None, upstream: Upstream, provider: OpenAIProvider
) -> None:
    upstream.script(Turn(fault="429", retry_after=header))
    _, error = await collect_until_error(provider)
    assert error.retry_after_s == seconds


async def test_retry_after_may_be_a_date(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(fault="503", retry_after=email.utils.formatdate(time.time() + 30, usegmt=True)))
    _, error = await collect_until_error(provider)
    assert error.retry_after_s == pytest.approx(30, abs=2)


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/v1", "http://no-such-host.invalid/v1"])
async def test_nobody_there_is_unavailable(address: str) -> None:
    provider = make(address.format(port=free_port()))
    _, error = await collect_until_error(provider)
    assert (error.code, error.retryable) in [("upstream_unavailable", True), ("upstream_timeout", True)]
    await provider.close()


async def test_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    upstream = Upstream(tls=own_certificate(tmp_path)).start()
    provider = make(upstream.url)
    _, error = await collect_until_error(provider)
    assert (error.code, error.retryable) == ("upstream_unavailable", False)
    assert upstream.requests() == []
    await provider.close()
    upstream.close()


# --- Being left -------------------------------------------------------------------------------------------------------


async def test_closing_the_stream_closes_the_upstream(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(n=1000, delay_ms=20))
    stream = provider.stream(request())
    await anext(stream)
    left_at = time.monotonic()
    await stream.aclose()
    assert await _seconds_until_left(upstream, left_at) < 5  # within a second, where nothing else runs


@pytest.mark.parametrize("turn", [Turn(n=1000, delay_ms=20), Turn(fault="hang"), Turn(text="a", fault="stall")])
async def test_cancelling_closes_the_upstream(turn: Turn, upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(turn)
    task = asyncio.create_task(collect(provider))
    await asyncio.to_thread(upstream.wait_for, lambda seen: seen)
    left_at = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _seconds_until_left(upstream, left_at) < 5  # within a second, where nothing else runs


async def _seconds_until_left(upstream: Upstream, left_at: float) -> float:
    await asyncio.to_thread(upstream.wait_for, lambda seen: seen[0].end == "client_left")
    [seen] = upstream.requests()
    assert seen.ended_at is not None
    return seen.ended_at - left_at


# --- Secrets ----------------------------------------------------------------------------------------------------------


async def test_extra_headers_go_with_each_call_and_are_never_shown(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.reset()
    upstream.script(Turn(text="a"), Turn(fault="500"))
    provider = make(upstream.url, extra_headers={"Helicone-Auth": "Bearer hidden", "USER-AGENT": "parley"})
    await collect(provider)
    await collect_until_error(provider)
    assert [seen.headers["helicone-auth"] for seen in upstream.requests()] == ["Bearer hidden"] * 2
    assert [seen.headers["user-agent"] for seen in upstream.requests()] == ["parley"] * 2
    assert "hidden" not in repr(provider) + caplog.text
    assert KEY not in repr(provider) + caplog.text
    await provider.close()


def test_a_header_that_cannot_be_sent_is_named_without_its_value() -> None:
    with pytest.raises(ValueError, match="X-Auth") as caught:
        make("http://127.0.0.1/v1", extra_headers={"X-Auth": "hidden\r\nHost: elsewhere"})
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "ftp://example.com", "example.com/v1", "http://"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        make(url)


async def test_without_a_key_no_authorization_is_sent(upstream: Upstream) -> None:
    upstream.reset()
    provider = OpenAIProvider(api_key="", base_url=upstream.url)
    await collect(provider)
    assert "authorization" not in upstream.requests()[0].headers
    await provider.close()


async def test_proxies_of_the_environment_are_not_used(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    provider = make(upstream.url)
    assert text_of(await collect(provider)) == "You said: Hello"
    await provider.close()


async def test_the_wait_for_the_first_byte_has_a_limit_of_its_own(upstream: Upstream) -> None:
    slow = "[[initial_ms=900 n=1]]"
    patient = make(upstream.url, first_byte_timeout_s=20.0)
    assert await collect(patient, request(slow)), "its silence is shorter than this wait"
    await patient.close()
    hasty = OpenAIProvider(api_key=KEY, base_url=upstream.url, idle_timeout_s=20.0, first_byte_timeout_s=0.1)
    with pytest.raises(ProviderError) as caught:
        await collect(hasty, request(slow))
    assert caught.value.code == "upstream_timeout"
    await hasty.close()

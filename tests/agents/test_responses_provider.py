"""The Responses provider as a client: faults of the connection, being left, its key, its pictures."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from agents.errors import CODES, ProviderError
from agents.messages import Image, SystemMessage, UserMessage
from agents.providers.base import CallPiece, Piece, ProviderRequest, TextPiece
from agents.providers.responses import ResponsesProvider
from tests.servers import free_port
from tests.upstream import ScriptedCall, Turn, Upstream

KEY = "sk-secret-1234567890"
SAID = ["kept ", "text"]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def made(upstream: Upstream) -> ResponsesProvider:
    return make(upstream.url)


@pytest.fixture
async def provider(upstream: Upstream, made: ResponsesProvider) -> AsyncIterator[ResponsesProvider]:
    upstream.reset()
    yield made
    await made.close()


def make(url: str, **options: Any) -> ResponsesProvider:
    return ResponsesProvider(api_key=KEY, base_url=url, connect_timeout_s=1, idle_timeout_s=0.5, **options)


def request(*messages: Any) -> ProviderRequest:
    return ProviderRequest("gpt-5.6", "Be kind.", messages or (UserMessage("Hello"),))


async def read(provider: ResponsesProvider, *messages: Any) -> tuple[str, ProviderError | None]:
    pieces: list[Piece] = []
    try:
        async for each in provider.stream(request(*messages)):
            pieces += each
    except ProviderError as error:
        return text_of(pieces), error
    return text_of(pieces), None


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


# name: (turn, code, retryable, the text that came before)
FAULTS: dict[str, tuple[Turn, str, bool, str]] = {
    "400": (Turn(fault="400"), "upstream_invalid", False, ""),
    "401": (Turn(fault="401"), "upstream_auth", False, ""),
    "429": (Turn(fault="429"), "upstream_rate_limited", True, ""),
    "500": (Turn(fault="500"), "upstream_unavailable", True, ""),
    "redirect": (Turn(fault="redirect"), "upstream_error", False, ""),
    "reset before the answer": (Turn(fault="refuse"), "upstream_interrupted", True, ""),
    "hang before the first byte": (Turn(fault="hang"), "upstream_timeout", True, ""),
    "stall": (Turn(text=SAID, fault="stall"), "upstream_timeout", True, "kept text"),
    "cut": (Turn(text=SAID, fault="cut"), "upstream_interrupted", True, "kept text"),
    "empty body": (Turn(fault="empty"), "upstream_incomplete", True, ""),
    "[DONE] only": (Turn(fault="done"), "upstream_incomplete", True, ""),
    "only nonsense": (Turn(raw=["{}", "[]", "null"], finish_reason=None), "upstream_incomplete", True, ""),
    "HTML": (Turn(fault="html"), "upstream_incomplete", False, ""),
    "compressed": (Turn(fault="gzip"), "upstream_malformed", False, ""),
    "bad JSON": (Turn(text=SAID, fault="badjson"), "upstream_malformed", True, "kept text"),
    "endless line": (Turn(text=SAID, fault="flood"), "upstream_malformed", False, "kept text"),
    "error": (Turn(text=SAID, fault="error"), "upstream_unavailable", True, "kept text"),
    "failed": (Turn(text=SAID, finish_reason="error"), "upstream_unavailable", True, "kept text"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_typed_told_once_and_gives_nothing_away(
    name: str, upstream: Upstream, provider: ResponsesProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    turn, code, retryable, text = FAULTS[name]
    upstream.script(turn)
    said, error = await read(provider)
    assert error is not None and (error.code, error.retryable, said) == (code, retryable, text)
    assert code in CODES
    assert len(upstream.requests()) == 1
    assert "secret" not in error.message + str(error)
    assert KEY not in caplog.text


async def test_nonsense_between_text_is_skipped_and_counted(upstream: Upstream, provider: ResponsesProvider) -> None:
    before = provider.skipped
    upstream.script(Turn(text=SAID, fault="nonsense", at=2))
    assert await read(provider) == ("kept text", None)
    assert provider.skipped == before + 9  # not `null`, which is taken for a sign of life


async def test_arguments_stop_at_the_limit(upstream: Upstream) -> None:
    upstream.reset()
    provider = make(upstream.url, max_argument_bytes=100_000)
    upstream.script(Turn(tool_calls=[ScriptedCall("f", "x" * 500_000)], argument_chars=5_000))
    size = 0
    with pytest.raises(ProviderError) as caught:
        async for pieces in provider.stream(request()):
            size += sum(len(piece.arguments) for piece in pieces if isinstance(piece, CallPiece))
    assert caught.value.code == "upstream_malformed" and size <= 100_000
    await provider.close()


async def test_one_connection_serves_one_reply_after_another(upstream: Upstream, provider: ResponsesProvider) -> None:
    await read(provider)
    connections = upstream.connections
    await read(provider)
    assert upstream.connections == connections


async def test_nobody_there_is_unavailable() -> None:
    provider = make(f"http://127.0.0.1:{free_port()}/v1")
    _, error = await read(provider)
    assert error is not None and error.code == "upstream_unavailable" and error.retryable
    await provider.close()


@pytest.mark.parametrize("turn", [Turn(n=1000, delay_ms=20), Turn(fault="hang"), Turn(text="a", fault="stall")])
async def test_cancelling_closes_the_upstream(turn: Turn, upstream: Upstream, provider: ResponsesProvider) -> None:
    upstream.script(turn)
    task = asyncio.create_task(read(provider))
    await asyncio.to_thread(upstream.wait_for, lambda seen: seen)
    left_at = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(upstream.wait_for, lambda seen: seen[0].end == "client_left")
    [seen] = upstream.requests()
    assert seen.ended_at is not None and seen.ended_at - left_at < 5  # within a second, where nothing else runs


ADDRESSES = {
    "http://127.0.0.1:{port}/v1": "/v1/responses",
    "http://127.0.0.1:{port}/v1/": "/v1/responses",
    "http://127.0.0.1:{port}/v1/responses": "/v1/responses",
    "http://127.0.0.1:{port}/openai?api-version=2026-01-01": "/openai/responses?api-version=2026-01-01",
}


@pytest.mark.parametrize("address", ADDRESSES)
async def test_the_address_and_the_headers_are_the_sdk_s(address: str, upstream: Upstream) -> None:
    upstream.reset()
    provider = make(address.format(port=upstream.port), extra_headers={"Helicone-Auth": "Bearer hidden"})
    assert await read(provider) == ("You said: Hello", None)
    [seen] = upstream.requests()
    assert seen.path == ADDRESSES[address]
    assert seen.headers["authorization"] == f"Bearer {KEY}" and seen.headers["helicone-auth"] == "Bearer hidden"
    assert provider.maker.partition("#")[0] == f"responses@{upstream.url.removesuffix('/v1')}"
    assert KEY not in repr(provider) and "hidden" not in repr(provider)
    await provider.close()


OLD, NEW, LAST = (Image(f"https://example.com/{name}.png", name, name) for name in ("old", "new", "last"))
SEEN = (
    SystemMessage("Look."), UserMessage("This?", (OLD,)), UserMessage("And?", (NEW, LAST)),
)  # fmt: skip
PICTURES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "by its place": ({"param": "input[0].content[2].image_url", "message": "Invalid image."}, ("new",)),
    "by its code": ({"code": "failed_to_download_image", "message": "No."}, ("old", "new", "last")),
    "about something else": ({"message": "No tool output found."}, ()),
}


@pytest.mark.parametrize("name", PICTURES)
async def test_a_refused_picture_is_named(name: str, upstream: Upstream, provider: ResponsesProvider) -> None:
    error, expected = PICTURES[name]
    upstream.script(Turn(fault="400", body={"error": {"type": "invalid_request_error", **error}}))
    _, refused = await read(provider, *SEEN)
    assert refused is not None and refused.pictures == expected and refused.code == "upstream_invalid"

"""The events of a Messages stream, as far as we read them.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming (read with anthropic 2.14.0), and what
compatible servers were seen to send instead. Types are added within a version: what is not here is passed over.
"""

import json
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from agents.errors import ProviderError


class Delta(msgspec.Struct):
    """Of a block, or of the message."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_details: Any = None


class OutputDetails(msgspec.Struct, gc=False):
    thinking_tokens: int | None = None


class Tokens(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class Message(msgspec.Struct):
    """The reply: without its content in `message_start`, whole from a server that does not stream."""

    content: list[Any] | None = None
    usage: Tokens | None = None


class Event(msgspec.Struct):
    type: str | None = None
    index: int | None = None
    delta: Delta | None = None
    content_block: dict[str, Any] | None = None
    message: Message | None = None
    usage: Tokens | None = None
    error: Any = None
    # Of a reply that came whole, whose type is "message".
    content: list[Any] | None = None
    stop_reason: str | None = None
    stop_details: Any = None


NESTED: dict[str, type[msgspec.Struct]] = {
    "delta": Delta,
    "message": Message,
    "usage": Tokens,
    "output_tokens_details": OutputDetails,
}

_decoder = msgspec.json.Decoder(Event)
_S = TypeVar("_S", bound=msgspec.Struct)


def decode(data: bytes) -> Event:
    """The event. What does not fit is left out, down to an empty one; what is not JSON raises upstream_malformed."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _salvage(_parse(data), Event)


def _parse(data: bytes) -> Any:
    # The standard library takes lone surrogates and NaN, which msgspec calls malformed.
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise ProviderError("upstream_malformed", retryable=True) from None


def _salvage(value: Any, kind: type[_S]) -> _S:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind) if isinstance(value, dict) else ():
        given = value.get(field.name)
        if isinstance(given, dict) and field.name in NESTED:
            found[field.name] = _salvage(given, NESTED[field.name])
            continue
        with suppress(msgspec.ValidationError, RecursionError):
            found[field.name] = msgspec.convert(given, field.type, strict=False)
    return kind(**found)

"""The events of a Responses stream, as far as we read them.

Source: https://developers.openai.com/api/reference/resources/responses/streaming-events (read with openai 3.52.0).
"""

import json
from typing import Any

import msgspec

NONE = msgspec.Raw()


class InputDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class Tokens(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class Event(msgspec.Struct):
    """Any event: each kind has some of these."""

    type: str = ""
    delta: str | None = None
    output_index: int | None = None
    item_id: str | None = None
    summary_index: int | None = None
    arguments: str | None = None
    item: msgspec.Raw = NONE
    response: msgspec.Raw = NONE
    error: Any = None
    code: Any = None
    message: Any = None
    param: Any = None
    object: Any = None  # of what is no event


class Response(msgspec.Struct):
    """The reply itself, as the events at its beginning and end have it."""

    object: str | None = None
    status: str | None = None
    error: Any = None
    incomplete_details: dict[str, Any] | None = None
    usage: Tokens | None = None
    output: list[msgspec.Raw] | None = None


_event = msgspec.json.Decoder(Event)
_response = msgspec.json.Decoder(Response)


def decode(data: bytes) -> Event | None:
    """An event; None of what is not JSON. What does not fit is left out, down to an empty event."""
    try:
        return _event.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _salvage(data)


def response_of(raw: msgspec.Raw) -> Response:
    """The reply, as far as it can be read."""
    try:
        return _response.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _salvaged_response(bytes(raw))


def _salvage(data: bytes) -> Event | None:
    # The standard library takes lone surrogates and NaN, which msgspec calls malformed.
    value = _parse(data)
    if value is None:
        return None
    value = value[0] if isinstance(value, list) and value else value
    fields = value if isinstance(value, dict) else {}
    return Event(
        type=_str(fields.get("type")) or "",
        delta=_str(fields.get("delta")),
        output_index=_int(fields.get("output_index")),
        item_id=_str(fields.get("item_id")),
        summary_index=_int(fields.get("summary_index")),
        arguments=_str(fields.get("arguments")),
        item=_raw(fields.get("item")),
        response=_raw(fields.get("response")),
        **{name: fields.get(name) for name in ("error", "code", "message", "param", "object")},
    )


def _salvaged_response(data: bytes) -> Response:
    value = _parse(data)
    fields = value if isinstance(value, dict) else {}
    output, details = fields.get("output"), fields.get("incomplete_details")
    return Response(
        object=_str(fields.get("object")),
        status=_str(fields.get("status")),
        error=fields.get("error"),
        incomplete_details=details if isinstance(details, dict) else None,
        usage=_tokens(fields.get("usage")),
        output=[_raw(each) for each in output] if isinstance(output, list) else None,
    )


def _tokens(value: Any) -> Tokens | None:
    try:
        return msgspec.convert(value, Tokens, strict=False)
    except msgspec.ValidationError:
        return None


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _raw(value: Any) -> msgspec.Raw:
    return NONE if value is None else msgspec.Raw(json.dumps(value).encode())


def _str(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) else None

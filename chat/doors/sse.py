"""Server-sent events: one frame. Source: https://html.spec.whatwg.org/multipage/server-sent-events.html (2026-11)."""

import json
import re
from typing import Any

import msgspec

OK = b":ok\n\n"
# Without an empty line behind it: @microsoft/fetch-event-source takes each empty line for a message, here of no data.
KEEP_ALIVE = b": keep-alive\n"
RETRY_MS = 1000

_encode = msgspec.json.Encoder().encode
_encode_ascii = json.JSONEncoder(separators=(",", ":")).encode
ascii_text = json.encoder.encode_basestring_ascii  # a text as JSON, for what is sent for every delta
_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


def frame(data: Any, *, id: str = "", event: str = "") -> bytes:
    """One frame with its data as one line of UTF-8 JSON."""
    return _head(id, event) + b"data: " + _encode(data) + b"\n\n"


def json_line(data: Any) -> bytes:
    """The data alone, as one line of UTF-8 JSON: a socket's message."""
    return _encode(data) + b"\n"


def ascii_frame(data: Any, *, id: str = "", event: str = "") -> bytes:
    """The same in ASCII, for readers that decode each network chunk by itself and would cut a character in two."""
    return _head(id, event) + b"data: " + _encode_ascii(data).encode() + b"\n\n"


def _head(id: str, event: str) -> bytes:
    lines = b""
    if id:
        lines += b"id: " + _name(id) + b"\n"
    if event:
        lines += b"event: " + _name(event) + b"\n"
    return lines


def _name(text: str) -> bytes:
    """Ids and event names are of our own alphabet; anything else could begin a line of its own."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"not a name for a frame: {text!r}")
    return text.encode()

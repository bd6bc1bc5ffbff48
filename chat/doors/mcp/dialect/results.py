"""What goes out: results of requests, of tools, and what is cut where it is too long."""

import json
from collections.abc import Callable
from typing import Any

from chat.doors.mcp.dialect.messages import RESERVED, Id, Message

Result = dict[str, Any]
Wrap = Callable[[Result], Result]
KEPT_MS = 300_000  # how long a client may keep a list of tools: what a role includes changes seldom


def wrapping(message: Message, server: dict[str, str]) -> Wrap:
    """What makes a result the answer to this message: the newest revision wants to be told that it is whole, and by
    whom."""
    about = {"_meta": {f"{RESERVED}serverInfo": server}} if message.is_modern else {}
    kind = {"resultType": "complete"} if message.is_modern else {}
    return lambda result: response(message.id, {**kind, **result, **about})


def response(id: Id | None, result: Result) -> dict[str, Any]:
    """A result as JSON-RPC has it."""
    return {"jsonrpc": "2.0", "id": id, "result": result}


def kept(result: Result, for_ms: int) -> Result:
    """A result that its client may keep so long, for itself."""
    return {**result, "ttlMs": for_ms, "cacheScope": "private"}


def of_tool(value: Any, *, is_error: bool = False) -> Result:
    """A tool's result: a text as it is, anything else as JSON, and as a value for programs."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    structured = {"structuredContent": value} if isinstance(value, dict) else {}
    return {"content": [{"type": "text", "text": text}], **structured, "isError": is_error}


def piece(text: str, most: int, start: int = 0) -> tuple[str, int | None]:
    """So many characters of the text from there, and where the next ones begin if there are more."""
    end = start + most
    return text[start:end], end if end < len(text) else None

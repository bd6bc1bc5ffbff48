"""What the fake upstream answers: a turn, where it comes from, and its chunks."""

import json
import re
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

KNOBS = re.compile(r"\[\[([^\]]*)\]\]")
BASE = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_700_000_000}
CALLS = re.compile(r"\b(CALL|LOOP) (\w+)\s*(?=(\{)?)")


class ScriptedCall(msgspec.Struct, forbid_unknown_fields=True):
    """A tool call of a turn."""

    name: str
    arguments: Any = {}  # a string is sent as it is, anything else as JSON
    id: str | None = None
    index: int | None = None

    @property
    def text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments, ensure_ascii=False)


class Turn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One answer. In a user's text its plain fields are knobs: `[[n=200 delay_ms=5 fault=cut at=3]]`."""

    text: str | list[str] = ""  # a list is sent piece by piece
    n: int = 0  # that many numbered pieces ("0 ", "1 ", ...) behind the text
    pad: int = 0  # filler characters in each numbered piece
    reasoning: str | list[str] = ""
    reasoning_field: str = "reasoning_content"
    tool_calls: list[ScriptedCall] = []
    argument_chars: int = 16  # of a tool call's arguments in each chunk
    raw: list[str] = []  # sent as `data:` lines, verbatim, in place of all of the above
    verbatim: str = ""  # the whole body as it is, of this type, in place of everything else
    content_type: str = "text/event-stream"
    finish_reason: str | None = ""  # "": stop or tool_calls; None: it never says
    usage: dict[str, Any] | None = None  # None: 10 tokens in and one out for each chunk
    has_usage: bool = True
    has_done: bool = True  # [DONE] at the end
    initial_ms: float = 0.0  # before the first byte
    delay_ms: float = 0.0  # between chunks
    burst: int = 1  # chunks joined in one write
    gate: str = ""  # wait until the test releases it ...
    gate_at: int = 0  # ... before the chunk of this number
    # A status ("429"), or: refuse hang stall cut eof empty done html badjson nonsense error redirect gzip flood
    fault: str = ""
    at: int = -1  # the chunk before which the fault strikes; -1: behind the last piece, before the finish reason
    s: float = 0.0  # seconds of a hang or a stall; 0: until the client leaves
    times: int = 0  # knob only: strike only the first so many requests of this key; 0: all
    key: str = ""  # knob only: whose script answers
    retry_after: str = ""
    body: Any = None  # of an answer with a status, or of `error`

    @property
    def status(self) -> int:
        """The HTTP status that the fault asks for, 0 for none."""
        return int(self.fault) if self.fault.isdigit() else 0


def last_user_text(messages: list[dict[str, Any]]) -> str:
    return next((_text(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")


def key_of(messages: list[dict[str, Any]]) -> str:
    """The newest `key=` knob in what users said; that also marks the turns behind a tool call."""
    for message in reversed(messages):
        if message.get("role") == "user":
            found = re.findall(r"\[\[[^\]]*\bkey=([^\s\]]+)", _text(message.get("content")))
            if found:  # several where what was said before was not answered
                return str(found[-1])
    return ""


def turn_from_text(messages: list[dict[str, Any]]) -> Turn:
    """The turn that the last user text asks for by knobs, `CALL name {json}` (one a turn) or `LOOP` (for ever)."""
    text = last_user_text(messages)
    knobs = KNOBS.search(text)
    fields = dict(re.findall(r"(\w+)=([^\s\]]+)", knobs[1])) if knobs else {}
    turn = msgspec.convert(fields, Turn, strict=False)
    call = _call(text, _turns_since_user(messages))
    if call is not None:
        turn.tool_calls = [call]
    elif not turn.n and not turn.text:
        turn.text = ["You ", "said: ", text]
    return turn


class Wire(Protocol):
    """How one API says a turn: this module for chat completions; the others have one each with these functions."""

    def messages(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """What was asked, as chat completions has it: `role` and `content`, for keys, knobs and counting turns."""

    def refusal(self, body: dict[str, Any]) -> Turn | None:
        """The answer to a request that the real one refuses."""

    def pieces(self, turn: Turn, body: dict[str, Any]) -> Iterator[str]:
        """The chunks of a whole, healthy reply up to its end, as JSON texts."""

    def ending(self, turn: Turn, body: dict[str, Any], sent: int) -> Iterator[str]:
        """What follows `sent` pieces."""

    def whole(self, turn: Turn, body: dict[str, Any]) -> dict[str, Any]:
        """The reply to a request that asked for no stream."""

    def error(self, error: dict[str, Any]) -> str:
        """An error in the stream, as a JSON text."""

    def frame(self, data: str) -> bytes:
        """A chunk as it goes over the wire."""


def messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """As they are."""
    found = body.get("messages")
    return found if isinstance(found, list) else []


def refusal(body: dict[str, Any]) -> Turn | None:
    """None: servers differ in what they take; what one refuses, a test scripts."""
    return None


def frame(data: str) -> bytes:
    """One `data:` line."""
    return f"data: {data}\n\n".encode()


def error(error: dict[str, Any]) -> str:
    """Under `error`."""
    return json.dumps({"error": error})


def pieces(turn: Turn, body: dict[str, Any]) -> Iterator[str]:
    """The chunks up to the finish reason."""
    if turn.raw:
        yield from turn.raw
        return
    base: dict[str, Any] = {**BASE, "model": str(body.get("model"))}
    if _wants_usage(body):
        base["usage"] = None
    for delta in _deltas(turn):
        yield _chunk(base, delta, None)


def ending(turn: Turn, body: dict[str, Any], sent: int) -> Iterator[str]:
    """Finish reason, usage, [DONE]."""
    base = {**BASE, "model": str(body.get("model"))}
    reason = finish_reason(turn)
    if reason is not None and not turn.raw:
        yield _chunk(base, {}, reason)
    if _wants_usage(body) and turn.has_usage and not turn.raw:
        yield json.dumps({**base, "choices": [], "usage": usage(turn, sent)})
    if turn.has_done:
        yield "[DONE]"


def _wants_usage(body: dict[str, Any]) -> bool:
    return bool((body.get("stream_options") or {}).get("include_usage"))


def finish_reason(turn: Turn) -> str | None:
    return turn.finish_reason if turn.finish_reason != "" else "tool_calls" if turn.tool_calls else "stop"


def usage(turn: Turn, sent: int) -> dict[str, Any]:
    return turn.usage or {"prompt_tokens": 10, "completion_tokens": sent, "total_tokens": 10 + sent}


def whole(turn: Turn, body: dict[str, Any]) -> dict[str, Any]:
    """One chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(_texts(turn))}
    if turn.tool_calls:
        message["tool_calls"] = [_call_delta(i, call, call.text) for i, call in enumerate(turn.tool_calls)]
    choice = {"index": 0, "message": message, "finish_reason": finish_reason(turn)}
    base = {**BASE, "object": "chat.completion", "model": str(body.get("model"))}
    return {**base, "choices": [choice], "usage": usage(turn, 1)}


def _deltas(turn: Turn) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for piece in _list(turn.reasoning):
        yield {turn.reasoning_field: piece}
    for piece in _texts(turn):
        yield {"content": piece}
    for index, call in enumerate(turn.tool_calls):
        yield {"tool_calls": [_call_delta(index, call, "")]}
        number = index if call.index is None else call.index
        for start in range(0, len(call.text), turn.argument_chars):
            part = call.text[start : start + turn.argument_chars]
            yield {"tool_calls": [{"index": number, "function": {"arguments": part}}]}


def _texts(turn: Turn) -> Iterator[str]:
    yield from _list(turn.text)
    for number in range(turn.n):
        yield f"{number} {'x' * turn.pad}"


def _call_delta(index: int, call: ScriptedCall, arguments: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": arguments}
    number = index if call.index is None else call.index
    return {"index": number, "id": call.id or f"call_fake{index}", "type": "function", "function": function}


def _chunk(base: dict[str, Any], delta: dict[str, Any], reason: str | None) -> str:
    return json.dumps({**base, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]})


def _call(text: str, turn: int) -> ScriptedCall | None:
    found = [(m[1], m[2], _json_at(text, m.end()) if m[3] else {}) for m in CALLS.finditer(text)]
    if found and (turn < len(found) or found[-1][0] == "LOOP"):
        _, name, arguments = found[min(turn, len(found) - 1)]
        return ScriptedCall(name, arguments, id=f"call_fake_{turn}")
    return None


def _json_at(text: str, start: int) -> Any:
    try:
        return json.JSONDecoder().raw_decode(text, start)[0]
    except ValueError:
        return text[start:]  # sent as it is: arguments that are not JSON


def _turns_since_user(messages: list[dict[str, Any]]) -> int:
    since = 0
    for message in reversed(messages):
        if message.get("role") == "user":
            break
        since += message.get("role") == "assistant"
    return since


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []

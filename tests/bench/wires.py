"""How the bench's provider says a chunk over each of the three wire APIs, prepared so that a chunk costs one `%`."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MARK = "<000000@0000000000000000000>"
MODEL = "bench"


@dataclass(frozen=True)
class Wire:
    """`chunk` takes a number and nanoseconds; `end` the number of chunks. All are framed for HTTP."""

    begin: bytes
    chunk: bytes
    end: Callable[[int], bytes]


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _wire(begin: bytes, said: bytes, end: Callable[[int], bytes]) -> Wire:
    before, after = (part.replace(b"%", b"%%") for part in _framed(said).split(MARK.encode()))
    last = b"0\r\n\r\n"
    return Wire(_framed(begin), before + b"<%06d@%019d>" + after, lambda chunks: _framed(end(chunks)) + last)


# --- Chat completions -------------------------------------------------------------------------------------------------

BASE = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": MODEL}


def _chunk(choices: list[Any], **rest: Any) -> bytes:
    return b"data: " + json.dumps({**BASE, "choices": choices, **rest}).encode() + b"\n\n"


def _delta(delta: dict[str, Any], reason: str | None = None) -> bytes:
    return _chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}], usage=None)


def _chat_end(chunks: int) -> bytes:
    usage = {"prompt_tokens": 10, "completion_tokens": chunks, "total_tokens": 10 + chunks}
    return _delta({}, "stop") + _chunk([], usage=usage) + b"data: [DONE]\n\n"


# --- Responses and Messages: each event is named twice ----------------------------------------------------------------


def _event(type: str, **rest: Any) -> bytes:
    return f"event: {type}\ndata: {json.dumps({'type': type, **rest})}\n\n".encode()


PLACE = {"item_id": "msg_bench", "output_index": 0, "content_index": 0}


def _response(status: str, **rest: Any) -> dict[str, Any]:
    return {"id": "resp_bench", "object": "response", "model": MODEL, "status": status, "output": [], **rest}


def _item(status: str, content: list[Any]) -> dict[str, Any]:
    return {"id": "msg_bench", "type": "message", "role": "assistant", "status": status, "content": content}


def _responses_end(chunks: int) -> bytes:
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    usage = {"input_tokens": 10, "output_tokens": chunks, "total_tokens": 10 + chunks, **details}
    done = _event("response.output_item.done", output_index=0, item=_item("completed", []))
    return done + _event("response.completed", response=_response("completed", usage=usage))


PART = {"type": "output_text", "text": "", "annotations": []}
RESPONSES_BEGIN = (
    _event("response.created", response=_response("in_progress"))
    + _event("response.output_item.added", output_index=0, item=_item("in_progress", []))
    + _event("response.content_part.added", **PLACE, part=PART)
)


def _messages_end(chunks: int) -> bytes:
    ends = {"stop_reason": "end_turn", "stop_sequence": None}
    told = _event("message_delta", delta=ends, usage={"output_tokens": chunks})
    return _event("content_block_stop", index=0) + told + _event("message_stop")


OPENED = {
    **{"id": "msg_bench", "type": "message", "role": "assistant", "model": MODEL, "content": []},
    **{"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1}},
}
MESSAGES_BEGIN = _event("message_start", message=OPENED) + _event(
    "content_block_start", index=0, content_block={"type": "text", "text": ""}
)

WIRES = {
    "/chat/completions": _wire(_delta({"role": "assistant", "content": ""}), _delta({"content": MARK}), _chat_end),
    "/responses": _wire(
        RESPONSES_BEGIN,
        _event("response.output_text.delta", **PLACE, sequence_number=4, delta=MARK, logprobs=[]),
        _responses_end,
    ),
    "/messages": _wire(
        MESSAGES_BEGIN,
        _event("content_block_delta", index=0, delta={"type": "text_delta", "text": MARK}),
        _messages_end,
    ),
}


def spoken(head: bytes) -> Wire:
    """What is spoken at the address that a request's head names."""
    path = head.split(b" ", 2)[1].decode()
    return next(wire for end, wire in WIRES.items() if path.endswith(end))

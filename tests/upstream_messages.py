"""How the fake upstream speaks Anthropic's Messages API: as strict as the real one of version 2026-10-21.

A piece is one delta with the events around it, so that a turn has as many pieces as over chat completions. Thoughts are
signed with all that stands before them in their turn, and the ids of calls behind them name the signature: what comes
back without its thoughts, or with others, or in another order, is refused.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from tests import upstream_turns
from tests.upstream_turns import Turn

REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
SIGNED = re.compile(r"toolu_([0-9a-f]{16})_\d+")
FIELDS = {
    "model", "max_tokens", "messages", "cache_control", "container", "inference_geo", "metadata", "output_config",
    "service_tier", "stop_sequences", "stream", "system", "thinking", "tool_choice", "tools",
}  # fmt: skip
BLOCKS = {
    "text": {"type", "text", "cache_control", "citations"},
    "image": {"type", "source", "cache_control"},
    "document": {"type", "source", "title", "context", "citations", "cache_control"},
    "tool_use": {"type", "id", "name", "input", "cache_control"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
}
Body = dict[str, Any]


class Refused(Exception):
    """Its text is the error's message."""


# --- What is asked ----------------------------------------------------------------------------------------------------


def messages(body: Body) -> list[Body]:
    """As chat completions has them: the system text first, each tool's result by itself."""
    found: list[Body] = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    for message in body.get("messages") or []:
        blocks = blocks_of(message)
        found += [
            {"role": "tool", "tool_call_id": each.get("tool_use_id"), "content": each.get("content", "")}
            for each in blocks
            if each.get("type") == "tool_result"
        ]
        rest = [each for each in blocks if each.get("type") in ("text", "image", "document")]
        calls = [each for each in blocks if each.get("type") == "tool_use"]
        if rest or calls or message.get("role") == "assistant":
            found.append({"role": message.get("role"), "content": _content(rest)} | _calls(calls))
    return found


def _content(blocks: list[Body]) -> Any:
    if any(each["type"] != "text" for each in blocks):
        return blocks
    return "\n".join(str(each["text"]) for each in blocks)


def _calls(calls: list[Body]) -> Body:
    made = [
        {"id": each["id"], "function": {"name": each["name"], "arguments": json.dumps(each["input"])}} for each in calls
    ]
    return {"tool_calls": made} if made else {}


def blocks_of(message: Body) -> list[Body]:
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])


# --- What is refused --------------------------------------------------------------------------------------------------


def refusal(body: Body) -> Turn | None:
    """The 400 of a request that the real one refuses."""
    try:
        _check(body)
    except Refused as error:
        told = {"type": "error", "error": {"type": "invalid_request_error", "message": str(error)}}
        return Turn(fault="400", body=told)
    return None


def _check(body: Body) -> None:
    for name in ("temperature", "top_p", "top_k"):
        _require(name not in body, f"`{name}` is not supported by this version")
    for name in body:
        _require(name in FIELDS, f"{name}: Extra inputs are not permitted")
    for name in ("model", "max_tokens", "messages"):
        _require(body.get(name), f"{name}: Field required")
    _require(body.get("system") != "", "system: text content blocks must be non-empty")
    said = body["messages"]
    _require(said[0].get("role") == "user", 'messages: first message must use the "user" role')
    _require(said[-1].get("role") == "user", "This model does not support assistant message prefill.")
    for number, (before, message) in enumerate(zip([{}, *said], said, strict=False)):
        _check_message(number, before, message, is_told=bool(body.get("tools")))


def _check_message(number: int, before: Body, message: Body, *, is_told: bool) -> None:
    place, role, blocks = f"messages.{number}", message.get("role"), blocks_of(message)
    _require(role in ("user", "assistant") and role != before.get("role"), f"{place}: roles must alternate")
    _require(blocks, f"{place}: all messages must have non-empty content")
    for at, block in enumerate(blocks):
        _check_block(f"{place}.content.{at}", block)
        _require(
            block["type"] not in ("tool_use", "thinking", "redacted_thinking") or role == "assistant",
            f"{place}: {role}",
        )
    _require(role == "user" or "document" not in {each["type"] for each in blocks}, f"{place}: document")
    asked = [each["id"] for each in blocks_of(before) if each["type"] == "tool_use"] if before else []
    _require(not asked or is_told, "Requests which include `tool_use` or `tool_result` blocks must define tools")
    told = [each["tool_use_id"] for each in blocks if each["type"] == "tool_result"]
    _require(
        sorted(told) == sorted(asked) and all(each["type"] == "tool_result" for each in blocks[: len(told)]),
        f"{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {asked}",
    )
    if role == "assistant":
        _check_thoughts(place, blocks)


def _check_block(place: str, block: Body) -> None:
    kind = block.get("type")
    _require(kind in BLOCKS, f"{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags")
    for name in block:
        _require(name in BLOCKS[kind], f"{place}.{kind}.{name}: Extra inputs are not permitted")
    if kind == "text":
        _require(str(block["text"]).strip(), "messages: text content blocks must contain non-whitespace text")
    if kind == "document":
        source = block["source"]
        _require(set(source) == {"type", "media_type", "data"}, f"{place}.document.source: Extra inputs")
        _require(source["media_type"] == "application/pdf", f"{place}.document.source.base64.media_type")
    if kind == "tool_use":
        _require(isinstance(block["input"], dict), f"{place}.tool_use.input: Input should be a valid dictionary")
        _require(re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]), f"{place}.tool_use.id: String should match pattern")


def _check_thoughts(place: str, blocks: list[Body]) -> None:
    """Each is as it was signed, at its place; and a call behind thoughts comes with them."""
    signed = set()
    for at, block in enumerate(blocks):
        if block["type"] in ("thinking", "redacted_thinking"):
            signature = sign(blocks[:at], str(block.get("thinking", "")))
            signed.add(signature)
            given = block["signature" if block["type"] == "thinking" else "data"]
            _require(given == signature, f"{place}.content.{at}: `thinking` blocks cannot be modified")
        elif block["type"] == "tool_use" and (found := SIGNED.fullmatch(block["id"])):
            _require(found[1] in signed, f"{place}.content.{at}: Expected `thinking`, but found `tool_use`")


def sign(before: list[Body], thought: str) -> str:
    """What a thought is signed by, behind those blocks."""
    content = [[each.get(name) for name in ("type", "text", "thinking", "name", "input")] for each in before]
    return hashlib.sha256(json.dumps([content, thought], sort_keys=True).encode()).hexdigest()[:16]


def _require(condition: Any, message: str) -> None:
    if not condition:
        raise Refused(message)


# --- What is answered -------------------------------------------------------------------------------------------------


def frame(data: str) -> bytes:
    """Each event with its name, where it is one."""
    return b"".join(_event(line) for line in data.split("\n"))


def _event(line: str) -> bytes:
    found = re.match(r'\{"type": ?"(\w+)"', line)
    return f"event: {found[1]}\ndata: {line}\n\n".encode() if found else f"data: {line}\n\n".encode()


def error(error: Body) -> str:
    """An event of its own."""
    return json.dumps({"type": "error", "error": error})


def pieces(turn: Turn, body: Body) -> Iterator[str]:
    """The beginning, then each delta with what is between it and the one before."""
    if turn.raw:
        yield from turn.raw
        return
    yield _joined(_start(body), {"type": "ping"})
    end: list[Body] = []
    for index, block in enumerate(content(turn, body)):
        begin = {"type": "content_block_start", "index": index, "content_block": _begin(block)}
        first, *rest = [{"type": "content_block_delta", "index": index, "delta": each} for each in _deltas(turn, block)]
        yield _joined(*end, begin, first)
        yield from map(json.dumps, rest)
        end = _end(index, block)


def ending(turn: Turn, body: Body, sent: int) -> Iterator[str]:
    """The end of the last block, then why and what it cost, then the end."""
    if not turn.raw:
        blocks = content(turn, body)
        end = _end(len(blocks) - 1, blocks[-1]) if blocks else []
        if (reason := _reason(turn)) is not None:
            delta = {"stop_reason": reason, "stop_sequence": None}
            usage = {"usage": _usage(turn, body)} if turn.has_usage else {}
            end.append({"type": "message_delta", "delta": delta, **usage})
        if end:
            yield _joined(*end)
    if turn.has_done:
        yield json.dumps({"type": "message_stop"})


def whole(turn: Turn, body: Body) -> Body:
    """One message."""
    blocks = [{name: value for name, value in each.items() if name != "deltas"} for each in content(turn, body)]
    return {**_start(body)["message"], "content": blocks, "stop_reason": _reason(turn), "usage": _usage(turn, body)}


def content(turn: Turn, body: Body) -> list[Body]:
    """The blocks of a turn, with the pieces that they come in."""
    blocks: list[Body] = []
    if thoughts := upstream_turns._list(turn.reasoning):
        thought = "".join(thoughts)
        blocks.append({"type": "thinking", "thinking": thought, "signature": sign([], thought), "deltas": thoughts})
    if texts := list(upstream_turns._texts(turn)):
        blocks.append({"type": "text", "text": "".join(texts), "deltas": texts})
    signature = blocks[0]["signature"] if turn.reasoning else ""
    for number, call in enumerate(turn.tool_calls):
        made = f"toolu_{signature}_{number}" if signature else f"toolu_{len(body['messages'])}_{number}"
        id = made if signature else call.id or made
        blocks.append(
            {"type": "tool_use", "id": id, "name": call.name, "input": _input(call.text), "deltas": call.text}
        )
    return blocks


def _begin(block: Body) -> Body:
    match block["type"]:
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "text":
            return {"type": "text", "text": ""}
        case _:
            return {"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}}


def _deltas(turn: Turn, block: Body) -> Iterator[Body]:
    match block["type"]:
        case "thinking":
            yield from ({"type": "thinking_delta", "thinking": each} for each in block["deltas"])
        case "text":
            yield from ({"type": "text_delta", "text": each} for each in block["deltas"])
        case _:
            yield {"type": "input_json_delta", "partial_json": ""}
            for start in range(0, len(block["deltas"]), turn.argument_chars):
                part = block["deltas"][start : start + turn.argument_chars]
                yield {"type": "input_json_delta", "partial_json": part}


def _end(index: int, block: Body) -> list[Body]:
    signature = {"type": "signature_delta", "signature": block.get("signature")}
    signed = [{"type": "content_block_delta", "index": index, "delta": signature}] if "signature" in block else []
    return [*signed, {"type": "content_block_stop", "index": index}]


def _start(body: Body) -> Body:
    message = {"id": "msg_fake", "type": "message", "role": "assistant", "model": str(body.get("model")), "content": []}
    usage = {"input_tokens": 10, "output_tokens": 1}
    return {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}}


def _reason(turn: Turn) -> str | None:
    reason = upstream_turns.finish_reason(turn)
    return None if reason is None else REASONS.get(reason, reason)


def _usage(turn: Turn, body: Body) -> Body:
    """What was scripted, by the words of chat completions or of this API; else as many as over chat completions."""
    if turn.usage and "input_tokens" in turn.usage:
        return turn.usage
    counted = upstream_turns.usage(turn, sum(1 for _ in upstream_turns.pieces(turn, body)))
    cached = (counted.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    thought = (counted.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
    return {
        "input_tokens": counted["prompt_tokens"] - cached,
        "cache_read_input_tokens": cached,
        "output_tokens": counted["completion_tokens"],
        "output_tokens_details": {"thinking_tokens": thought},
    }


def _input(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return {}


def _joined(*events: Body) -> str:
    return "\n".join(map(json.dumps, events))

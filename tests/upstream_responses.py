"""The Responses API as the fake upstream speaks it: the events of a turn, and what the real one refuses of a request.

A piece is what one chunk of chat completions is, so that faults and gates strike at the same places: a few events, one
a line. Ids say what they belong to: a call `fc_7_r0` came with the reasoning `rs_7_r0`, and is refused without it.
"""

import itertools
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

from openai.types import responses as sdk
from openai.types.responses import response_create_params, response_input_item_param

from tests import upstream_turns
from tests.upstream_turns import ScriptedCall, Turn

REASONING_MODELS = ("gpt-5", "gpt-6", "o3", "o4")  # by the beginning of their names
PLAIN_MODELS = ("gpt-4",)
STRICT = "-strict"  # the end of the name of one that reads its thoughts from the request alone, as DeepSeek's does
TYPE = re.compile(r'\{"type": "([\w.]+)"')  # stands first in each event
MIN_OUTPUT_TOKENS = 16
REPLY = {"message", "reasoning", "function_call"}


# --- What is asked --------------------------------------------------------------------------------------------------


def messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The input as messages: what stands between two of a person is one answer with its results."""
    told = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    for item in body.get("input") or ():
        kind, role = item.get("type", "message"), item.get("role", "assistant")
        if kind == "function_call_output":
            told.append({"role": "tool", "content": item.get("output"), "tool_call_id": item.get("call_id")})
        elif role != "assistant":
            told.append({"role": role, "content": item.get("content")})
        else:
            if not told or told[-1]["role"] != "assistant":
                told.append({"role": "assistant", "content": ""})
            told[-1]["content"] += _text(item.get("content"))
    return told


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or ())


# --- What is refused ------------------------------------------------------------------------------------------------


def refusal(body: dict[str, Any]) -> Turn | None:
    """A 400 where the real API would answer so."""
    for message, code, param in _faults(body):
        error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        return Turn(fault="400", body={"error": error})
    return None


Fault = tuple[str, str | None, str]  # a sentence, a code, and which field


def _faults(body: dict[str, Any]) -> Iterator[Fault]:
    fields = _fields(response_create_params.ResponseCreateParamsBase) | {"stream": True}
    for name in body:
        if name not in fields:
            yield f"Unknown parameter: '{name}'.", "unknown_parameter", name
    yield from _wrong_for_model(body)
    if body.get("max_output_tokens", MIN_OUTPUT_TOKENS) < MIN_OUTPUT_TOKENS:
        told = f"Expected a value >= {MIN_OUTPUT_TOKENS}, but got {body['max_output_tokens']} instead."
        yield (
            f"Invalid 'max_output_tokens': integer below minimum value. {told}",
            "integer_below_min_value",
            "max_output_tokens",
        )
    for number, tool in enumerate(body.get("tools") or ()):
        yield from _wrong_fields(tool, sdk.FunctionToolParam, f"tools[{number}]")
    for number, item in enumerate(body.get("input") or ()):
        yield from _wrong_item(item, f"input[{number}]")
    yield from _wrong_order(body.get("input") or [])


def _wrong_for_model(body: dict[str, Any]) -> Iterator[Fault]:
    model = str(body.get("model"))
    if model.startswith(REASONING_MODELS):
        for name in ("temperature", "top_p"):
            if name in body:
                yield f"Unsupported parameter: '{name}' is not supported with this model.", None, name
    if model.startswith(PLAIN_MODELS):
        if "reasoning.encrypted_content" in (body.get("include") or ()):
            yield "Encrypted content is not supported with this model.", None, "include"
        for name in body.get("reasoning") or ():
            yield (
                f"Unsupported parameter: 'reasoning.{name}' is not supported with this model.",
                None,
                f"reasoning.{name}",
            )
    if model.endswith(STRICT):
        yield from _unreasoned(body.get("input") or [])


def _unreasoned(items: list[dict[str, Any]]) -> Iterator[Fault]:
    """Calls of the turn under way that come without what was thought before them."""
    kinds = ["user" if each.get("role") == "user" else each.get("type", "message") for each in items]
    turn = kinds[len(kinds) - kinds[::-1].index("user") :] if "user" in kinds else kinds
    if "function_call" in turn and "reasoning" not in turn[: turn.index("function_call")]:
        yield "The `reasoning_text` in the thinking mode must be passed back to the API.", None, "input"


ITEMS: dict[str, Any] = {
    "reasoning": sdk.ResponseReasoningItemParam,
    "function_call": sdk.ResponseFunctionToolCallParam,
    "function_call_output": response_input_item_param.FunctionCallOutput,
}
PARTS: dict[str, Any] = {
    "input_text": sdk.ResponseInputTextParam,
    "input_image": sdk.ResponseInputImageParam,
    "input_file": sdk.ResponseInputFileParam,
    "output_text": sdk.ResponseOutputTextParam,
    "refusal": sdk.ResponseOutputRefusalParam,
}


def _wrong_item(item: dict[str, Any], at: str) -> Iterator[Fault]:
    kind = item.get("type", "message")
    if kind == "message":
        is_output = "id" in item
        yield from _wrong_fields(item, sdk.ResponseOutputMessageParam if is_output else sdk.EasyInputMessageParam, at)
        yield from _wrong_parts(item, at)
    elif kind in ITEMS:
        yield from _wrong_fields(item, ITEMS[kind], at)
    else:
        yield f"Invalid value: '{kind}'.", "invalid_value", f"{at}.type"


def _wrong_parts(item: dict[str, Any], at: str) -> Iterator[Fault]:
    content = item.get("content")
    for number, part in enumerate(content if isinstance(content, list) else ()):
        place, kind = f"{at}.content[{number}]", part.get("type")
        if kind not in PARTS or (item["role"] == "assistant") == kind.startswith("input_"):
            yield f"Invalid value: '{kind}'.", "invalid_value", place
        else:
            yield from _wrong_fields(part, PARTS[kind], place)


def _wrong_fields(value: dict[str, Any], form: Any, at: str) -> Iterator[Fault]:
    fields = _fields(form)
    for name in value:
        if name not in fields:
            yield f"Unknown parameter: '{at}.{name}'.", "unknown_parameter", f"{at}.{name}"
    for name, is_required in fields.items():
        if is_required and name not in value:
            yield f"Missing required parameter: '{at}.{name}'.", "missing_required_parameter", f"{at}.{name}"


def _fields(form: Any) -> dict[str, bool]:
    """The fields of one of the SDK's TypedDicts, and which are required."""
    return {name: "Required[" in str(each) for name, each in form.__annotations__.items()}


def _wrong_order(items: list[dict[str, Any]]) -> Iterator[Fault]:
    kinds = [each.get("type", "message") for each in items]
    ids = {kind: [each.get("call_id") for each in items if each.get("type") == kind] for kind in ITEMS}
    for call in ids["function_call"]:
        if ids["function_call_output"].count(call) != 1:
            yield f"No tool output found for function call {call}.", None, "input"
    for call in ids["function_call_output"]:
        if call not in ids["function_call"]:
            yield f"No tool call found for function call output with call_id {call}.", None, "input"
    for number, item in enumerate(items):
        before, after = items[number - 1] if number else {}, [*kinds, ""][number + 1]
        yield from _wrong_neighbours(item, before, after)


def _wrong_neighbours(item: dict[str, Any], before: dict[str, Any], after: str) -> Iterator[Fault]:
    kind, id = item.get("type", "message"), str(item.get("id", ""))
    if kind == "reasoning":
        if item.get("encrypted_content") != _sealed(id):
            told = "Items are not persisted when `store` is set to false."
            yield f"Item with id '{id}' not found. {told}", None, "input"
        if after not in REPLY:
            yield f"Item '{id}' of type 'reasoning' was provided without its required following item.", None, "input"
    elif kind in REPLY and "_r" in id and before.get("type") not in REPLY:
        needed = f"'reasoning' item: 'rs_{id.partition('_')[2]}'"
        yield f"Item '{id}' of type '{kind}' was provided without its required {needed}.", None, "input"


def _sealed(id: str) -> str:
    return f"gAAAA-sealed-{id}"


# --- What is answered -----------------------------------------------------------------------------------------------


def frame(data: str) -> bytes:
    """The events of a piece, each with its name."""
    return "".join(_framed(line) for line in data.split("\n")).encode()


def _framed(line: str) -> str:
    kind = TYPE.match(line)  # quicker than to parse it: whoever is measured must not wait for it
    return f"event: {kind[1]}\ndata: {line}\n\n" if kind else f"data: {line}\n\n"


def error(error: dict[str, Any]) -> str:
    """Flat, as the SDK has it."""
    fields = {name: error.get(name) for name in ("code", "message", "param")}
    return json.dumps({"type": "error", "sequence_number": 99, **fields, "code": fields["code"] or error.get("type")})


def pieces(turn: Turn, body: dict[str, Any]) -> Iterator[str]:
    """One for each chunk of chat completions."""
    if turn.raw:
        yield from turn.raw
        return
    script = _Script(turn, body)
    for events in script.pieces():
        yield "\n".join(map(json.dumps, events))


def ending(turn: Turn, body: dict[str, Any], sent: int) -> Iterator[str]:
    """What closes the last item, and the end; no [DONE]."""
    script = _Script(turn, body)
    for _ in script.pieces():
        pass
    if turn.finish_reason is not None and not turn.raw:
        yield "\n".join(map(json.dumps, [*script.close(), script.end(sent)]))


def whole(turn: Turn, body: dict[str, Any]) -> dict[str, Any]:
    """The response alone."""
    script = _Script(turn, body)
    for _ in script.pieces():
        pass
    script.close()
    response: dict[str, Any] = script.end(1)["response"]
    return response


STATUSES = {"length": "max_output_tokens", "content_filter": "content_filter"}


class _Script:
    """The events of one turn."""

    def __init__(self, turn: Turn, body: dict[str, Any]) -> None:
        self.turn = turn
        self.body = body
        self.output: list[dict[str, Any]] = []  # items that are whole
        self.item: dict[str, Any] | None = None  # the open one
        self.text: list[str] = []  # of it
        self._sequence = itertools.count()
        self._key = turn.key or f"{abs(hash_of(turn, body)) % 10**8}"

    def pieces(self) -> Iterator[list[dict[str, Any]]]:
        turn = self.turn
        response = self.response("in_progress")
        yield [self.event("response.created", response=response), self.event("response.in_progress", response=response)]
        opening = [] if turn.reasoning or not self.thinks else [*self.open_reasoning()]
        for text in upstream_turns._list(turn.reasoning):
            yield [*(() if self.is_open("reasoning") else self.open_reasoning()), self.thought(text)]
        for text in upstream_turns._texts(turn):
            yield [*opening, *(() if self.is_open("message") else self.open_message()), self.said(text)]
            opening = []
        for number, call in enumerate(turn.tool_calls):
            yield [*opening, *self.open_call(number, call)]
            opening = []
            for start in range(0, len(call.text), turn.argument_chars):
                yield [self.argued(call.text[start : start + turn.argument_chars])]

    @property
    def thinks(self) -> bool:
        return str(self.body.get("model")).startswith(REASONING_MODELS)

    def event(self, kind: str, **fields: Any) -> dict[str, Any]:
        return {"type": kind, "sequence_number": next(self._sequence), **fields}

    def is_open(self, kind: str) -> bool:
        return self.item is not None and self.item["type"] == kind

    def part(self, kind: str, **fields: Any) -> dict[str, Any]:
        """An event of the open item."""
        assert self.item is not None
        return self.event(kind, item_id=self.item["id"], output_index=len(self.output), **fields)

    def open(self, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from self.close()
        self.item, self.text = item, []
        yield self.event("response.output_item.added", output_index=len(self.output), item=item)

    def open_reasoning(self) -> Iterator[dict[str, Any]]:
        id = f"rs_{self._key}_r0"
        yield from self.open({"id": id, "type": "reasoning", "summary": [], "encrypted_content": ""})
        if self.turn.reasoning and self.sums_up:
            yield self.part("response.reasoning_summary_part.added", summary_index=0, part=_summary(""))

    @property
    def sums_up(self) -> bool:
        """Else it thinks aloud, as open models do."""
        return bool((self.body.get("reasoning") or {}).get("summary"))

    def thought(self, text: str) -> dict[str, Any]:
        self.text.append(text)
        if self.sums_up:
            return self.part("response.reasoning_summary_text.delta", summary_index=0, delta=text)
        return self.part("response.reasoning_text.delta", content_index=0, delta=text)

    def open_message(self) -> Iterator[dict[str, Any]]:
        id = f"msg_{self._key}{self.mark}"
        item = {"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        yield from self.open(item)
        yield self.part("response.content_part.added", content_index=0, part=_said(""))

    @property
    def mark(self) -> str:
        """In the id of what came with reasoning."""
        came = [*self.output, *([self.item] if self.item else [])]
        return "_r0" if any(each["type"] == "reasoning" for each in came) else ""

    def said(self, text: str) -> dict[str, Any]:
        self.text.append(text)
        return self.part("response.output_text.delta", content_index=0, delta=text, logprobs=[])

    def open_call(self, number: int, call: ScriptedCall) -> Iterator[dict[str, Any]]:
        id, call_id = f"fc_{self._key}{self.mark}_{number}", call.id or f"call_up_{self._key}_{number}"
        item = {"id": id, "type": "function_call", "status": "in_progress", "call_id": call_id, "name": call.name}
        yield from self.open({**item, "arguments": ""})

    def argued(self, text: str) -> dict[str, Any]:
        self.text.append(text)
        return self.part("response.function_call_arguments.delta", delta=text)

    def close(self) -> list[dict[str, Any]]:
        """What ends the open item."""
        if self.item is None:
            return []
        text, kind = "".join(self.text), self.item["type"]
        closing = {"message": self.close_message, "function_call": self.close_call, "reasoning": self.close_reasoning}
        events, rest = closing[kind](text)
        item = {**self.item, **rest}
        events.append(self.event("response.output_item.done", output_index=len(self.output), item=item))
        self.output.append(item)
        self.item = None
        return events

    def close_message(self, text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        events = [
            self.part("response.output_text.done", content_index=0, text=text, logprobs=[]),
            self.part("response.content_part.done", content_index=0, part=_said(text)),
        ]
        return events, {"status": "completed", "content": [_said(text)]}

    def close_call(self, text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        events = [self.part("response.function_call_arguments.done", arguments=text)]
        return events, {"status": "completed", "arguments": text}

    def close_reasoning(self, text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        assert self.item is not None
        is_asked = "reasoning.encrypted_content" in (self.body.get("include") or ())
        sealed = {"encrypted_content": _sealed(self.item["id"]) if is_asked else None}
        if not text:
            return [], sealed
        if not self.sums_up:
            thought = {"type": "reasoning_text", "text": text}
            return [self.part("response.reasoning_text.done", content_index=0, text=text)], {
                **sealed,
                "content": [thought],
            }
        events = [
            self.part("response.reasoning_summary_text.done", summary_index=0, text=text),
            self.part("response.reasoning_summary_part.done", summary_index=0, part=_summary(text)),
        ]
        return events, {**sealed, "summary": [_summary(text)]}

    def end(self, sent: int) -> dict[str, Any]:
        reason = self.turn.finish_reason or ""
        usage = {"usage": _usage(self.turn, sent)} if self.turn.has_usage else {}
        if reason in STATUSES:
            why = {"incomplete_details": {"reason": STATUSES[reason]}}
            return self.event("response.incomplete", response=self.response("incomplete", **why, **usage))
        if reason == "error":
            why = {"error": {"code": "server_error", "message": "secret-in-the-body"}}
            return self.event("response.failed", response=self.response("failed", **why, **usage))
        return self.event("response.completed", response=self.response("completed", **usage))

    def response(self, status: str, **fields: Any) -> dict[str, Any]:
        body = self.body
        return {
            "id": f"resp_{self._key}", "object": "response", "created_at": 1_700_000_000, "status": status,
            "error": None, "incomplete_details": None, "model": str(body.get("model")), "output": list(self.output),
            "instructions": body.get("instructions"), "tools": body.get("tools") or [], "parallel_tool_calls": True,
            "tool_choice": body.get("tool_choice", "auto"), "temperature": 1.0, "top_p": 1.0, "usage": None, **fields,
        }  # fmt: skip


def hash_of(turn: Turn, body: dict[str, Any]) -> int:
    """The same for the pieces and the ending of a turn, another one for each turn of a conversation."""
    return zlib.crc32(json.dumps([turn.text, [each.text for each in turn.tool_calls], body], sort_keys=True).encode())


def _said(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _summary(text: str) -> dict[str, Any]:
    return {"type": "summary_text", "text": text}


def _usage(turn: Turn, sent: int) -> dict[str, Any]:
    if turn.usage and "input_tokens" in turn.usage:
        return turn.usage
    told = turn.usage or {}
    inputs, outputs = told.get("prompt_tokens", 10), told.get("completion_tokens", sent)
    cached = (told.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    reasoning = (told.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
    return {
        "input_tokens": inputs, "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": outputs, "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": inputs + outputs,
    }  # fmt: skip

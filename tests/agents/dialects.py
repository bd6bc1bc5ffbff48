"""A model server that speaks as one vendor's documents say: its paths, its header, its oddities. See PAGE for each."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TEXT = "pong"
CALL = {"city": "Rome"}


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}


def call(**more: Any) -> dict[str, Any]:
    function = {"name": "weather", "arguments": json.dumps(CALL)}
    return {"tool_calls": [{"id": "abcDEF123", "type": "function", "function": function, **more}]}


def usage(**more: int) -> dict[str, Any]:
    return {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14, **more}


def plain(has_tools: bool) -> list[Any]:
    """As OpenAI's reference has it."""
    said = (
        [chunk({"role": "assistant", **call(index=0)}), chunk({}, "tool_calls")] if has_tools else
        [chunk({"role": "assistant", "content": TEXT}), chunk({}, "stop")]
    )  # fmt: skip
    return [*said, chunk(usage=usage())]


def azure(has_tools: bool) -> list[Any]:
    """Content filters first, in a chunk without choices."""
    return [
        {**chunk(), "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]},
        *plain(has_tools),
    ]


def xai(has_tools: bool) -> list[Any]:
    """It thinks aloud, and counts that beside the completion."""
    counted = usage(total_tokens=34, completion_tokens_details={"reasoning_tokens": 20})  # type: ignore[arg-type]
    return [chunk({"reasoning_content": "Hm."}), *plain(has_tools)[:-1], chunk(usage=counted)]


def gemini(has_tools: bool) -> list[Any]:
    """Usage in the last chunk of content; a signature with the call."""
    signed = call(index=0, extra_content={"google": {"thought_signature": "c2ln"}})
    said = signed if has_tools else {"content": TEXT}
    return [chunk({"role": "assistant", **said}, "tool_calls" if has_tools else "stop", usage=usage())]


def deepseek(has_tools: bool) -> list[Any]:
    """It thinks aloud in a field of its own, and content is null meanwhile."""
    counted = usage(prompt_cache_hit_tokens=8, prompt_cache_miss_tokens=3)
    return [chunk({"content": None, "reasoning_content": "Hm."}), *plain(has_tools)[:-1], chunk(usage=counted)]


def openrouter(has_tools: bool) -> list[Any]:
    """Comments while it looks for a server; reasoning twice over."""
    thought = {"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]}
    return [": OPENROUTER PROCESSING", ": OPENROUTER PROCESSING", chunk(thought), *plain(has_tools)]


def ollama(has_tools: bool) -> list[Any]:
    """The whole call at once, ended by stop."""
    said = call(index=0) if has_tools else {"content": TEXT}
    return [chunk({"role": "assistant", **said}), chunk({"content": ""}, "stop"), chunk(usage=usage())]


def responses(has_tools: bool) -> list[Any]:
    """Typed events, no [DONE]."""
    item = {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": "weather",
        "arguments": json.dumps(CALL),
    }
    said = (
        [{"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
         {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": json.dumps(CALL)},
         {"type": "response.output_item.done", "output_index": 0, "item": item}]
        if has_tools else [{"type": "response.output_text.delta", "output_index": 0, "delta": TEXT}]
    )  # fmt: skip
    counted = {"input_tokens": 11, "output_tokens": 3, "total_tokens": 14}
    return [*said, {"type": "response.completed", "response": {"status": "completed", "usage": counted}}]


def messages(has_tools: bool) -> list[Any]:
    """Blocks that are begun, told and stopped."""
    block = (
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
        if has_tools
        else {"type": "text", "text": ""}
    )
    delta = (
        {"type": "input_json_delta", "partial_json": json.dumps(CALL)} if has_tools else
        {"type": "text_delta", "text": TEXT}
    )  # fmt: skip
    begun = {"type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 11, "output_tokens": 1}}
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use" if has_tools else "end_turn"},
         "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]  # fmt: skip


DIALECTS = {
    "OpenAI": responses, "Azure": azure, "Anthropic": messages, "xAI": xai, "Gemini": gemini, "Mistral": plain,
    "DeepSeek": deepseek, "OpenRouter": openrouter, "Ollama": ollama, "vLLM": plain, "LM Studio": plain,
    "LiteLLM": plain,
}  # fmt: skip
# What each puts into its list of models, beside the id.
LISTS: dict[str, dict[str, Any]] = {
    "OpenAI": {"shutdown_date": "2030-01-01"}, "Anthropic": {"max_input_tokens": 1_000_000, "type": "model"},
    "OpenRouter": {"context_length": 262_144}, "vLLM": {"max_model_len": 40_960},
    "Mistral": {"max_context_length": 131_072},
}  # fmt: skip


@dataclass
class Vendor:
    """The server. `seen` has (method, path, headers, body) of each request."""

    name: str
    models: list[str]
    status: int = 200
    seen: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.method, request.path_qs, headers, body))
        if self.status != 200:
            return web.json_response({"error": {"message": "No.", "code": "x"}}, status=self.status)
        if request.method == "GET":
            rows = [{"id": self._listed(each), "object": "model", **LISTS.get(self.name, {})} for each in self.models]
            return web.json_response({"object": "list", "data": rows})
        return await self._stream(request, bool(body.get("tools")))

    def _listed(self, model: str) -> str:
        return f"models/{model}" if self.name == "Gemini" else model

    async def _stream(self, request: web.Request, has_tools: bool) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        said = DIALECTS[self.name](has_tools)
        for each in said:
            await answer.write(each.encode() + b"\n\n" if isinstance(each, str) else _frame(each))
        if "object" in said[-1]:
            await answer.write(b"data: [DONE]\n\n")
        return answer


def _frame(event: dict[str, Any]) -> bytes:
    head = f"event: {event['type']}\n" if "type" in event else ""
    return f"{head}data: {json.dumps(event)}\n\n".encode()

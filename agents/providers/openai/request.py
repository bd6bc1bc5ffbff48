"""A ProviderRequest as the body of POST /chat/completions.

Source: https://platform.openai.com/docs/api-reference/chat/create (read with openai 3.52.0).
"""

import json
from typing import Any

import msgspec

from agents.conversation import shaped
from agents.messages import AssistantMessage, Message, SystemMessage, ToolMessage, ToolSpec, UserMessage
from agents.providers.base import ProviderRequest


def encode(request: ProviderRequest) -> bytes:
    """The body as JSON. Lone surrogates, which UTF-8 cannot carry, become question marks."""
    body = build(request)
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def build(request: ProviderRequest) -> dict[str, Any]:
    """The body as JSON values; what the request leaves open is left out, because compatible servers refuse nulls."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(each) for each in wire_messages(request)],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
        if request.tool_choice != "auto":
            body["tool_choice"] = _choice(request.tool_choice)
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_output_tokens is not None:
        # Not `max_completion_tokens`: compatible servers know this older name, and some only this.
        body["max_tokens"] = request.max_output_tokens
    if request.user:
        body["user"] = request.user
    return {**request.extra, **body}


def wire_messages(request: ProviderRequest) -> tuple[Message, ...]:
    """The messages as they are sent: the agent's prompt and what clients tell the model are one, at the front."""
    system = (SystemMessage(request.system),) if request.system else ()
    return shaped((*system, *request.messages))


def _message(message: Message) -> dict[str, Any]:
    match message:
        case UserMessage():
            return {"role": "user", "content": _content(message)}
        case SystemMessage():
            return {"role": "system", "content": message.text}
        case AssistantMessage():
            return _assistant(message)
        case ToolMessage():
            return {"role": "tool", "tool_call_id": message.call, "content": message.content}
        case _:
            raise TypeError(type(message))


def _content(message: UserMessage) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.text
    text = [{"type": "text", "text": message.text}] if message.text else []
    return text + [{"type": "image_url", "image_url": {"url": image.url}} for image in message.images]


def _assistant(message: AssistantMessage) -> dict[str, Any]:
    if not message.calls:
        return {"role": "assistant", "content": message.text}
    calls = [
        # Some servers parse the arguments of the history and refuse the whole request over one that is not JSON.
        {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": _json_object(c.arguments)}}
        for c in message.calls
    ]
    return {"role": "assistant", "content": message.text or None, "tool_calls": calls}


def _json_object(text: str) -> str:
    try:
        return text if isinstance(json.loads(text), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def _choice(choice: str) -> str | dict[str, Any]:
    return choice if choice == "required" else {"type": "function", "function": {"name": choice}}


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function = {"name": spec.name, "description": spec.description, "parameters": spec.schema}
    return {"type": "function", "function": function}

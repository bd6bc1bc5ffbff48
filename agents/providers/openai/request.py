"""A ProviderRequest as the body of POST /chat/completions.

Source: https://platform.openai.com/docs/api-reference/chat/create (read with openai 3.52.0).
"""

import json
from typing import Any

import msgspec

from agents.conversation import shaped
from agents.messages import AssistantMessage, File, Message, SystemMessage, ToolMessage, ToolSpec, UserMessage
from agents.providers.base import ProviderRequest
from agents.providers.openai.call_ids import CallIds
from agents.providers.openai.results import pictures_behind
from agents.providers.openai.state import SIGNATURE, items_of, signer, unsigned
from agents.providers.refused import SYSTEM, Terms

NO_THOUGHT = " "  # of a call that another model made, for servers that want a thought with each


def encode(body: dict[str, Any]) -> bytes:
    """The body as JSON. Lone surrogates, which UTF-8 cannot carry, become question marks."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body, ensure_ascii=False, default=_parsed).encode("utf-8", "replace")


def build(request: ProviderRequest, terms: Terms | None = None, host: str = "") -> dict[str, Any]:
    """The body as JSON values; what the request leaves open is left out, because compatible servers refuse nulls."""
    terms = terms or Terms("", request.model)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": _Messages(request, terms, host).all(),
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
    if request.effort:
        body["reasoning_effort"] = request.effort
    if request.output is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": msgspec.to_builtins(request.output)}
    if request.user:
        body["user"] = request.user
    return terms.fit({**request.extra, **body})


def wire_messages(request: ProviderRequest) -> tuple[Message, ...]:
    """The messages as they are sent: the agent's prompt and what clients tell the model are one, at the front."""
    system = (SystemMessage(request.system),) if request.system else ()
    return tuple(pictures_behind(shaped((*system, *request.messages))))


class _Messages:
    """The messages of one request, as the wire has them."""

    def __init__(self, request: ProviderRequest, terms: Terms, host: str) -> None:
        self._messages = wire_messages(request)
        self._terms = terms
        self._ids = CallIds()
        states = (each.state for each in self._messages if isinstance(each, AssistantMessage))
        self._signer = signer(host, request.model, states)

    def all(self) -> list[dict[str, Any]]:
        """Each of them."""
        return [self._message(each) for each in self._without_system()]

    def _without_system(self) -> tuple[Message, ...]:
        """The prompt in front of what is said first, for models that know no such role: Gemma, OpenAI's o1-mini."""
        first, *others = self._messages
        if not isinstance(first, SystemMessage) or self._terms.offer(SYSTEM):
            return self._messages
        said = others.pop(0) if others else UserMessage("")
        assert isinstance(said, UserMessage)  # a conversation begins with one
        return (msgspec.structs.replace(said, text="\n\n".join(filter(None, (first.text, said.text)))), *others)

    def _message(self, message: Message) -> dict[str, Any]:
        match message:
            case UserMessage():
                return {"role": "user", "content": _content(message)}
            case SystemMessage():
                return {"role": "system", "content": message.text}
            case AssistantMessage():
                return self._assistant(message)
            case ToolMessage():
                return {"role": "tool", "tool_call_id": self._ids.of(message.call), "content": message.content}
            case _:
                raise TypeError(type(message))

    def _assistant(self, message: AssistantMessage) -> dict[str, Any]:
        if not message.calls:  # without one, nobody asks for what came with it
            return {"role": "assistant", "content": message.text}
        calls = [
            # Some servers parse the arguments of the history and refuse all of it over one that is not JSON.
            {
                "id": self._ids.begin(each.id),
                "type": "function",
                "function": {"name": each.name, "arguments": _json_object(each.arguments)},
            }
            for each in message.calls
        ]
        found: dict[str, Any] = {"role": "assistant", "content": message.text or None, "tool_calls": calls}
        self._give_back(message, found, calls)
        return found

    def _give_back(self, message: AssistantMessage, found: dict[str, Any], calls: list[dict[str, Any]]) -> None:
        """Put what the server wants to see again where it was, or what it takes in its place."""
        for item in items_of(message.state):
            place = found if item.call is None else calls[item.call] if item.call < len(calls) else None
            if place is not None and self._terms.offer(item.field):
                place[item.field] = item.value
        if "reasoning_content" not in found and self._terms.misses("reasoning_content"):
            found["reasoning_content"] = NO_THOUGHT
        by = self._signer or ("google" if self._terms.misses(SIGNATURE) else "")
        if by and not any("extra_content" in each for each in calls) and self._terms.offer("extra_content"):
            calls[0]["extra_content"] = unsigned(by)


def _content(message: UserMessage) -> str | list[dict[str, Any]]:
    if not message.attached:
        return message.text
    text = [{"type": "text", "text": message.text}] if message.text else []
    images = [{"type": "image_url", "image_url": {"url": image.url}} for image in message.images]
    return [*text, *images, *map(_file, message.files)]


def _file(file: File) -> dict[str, Any]:
    """https://developers.openai.com/api/docs/guides/pdf-files and .../audio: a name is asked for with a file."""
    if file.kind == "audio":
        form = "wav" if file.media_type == "audio/wav" else "mp3"
        return {"type": "input_audio", "input_audio": {"data": file.data, "format": form}}
    return {"type": "file", "file": {"filename": file.name or "document.pdf", "file_data": file.url}}


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


def _parsed(value: Any) -> Any:
    """What is sent as it came, for an encoder that knows no such thing."""
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else str(value)

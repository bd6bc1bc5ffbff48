"""A ProviderRequest as the body of POST /v1/messages.

Source: https://platform.claude.com/docs/en/api/messages/create (read with anthropic 2.14.0, version 2026-10-21). Left
out on purpose: temperature, top_p, seed, penalties and logit_bias, which that version refuses at any value.
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from anthropic import transform_schema
from anthropic.types import (
    JSONOutputFormatParam,
    MessageParam,
    OutputConfigParam,
    ToolChoiceParam,
    ToolParam,
)
from anthropic.types.message_create_params import MessageCreateParamsStreaming

from agents.conversation import shaped
from agents.messages import Message, SystemMessage, ToolMessage, ToolSpec
from agents.providers.anthropic.content import Content
from agents.providers.base import ProviderRequest
from agents.providers.refused import Terms

MAX_TOKENS_ELSE = 32_000  # of a reply, where neither the request nor the catalog says a number: the API wants one
# Ours in its words, where they differ.
EFFORTS = {"minimal": "low"}


# Choices that it has no word for; what a client only hints at, such as `user`, is none.
WORDLESS = ("top_p", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "verbosity")


def encode(body: Mapping[str, Any]) -> bytes:
    """The body as JSON. Lone surrogates, which UTF-8 cannot carry, become question marks."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return msgspec.json.encode(_sendable(body))


def wordless(request: ProviderRequest) -> tuple[str, ...]:
    """What somebody chose and cannot be told at all."""
    temperature = () if request.temperature is None else ("temperature",)
    return (*temperature, *(name for name in WORDLESS if name in request.extra))


def build(request: ProviderRequest, terms: Terms | None = None) -> dict[str, Any]:
    """The body as JSON values, as the server takes it; what the request leaves open is left out."""
    terms = terms or Terms("", request.model)
    return terms.fit(cast(dict[str, Any], _asked(request)))


def _asked(request: ProviderRequest) -> MessageCreateParamsStreaming:
    system, messages = wire_messages(request)
    content = Content()
    body: MessageCreateParamsStreaming = {
        "model": request.model,
        "max_tokens": max_tokens(request),
        "messages": cast(list[MessageParam], content.of(messages)),
        "stream": True,
        "cache_control": {"type": "ephemeral"},  # marks the last block; costs nothing where nothing is to be cached
    }
    if system:
        body["system"] = system
    if tools := [_tool(spec) for spec in request.tools]:
        body["tools"] = tools
        if choice := _choice(request):
            body["tool_choice"] = choice
    elif content.names:  # calls in the conversation are refused where no tool is told of
        body["tools"] = [{"name": name, "input_schema": {"type": "object"}} for name in sorted(content.names)]
        body["tool_choice"] = {"type": "none"}
    _think(body, request)
    if stops := request.extra.get("stop"):
        body["stop_sequences"] = [stops] if isinstance(stops, str) else list(stops)
    if request.user:
        body["metadata"] = {"user_id": request.user}
    return body


def wire_messages(request: ProviderRequest) -> tuple[str, tuple[Message, ...]]:
    """What goes at the top as `system`, and the messages below it."""
    system = (SystemMessage(request.system),) if request.system else ()
    first, *rest = messages = shaped((*system, *request.messages))
    return (first.text, tuple(rest)) if isinstance(first, SystemMessage) else ("", messages)


def counted(request: ProviderRequest) -> list[Message]:
    """The messages as an error counts them: the results of one answer's calls are one."""
    _, messages = wire_messages(request)
    pairs = zip((None, *messages), messages, strict=False)
    return [each for before, each in pairs if not (isinstance(before, ToolMessage) and isinstance(each, ToolMessage))]


def max_tokens(request: ProviderRequest) -> int:
    """The longest reply: what was asked for, as far as the model can; thinking counts towards it."""
    most = request.output_limit or MAX_TOKENS_ELSE
    return min(request.max_output_tokens or most, request.output_limit or 2**31)


def _think(body: MessageCreateParamsStreaming, request: ProviderRequest) -> None:
    output: OutputConfigParam = {}
    if request.effort == "none":
        body["thinking"] = {"type": "disabled"}
    elif request.effort:
        # Told as a summary: newer models leave it out where nobody asks for it.
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
        output["effort"] = cast(Any, EFFORTS.get(request.effort, request.effort))
    if form := _format(request):
        output["format"] = form
    if output:
        body["output_config"] = output


def _format(request: ProviderRequest) -> JSONOutputFormatParam | None:
    """The schema in the subset that is taken. Where there is none of it, the loop's own check is what is left."""
    schema: Any = request.output.schema if request.output else _asked_schema(request.extra.get("response_format"))
    if not isinstance(schema, dict):
        return None
    try:
        return {"type": "json_schema", "schema": transform_schema(schema)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # any of them, by what is odd in it
        return None


def _asked_schema(response_format: Any) -> Any:
    match response_format:
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return schema
    return None


def _choice(request: ProviderRequest) -> ToolChoiceParam | None:
    is_serial = request.extra.get("parallel_tool_calls") is False
    choice: ToolChoiceParam
    match request.tool_choice:
        case "auto" if not is_serial:
            return None
        case "auto":
            choice = {"type": "auto"}
        case "required":
            choice = {"type": "any"}
        case name:
            choice = {"type": "tool", "name": name}
    if is_serial:
        choice["disable_parallel_tool_use"] = True
    return choice


def _tool(spec: ToolSpec) -> ToolParam:
    tool: ToolParam = {"name": spec.name, "input_schema": {"type": "object", **spec.schema}}
    if spec.description:
        tool["description"] = spec.description
    return tool


def _sendable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_sendable(name): _sendable(each) for name, each in value.items()}
        case list():
            return [_sendable(each) for each in value]
    return value

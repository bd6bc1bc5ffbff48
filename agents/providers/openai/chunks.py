"""The chunks of a chat completions stream, as far as we read them.

Source: https://platform.openai.com/docs/api-reference/chat-streaming (read with openai 3.52.0), and what compatible
servers were seen to send instead. Left out on purpose: logprobs, audio, `function_call`, choices after the first.
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from agents.errors import ProviderError


class Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: Function | None = None
    extra_content: Any = None  # Gemini's thought signature


class Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None  # DeepSeek, Qwen, vLLM before 0.12
    reasoning: str | None = None  # OpenRouter, Groq, Ollama, vLLM
    reasoning_details: Any = None  # OpenRouter
    tool_calls: list[ToolCall] | None = None


class InputDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None  # OpenRouter


class OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class Tokens(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    cached_tokens: int | None = None  # Kimi
    prompt_cache_hit_tokens: int | None = None  # DeepSeek


class Choice(msgspec.Struct):
    delta: Delta | None = None
    message: Delta | None = None  # where a server ignores `stream` and sends the reply whole
    finish_reason: str | None = None
    error: Any = None  # OpenRouter
    usage: Tokens | None = None  # Kimi


class Chunk(msgspec.Struct):
    choices: list[Choice] | None = None
    usage: Tokens | None = None
    error: Any = None  # an object, or with some servers a string
    object: str | None = None
    # vLLM before 0.10 puts the error's fields here and "error" in `object`; others only name the event so.
    code: Any = None
    type: Any = None
    param: Any = None
    message: Any = None
    details: Any = None
    detail: Any = None  # FastAPI

    def as_error(self) -> Any:
        """The error that it is, where it is one: an object, or with some servers a text."""
        if self.error:
            return self.error
        names = ("code", "type", "param", "message", "details", "detail")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


_decoder = msgspec.json.Decoder(Chunk)


def decode(data: bytes) -> Sequence[Chunk]:
    """One chunk, or those of a list, as Gemini's errors come.

    What does not fit is left out, down to an empty Chunk; what is not JSON raises upstream_malformed.
    """
    try:
        return (_decoder.decode(data),)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = _parse(data)
        return [_salvage(each) for each in value] if isinstance(value, list) and value else (_salvage(value),)


def _parse(data: bytes) -> Any:
    # The standard library takes lone surrogates and NaN, which msgspec calls malformed.
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise ProviderError("upstream_malformed", retryable=True) from None


def _salvage(value: Any) -> Chunk:
    value = _dict(value)
    choices = value.get("choices")
    return Chunk(
        choices=[_choice(each) for each in choices[:1]] if isinstance(choices, list) else None,
        usage=_tokens(value["usage"]) if isinstance(value.get("usage"), dict) else None,
        error=value.get("error"),
        object=_str(value.get("object")),
        code=value.get("code"),
        type=value.get("type"),
        param=value.get("param"),
        message=value.get("message"),
        details=value.get("details"),
        detail=value.get("detail"),
    )


def _choice(value: Any) -> Choice:
    value = _dict(value)
    return Choice(
        delta=_delta(value["delta"]) if isinstance(value.get("delta"), dict) else None,
        message=_delta(value["message"]) if isinstance(value.get("message"), dict) else None,
        finish_reason=_str(value.get("finish_reason")),
        error=value.get("error"),
        usage=_tokens(value["usage"]) if isinstance(value.get("usage"), dict) else None,
    )


def _delta(value: dict[str, Any]) -> Delta:
    calls = value.get("tool_calls")
    return Delta(
        content=_text(value.get("content")),
        refusal=_str(value.get("refusal")),
        reasoning_content=_text(value.get("reasoning_content")) or _thinking(value.get("content")),
        reasoning=_text(value.get("reasoning")),
        reasoning_details=value.get("reasoning_details"),
        tool_calls=[_call(each) for each in calls if isinstance(each, dict)] if isinstance(calls, list) else None,
    )


def _call(value: dict[str, Any]) -> ToolCall:
    function = _dict(value.get("function"))
    arguments = function.get("arguments")
    if isinstance(arguments, dict):  # Ollama before 0.4
        arguments = json.dumps(arguments)
    return ToolCall(
        index=_int(value.get("index")),
        id=_str(value.get("id")),
        function=Function(_str(function.get("name")), _str(arguments)),
        extra_content=value.get("extra_content"),
    )


def _tokens(value: dict[str, Any]) -> Tokens:
    inputs, outputs = _dict(value.get("prompt_tokens_details")), _dict(value.get("completion_tokens_details"))
    return Tokens(
        prompt_tokens=_int(value.get("prompt_tokens")),
        completion_tokens=_int(value.get("completion_tokens")),
        total_tokens=_int(value.get("total_tokens")),
        prompt_tokens_details=InputDetails(_int(inputs.get("cached_tokens")), _int(inputs.get("cache_write_tokens"))),
        completion_tokens_details=OutputDetails(_int(outputs.get("reasoning_tokens"))),
        cached_tokens=_int(value.get("cached_tokens")),
        prompt_cache_hit_tokens=_int(value.get("prompt_cache_hit_tokens")),
    )


def _text(value: Any) -> str | None:
    """Content, which some send as a part, or as a list of parts or of texts: all of it but thoughts."""
    if value is None or isinstance(value, str):
        return value
    return "".join(_said(part) for part in _parts(value) if not _is_thought(part)) or None


def _thinking(value: Any) -> str | None:
    """What content holds of thoughts, as Mistral's reasoning models send them."""
    thoughts = [part for part in _parts(value) if _is_thought(part)]
    return "".join(_text(part.get("thinking")) or _said(part) for part in thoughts) or None


def _parts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_thought(part: Any) -> bool:
    kind = _str(_dict(part).get("type")) or ""
    return bool(_dict(part).get("thinking")) or "thinking" in kind or "reasoning" in kind


def _said(part: Any) -> str:
    """A part's text: itself, or by one of the names that are in use for it."""
    if not isinstance(part, dict):
        return _str(part) or ""
    found = next((part[name] for name in ("text", "refusal", "value", "content") if part.get(name)), None)
    return _text(found) or ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _str(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _int(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:20])
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    return int(value) if is_whole else None

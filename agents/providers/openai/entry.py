"""OpenAI, or the server that OPENAI_BASE_URL names, as an installation's settings have it."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from agents.providers.entry import Entry, Fault, ModelInfo
from agents.providers.openai.provider import OpenAIProvider

DEFAULT_BASE_URL = "https://api.openai.com/v1"

# Tokens a model reads, question and answer together. https://platform.openai.com/docs/models (read November 2026)
CONTEXT_TOKENS = {
    "gpt-4.1": 1_047_576,
    "gpt-4.1-mini": 1_047_576,
    "gpt-4.1-nano": 1_047_576,
    "gpt-4o": 128_000,
    "gpt-4o-mini": 128_000,
    "gpt-4-turbo": 128_000,
}


def _is_configured(settings: Any) -> bool:
    """A key, or a server of one's own."""
    return bool(settings.OPENAI_API_KEY) or settings.OPENAI_BASE_URL.rstrip("/") != DEFAULT_BASE_URL


def _models(settings: Any) -> tuple[ModelInfo, ...]:
    return tuple(_model(name) for name in settings.OPENAI_MODELS if name)


@cache
def _model(name: str) -> ModelInfo:
    known = CONTEXT_TOKENS.get(name)
    return ModelInfo(name, OpenAIProvider.name, known, True) if known else ModelInfo(name, OpenAIProvider.name)


def _make(settings: Any) -> OpenAIProvider:
    return OpenAIProvider(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        extra_headers=settings.OPENAI_EXTRA_HEADERS,
        connect_timeout_s=settings.AGENTS_CONNECT_TIMEOUT_S,
        idle_timeout_s=settings.AGENTS_IDLE_TIMEOUT_S,
        first_byte_timeout_s=settings.AGENTS_FIRST_BYTE_TIMEOUT_S,
        max_event_bytes=settings.AGENTS_EVENT_MAX_BYTES,
    )


def _faults(settings: Any) -> Iterator[Fault]:
    if not isinstance(settings.OPENAI_EXTRA_HEADERS, dict):
        hint = 'Such as {"Helicone-Auth": "Bearer ..."}.'
        yield Fault("agents.E006", "OPENAI_EXTRA_HEADERS is not a JSON object.", hint)
        return
    try:
        _make(settings)
    except ValueError as error:  # its text names no secret
        yield Fault("agents.E007", f"The model provider cannot be reached with these settings: {error}.")


ENTRY = Entry(
    name=OpenAIProvider.name,
    is_configured=_is_configured,
    address=lambda settings: str(settings.OPENAI_BASE_URL),
    models=_models,
    make=_make,
    faults=_faults,
)

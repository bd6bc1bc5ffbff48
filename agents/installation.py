"""The models of this installation, as it is configured."""

import functools

from django.conf import settings

from agents.catalog import ModelInfo, catalog

DEFAULT_BASE_URL = "https://api.openai.com/v1"


def has_upstream() -> bool:
    """Whether a real model is configured: a key, or a server of one's own."""
    return bool(settings.OPENAI_API_KEY) or settings.OPENAI_BASE_URL.rstrip("/") != DEFAULT_BASE_URL


def models() -> tuple[ModelInfo, ...]:
    """The models that may be chosen: made once, and kept for as long as the process lives."""
    return _made(tuple(settings.OPENAI_MODELS), has_upstream(), settings.IS_DEVELOPMENT)


@functools.cache
def _made(names: tuple[str, ...], has_key: bool, is_development: bool) -> tuple[ModelInfo, ...]:
    return catalog(names, has_key=has_key, is_development=is_development)


def model_names() -> list[str]:
    """Their names."""
    return [model.id for model in models()]

"""The models of this installation, as it is configured."""

from django.conf import settings

from agents.catalog import ModelInfo, catalog

DEFAULT_BASE_URL = "https://api.openai.com/v1"


def has_upstream() -> bool:
    """Whether a real model is configured: a key, or a server of one's own."""
    return bool(settings.OPENAI_API_KEY) or settings.OPENAI_BASE_URL.rstrip("/") != DEFAULT_BASE_URL


def models() -> tuple[ModelInfo, ...]:
    """The models that may be chosen."""
    return catalog(settings.OPENAI_MODELS, has_key=has_upstream(), is_development=settings.IS_DEVELOPMENT)


def model_names() -> list[str]:
    """Their names."""
    return [model.id for model in models()]

"""The models of this installation, as it is configured, and the tools of its projects."""

import asyncio
import functools
from collections.abc import Callable
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings

from agents.catalog import ModelInfo, catalog
from agents.loop.toolset import distinct
from agents.providers.base import Provider
from agents.providers.demo import DemoProvider
from agents.providers.openai import OpenAIProvider
from tools.base import Tool

DEFAULT_BASE_URL = "https://api.openai.com/v1"

# What gives projects tools of their own, beside those of the archetype: (project's id) -> tools. Called in a database
# thread when a run is begun or taken over. The first of two tools of one name is the one.
TOOLSETS: list[Callable[[UUID], tuple[Tool, ...]]] = []


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


# A provider's connections belong to the loop that made them.
_openai: "WeakKeyDictionary[asyncio.AbstractEventLoop, OpenAIProvider]" = WeakKeyDictionary()


def provider_for(model: str, *, has_client_tools: bool = False) -> Provider:
    """The provider that answers for this model: the demo, where nothing real is configured. Call it on the loop."""
    if model == "demo" or not has_upstream():
        return DemoProvider(calls_any_tool=has_client_tools)
    loop = asyncio.get_running_loop()
    if loop not in _openai:
        _openai[loop] = OpenAIProvider(
            api_key=settings.OPENAI_API_KEY,
            base_url=settings.OPENAI_BASE_URL,
            extra_headers=settings.OPENAI_EXTRA_HEADERS,
            connect_timeout_s=settings.AGENTS_CONNECT_TIMEOUT_S,
            idle_timeout_s=settings.AGENTS_IDLE_TIMEOUT_S,
            first_byte_timeout_s=settings.AGENTS_FIRST_BYTE_TIMEOUT_S,
        )
    return _openai[loop]


def toolset_of(project_id: UUID | None) -> tuple[Tool, ...] | None:
    """The tools of a project; None where there is nothing in this installation that gives any. Sync."""
    if not TOOLSETS:
        return None
    return distinct(tool for toolset in TOOLSETS for tool in toolset(project_id)) if project_id else ()

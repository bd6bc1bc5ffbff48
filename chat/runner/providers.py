"""Which provider serves a model, with the keys that settings hold."""

import asyncio
from weakref import WeakKeyDictionary

from django.conf import settings

from agents.providers.base import Provider
from agents.providers.demo import DemoProvider
from agents.providers.openai import OpenAIProvider
from chat.catalog import has_upstream

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

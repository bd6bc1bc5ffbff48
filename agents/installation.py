"""The providers and models of this installation, as it is configured, and the tools of its projects."""

import asyncio
from collections.abc import Callable
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings

from agents.catalog import catalog, entry_for
from agents.loop.toolset import distinct
from agents.providers import demo, openai
from agents.providers.base import Provider
from agents.providers.entry import Entry, ModelInfo
from tools.base import Tool

# All there are, but for the demo, which answers where none of them is configured.
PROVIDERS: tuple[Entry, ...] = (openai.ENTRY,)
DEMO = demo.ENTRY

# What gives projects tools of their own, beside those of the archetype: (project's id) -> tools. Called in a database
# thread when a run is begun or taken over. The first of two tools of one name is the one.
TOOLSETS: list[Callable[[UUID], tuple[Tool, ...]]] = []


def has_upstream() -> bool:
    """Whether a real model is configured: a key, or a server of one's own."""
    return any(entry.is_configured(settings) for entry in PROVIDERS)


def models() -> tuple[ModelInfo, ...]:
    """The models that may be chosen."""
    return catalog(PROVIDERS, DEMO, settings)


def model_names() -> list[str]:
    """Their names."""
    return [model.id for model in models()]


def has_model(name: object) -> bool:
    """Whether this is the name of a model that may be chosen, letter by letter."""
    return isinstance(name, str) and any(name == model.id for model in models())


def answers_for(model: str) -> Entry:
    """The provider that answers for this model: the demo, where nothing real is configured."""
    return entry_for(model, PROVIDERS, DEMO, settings)


def is_replaced(model: str) -> bool:
    """Whether the demo answers in this model's place."""
    return answers_for(model) is DEMO and all(model != own.id for own in DEMO.models(settings))


# A provider's connections belong to the loop that made them.
_made: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Provider]]" = WeakKeyDictionary()


def provider_for(model: str) -> Provider:
    """The provider that answers for this model, made once for each event loop. Call it on the loop."""
    entry = answers_for(model)
    made = _made.setdefault(asyncio.get_running_loop(), {})
    if entry.name not in made:
        made[entry.name] = entry.make(settings)
    return made[entry.name]


def toolset_of(project_id: UUID | None) -> tuple[Tool, ...] | None:
    """The tools of a project; None where there is nothing in this installation that gives any. Sync."""
    if not TOOLSETS:
        return None
    return distinct(tool for toolset in TOOLSETS for tool in toolset(project_id)) if project_id else ()

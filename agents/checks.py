"""System checks: that agents can work with what is configured. None of them says a key, a header or an address."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from agents import installation
from agents.archetypes import registry
from agents.archetypes.base import PROMPTS, Archetype
from agents.catalog import DEMO_MODEL
from agents.errors import UnknownArchetype
from agents.prices import prices
from agents.shipped import SHIPPED
from agents.vendors import VENDORS, faults


@register()
def check_agents(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Errors for what cannot work, warnings for what is likely not meant."""
    return [*_archetypes(), *_defaults(), *_prices(), *_providers()]


def _archetypes() -> Iterator[CheckMessage]:
    known: dict[str, Archetype] = {}
    for archetype in registry.every_with_subagents():
        if known.setdefault(archetype.name, archetype) is not archetype:
            yield Error(f"Two archetypes are named {archetype.name}.", "Rename one.", id="agents.E001")
        if archetype.prompt_file and not archetype.prompt_file.is_file():
            yield Error(f"The prompt {archetype.prompt_file} of {archetype.name} is missing.", id="agents.E002")
        for tool in archetype.tools:
            if not tool.description.strip() or tool.schema.get("type") != "object":
                yield Error(f"The tool {tool.name} lacks a docstring or a schema.", id="agents.E003")
    used = {archetype.prompt_file for archetype in known.values()}
    for path in sorted(PROMPTS.glob("*.md")):
        if path not in used:
            yield Warning(f"No archetype uses the prompt {path.name}.", "Delete it.", id="agents.W001")


def _defaults() -> Iterator[CheckMessage]:
    try:
        registry.get(settings.AGENTS_DEFAULT_ARCHETYPE)
    except UnknownArchetype as error:
        yield Error(f"AGENTS_DEFAULT_ARCHETYPE: {error}", id="agents.E004")
    wanted, names = settings.AGENTS_DEFAULT_MODEL, [*dict.fromkeys((*installation.model_names(), DEMO_MODEL.id))]
    if wanted and wanted not in names:
        hint = f"There are {', '.join(names)}: name it in OPENAI_MODELS too, or in its vendor's; or leave it empty."
        yield Error("AGENTS_DEFAULT_MODEL is not one of the models that are offered.", hint, id="agents.E005")


def _prices() -> Iterator[CheckMessage]:
    try:
        prices(settings.OPENAI_PRICES)
    except ValueError as error:
        yield Error(f"OPENAI_PRICES: {error}", id="agents.E008")


def _providers() -> Iterator[CheckMessage]:
    for vendor in VENDORS:
        for fault in faults(vendor, settings):
            yield Error(fault.text, fault.hint or None, id=fault.id)
        if vendor.key(settings) and not vendor.names(settings) and not any(vendor.name == m.provider for m in SHIPPED):
            name = vendor.name.upper()
            hint = f"Name them in {name}_MODELS, or add rows in the admin."
            yield Warning(
                f"{name}_API_KEY is set, and Parley knows no models of {vendor.title}.", hint, id="agents.W002"
            )

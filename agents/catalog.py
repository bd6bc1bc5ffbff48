"""The models that may be chosen. Pure: who there is and what is configured are handed in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agents.providers.entry import Entry, ModelInfo

IN_PLACE = "No provider key is set: the demo model answers in its place."


def catalog(real: Sequence[Entry], demo: Entry, settings: Any) -> tuple[ModelInfo, ...]:
    """The models of the providers that are configured, in order and once each; the demo's own in development.

    Where none is configured, those of all of them: the demo answers for each, and its `provider` and `note` say so.
    """
    configured = [entry for entry in real if entry.is_configured(settings)]
    found = _unique(configured or real, settings)
    own = {model.id: model for model in demo.models(settings)}
    models = [model for id, model in found.items() if id not in own]
    if not configured:
        models = [replace(model, provider=demo.name, note=IN_PLACE) for model in models]
    return (*models, *(own.values() if settings.IS_DEVELOPMENT or not configured else ()))


def entry_for(model: str, real: Sequence[Entry], demo: Entry, settings: Any) -> Entry:
    """Who answers for this model: a name that nobody offers any more is asked of the first that is configured."""
    configured = [entry for entry in real if entry.is_configured(settings)]
    if not configured or any(model == own.id for own in demo.models(settings)):
        return demo
    offers = (entry for entry in configured if any(model == each.id for each in entry.models(settings)))
    return next(offers, configured[0])


def _unique(entries: Sequence[Entry], settings: Any) -> dict[str, ModelInfo]:
    """By name. A name that two providers offer is the first one's."""
    found: dict[str, ModelInfo] = {}
    for entry in entries:
        for model in entry.models(settings):
            found.setdefault(model.id, model)
    return found

"""The providers and models of this installation, as it is configured, and the tools of its projects."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings
from django.core.signals import setting_changed

from agents.catalog import DEMO_MODEL, Catalog, Known, catalog, configured
from agents.loop.target import Target
from agents.loop.toolset import distinct
from agents.model_info import ModelInfo
from agents.overlay import Overlay
from agents.prices import Dated, Price
from agents.providers import apis
from agents.providers.base import Provider
from agents.providers.nobody import NobodyProvider
from agents.providers.server import DEMO, NOBODY, Server
from tools.base import Tool

# What gives projects tools of their own, beside those of the archetype: (project's id) -> tools. Called in a database
# thread when a run is begun or taken over. The first of two tools of one name is the one.
Giver = Callable[[UUID], tuple[Tool, ...]]
TOOLSETS: list[Giver] = []


class _Told:
    """What others told this process: rows that operators wrote, and what a package knows. Replaced whole."""

    rows: tuple[Overlay, ...] = ()
    known: tuple[tuple[str, Known], ...] = ()
    prices: ClassVar[dict[str, tuple[Dated, ...]]] = {}  # of each model, the newest first
    in_force: tuple[tuple[str, Price], ...] = ()  # of these, when they were told


class _Kept:
    """The catalog as it was last built; None: something was told since."""

    catalog: Catalog | None = None


def tell_rows(rows: Iterable[Overlay]) -> None:
    """From now on the catalog of this process is overlaid by these. From any thread."""
    _Told.rows = tuple(rows)
    _forget()


def tell_known(known: Iterable[tuple[str, Known]]) -> None:
    """From now on what nobody else says of a model is this. From any thread."""
    _Told.known = tuple(known)
    _forget()


def tell_prices(prices: Iterable[Dated]) -> None:
    """From now on these are the prices that somebody has accepted, also those that are yet to come. From any thread."""
    found: dict[str, tuple[Dated, ...]] = {}
    for each in sorted(prices, key=lambda each: each.valid_from, reverse=True):
        found[each.model] = (*found.get(each.model, ()), each)
    now = datetime.now(UTC)
    in_force = ((model, _accepted(rows, now)) for model, rows in sorted(found.items()))
    _Told.prices = found
    _Told.in_force = tuple((model, price) for model, price in in_force if price is not None)
    _forget()


def _accepted(rows: Iterable[Dated], at: datetime) -> Price | None:
    return next((each.price for each in rows if each.valid_from <= at), None)


def the_catalog() -> Catalog:
    """All models, as of now. It asks no database, and is no work where nothing was told since."""
    kept = _Kept.catalog
    if kept is None:
        kept = _Kept.catalog = catalog(configured(settings), _Told.rows, _Told.known, _Told.in_force)
    return kept


def _forget(**_: Any) -> None:
    _Kept.catalog = None


setting_changed.connect(_forget)  # by tests alone


def has_upstream() -> bool:
    """Whether a real model may be chosen."""
    return any(model.server != DEMO for model in the_catalog().offered.values())


def models() -> tuple[ModelInfo, ...]:
    """The models that may be chosen."""
    return tuple(the_catalog().offered.values())


def model_names() -> list[str]:
    """Their names."""
    return list(the_catalog().offered)


def has_model(name: object) -> bool:
    """Whether this is the name of a model that may be chosen, letter by letter."""
    return isinstance(name, str) and name in the_catalog().offered


def default_model() -> str:
    """The model of a new chat: AGENTS_DEFAULT_MODEL, else the first of the free tier that is offered."""
    return the_catalog().default(settings.AGENTS_DEFAULT_MODEL)


def successor_of(name: str) -> str:
    """The model to choose in the place of one that is not offered any more; empty where nobody knows."""
    return the_catalog().successor(name)


def is_replaced(model: str) -> bool:
    """Whether the demo answers in this model's place."""
    return info_of(model).server == DEMO and model != DEMO_MODEL.id


def info_of(model: str) -> ModelInfo:
    """What is known of a model; of one that nobody offers any more, who is asked for it."""
    return the_catalog().info(model)


def price_of(model: str, at: datetime | None = None) -> Price | None:
    """What a model costs, by its id or its server's name for it; None where nobody knows.

    `at`: by the price that was accepted for then; None: now. Of what nobody has accepted only what holds now is known.
    """
    known = the_catalog()
    rows = _Told.prices.get(known.named(model))
    if rows is None:
        return known.price(model)
    return _accepted(rows, at or datetime.now(UTC)) or known.first_price(model)


# A provider's connections belong to the loop that made them.
_made: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Server, Provider]]" = WeakKeyDictionary()


def provider_for(model: ModelInfo) -> Provider:
    """Who serves this model, made once for each event loop and server. Call it on the loop."""
    if model.server == NOBODY:
        return NobodyProvider(model.successor)
    made = _made.setdefault(asyncio.get_running_loop(), {})
    if model.server not in made:
        made[model.server] = apis.make(model.server, settings)
    return made[model.server]


def load_providers() -> None:
    """Import all that is needed to ask the servers of this installation. Call it in a thread. Raises ImportError."""
    apis.load(the_catalog().servers)


def targets(model: str, fallbacks: Sequence[str] | None = None) -> tuple[Target, ...]:
    """Who serves this model, and those that answer where it cannot, in order. Call it on the loop.

    `fallbacks`: ids, in the place of the model's own; None: those.
    """
    return tuple(Target(each, provider_for(each)) for each in the_catalog().line(model, fallbacks))


def toolset_of(project_id: UUID | None, *, but: Giver | None = None) -> tuple[Tool, ...] | None:
    """The tools of a project; None where there is nothing in this installation that gives any. Sync.

    `but`: one of TOOLSETS that the caller knows to give none here, and so is not asked.
    """
    asked = [toolset for toolset in TOOLSETS if toolset is not but]
    if not asked:
        return None
    return distinct(tool for toolset in asked for tool in toolset(project_id)) if project_id else ()

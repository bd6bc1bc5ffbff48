"""The models that may be chosen: those that ship, those that the settings name, and what operators wrote over them.

Pure: what is configured and written is handed in.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from agents.ended import ended
from agents.model_info import ModelInfo
from agents.overlay import Overlay, over, vendor_of
from agents.prices import Price, prices
from agents.providers.server import DEMO, NOBODY, Server
from agents.shipped import SHIPPED
from agents.vendors import VENDORS, Vendor

IN_PLACE = "No provider key is set: the demo model answers in its place."
DEMO_MODEL = ModelInfo("demo", "demo", note="Rules, not a model.")


@dataclass(frozen=True)
class Offer:
    """A vendor as the settings have it."""

    server: Server
    is_configured: bool
    names: tuple[str, ...]  # the models that the settings name; none: those that ship
    is_elsewhere: bool = False  # asked at another address than its own: what it has is for the operator to say


@dataclass(frozen=True)
class Configured:
    """All that the settings say of models."""

    offers: tuple[Offer, ...]
    prices: tuple[tuple[str, Price], ...]  # the operator's word
    is_development: bool

    @property
    def servers(self) -> dict[str, Server]:
        """Where each vendor is asked."""
        return {offer.server.vendor: offer.server for offer in self.offers}

    @property
    def usable(self) -> frozenset[str]:
        """The vendors that are configured."""
        return frozenset(offer.server.vendor for offer in self.offers if offer.is_configured)


@dataclass(frozen=True)
class Known:
    """What a package knows of a model."""

    context_tokens: int | None
    price: Price | None


def configured(settings: Any) -> Configured:
    """What these settings say. Prices that are none are none here: a check says so."""
    try:
        known = prices(settings.OPENAI_PRICES, settings.OPENAI_PRICES_CURRENCY)
    except ValueError:
        known = {}
    offers = map(partial(_offer, settings), VENDORS)
    return Configured(tuple(offers), tuple(known.items()), settings.IS_DEVELOPMENT)


def _offer(settings: Any, vendor: Vendor) -> Offer:
    names, is_elsewhere = vendor.names(settings), not vendor.is_at_home(settings)
    return Offer(vendor.server(settings), vendor.is_configured(settings), names, is_elsewhere)


# What clients of a server of one's own could name before models had a catalog: such a server may still know them.
EARLIER = ("gpt-4.1-mini", "gpt-4o", "gpt-4-turbo")


class Catalog:
    """All models by id, in the order in which they are offered."""

    def __init__(
        self,
        said: Configured,
        rows: tuple[Overlay, ...],
        known: Mapping[str, Known],
        accepted: Mapping[str, Price] | None = None,
    ) -> None:
        """`accepted`: prices that are in force, over what anybody else says of them."""
        self._said, self._accepted = said, accepted or {}
        self._before: dict[str, Price | None] = {}  # what those cost before anybody had accepted a price
        found = {model.id: self._worded(model) for model in _of_settings(said)}
        self.base = dict(found)  # as the code and the settings say
        for row in (each for each in rows if each.adds or each.id in found):
            found[row.id] = self._with_row(row, found.get(row.id))
        self._own = {row.id: self._with_row(row, found.get(row.id)) for row in rows if row.base_url}
        self.bare = dict(found)  # with the rows, without the package
        self.all = {id: self._filled(model, known) for id, model in found.items()}
        off = {row.id for row in rows if not row.is_enabled}
        self.offered = {id: model for id, model in self.all.items() if id not in off and self._is_offered(model)}
        self._stand_in(found, off)

    def _with_row(self, row: Overlay, model: ModelInfo | None) -> ModelInfo:
        vendor = vendor_of(row, model)
        server = self._said.servers.get(vendor, DEMO)
        return over(model or self._worded(_named(row.id, server)), row, server)

    def _worded(self, model: ModelInfo) -> ModelInfo:
        """With the operator's word on its price."""
        word = dict(self._said.prices).get(model.id)
        return replace(model, price=word) if word is not None else model

    def _filled(self, model: ModelInfo, known: Mapping[str, Known]) -> ModelInfo:
        """What is missing, from the package."""
        found = known.get(model.id)
        if found is not None and found.context_tokens and not model.is_context_known:
            model = replace(model, context_tokens=found.context_tokens, is_context_known=True)
        if found is not None and model.price is None:
            model = replace(model, price=found.price)
        if (accepted := self._accepted.get(model.id)) is None:
            return model
        self._before[model.id] = model.price
        return replace(model, price=accepted)

    def _is_offered(self, model: ModelInfo) -> bool:
        if model.id == DEMO_MODEL.id:
            return self._said.is_development
        return model.server != DEMO and (model.server.is_row_s or model.provider in self._said.usable)

    def _stand_in(self, found: Mapping[str, ModelInfo], off: set[str]) -> None:
        """Where nothing real is configured the demo answers for what would be, and says so."""
        if any(model.server != DEMO for model in self.offered.values()):
            return
        named = [name for offer in self._said.offers for name in offer.names]
        wanted = named or [model.id for model in SHIPPED if model.tier == "free"]
        places = [self.all[id] for id in dict.fromkeys(wanted) if id in self.all and id not in off]
        real = [model for model in places if model.id != DEMO_MODEL.id]
        self.offered = {m.id: replace(m, provider="demo", note=IN_PLACE, server=DEMO, price=None) for m in real}
        self.offered[DEMO_MODEL.id] = self.all[DEMO_MODEL.id]

    def info(self, id: str) -> ModelInfo:
        """What is known of a model; of one that nobody offers any more, who is asked for it.

        What was meant for one server goes to no other: a row keeps its own, on or off.
        """
        if (offered := self.offered.get(id)) is not None:
            return offered
        known = self.all.get(id) or self._own.get(id)
        if known is not None and (known.server.is_row_s or known.provider in self._said.usable):
            return known
        server = self._else()
        return ModelInfo(id, server.vendor, server=server, successor=self.successor(id) if server == NOBODY else "")

    @property
    def servers(self) -> frozenset[Server]:
        """All that a model may be asked of now, also those that no model is offered of any more."""
        models = (*self.offered.values(), *self._own.values())
        return frozenset(model.server for model in models) | {o.server for o in self._said.offers if o.is_configured}

    def _else(self) -> Server:
        """Who is asked for a model of which nobody has said where it is."""
        first = next((offer for offer in self._said.offers if offer.is_configured), None)
        if first is not None:
            return first.server if first.is_elsewhere else NOBODY
        return DEMO if all(model.server == DEMO for model in self.offered.values()) else NOBODY

    def price(self, name: str) -> Price | None:
        """What a model costs that is named by its id, or as its server calls it; None where nobody knows."""
        id = self.named(name)
        if id in self.all or id in self.offered:
            return self.info(id).price
        return self._accepted.get(id) or dict(self._said.prices).get(id)

    def first_price(self, name: str) -> Price | None:
        """The same before anybody had accepted a price."""
        id = self.named(name)
        if id in self._before:
            return self._before[id]
        return dict(self._said.prices).get(id) if id in self._accepted else self.price(id)

    def named(self, name: str) -> str:
        """The id of the model that is named by it, or as its server calls it; the name, where there is none."""
        if name in self.all or name in self.offered:
            return name
        return next((each.id for each in self.offered.values() if each.wire_name == name), name)

    def line(self, id: str, fallbacks: Sequence[str] | None = None) -> tuple[ModelInfo, ...]:
        """The model and those that answer where it cannot: such as are offered, once each.

        `fallbacks`: in the place of what the model's own are.
        """
        first = self.info(id)
        wanted = first.fallbacks if fallbacks is None else fallbacks
        others = [self.offered[each] for each in wanted if each != id and each in self.offered]
        return (
            first,
            *dict.fromkeys(each for each in others if first.server not in (DEMO, NOBODY) and each.server != DEMO),
        )

    def successor(self, id: str) -> str:
        """What is offered in the place of a model that is not; empty where nobody knows."""
        seen: set[str] = set()
        while id and id not in seen:
            seen.add(id)
            known, gone = self.all.get(id), ended(id)
            id = (known.successor if known is not None else "") or (gone.successor if gone is not None else "")
            if id in self.offered:
                return id
        return ""

    def default(self, wanted: str) -> str:
        """The model of a new chat: the one that is wanted, else the first of the free tier, else the first."""
        if wanted in self.offered:
            return wanted
        models = self.offered.values()
        return next((each.id for each in models if each.tier == "free"), next(iter(self.offered), wanted))


@lru_cache(maxsize=8)
def catalog(
    said: Configured,
    rows: tuple[Overlay, ...] = (),
    known: tuple[tuple[str, Known], ...] = (),
    accepted: tuple[tuple[str, Price], ...] = (),
) -> Catalog:
    """The catalog of these; the same again is no work."""
    return Catalog(said, rows, dict(known), dict(accepted))


def _of_settings(said: Configured) -> Iterator[ModelInfo]:
    """What ships and what the settings name, once each: the first vendor that has a name is the one."""
    found: dict[str, ModelInfo] = {}
    for offer in said.offers:
        for model in _of(offer):
            found.setdefault(model.id, model)
    yield from (model for id, model in found.items() if id != DEMO_MODEL.id)
    yield DEMO_MODEL


def _of(offer: Offer) -> Iterator[ModelInfo]:
    shipped = {model.id: model for model in SHIPPED if model.provider == offer.server.vendor}
    older = EARLIER if offer.is_elsewhere and offer.server.vendor == "openai" else ()
    for id in offer.names or (*shipped, *older):
        yield replace(shipped[id], server=offer.server) if id in shipped else _named(id, offer.server)


def _named(id: str, server: Server) -> ModelInfo:
    """A model that nobody but its server knows."""
    gone = ended(id)
    model = ModelInfo(id, server.vendor, server=server)
    if gone is None:
        return model
    model = replace(model, successor=gone.successor, ends_at=gone.at)
    if gone.context_tokens is None:
        return model
    return replace(model, context_tokens=gone.context_tokens, is_context_known=True)

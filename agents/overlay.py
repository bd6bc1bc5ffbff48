"""What operators have written of a model, over what code and settings say. Pure; where it is kept is another's."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from agents.model_info import ModelInfo
from agents.prices import Price
from agents.providers.server import OWN_KEYS, Server
from agents.vendors import BY_NAME


@dataclass(frozen=True)
class Overlay:
    """One model. What is None or empty falls through to what the code, the settings and the package say."""

    id: str
    vendor: str = ""  # one of agents.vendors; empty: that of the model as it is known, else openai
    name: str = ""
    api: str = ""
    base_url: str = ""  # a server of its own, whose key is looked up in MODEL_KEYS; empty: the vendor's
    tier: str = ""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    input: Decimal | None = None  # prices of a million tokens; without this and `output` none of them counts
    cached: Decimal | None = None
    cache_write: Decimal | None = None
    output: Decimal | None = None
    currency: str = "USD"
    abilities: frozenset[str] | None = None
    efforts: tuple[str, ...] | None = None
    fallbacks: tuple[str, ...] | None = None
    ends_at: str = ""
    successor: str = ""
    note: str = ""
    is_enabled: bool = True
    adds: bool = False  # there is such a model although neither the code nor the settings name it

    @property
    def price(self) -> Price | None:
        """Its price, where it has both of the ends."""
        if self.input is None or self.output is None:
            return None
        cached = self.input if self.cached is None else self.cached
        if min(self.input, cached, self.output, self.cache_write or 0) < 0:
            return None
        return Price(self.input, cached, self.output, self.cache_write, self.currency)


PLAIN = ("name", "tier", "max_output_tokens", "abilities", "efforts", "fallbacks", "ends_at", "successor", "note")


def over(model: ModelInfo, row: Overlay, server: Server) -> ModelInfo:
    """The model as the row has it; `server` is what is asked where the row names none of its own."""
    said: dict[str, Any] = {name: getattr(row, name) for name in PLAIN if getattr(row, name) not in (None, "")}
    if row.context_tokens:
        said |= {"context_tokens": row.context_tokens, "is_context_known": True}
    if row.price is not None:
        said["price"] = row.price
    return replace(model, server=server_of(row, server), **said)


def server_of(row: Overlay, server: Server) -> Server:
    """Where the row's model is asked. A vendor's key goes to no address but that of its settings."""
    if row.base_url:
        return Server(server.vendor, row.api or "chat", row.base_url, OWN_KEYS)
    return replace(server, api=row.api) if row.api else server


def vendor_of(row: Overlay, model: ModelInfo | None) -> str:
    """Whose model it is."""
    return row.vendor or (model.provider if model is not None else "") or next(iter(BY_NAME))

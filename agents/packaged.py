"""What genai-prices knows of models that nobody else does: windows and prices, by the address that they are asked at.

Offline: the package's own updater is never started. It is imported here alone and late, as it takes half a second.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from agents.catalog import Known
from agents.model_info import ModelInfo
from agents.prices import Price, rate, tiered
from agents.providers.server import DEMO


def look_up(models: Iterable[ModelInfo], now: datetime | None = None) -> Iterator[tuple[str, Known]]:
    """What the package knows of these. Nothing of a server that it does not know: a name means little there."""
    for model in models:
        known = _known(model.wire_name, model.server.base_url) if model.server != DEMO else None
        if known is not None:
            price = _price(known.get_prices(now or datetime.now(UTC)))
            yield model.id, Known(known.context_window, price)


@cache
def _known(name: str, base_url: str) -> Any:
    from genai_prices import data_snapshot

    try:
        return data_snapshot.get_snapshot().find_provider_model(name, None, None, base_url)[1]
    except LookupError:
        return None


def _price(found: Any) -> Price | None:
    """None where it is not by the token, or not both ways."""
    if found.input_mtok is None or found.output_mtok is None:
        return None
    numbers = (found.input_mtok, found.output_mtok, found.cache_read_mtok, found.cache_write_mtok)
    starts = {tier.start for each in numbers for tier in getattr(each, "tiers", ())}
    try:
        return tiered(_at(found, 0), *((start, _at(found, start + 1)) for start in starts))
    except ValueError:
        return None  # a price below 0 is none


def _at(found: Any, input_tokens: int) -> Price:
    """The price of a request with so much input."""
    input = _number(found.input_mtok, input_tokens)
    cached = input if found.cache_read_mtok is None else _number(found.cache_read_mtok, input_tokens)
    write = None if found.cache_write_mtok is None else _number(found.cache_write_mtok, input_tokens)
    return Price(input, cached, _number(found.output_mtok, input_tokens), write)


def _number(price: Any, input_tokens: int) -> Decimal:
    if isinstance(price, Decimal | int | float):
        return rate(price)
    reached = [tier.price for tier in price.tiers if input_tokens > tier.start]
    return rate(reached[-1] if reached else price.base)

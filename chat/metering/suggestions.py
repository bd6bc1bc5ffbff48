"""What the package says of models' prices, and how it becomes a price that counts: a person accepts it. Sync."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from agents import installation, packaged
from agents.prices import Price, nanos
from chat.metering import catalog
from chat.models import Price as Row

PACKAGE = "genai-prices"


@dataclass(frozen=True)
class Suggestion:
    """What the package says of a model that is offered, where it is another price than the one that counts."""

    model: str
    vendor: str
    now: Price | None
    found: Price


def suggestions() -> list[Suggestion]:
    """All of them. Of models whose server the package does not know, or whose price it does not, none."""
    models = {model.id: model for model in installation.models()}
    known = dict(packaged.look_up(models.values()))
    found = ((models[id], each.price) for id, each in known.items() if each.price is not None)
    priced = [Suggestion(model.id, model.provider, installation.price_of(model.id), price) for model, price in found]
    return [each for each in priced if not _is_same(each.now, each.found)]


def _is_same(now: Price | None, found: Price) -> bool:
    return now is not None and _rates(now) == _rates(found)


def _rates(price: Price) -> list[tuple[int, ...]]:
    """Its numbers and those of its tiers, whoever they are from."""
    write = price.input if price.cache_write is None else price.cache_write
    own = (price.long_from, *map(nanos, (price.input, price.cached, write, price.output)))
    return [own, *(_rates(price.long) if price.long else [])]


@transaction.atomic
def accept(each: Suggestion, *, by: str, valid_from: datetime) -> None:
    """It counts from then on, by this person's word. Nothing that was counted changes."""
    above, price, rows = 0, each.found, []
    while True:
        rows.append(_row(each, price, above, by=by, valid_from=valid_from))
        if price.long is None:
            break
        above, price = price.long_from, price.long
    Row.objects.bulk_create(rows)
    catalog.changed()


def _row(each: Suggestion, price: Price, above: int, *, by: str, valid_from: datetime) -> Row:
    return Row(
        vendor=each.vendor[:30],
        model=each.model,
        valid_from=valid_from,
        above=above,
        input=nanos(price.input),
        cached_input=nanos(price.cached),
        cache_write=None if price.cache_write is None else nanos(price.cache_write),
        output=nanos(price.output),
        currency=str(settings.OPENAI_PRICES_CURRENCY)[:10],
        source=PACKAGE,
        accepted_by=by[:200],
    )

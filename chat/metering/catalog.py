"""The rows of models: handed to agents.installation, where each process keeps them in memory. Sync.

No run and no request asks the database for them: every process looks each REFRESH_S, and the one that saves at once.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents import installation, packaged
from agents.catalog import DEMO_MODEL
from agents.overlay import Overlay
from agents.shipped import SHIPPED
from agents.vendors import VENDORS
from chat.metering.prices import dated
from chat.models import LanguageModel, Price

REFRESH_S = 3.0  # from one look to the next: as late another process knows of a change, at most


class _Looked:
    is_done = False  # this process has seen the rows once


class Source:
    """Where a row came from."""

    SHIPPED = "shipped"
    SETTINGS = "settings"
    OPERATOR = "operator"


def refresh() -> None:
    """Take the rows as they are now, and what the package knows of models that nobody else says enough of."""
    installation.tell_prices(dated(Price.objects.all()))
    installation.tell_rows(map(overlay_of, LanguageModel.objects.order_by("source", "vendor", "id")))
    _Looked.is_done = True
    unknown = [each for each in installation.the_catalog().bare.values() if _is_open(each)]
    installation.tell_known(packaged.look_up(unknown))


def is_loaded() -> bool:
    """Whether this process knows the rows: before, it would ask the settings' server for what a row has elsewhere."""
    return _Looked.is_done


def _is_open(model: Any) -> bool:
    return model.price is None or not model.is_context_known


def overlay_of(row: LanguageModel) -> Overlay:
    """The row as a value."""
    return Overlay(
        id=row.id,
        vendor=row.vendor,
        name=row.name,
        api=row.api,
        base_url=row.base_url,
        tier=row.tier,
        context_tokens=row.context_tokens,
        max_output_tokens=row.max_output_tokens,
        input=row.input_price,
        cached=row.cached_price,
        cache_write=row.cache_write_price,
        output=row.output_price,
        currency=row.currency or settings.OPENAI_PRICES_CURRENCY,
        abilities=None if row.abilities is None else frozenset(row.abilities),
        efforts=None if row.efforts is None else tuple(row.efforts),
        fallbacks=None if row.fallbacks is None else tuple(row.fallbacks),
        ends_at=row.ends_at.isoformat() if row.ends_at else "",
        successor=row.successor,
        note=row.note,
        is_enabled=row.is_enabled,
        adds=row.source == Source.OPERATOR,
    )


def changed() -> None:
    """Rows were changed in this transaction: once it is stored, this process knows at once."""
    transaction.on_commit(refresh)


def seed() -> int:
    """Add a row for each model that ships or that the settings name, where it is missing; how many.

    A row that is there stays as it is: somebody may have edited it.
    """
    there = set(LanguageModel.objects.values_list("id", flat=True))
    missing = [row for row in _wanted() if row.id not in there]
    LanguageModel.objects.bulk_create(missing, ignore_conflicts=True)  # another process may do the same now
    return len(missing)


def _wanted() -> Iterator[LanguageModel]:
    seen = {DEMO_MODEL.id}
    now = timezone.now()
    shipped = [(model.id, model.provider, Source.SHIPPED) for model in SHIPPED]
    named = [(id, vendor.name, Source.SETTINGS) for vendor in VENDORS for id in vendor.names(settings)]
    for id, vendor, source in (*shipped, *named):
        if id not in seen and len(id) <= 100:
            seen.add(id)
            yield LanguageModel(id=id, vendor=vendor, source=source, updated_at=now)

"""Where the days of an organization begin. Sync."""

import time
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models.signals import post_save

from accounts.models import Organization

KEPT_S = 60.0  # so late another process knows of a change
KEPT = 10_000  # organizations of which a process knows it; then it forgets all
_zones: dict[UUID, tuple[float, str]] = {}


def day_of(organization_id: UUID, at: datetime) -> date:
    """The organization's day at that moment."""
    return at.astimezone(zone_of(organization_id)).date()


def today(organization_id: UUID) -> date:
    """The organization's day now."""
    return day_of(organization_id, datetime.now(UTC))


def zone_of(organization_id: UUID) -> ZoneInfo:
    """Its zone; asked once in a while. UTC, where the organization is gone."""
    now = time.monotonic()
    at, name = _zones.get(organization_id, (0.0, ""))
    if not name or now - at > KEPT_S:
        name = Organization.objects.filter(pk=organization_id).values_list("timezone", flat=True).first() or "UTC"
        if len(_zones) >= KEPT:
            _zones.clear()
        _zones[organization_id] = (now, name)
    return zone(name)


def watch() -> None:
    """From now on this process knows at once what is changed here. Once in a process."""
    post_save.connect(_changed, sender=Organization)


def _changed(instance: Organization, **more: Any) -> None:
    _zones.pop(instance.pk, None)


@lru_cache(maxsize=600)
def zone(name: str) -> ZoneInfo:
    """The zone of that name; UTC, where this machine does not know it any more."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")

"""System checks: that what tools may ask of the outside is said in a way that can be meant."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from tools.outward.allowed import allowed


@register()
def check_outward(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Errors for entries that are none, which stop every command and so the server."""
    return [*_allowed(), *_ports()]


def _allowed() -> Iterator[CheckMessage]:
    try:
        allowed(tuple(settings.OUTWARD_ALLOW))
    except ValueError as error:
        yield Error(f"OUTWARD_ALLOW: {error}.", "Separate entries by commas.", id="tools.E001")


def _ports() -> Iterator[CheckMessage]:
    if any(not 0 < port < 65_536 for port in settings.OUTWARD_PORTS):
        yield Error("OUTWARD_PORTS: expected numbers from 1 to 65535.", "443 is https.", id="tools.E002")

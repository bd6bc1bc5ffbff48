"""Time zones by their IANA names."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from accounts.errors import refuse


def check_zone(name: Any) -> str:
    """The name of a zone that this machine knows. Raises Invalid."""
    if name not in _known():
        raise refuse("timezone", "Expected the IANA name of a time zone, such as UTC or Europe/Berlin.")
    return str(name)


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "Factory"}

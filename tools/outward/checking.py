"""Whether an address that somebody writes down for later may be asked at all, judged when it is written. Sync."""

import socket

from django.conf import settings

from tools.errors import OutwardError
from tools.outward.allowed import allowed
from tools.outward.target import SET, target


def check_url(url: str) -> None:
    """Raise OutwardError where it is no URL that may be asked, or its host is not at public addresses alone now."""
    rules = allowed(tuple(settings.OUTWARD_ALLOW))
    asked = target(url, rules, settings.OUTWARD_PORTS)
    if asked.is_named:
        return
    host = asked.url.host or ""
    try:
        found = socket.getaddrinfo(host, asked.url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OutwardError("unreachable", f"{host} is not known.") from None
    if not all(rules.takes(str(address[0])) for *_, address in found):
        raise OutwardError("refused_address", f"{host} is not at a public address. {SET}")

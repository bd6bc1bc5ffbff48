"""Connections that are judged at their sockets: no second look-up could say something else. No Django."""

import logging
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import aiohttp

from tools.outward.addresses import is_public
from tools.outward.allowed import Allowed, allowed
from tools.outward.resolving import Resolver
from tools.outward.target import Target, target

log = logging.getLogger(__name__)


class AddressRefused(OSError):
    """The connection would go to an address that may not be asked."""


@dataclass(frozen=True)
class Gate:
    """What an operator allows, as the settings say it."""

    entries: tuple[str, ...]
    ports: tuple[int, ...]

    @property
    def rules(self) -> Allowed:
        """The entries, read."""
        return allowed(self.entries)

    def target(self, url: str) -> Target:
        """Where a request to it goes. Raises OutwardError."""
        return target(url, self.rules, self.ports)


def gate(settings: Any) -> Gate:
    """The gate of these settings."""
    return Gate(tuple(settings.OUTWARD_ALLOW), tuple(settings.OUTWARD_PORTS))


def connector(asked: Target, rules: Allowed, *, has_secret: bool = False, **options: Any) -> aiohttp.TCPConnector:
    """Connections for this target alone. `has_secret`: without TLS they go to no public address."""
    is_bare = has_secret and asked.url.scheme != "https"
    return aiohttp.TCPConnector(
        resolver=Resolver(),
        use_dns_cache=False,
        socket_factory=lambda found: _judged(asked, rules, is_bare, found),
        **options,
    )


def _judged(asked: Target, rules: Allowed, is_bare: bool, found: aiohttp.AddrInfoType) -> socket.socket:
    """A socket for this very address. Raises AddressRefused before there is one."""
    family, kind, protocol, _, address = found
    if not asked.is_named and not rules.takes(str(address[0])):
        log.warning("outward: %s leads to %s, which OUTWARD_ALLOW does not allow", asked.url.host, address[0])
        raise AddressRefused
    if is_bare and _is_public(str(address[0])):
        log.warning("outward: %s leads to %s: no key goes there without TLS", asked.url.host, address[0])
        raise AddressRefused
    return socket.socket(family, kind, protocol)


def _is_public(text: str) -> bool:
    try:
        return is_public(ip_address(text))
    except ValueError:
        return True

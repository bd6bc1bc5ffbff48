"""OUTWARD_ALLOW: what the operator means although it is not public, not https or on another port. No Django.

Each entry is a host (`git.example.internal`: http and https), a host with its port (`git.example.internal:8080`), or a
network (`10.2.0.0/16`: its addresses count as public). Entries only add: every public address is allowed without one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from tools.outward.addresses import is_public

HTTP_PORT = 80


@dataclass(frozen=True)
class Allowed:
    """The entries, read."""

    hosts: frozenset[tuple[str, int | None]]  # port None: the usual ones
    networks: tuple[IPv4Network | IPv6Network, ...]

    def names(self, host: str, port: int, usual_ports: Iterable[int]) -> bool:
        """Whether the operator has named this host, so that http and an address that is not public are meant."""
        name = plain_host(host)
        return (name, port) in self.hosts or ((name, None) in self.hosts and port in (HTTP_PORT, *usual_ports))

    def takes(self, text: str) -> bool:
        """Whether a connection may go to this address: a public one, or one of the networks. Other texts: no."""
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return is_public(address) or any(address in network for network in self.networks)


@cache
def allowed(entries: tuple[str, ...]) -> Allowed:
    """What these entries allow. Raises ValueError, which names the entry that is none."""
    networks = tuple(_network(each) for each in entries if "/" in each)
    return Allowed(frozenset(_host(each) for each in entries if "/" not in each), networks)


def plain_host(host: str) -> str:
    """The host as it is compared: without the dot that ends a whole name, in lower case."""
    return host.rstrip(".").lower()


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry)
    except ValueError as error:
        raise ValueError(f"{entry!r}: expected a network such as 10.2.0.0/16, its last bits 0") from error


def _host(entry: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{entry}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or set("@*?# ") & set(entry):
        raise ValueError(f"{entry!r}: expected a host, host:port or a network such as 10.2.0.0/16")
    return plain_host(host), port

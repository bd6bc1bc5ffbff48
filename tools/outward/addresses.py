"""Which addresses are of the public internet. All others are of somebody's own network, most likely ours. No Django.

As in IANA's two registries of special-purpose addresses:
https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
Written out, because Python's `is_global` is True for NAT64, 6to4, 192.0.0.8, multicast and most of what is nobody's.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

NOT_PUBLIC_4 = (
    *map(IPv4Network, ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12")),
    *map(IPv4Network, ("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15")),
    *map(IPv4Network, ("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")),
    # Public by its number, but within a machine at Azure it is the host's own service.
    IPv4Network("168.63.129.16/32"),
)
PUBLIC_6 = IPv6Network("2000::/3")
NOT_PUBLIC_6 = (  # of 2000::/3: Teredo and other protocols, documentation, 6to4, which carries any IPv4 address
    *map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")),
)
NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether the address is of the public internet. One that carries an IPv4 address is what that one is."""
    if isinstance(address, IPv6Address):
        carried = _carried(address)
        if carried is None:
            return address in PUBLIC_6 and not any(address in network for network in NOT_PUBLIC_6)
        address = carried
    return not any(address in network for network in NOT_PUBLIC_4)


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this one would go to, where an ordinary network translates it."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped

"""What this machine is called: the names and addresses by which others on its network open it."""

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

SIOCGIFADDR = 0x8915  # Linux: the IPv4 address of an interface


def is_loopback(host: str) -> bool:
    """Whether who listens there is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def own_names() -> list[str]:
    """Names and addresses of this machine, as a Host header says them. Nobody is asked over the network."""
    name = socket.gethostname().lower()
    return sorted({name, f"{name.partition('.')[0]}.local", *_v4(), *_v6()})


def _v4() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # an interface without an address, or a system that has no such question
                told = fcntl.ioctl(asking, SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                yield socket.inet_ntoa(told[20:24])


def _v6() -> Iterator[str]:
    with suppress(OSError), open("/proc/net/if_inet6") as file:
        for line in file:
            yield f"[{ipaddress.IPv6Address(int(line.split()[0], 16))}]"

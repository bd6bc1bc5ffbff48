"""Where a request came from, for as long as it is answered: what the rows of the audit log and log lines say of it.

It has no models: what writes a repository in a process of its own loads no apps.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings

# W3C Trace Context
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SHORT_BITS = {4: 24, 6: 48}  # of an address that is kept short


class Origin:
    """Of one request: its client's address and its id, both made out when a row needs them."""

    def __init__(self, address: str, request_id: str = "", traceparent: str = "") -> None:
        self._address = address
        self._sent = request_id
        self.user_id = ""  # of whoever asks, once that is known
        self.traceparent = traceparent if TRACEPARENT.fullmatch(traceparent) else ""  # the trace that it is a part of

    @cached_property
    def ip(self) -> str:
        """The address as AUDIT_IP lets it be kept; empty for none."""
        return shown(self._address, settings.AUDIT_IP)

    @cached_property
    def request_id(self) -> str:
        """The id that came with the request, as X-Request-Id; else a new one."""
        return self._sent if REQUEST_ID.fullmatch(self._sent) else uuid.uuid4().hex


_origin: ContextVar[Origin | None] = ContextVar("audit_origin", default=None)


def origin() -> Origin | None:
    """That of the request which is answered here; None: nobody asks, as in a run, a chore or a command."""
    return _origin.get()


def traceparent() -> str:
    """The trace that what is done here is a part of; empty: none that anybody told of."""
    found = origin()
    return found.traceparent if found else ""


@contextmanager
def as_of(one: Origin | None) -> Iterator[None]:
    """What is done in this block comes from there."""
    token = _origin.set(one)
    try:
        yield
    finally:
        _origin.reset(token)


def begin(one: Origin | None) -> None:
    """From now on, in this task or thread, what is done comes from there."""
    _origin.set(one)


def shown(address: str, how: str) -> str:
    """The address `full`, `short` (its /24, or /48 of IPv6) or as `none`. Empty for what is no address."""
    if how == "none":
        return ""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return ""  # a local socket has none
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ip) if how == "full" else str(ip_network((ip, SHORT_BITS[ip.version]), strict=False))

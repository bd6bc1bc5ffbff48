"""Servers that fail are left alone for a while, the longer the more often they failed: calls then fail at once.

So a server that is away costs a run no minute at each call, gets no storm when it comes back, and has one line in the
log when it is left alone rather than one for each call.
"""

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from urllib.parse import urlsplit

from tools.mcp.errors import McpCode, McpError
from tools.mcp.spec import ServerSpec

log = logging.getLogger(__name__)

FAILURES = 3  # in a row, before it is left alone
FIRST_REST_S = 10.0
LONGEST_REST_S = 300.0
MAX_KNOWN = 1_000  # servers that failed and are remembered
# The server did its work: it said no, or we had no room.
HARMLESS: tuple[McpCode, ...] = ("server_error", "bad_arguments", "resting", "busy", "closed")

Key = tuple[object, str, str, int]


@dataclass
class _Failing:
    times: int = 0
    until: float = 0.0


_failing: "OrderedDict[Key, _Failing]" = OrderedDict()
_lock = Lock()


def check(spec: ServerSpec) -> None:
    """Raise McpError while the server is left alone. After that one call is let through; the others, if it is back."""
    with _lock:
        failing = _failing.get(_key(spec))
        if failing is None or failing.times < FAILURES:
            return
        now = time.monotonic()
        if now < failing.until:
            raise McpError("resting", _host(spec), f"{failing.until - now:.0f} s")
        failing.until = now + _rest_s(failing.times)


def failed(spec: ServerSpec, fault: McpError) -> None:
    """Count it, where it is the server's."""
    if fault.code in HARMLESS:
        return
    with _lock:
        failing = _failing.setdefault(_key(spec), _Failing())
        _failing.move_to_end(_key(spec))
        while len(_failing) > MAX_KNOWN:
            _failing.popitem(last=False)
        failing.times += 1
        if failing.times < FAILURES:
            return
        rest_s = _rest_s(failing.times)
        failing.until = time.monotonic() + rest_s
    log.warning("mcp: %s failed %d times (%s): not asked for %.0f s", _host(spec), failing.times, fault.code, rest_s)


def came_back(spec: ServerSpec) -> None:
    """It answered."""
    with _lock:
        _failing.pop(_key(spec), None)


def _rest_s(times: int) -> float:
    return float(min(FIRST_REST_S * 2 ** min(times - FAILURES, 10), LONGEST_REST_S))


def _key(spec: ServerSpec) -> Key:
    return spec.id, spec.principal, spec.url, hash(spec.token)  # mended, it is asked at once


def _host(spec: ServerSpec) -> str:
    return urlsplit(spec.url).hostname or ""

"""Limits on trying: so many in a window of time, counted in the cache that all processes share.

Wrong passwords are counted by accounts.backends, guests by accounts.sign_in.guests.
"""

import hashlib
import logging
import time

from django.core.cache import cache
from redis.exceptions import RedisError

from accounts.errors import TooMany

log = logging.getLogger(__name__)


def take(name: str, whom: str, *, limit: int, window_s: int) -> None:
    """Count one try. Raises TooMany, saying when to come back, once there were more than `limit` in this window."""
    if _count(name, whom, window_s, 1) > limit:
        raise TooMany("Too many tries. Wait, then try again.", retry_after_s=window_s - int(time.time()) % window_s)


def is_first(name: str, whom: str, *, window_s: int) -> bool:
    """Whether this is the first time in this window. True while the cache is away."""
    return _count(name, whom, window_s, 1) <= 1


def give_back(name: str, whom: str, *, window_s: int) -> None:
    """Uncount a try that turned out well."""
    _count(name, whom, window_s, -1)


def _count(name: str, whom: str, window_s: int, step: int) -> int:
    """How many there are in this window after this step; 0 while the cache is away: nobody is locked out by that."""
    key = _key(name, whom, window_s)
    try:
        cache.add(key, 0, timeout=window_s)
        return cache.incr(key, step)
    except ValueError:  # it expired between the two
        return step
    except RedisError as error:
        log.warning("No limits: the cache does not answer (%s)", type(error).__name__)
        return 0


def _key(name: str, whom: str, window_s: int) -> str:
    # A hash, since keys are short and plain and a person's address has no place in the cache.
    digest = hashlib.sha256(whom.encode("utf-8", "replace")).hexdigest()[:32]
    return f"limit:{name}:{int(time.time()) // window_s}:{digest}"

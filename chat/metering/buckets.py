"""Debts of rates (chat.metering.gcra), by name: in Redis for all processes, else in this one's memory. Sync.

All limits of a request are looked at and taken from in one atomic step: a script in Redis, by Redis's own clock, so
clocks of ours that differ do not matter; without Redis, under a lock.

What Redis said is kept here too. So a process goes on with the same numbers while Redis is away, by itself, and a Redis
that comes back empty forgives nobody what this process has seen.
"""

import functools
import logging
import threading
import time
from collections.abc import Sequence

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry

from chat.metering.gcra import US, Rate, taken

PATIENCE_S = 0.5  # for Redis: a request waits for it
IN_BETWEEN_US = int(2 * PATIENCE_S * US)  # to connect, and to be answered
AWAY_S = 5.0  # one that did not answer is not asked again for so long
SWEEP_AT = 1_000  # so many are kept before those with nothing left are looked for
PREFIX = "rate:"
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local debts, has_room = {}, 1
for i, key in ipairs(KEYS) do
  local interval, most, known = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  debts[i] = math.max(0, known, tonumber(redis.call('GET', key) or 0) - now)
  if debts[i] + interval > most then has_room = 0 end
end
if ARGV[1] == '1' and has_room == 1 then
  for i, key in ipairs(KEYS) do
    debts[i] = debts[i] + tonumber(ARGV[3 * i - 1])
    redis.call('SET', key, string.format('%.0f', now + debts[i]), 'PX', math.ceil(debts[i] / 1000))
  end
end
return {has_room, unpack(debts)}
"""
Asked = tuple[bool, list[int]]  # whether there is room in each of them, and the debts: after it was taken, if it was
log = logging.getLogger(__name__)
_away = {"until": 0.0}  # monotonic


def ask(names: Sequence[str], rates: Sequence[Rate], *, takes: bool) -> Asked:
    """Take one of each of these, or none where one has no room; without `takes`, only look. One round trip at most."""
    if settings.REDIS_URL and time.monotonic() >= _away["until"]:
        try:
            return _of_redis(names, rates, takes)
        except RedisError as error:
            _away["until"] = time.monotonic() + AWAY_S
            log.warning("Rates count in each process alone: Redis does not answer (%s)", type(error).__name__)
    return here.ask(names, rates, takes)


class Here:
    """What this process knows: when the debt of each name is forgotten, by the monotonic clock."""

    def __init__(self) -> None:
        self._ends: dict[str, int] = {}
        self._lock = threading.Lock()
        self._sweep_at = SWEEP_AT

    def ask(self, names: Sequence[str], rates: Sequence[Rate], takes: bool) -> Asked:
        """As `ask`, of this process alone."""
        with self._lock:
            now = _now_us()
            debts = [max(0, self._ends.get(name, 0) - now) for name in names]
            after = taken(rates, debts)
            if after is None or not takes:
                return after is not None, debts
            self._keep(names, after, now)
            return True, after

    def known(self, names: Sequence[str]) -> list[int]:
        """The debts that are known of, for Redis: less what passes until it reads them, so never more than it has."""
        now = _now_us() + IN_BETWEEN_US
        return [max(0, self._ends.get(name, 0) - now) for name in names]

    def learn(self, names: Sequence[str], debts: Sequence[int], asked_at_us: int) -> None:
        """Keep what Redis said when it was asked at that time, unless more is known."""
        with self._lock:
            known = [self._ends.get(name, 0) - asked_at_us for name in names]
            self._keep(names, [max(each) for each in zip(known, debts, strict=True)], asked_at_us)

    def forget(self) -> None:
        """Everything: for tests."""
        self._ends.clear()

    def _keep(self, names: Sequence[str], debts: Sequence[int], now_us: int) -> None:
        for name, debt in zip(names, debts, strict=True):
            self._ends[name] = now_us + debt
        if len(self._ends) > self._sweep_at:
            self._ends = {name: end for name, end in self._ends.items() if end > now_us}
            self._sweep_at = max(SWEEP_AT, 2 * len(self._ends))


here = Here()


def _of_redis(names: Sequence[str], rates: Sequence[Rate], takes: bool) -> Asked:
    asked_at_us = _now_us()
    arguments = [int(takes)]
    for rate, known in zip(rates, here.known(names), strict=True):
        arguments += (rate.interval_us, rate.most_us, known)
    has_room, *debts = _script(settings.REDIS_URL)([PREFIX + each for each in names], arguments)
    here.learn(names, debts, asked_at_us)
    return bool(has_room), debts


@functools.lru_cache(maxsize=1)
def _script(url: str) -> Script:
    """The script, sent by its hash; a Redis that does not know it yet is told. Its connections are its own."""
    patience = {"socket_connect_timeout": PATIENCE_S, "socket_timeout": PATIENCE_S}
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **patience).register_script(SCRIPT)


def _now_us() -> int:
    return time.monotonic_ns() * US // 1_000_000_000

"""Numbered places in the cache that all processes share: whoever has one may have a stream or a socket open.

A place is taken by one atomic `add` and lapses LIVES_S after its process stopped renewing it, so what a crash leaves
behind is gone by itself. While the cache is away everybody may: nobody is locked out by that.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache as once
from typing import TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

from chat.bus.bell import PROCESS

LIVES_S = 60  # a place that nobody renews
RENEW_S = 20.0
AWAY_S = 5.0  # a cache that did not answer is not asked again for so long
R = TypeVar("R")
log = logging.getLogger(__name__)
_away = {"until": 0.0}  # monotonic


def is_full(places: list[str]) -> bool:
    """Whether somebody has each of them. Sync, one round trip."""
    return _ask(lambda: len(cache.get_many(places)) >= len(places), False)


def take(places: list[str]) -> str | None:
    """Take one of them: its name, empty while the cache is away, None where all are taken. Sync, two round trips."""
    nowhere: str | None = ""
    return _ask(lambda: _take(places), nowhere)


def _take(places: list[str]) -> str | None:
    taken = cache.get_many(places)
    free = [each for each in places if each not in taken]
    random.shuffle(free)  # two processes seldom try the same one
    return next((each for each in free if cache.add(each, str(PROCESS), LIVES_S)), None)


class Renewer:
    """Renews this process's places, all in one round trip, for as long as it has any. On the serving loop."""

    def __init__(self) -> None:
        self.places: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, place: str) -> None:
        """Renew this one too."""
        self.places.add(place)
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._loop is not loop:
            self._loop, self._task = loop, loop.create_task(self._run())

    def remove(self, place: str) -> None:
        """It is free for another."""
        self.places.discard(place)
        threads().submit(_ask, lambda: cache.delete(place), False)

    async def _run(self) -> None:
        while self.places:
            await asyncio.sleep(RENEW_S)
            await asyncio.get_running_loop().run_in_executor(threads(), _renew, list(self.places))


renewer = Renewer()


def _renew(places: list[str]) -> None:
    if places:
        _ask(lambda: cache.set_many(dict.fromkeys(places, str(PROCESS)), LIVES_S), [])


@once
def threads() -> ThreadPoolExecutor:
    """Threads for the cache alone: one that hangs holds up no database work."""
    return ThreadPoolExecutor(2, thread_name_prefix="places")


def _ask(call: Callable[[], R], otherwise: R) -> R:
    if time.monotonic() < _away["until"]:
        return otherwise
    try:
        return call()
    except RedisError as error:
        _away["until"] = time.monotonic() + AWAY_S
        log.warning("Limits count in each process alone: the cache does not answer (%s)", type(error).__name__)
        return otherwise

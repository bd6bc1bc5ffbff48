"""What a server's process does so that its memory stays what it needs (docs/decisions/0121-memory.md).

It is of two kinds. Python's own objects: those that hold one another are freed by the collector alone, which looks at
old ones no sooner than a quarter of them is new. And what libraries get of malloc: glibc gives each thread a pool of
its own, and what is freed in one is of no use to the others.
"""

import asyncio
import ctypes
import gc
import os

from django.conf import settings

from chat.runner import runner

LIBC = ctypes.CDLL(None)
IS_GLIBC = hasattr(LIBC, "gnu_get_libc_version")
M_ARENA_MAX = -8  # glibc's malloc.h
SAID_ELSEWHERE = {"MALLOC_ARENA_MAX", "GLIBC_TUNABLES"}  # of glibc's own: who set them decides
LOOKS_S = 0.1


def share_pools() -> bool:
    """Let all threads have MALLOC_ARENAS of glibc's pools between them. Before there are threads.

    False where nothing is changed: elsewhere than glibc (musl, macOS), or where the environment says it already.
    """
    if not settings.MALLOC_ARENAS or SAID_ELSEWHERE & os.environ.keys() or not IS_GLIBC:
        return False
    return bool(LIBC.mallopt(M_ARENA_MAX, settings.MALLOC_ARENAS))


async def keep_small() -> None:
    """Collect garbage every GARBAGE_EVERY_S and give back what that leaves free, for ever.

    What is loaded once lives as long as the process, so it is left out. Call it in a process of its own.
    """
    while not runner.is_ready:  # noqa: ASYNC110 - so short, and once
        await asyncio.sleep(LOOKS_S)
    gc.collect()
    gc.freeze()
    while every_s := settings.GARBAGE_EVERY_S:
        await asyncio.sleep(every_s)
        if collect():
            await asyncio.to_thread(give_back)


def collect() -> bool:
    """Free old objects that hold one another. False, and nothing is looked at: none have become old since."""
    if not gc.get_count()[2]:
        return False
    gc.collect()
    return True


def give_back() -> None:
    """Let the system have the pages that malloc holds and nobody uses. Others' malloc waits: for some 10 ms."""
    if IS_GLIBC:
        LIBC.malloc_trim(0)

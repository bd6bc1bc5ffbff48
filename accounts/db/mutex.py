"""One process at a time, among all that share a database."""

import fcntl
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

LOOK_S = 0.2  # between two tries


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Wait until no other process is inside a block of this name, then run the block."""
    with _postgres(name) if connection.vendor == "postgresql" else _file(name):
        yield


@contextmanager
def _postgres(name: str) -> Iterator[None]:
    # Held by this connection, so it ends with the process. Asked for again and again: an index that is built beside
    # the traffic waits for every statement that waits, and whoever builds it may be the one that is waited for.
    number = zlib.crc32(name.encode())
    while not _taken(number):
        time.sleep(LOOK_S)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def _taken(number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


@contextmanager
def _file(name: str) -> Iterator[None]:
    # SQLite is used from one machine, so a lock on a file of its folder is enough; it ends with the process too.
    settings.PARLEY_DATA.mkdir(parents=True, exist_ok=True)
    with open(settings.PARLEY_DATA / f"{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

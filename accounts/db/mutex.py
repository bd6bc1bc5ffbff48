"""One process at a time, among all that share a database."""

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Wait until no other process is inside a block of this name, then run the block."""
    with _postgres(name) if connection.vendor == "postgresql" else _file(name):
        yield


@contextmanager
def _postgres(name: str) -> Iterator[None]:
    # Held by this connection, so it also ends with the process.
    number = zlib.crc32(name.encode())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [number])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


@contextmanager
def _file(name: str) -> Iterator[None]:
    # SQLite is used from one machine, so a lock on a file of its folder is enough; it ends with the process too.
    settings.PARLEY_DATA.mkdir(parents=True, exist_ok=True)
    with open(settings.PARLEY_DATA / f"{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

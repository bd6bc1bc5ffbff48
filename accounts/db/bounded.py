"""Statements that end after a time, whatever they look for."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from accounts.db.faults import SLOW, fault_of

LOOK_EVERY = 10_000  # of SQLite's instructions: about a millisecond


class TookTooLong(Exception):
    """The database did not come to an end in time. What was under way is undone."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Each statement in here ends after so many seconds, on SQLite all of them together. Raises TookTooLong.

    Not for within a transaction: of PostgreSQL's the bound would hold to its end.
    """
    try:
        with _interrupted(seconds) if connection.vendor == "sqlite" else _timed(seconds):
            yield
    except OperationalError as error:
        if fault_of(error) is not SLOW:
            raise
        raise TookTooLong from error


@contextmanager
def _timed(seconds: float) -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1_000))])
        yield


@contextmanager
def _interrupted(seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    sqlite, until = connection.connection, time.monotonic() + seconds
    sqlite.set_progress_handler(lambda: time.monotonic() > until, LOOK_EVERY)
    try:
        yield
    finally:
        sqlite.set_progress_handler(None, 0)

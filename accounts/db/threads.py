"""The process's own database threads, for all work that outlives a request.

A request's thread keeps its connection for as long as the request is open, so streams, runs and tools must not use it:
they call `await db(fn, ...)`. Each job starts on a healthy connection, because one that broke stays broken in its
thread until it is closed.
"""

import asyncio
import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, close_old_connections, connection, transaction

from accounts.about import carried
from accounts.origin import Origin, as_of, origin

AWAY = (OperationalError, InterfaceError)  # the database cannot be reached, or not now: the same may work later
READ_ONLY = "25006"  # read_only_sql_transaction
P = ParamSpec("P")
R = TypeVar("R")


@functools.cache
def readers() -> ThreadPoolExecutor:
    """The threads of `db`: DB_THREADS of them, made at the first use."""
    return ThreadPoolExecutor(settings.DB_THREADS, thread_name_prefix="db")


@functools.cache
def writer() -> ThreadPoolExecutor:
    """The one thread of `db_write`: group commits never race each other."""
    return ThreadPoolExecutor(1, thread_name_prefix="db-writer")


@functools.cache
def keeper() -> ThreadPoolExecutor:
    """The one thread of `db_keep`: what must be in time does not queue behind what takes its time."""
    return ThreadPoolExecutor(1, thread_name_prefix="db-keeper")


async def db(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run sync database code in one of the process's own threads and give what it returned."""
    return await _submit(readers(), fn, *args, **kwargs)


async def db_write(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same on the single writer thread: for the event log's commits."""
    return await _submit(writer(), fn, *args, **kwargs)


async def db_keep(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same on a thread of its own: for leases and stops."""
    return await _submit(keeper(), fn, *args, **kwargs)


@functools.cache
def for_files() -> ThreadPoolExecutor:
    """The threads of `db_files`: FILE_THREADS of them, made at the first use."""
    return ThreadPoolExecutor(settings.FILE_THREADS, thread_name_prefix="db-files")


async def db_files(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same on threads of their own: for what also waits for stored files, or for images at addresses."""
    return await _submit(for_files(), fn, *args, **kwargs)


@functools.cache
def for_tools() -> ThreadPoolExecutor:
    """The threads of `db_tool`: DB_TOOL_THREADS of them, made at the first use."""
    return ThreadPoolExecutor(settings.DB_TOOL_THREADS, thread_name_prefix="db-tool")


async def db_tool(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same on threads of their own: for code of an own app, which may be slow and holds up only its like."""
    return await _apart(for_tools(), fn, *args, **kwargs)


@functools.cache
def extras() -> ThreadPoolExecutor:
    """The threads of `db_extra`: DATABASES_EXTRA_THREADS of them, made at the first use."""
    return ThreadPoolExecutor(settings.DATABASES_EXTRA_THREADS, thread_name_prefix="db-extra")


async def db_extra(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same for a database of DATABASES_EXTRA, on threads of its own: a slow one holds up no run and no stream."""
    return await _apart(extras(), fn, *args, **kwargs)


async def _apart(pool: ThreadPoolExecutor, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    job = functools.partial(_with_fresh_connections, _asked_here(fn), *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(pool, job)


async def _submit(pool: ThreadPoolExecutor, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    job = functools.partial(_with_fresh_connection, time.monotonic(), _asked_here(fn), *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(pool, job)


def _asked_here(fn: Callable[P, R]) -> Callable[P, R]:
    """The function, which knows in its thread where the request comes from that asks for it, if one does, and what it
    is about.
    """
    asked, fn = origin(), carried(fn)
    return fn if asked is None else functools.partial(_asked, asked, fn)


def _asked(one: Origin, fn: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    with as_of(one):
        return fn(*args, **kwargs)


def in_transaction(fn: Callable[P, R]) -> Callable[P, R]:
    """Decorate a service: what it writes is written whole or not at all.

    Within a caller's transaction that is the caller's: without the two statements of a savepoint. So whoever calls it
    there lets what it raises end the transaction.
    """

    @functools.wraps(fn)
    def whole(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return fn(*args, **kwargs)
        with transaction.atomic():
            return fn(*args, **kwargs)

    return whole


def is_read_only(error: BaseException) -> bool:
    """PostgreSQL takes no writes: we are connected to a standby, as in the middle of a failover."""
    return getattr(error.__cause__, "sqlstate", None) == READ_ONLY


def _is_drivers(error: Exception) -> bool:
    """psycopg says itself that it is AWAY: some of its errors Django lets through, as of a cursor that is read on."""
    names = {f"{each.__module__}.{each.__name__}" for each in type(error).__mro__}
    return bool(names & {"psycopg.OperationalError", "psycopg.InterfaceError"})


class _Away:
    """When a job last waited for a connection in vain, by the monotonic clock."""

    at = 0.0


def _with_fresh_connections(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do the job, and say nothing of our own database where another one is away."""
    close_old_connections()
    try:
        return fn(*args, **kwargs)
    finally:
        close_old_connections()


def _with_fresh_connection(asked_at: float, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do the job. Those that queued up behind one that waited in vain are told at once, not one after the other."""
    if asked_at < _Away.at:
        raise OperationalError("The database gave no connection.")
    close_old_connections()
    try:
        return fn(*args, **kwargs)
    except InternalError as error:
        if is_read_only(error):
            raise OperationalError("The database takes no writes now.") from error
        raise
    except OperationalError as error:
        if type(error.__cause__).__name__ == "PoolTimeout":  # psycopg's pool, where there is one
            _Away.at = time.monotonic()
        raise
    except Exception as error:
        if _is_drivers(error):
            raise OperationalError(str(error)) from error
        raise
    finally:
        close_old_connections()

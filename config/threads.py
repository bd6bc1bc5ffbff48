"""The threads that requests work in, with their database connections: used again by the next request.

Django under ASGI makes a thread for each request that calls something sync. Whatever a thread keeps is made anew then:
on SQLite the connection, and the statements of accounts.db.compiled, which took more than the rest of a REST request.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from django.conf import settings
from django.db import connections

T = TypeVar("T")
_idle: list[ThreadPoolExecutor] = []  # of one thread each; only the event loop takes and returns them


class RequestThread(Executor):
    """One request's thread: an idle one, taken at its first use."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._last: Future[Any] | None = None

    @property
    def is_used(self) -> bool:
        """Whether anything was done in it."""
        return self._thread is not None

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Do this after what was submitted before."""
        if self._thread is None:
            self._thread = _idle.pop() if _idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        done = self._thread.submit(fn, *args, **kwargs)
        self._last = done
        return done

    def leave(self) -> None:
        """Let the next request have it, if it is done. More than DB_THREADS are not kept."""
        thread, self._thread = self._thread, None
        if thread is None or self._last is None:
            return
        if self._last.done() and len(_idle) < settings.DB_THREADS:
            _idle.append(thread)
        else:
            thread.submit(connections.close_all)  # nobody else can use them: they are this thread's
            thread.shutdown(wait=False)

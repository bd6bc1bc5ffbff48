"""What the work at hand is about, for the lines that it logs: ids, by name, and nothing else."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_about: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)


def about() -> Mapping[str, str]:
    """The ids that are known here: run, chat, user, organization, door."""
    return _about.get() or {}


def note(**ids: object) -> None:
    """From now on, in this task and what it begins, it is about these too. None and empty ones say nothing."""
    _about.set({**about(), **{name: str(value) for name, value in ids.items() if value}})


def carried(fn: Callable[P, R]) -> Callable[P, R]:
    """The function, which knows in another thread what it is about here."""
    known = _about.get()
    return fn if known is None else partial(_as, known, fn)


def _as(known: Mapping[str, str], fn: Callable[..., R], *args: object, **kwargs: object) -> R:
    token = _about.set(known)
    try:
        return fn(*args, **kwargs)
    finally:
        _about.reset(token)

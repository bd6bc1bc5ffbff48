"""Processor time that the colours of code may take: of one text, and of all that a request shows together. Pure.

Sizes do not tell it: a lexer may look again and again through all that is left of a text.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Budget:
    """So many seconds of a processor, less those that were spent."""

    left_s: float


_in_force: ContextVar[tuple[Budget, ...]] = ContextVar("budgets", default=())


@contextmanager
def within(budget: Budget) -> Iterator[None]:
    """What is spent inside counts against this budget, and those around it."""
    token = _in_force.set((*_in_force.get(), budget))
    try:
        yield
    finally:
        _in_force.reset(token)


def left_s() -> float:
    """What may still be spent here; without end where nobody has set a budget."""
    return min((each.left_s for each in _in_force.get()), default=float("inf"))


def is_left() -> bool:
    """Whether all is as it should be: what was made without a budget left is not kept for others."""
    return left_s() > 0


def spend(seconds: float) -> None:
    """Count what was spent."""
    for each in _in_force.get():
        each.left_s -= seconds

"""The archetypes by name: those that ship, in ARCHETYPES, and those that own apps add (agents.own)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from agents.archetypes.base import Archetype
from agents.archetypes.builder import builder
from agents.archetypes.compaction import compaction
from agents.archetypes.generalist import generalist
from agents.archetypes.judge import judge
from agents.archetypes.model import model
from agents.archetypes.project_navigator import project_navigator
from agents.archetypes.summary import summary
from agents.archetypes.title import title
from agents.errors import UnknownArchetype
from tools.base import Tool

ARCHETYPES = (builder, compaction, generalist, judge, model, project_navigator, summary, title)
_all = list(ARCHETYPES)


def get(name: str) -> Archetype:
    """The archetype of that name, in either case: a front door's contract has them in upper case (GENERALIST), and
    clients bring what they were shown to any door. A model's name is another's, and compared letter by letter.

    Raises UnknownArchetype, which lists the names there are.
    """
    for archetype in _all:
        if archetype.name == name.lower():
            return archetype
    raise UnknownArchetype(name, names())


def names() -> list[str]:
    """The names people may choose from, sorted."""
    return sorted(archetype.name for archetype in _all if archetype.is_offered)


def every() -> list[Archetype]:
    """All archetypes, those that are not offered too, by name."""
    return sorted(_all, key=lambda archetype: archetype.name)


def every_with_subagents() -> Iterator[Archetype]:
    """Every archetype and, behind each, its subagents."""
    waiting = every()
    while waiting:
        archetype = waiting.pop(0)
        yield archetype
        waiting += archetype.subagents


def add(archetype: Archetype) -> None:
    """One more archetype, for as long as the process lives. Its name must be free."""
    _all.append(archetype)


def extend(name: str, tools: tuple[Tool, ...]) -> None:
    """From now on the archetype of that name has these tools too. Raises UnknownArchetype."""
    found = get(name)
    _all[_all.index(found)] = replace(found, tools=(*found.tools, *tools))


@contextmanager
def also(archetype: Archetype) -> Iterator[None]:
    """One more archetype for as long as the block runs: for tests, and for processes that chaos starts."""
    _all.append(archetype)
    try:
        yield
    finally:
        _all.remove(archetype)

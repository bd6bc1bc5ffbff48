"""The archetypes that ship, by name. `agents/apps.py` lists the modules that register them."""

from agents.archetypes.base import Archetype
from agents.errors import UnknownArchetype

_archetypes: dict[str, Archetype] = {}


def register(archetype: Archetype) -> Archetype:
    """Add an archetype. A second one of the same name is refused."""
    if archetype.name in _archetypes:
        raise ValueError(f"two archetypes named {archetype.name}")
    _archetypes[archetype.name] = archetype
    return archetype


def get(name: str) -> Archetype:
    """The archetype of that name, in either case. Raises UnknownArchetype, which lists the names there are."""
    try:
        return _archetypes[name.lower()]
    except KeyError:
        raise UnknownArchetype(name, names()) from None


def names() -> list[str]:
    """The names people may choose from, sorted."""
    return sorted(name for name, archetype in _archetypes.items() if archetype.is_offered)


def every() -> list[Archetype]:
    """All archetypes, those that are not offered too, by name."""
    return [_archetypes[name] for name in sorted(_archetypes)]

"""What an own app's parley.py registers: archetypes, tools, slash commands, and ways to ask a model.

All of it at the start of the process. A name that is taken is refused, and the text says where by whom.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from agents import commands
from agents.archetypes import registry
from agents.archetypes.base import Archetype, Limits
from agents.commands import Command
from agents.providers import apis
from tools.base import Tool

__all__ = ["Archetype", "Command", "Limits", "NameTaken", "extend", "register", "register_api", "register_command"]
_places: dict[str, str] = {}  # where own apps registered what, by "kind name"


class NameTaken(ValueError):
    """Somebody else has the name; the text says who."""


def register(archetype: Archetype) -> Archetype:
    """Make the archetype one that chats may have, and give it back. Raises NameTaken, for one of its tools too."""
    place = _caller()
    for each in registry.every_with_subagents():
        if each.name == archetype.name:
            raise NameTaken(f"archetype {each.name}: the name is taken, in {_place_of_archetype(each)}. Rename yours")
    tools = tuple(_tools_of(archetype))
    _check_tools(tools)
    registry.add(archetype)
    _note(place, tools, f"archetype {archetype.name}")
    return archetype


def extend(name: str, *tools: Tool) -> None:
    """Give an archetype that is there these tools too. Raises NameTaken, and UnknownArchetype."""
    place = _caller()
    _check_tools(tools)
    registry.extend(name, tools)
    _note(place, tools)


def register_command(command: Command) -> None:
    """Offer the command in the page's composer. Raises NameTaken, and UnknownArchetype for the one it chooses."""
    place = _caller()
    if command.name in [each.name for each in commands.every()]:
        other = _places[f"command {command.name}"]
        raise NameTaken(f"command {command.name}: the name is taken, in {other}. Rename yours")
    if command.archetype:
        registry.get(command.archetype)
    commands.add(command)
    _note(place, (), f"command {command.name}")


def register_api(name: str, provider: str) -> None:
    """Let rows of models name this API: `provider` is "module:Class" of an agents.providers.base.Provider.

    The class is called with the arguments that agents.providers.apis.make gives. Raises NameTaken, and ValueError.
    """
    place = _caller()
    if name in apis.APIS:
        raise NameTaken(f"API {name}: the name is taken, in {_places.get(f'api {name}', 'agents/providers/apis.py')}")
    apis.add(name, provider)
    _note(place, (), f"api {name}")


def _tools_of(archetype: Archetype) -> Iterator[Tool]:
    """Its own, and its subagents'."""
    yield from archetype.tools
    for subagent in archetype.subagents:
        yield from _tools_of(subagent)


def _check_tools(tools: tuple[Tool, ...]) -> None:
    """Each tool has its name for itself; the same tool may be anybody's."""
    known = {tool.name: tool for archetype in registry.every_with_subagents() for tool in archetype.tools}
    for tool in tools:
        if tool.name in known and known[tool.name] is not tool:
            other = _places.get(f"tool {tool.name}") or _file_of(known[tool.name])
            raise NameTaken(f"tool {tool.name}: the name is taken, in {other}. Rename yours")


def _note(place: str, tools: tuple[Tool, ...], *names: str) -> None:
    for name in (*names, *(f"tool {tool.name}" for tool in tools)):
        _places.setdefault(name, place)


def _caller() -> str:
    return sys._getframe(2).f_code.co_filename


def _place_of_archetype(archetype: Archetype) -> str:
    return _places.get(f"archetype {archetype.name}") or f"agents/archetypes/{archetype.name}.py"


def _file_of(tool: Tool) -> str:
    """The file of a tool's function, from the product's folder where it lies in it."""
    code = getattr(tool.function, "__code__", None)
    path, here = Path(code.co_filename if code else "?"), Path(__file__).parent.parent
    return str(path.relative_to(here) if path.is_relative_to(here) else path)

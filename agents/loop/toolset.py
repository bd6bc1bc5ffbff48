"""A project's own tools, beside those of the archetype: which a run is offered, from start to end. No Django."""

import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from tools.base import Tool
from tools.decorator import NAME

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Toolset:
    """What the run may call of its project's tools, and what it could call when it began and cannot any more."""

    tools: tuple[Tool, ...] = ()
    gone: frozenset[str] = frozenset()

    def beside(self, taken: Collection[str]) -> tuple[Tool, ...]:
        """Those whose names are free and can be sent to a model. The others are left out, and logged once."""
        for tool in self.tools:
            if tool.name in taken or not NAME.fullmatch(tool.name):
                _say_left_out(tool.name)
        return tuple(tool for tool in self.tools if tool.name not in taken and NAME.fullmatch(tool.name))


def distinct(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """The tools without those whose name an earlier one has. They are logged once."""
    found: dict[str, Tool] = {}
    for tool in tools:
        if found.setdefault(tool.name, tool) is not tool:
            _say_left_out(tool.name)
    return tuple(found.values())


def digests(tools: Iterable[Tool]) -> dict[str, str]:
    """A hash of what a model is told of each tool, by its name."""
    return {tool.name: _digest(tool) for tool in tools}


def as_begun(tools: Iterable[Tool], kept: Mapping[str, str]) -> Toolset:
    """Of today's tools those that the run began with, as they were; a tool that says something else is another one."""
    same = tuple(tool for tool in tools if kept.get(tool.name) == _digest(tool))
    return Toolset(same, frozenset(kept) - {tool.name for tool in same})


def _digest(tool: Tool) -> str:
    told = json.dumps([tool.name, tool.description, tool.schema], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


@cache
def _say_left_out(name: str) -> None:
    log.warning("the project's tool %.80r is left out: the name is taken, or none that a model can be told", name)

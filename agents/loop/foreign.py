"""What others wrote outside and the run has read: results of outward tools, pictures by address, files of a project
whose repository came from elsewhere. No Django.

It may say things to the model that nobody here meant to say. So once it has come in, nothing goes out unasked, but to
the place that it came from. Worked out from the log, the conversation, and what the chat has heard before that, so that
a takeover knows it as well.
"""

from collections.abc import Collection, Iterator

from agents import events as ev
from agents.archetypes.base import Archetype
from agents.loop.job import Job
from agents.loop.outside import ANYWHERE
from agents.messages import ToolMessage, UserMessage
from tools.base import Tool

REPOSITORY = "repository"  # the place that the project's files come from, until it is looked up; no host's name


async def is_tainted(tool: Tool, job: Job) -> bool:
    """Whether a call of the tool could send away what others have told the model to: to elsewhere than they wrote."""
    if not tool.outward:
        return False
    if _is_elsewhere(heard_by(job), tool):
        return True
    outside = await job.outside()
    return _is_elsewhere(heard_by(job, outside.names, outside.repository), tool)


def heard_by(job: Job, before: Collection[str] = (), repository: frozenset[str] = frozenset()) -> set[str]:
    """The places outside whose words the run has read. `before`: names of tools that the chat has used; `repository`:
    where the project's files come from.
    """
    known = _places(job)
    names = {*_told(job), *_returned(job), *before}
    heard = job.heard.union(*(known.get(name, {ANYWHERE}) for name in names))
    if any(_has_link(each) for each in job.history):
        heard.add(ANYWHERE)
    return heard - {REPOSITORY} | repository if REPOSITORY in heard else heard


def places_of(tool: Tool) -> set[str]:
    """Whose words, from outside, the tool's answer may have."""
    if tool.outward:
        return {tool.place}
    if tool.cites:
        return {ANYWHERE}  # documents are written by others, and come from wherever
    return {REPOSITORY} if tool.reads == "repository" else set()


def _is_elsewhere(heard: set[str], tool: Tool) -> bool:
    return bool(heard - {tool.place} if tool.place else heard)


def _told(job: Job) -> Iterator[str]:
    """Names of the tools whose results earlier answers have left in the conversation."""
    return (each.name for each in job.history if isinstance(each, ToolMessage))


def _returned(job: Job) -> Iterator[str]:
    """Names of the tools that have run in this answer, before it was taken over or while it waited."""
    for turns in job.ledger.turns.values():
        for turn in turns:
            for result in turn.results.values():
                if isinstance(result, ev.ToolReturned) or result.outcome != "refused":
                    yield result.name


def _has_link(message: object) -> bool:
    return isinstance(message, UserMessage) and any(not each.url.startswith("data:") for each in message.images)


def _places(job: Job) -> dict[str, set[str]]:
    """By name, the places that a tool's or subagent's answer may come from; what is not here may come from anywhere."""
    own = {tool.name: places_of(tool) for tool in job.toolset.tools}
    return own | _of_archetype(job.archetype)


def _of_archetype(archetype: Archetype) -> dict[str, set[str]]:
    found = {tool.name: places_of(tool) for tool in archetype.tools}
    for each in archetype.subagents:
        below = _of_archetype(each)
        found = below | found | {each.name: set().union(*below.values())}
    return found

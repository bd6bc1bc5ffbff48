"""What tools gave in another run, given once more: nothing is done, nobody is asked. For replays. Sync to make.

Calls are known by name and arguments; one that was made several times gives what it gave, in that order. What a call
gave that is still known, but was not one of these, nobody knows: the model is told so, and the replay has failed.
"""

import json
from collections import defaultdict, deque
from dataclasses import replace
from typing import Any
from uuid import UUID

from agents.archetypes.base import Archetype
from agents.loop.judging import ALLOW, Question, Verdict
from agents.loop.toolset import Toolset
from chat.models import ToolCall
from chat.models.runs import ToolCallStatus
from tools.base import Tool, ToolContext
from tools.errors import ToolError

NOT_RECORDED = "This call was not made in the run that is replayed, so nothing is known of it. Go on without it."
GIVEN = (ToolCallStatus.RETURNED, ToolCallStatus.FAILED, ToolCallStatus.REFUSED)


class Recording:
    """The tool calls of a run."""

    def __init__(self, run: UUID) -> None:
        self._given: dict[tuple[str, str], deque[ToolCall]] = defaultdict(deque)
        for call in ToolCall.objects.filter(run=run, status__in=GIVEN).order_by("pk"):
            self._given[call.name, spelled(call.arguments)].append(call)

    def archetype(self, archetype: Archetype) -> Archetype:
        """The same agent; its tools, and those of whom it may ask, give what is recorded."""
        tools = tuple(map(self._tool, archetype.tools))
        return replace(archetype, tools=tools, subagents=tuple(map(self.archetype, archetype.subagents)))

    def toolset(self, toolset: Toolset) -> Toolset:
        """The same for a project's tools."""
        return replace(toolset, tools=tuple(map(self._tool, toolset.tools)))

    def _tool(self, tool: Tool) -> Tool:
        async def recorded(ctx: ToolContext, **arguments: Any) -> Any:
            return self._answer(tool.name, arguments)

        return replace(tool, function=recorded)

    def _answer(self, name: str, arguments: dict[str, Any]) -> Any:
        """What the next such call gave. Raises ToolError for one that failed, and for one that there was not."""
        waiting = self._given.get((name, spelled(arguments)))
        if not waiting:
            raise ToolError(NOT_RECORDED)
        call = waiting.popleft()
        if call.status != ToolCallStatus.RETURNED:
            raise ToolError(call.result)
        return json.loads(call.result)


async def allowed(question: Question) -> Verdict:
    """Nobody is asked whether a call may be made that does nothing."""
    return ALLOW


def spelled(arguments: Any) -> str:
    """The arguments as a text, the same in whatever order they came."""
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False)

"""Text and reasoning as blocks that open and close: for dialects that number or frame them.

A block is a maximal run of deltas of one kind, within one turn of the agent itself; a subagent's words are in no block.
Worked out here once, so that every such dialect opens and closes at the same places, live and replayed.
"""

from typing import Literal, assert_never

from msgspec import Struct

from agents import events as ev
from agents.events import AnyEvent

Kind = Literal["text", "reasoning"]


class Opened(Struct, frozen=True, gc=False):
    """A block begins; `number` counts the blocks of the run from 0."""

    number: int
    kind: Kind


class Piece(Struct, frozen=True, gc=False):
    """The next piece of the open block."""

    number: int
    kind: Kind
    text: str


class Closed(Struct, frozen=True, gc=False):
    """The block is whole: `text` is all of it."""

    number: int
    kind: Kind
    text: str


Block = Opened | Piece | Closed


class Blocks:
    """Feed it every event of a run, in order."""

    def __init__(self) -> None:
        self.count = 0
        self._kind: Kind | None = None
        self._texts: list[str] = []

    def feed(self, event: AnyEvent) -> list[Block]:
        """What this event does to the blocks; an event of the agent's own that is neither a delta nor a
        citation closes the open one."""
        match event:
            case ev.TextDelta(agent="", text=text):
                return self._piece("text", text)
            case ev.ReasoningDelta(agent="", text=text):
                return self._piece("reasoning", text)
            case _ if event.agent:
                return []  # a subagent at work in between says nothing about our block
            case ev.CitationAdded():
                return []  # in the middle of a text
            case (
                ev.RunQueued() | ev.RunStarted() | ev.TurnStarted() | ev.TextDelta() | ev.ReasoningDelta()
                | ev.ReplyCompleted() | ev.ToolCalled() | ev.ToolProgressed() | ev.ToolReturned() | ev.ToolFailed()
                | ev.ToolDeferred() | ev.ApprovalRequested() | ev.ApprovalResolved() | ev.AgentStarted()
                | ev.AgentReturned() | ev.WorkflowChanged() | ev.WorkflowCompleted() | ev.WorkProgressed()
                | ev.ContextCompacted()
                | ev.RetryScheduled() | ev.TurnReset() | ev.TurnCompleted() | ev.MessageSaved() | ev.RunCompleted()
                | ev.RunFailed() | ev.RunCancelled()
            ):  # fmt: skip
                return self.close()
            case _:
                assert_never(event)

    def close(self) -> list[Block]:
        """Close the open block, if there is one."""
        if self._kind is None:
            return []
        closed = Closed(self.count - 1, self._kind, "".join(self._texts))
        self._kind, self._texts = None, []
        return [closed]

    def _piece(self, kind: Kind, text: str) -> list[Block]:
        out: list[Block] = []
        if kind != self._kind:
            out += self.close()
            out.append(Opened(self.count, kind))
            self._kind = kind
            self.count += 1
        self._texts.append(text)
        return [*out, Piece(self.count - 1, kind, text)]

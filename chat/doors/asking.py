"""Whether a run waits for people, as its events tell: for dialects whose stream ends there. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from agents import events as ev
from agents.events import AnyEvent

HERE = "here"  # what a client says that wants its stream to end where a person is asked, and answers at the same door


@dataclass(frozen=True)
class Answer:
    """What a client says to one call that waits."""

    call: str
    is_allowed: bool
    more: dict[str, Any] = field(default_factory=dict)  # reason, scope, digest: as the native door takes them


class Asking:
    """Follows a run's events. `waits`: every call of the last reply has its result or waits for a person, one at least.

    `theirs` are the names of tools that the client runs, `decided` the ids of calls that were decided before this
    stream began: that they were asked for is no end of it. A run goes on once all that wait are decided, not before.
    """

    def __init__(self, theirs: Collection[str] = (), decided: Collection[str] = ()) -> None:
        self.asked: dict[str, ev.ApprovalRequested] = {}
        self._theirs = theirs
        self._decided = set(decided)
        self._held: set[str] = set()  # calls that begin after one that waits
        self._open: dict[str, set[str] | None] = {}  # by agent: calls without a result; None while it speaks
        self._agents: dict[str, str] = {}  # the agent that answers a call

    @property
    def waits(self) -> bool:
        """Whether nothing happens before somebody has decided."""
        return bool(self.asked) and self._is_settled("")

    def feed(self, event: AnyEvent) -> None:
        """Take the next event."""
        match event:
            case ev.TurnStarted() | ev.TurnReset():
                self._open[event.agent] = None
            case ev.ReplyCompleted():
                calls = (call for call in event.calls if event.agent or call.name not in self._theirs)
                self._open[event.agent] = {call.id for call in calls}
            case ev.ToolReturned() | ev.ToolFailed():
                (self._open.get(event.agent) or set()).discard(event.call)
            case ev.AgentStarted():
                self._agents[event.call] = event.agent
            case ev.ApprovalRequested() if event.call not in self._decided:
                self.asked[event.call] = event
                self._held.update(event.holds)
            case ev.ApprovalResolved():
                self._resolve(event.call)
            case _:
                pass

    def _resolve(self, call: str) -> None:
        """Once all are decided the run goes on: what they have allowed, or held back, is at work until it returns."""
        self.asked.pop(call, None)
        self._decided.add(call)
        if not self.asked:
            self._decided.clear()
            self._held.clear()

    def _is_settled(self, agent: str) -> bool:
        calls = self._open.get(agent)
        return bool(calls) and all(self._waits_for(call) for call in calls or ())

    def _waits_for(self, call: str) -> bool:
        below = self._agents.get(call)
        is_left = call in self.asked or call in self._decided or call in self._held
        return is_left or (below is not None and self._is_settled(below))

"""What a run has done so far, read back from its events: where a takeover goes on. Pure; no Django.

`reply.completed` and `tool.called` are stored before anything acts on them, as is a `tool.progressed` that resumes a
call once a person has answered: so together they say which model replies are kept, which tools have certainly run,
which certainly have not, and which may have.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, assert_never

from agents import events as ev
from agents.events import AnyEvent, Call


@dataclass
class Turn:
    """One turn of one agent."""

    number: int
    text: list[str] = field(default_factory=list)
    reply: ev.ReplyCompleted | None = None  # None: open, to be taken back
    called: set[str] = field(default_factory=set)  # ids of calls that were started
    results: dict[str, ev.ToolReturned | ev.ToolFailed] = field(default_factory=dict)
    deferred: set[str] = field(default_factory=set)  # ids of calls that are the client's
    approvals: dict[str, ev.ApprovalRequested | ev.ApprovalResolved] = field(default_factory=dict)  # a call's newest
    asked: dict[str, ev.ApprovalRequested] = field(default_factory=dict)  # what was shown to who decided
    resting: set[str] = field(default_factory=set)  # ids of calls that were started, and wait for what a person answers
    is_completed: bool = False

    def is_under_way(self, call: str) -> bool:
        """Whether the call may be having its effect."""
        return call in self.called and call not in self.resting

    @property
    def calls(self) -> tuple[Call, ...]:
        """What the model asked for."""
        return self.reply.calls if self.reply else ()

    @property
    def cache(self) -> Literal["", "hit"]:
        """Whether its reply was one that was kept."""
        return "hit" if self.reply and self.reply.usage.is_from_cache else ""


@dataclass
class Ledger:
    """The turns of every agent of a run, by the agent's path."""

    turns: dict[str, list[Turn]] = field(default_factory=dict)
    started_agents: set[str] = field(default_factory=set)  # paths of subagents that have begun
    returned_agents: set[str] = field(default_factory=set)  # and of those that have ended, also before their result

    def of(self, path: str) -> list[Turn]:
        """The turns of one agent, oldest first; superseded ones are gone."""
        return self.turns.get(path, [])

    def open_turns(self) -> list[tuple[str, Turn]]:
        """Turns without a whole reply: (path, turn), subagents after their parents."""
        last = [(path, turns[-1]) for path, turns in self.turns.items() if turns]
        return [(path, turn) for path, turn in last if turn.reply is None]


def read(events: Iterable[AnyEvent]) -> Ledger:
    """The ledger of a run's stored events, in order."""
    ledger = Ledger()
    for event in events:
        _apply(ledger, event)
    return ledger


def _apply(ledger: Ledger, event: AnyEvent) -> None:
    turns = ledger.turns.setdefault(event.agent, [])
    match event:
        case ev.TurnStarted():
            turns.append(Turn(event.turn))
        case ev.TurnReset():
            del turns[-1:]
        case ev.AgentStarted():
            ledger.started_agents.add(event.agent)
        case ev.AgentReturned():
            ledger.returned_agents.add(event.agent)
        case _ if turns:
            _note(turns[-1], event)


def _note(turn: Turn, event: AnyEvent) -> None:
    match event:
        case ev.TextDelta():
            turn.text.append(event.text)
        case ev.ReplyCompleted():
            turn.reply = event
        case ev.ToolCalled():
            turn.called.add(event.call)
        case ev.ToolReturned() | ev.ToolFailed():
            turn.results[event.call] = event
        case ev.ToolDeferred():
            turn.deferred.add(event.call)
        case ev.ApprovalRequested():
            turn.approvals[event.call] = turn.asked[event.call] = event
            turn.resting |= {event.call} if event.forms else set()
        case ev.ToolProgressed(resumes=True):
            turn.resting.discard(event.call)
        case ev.ApprovalResolved():
            turn.approvals[event.call] = event
        case ev.TurnCompleted():
            turn.is_completed = True
        case (
            ev.RunQueued() | ev.RunStarted() | ev.TurnStarted() | ev.ReasoningDelta() | ev.ToolProgressed()
            | ev.CitationAdded()
            | ev.AgentStarted() | ev.AgentReturned() | ev.WorkflowChanged() | ev.WorkflowCompleted()
            | ev.WorkProgressed() | ev.RetryScheduled() | ev.TurnReset() | ev.MessageSaved() | ev.RunCompleted()
            | ev.ContextCompacted()
            | ev.RunFailed() | ev.RunCancelled()
        ):  # fmt: skip
            pass  # says nothing about what was done, or was taken above
        case _:
            assert_never(event)

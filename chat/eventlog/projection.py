"""The fold: what a run's events say its message holds. Pure.

Kept up to date event by event while the run is written, and worked out again from the stored events by whoever reads a
run that is not over. Both must agree with the message's row: that is tested for every transcript.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, assert_never

import msgspec
from msgspec import UNSET

from agents import events as ev
from agents import tokens
from agents.errors import UNUSED
from agents.events import AnyEvent
from agents.state import TurnState
from agents.usage import FROM_CACHE, Usage

CITATION = ("id", "n", "document", "passage", "title", "path", "page", "url", "quote")  # what its part says
IDLE_BEFORE = (ev.RunStarted, ev.ApprovalResolved)  # nobody worked in the time before these


@dataclass(frozen=True)
class TurnUsage:
    """What one turn of one agent used: one UsageRecord."""

    agent: str
    turn: int
    attempt: int
    model: str
    usage: Usage

    @property
    def from_cache(self) -> bool:
        """Its reply was kept: nobody was asked, and nothing used."""
        return self.usage.is_from_cache


@dataclass
class _Open:
    """A turn without a whole reply yet."""

    turn: int
    model: str
    start: int  # how many parts there were before it
    texts: list[str] = field(default_factory=list)  # what it has said: counted only where nobody else counts it
    rests_until: float = 0.0  # until then nobody is asked: the provider took no request so far
    is_from_cache: bool = False  # it is told a kept reply, and uses nothing


@dataclass
class Fold:
    """A message, as far as its events go."""

    input_tokens: int = 0  # of the history, about: the input of a turn that nobody reports
    attempt: int = 0
    turns: int = 0
    retries: int = 0  # times that a turn was asked for again, or taken back
    retry_codes: Counter[str] = field(default_factory=Counter)  # why it was asked for again
    tools: Counter[tuple[str, str]] = field(default_factory=Counter)  # calls that ended, by name and outcome
    usages: list[TurnUsage] = field(default_factory=list)
    terminal: ev.Terminal | None = None
    started_at: float = 0.0
    first_token_at: float = 0.0
    active_s: float = 0.0  # at work: neither queued, nor waiting for a person, nor between two processes
    open_calls: dict[str, ev.ToolCalled] = field(default_factory=dict)  # started, without a result
    open_approvals: dict[str, ev.ApprovalRequested] = field(default_factory=dict)
    open_agents: dict[str, ev.AgentStarted] = field(default_factory=dict)
    states: list[TurnState] = field(default_factory=list)  # of the agent's own turns: for their provider, never shown
    unseen: dict[tuple[str, str], None] = field(default_factory=dict)  # attachments, each with who was not shown it
    model: str = ""  # that gave the newest whole reply of the agent itself
    makes: str = ""  # what the answer is besides a text: patch, component
    newest: int = -1  # the number of the newest part that is no citation; -1 where there is none
    _last_at: float = 0.0
    _decisions: dict[str, ev.ApprovalResolved] = field(default_factory=dict)
    _files: dict[str, ev.Attached] = field(default_factory=dict)  # that came of tool calls, by id
    _parts: list[dict[str, Any]] = field(default_factory=list)
    _open: dict[str, _Open] = field(default_factory=dict)

    def apply(self, event: AnyEvent) -> None:
        """Take the next event."""
        if self.started_at and event.at > self._last_at and not isinstance(event, IDLE_BEFORE):
            self.active_s += event.at - self._last_at
        self._last_at = event.at
        match event:
            case ev.TextDelta():
                self._say("text", event)
            case ev.ReasoningDelta():
                self._say("reasoning", event)
            case ev.RunStarted():
                self.attempt = event.attempt
                self.started_at = self.started_at or event.at
            case ev.TurnStarted():
                self.turns += not event.agent
                self._open[event.agent] = _Open(event.turn, event.model, len(self._parts))
            case ev.ReplyCompleted():
                self._note_reply(event)
                self._count(event.agent, event.usage, event.model)
            case ev.TurnReset():
                self.retries += 1
                self._take_back(event)
            case ev.RetryScheduled():
                self.retries += 1  # nothing of the message
                self.retry_codes[event.code] += 1
                self._wait(event)
            case ev.ToolCalled():
                self.open_calls[event.call] = event
                self._add(event, type="tool_call", arguments=event.arguments, **self._of(event))
            case ev.ToolReturned():
                self.open_calls.pop(event.call, None)
                self.tools[event.name, "returned"] += 1
                self.makes = event.makes or self.makes
                more = {"truncated": True} if event.truncated else {}
                self._add(
                    event, type="tool_result", result=event.result, is_error=False, elapsed_ms=event.elapsed_ms,
                    **more, **self._with_files(event),
                )  # fmt: skip
            case ev.ToolFailed():
                self.open_calls.pop(event.call, None)
                self.tools[event.name, event.outcome] += 1
                self._add(event, type="tool_result", error=event.error, outcome=event.outcome, is_error=True)
            case ev.ToolDeferred():
                self._add(event, type="tool_call", arguments=event.arguments, deferred=True, **self._of(event))
            case ev.AgentStarted():
                self.open_agents[event.agent] = event
            case ev.AgentReturned():
                self.open_agents.pop(event.agent, None)
            case ev.RunCompleted() | ev.RunFailed() | ev.RunCancelled():
                self.terminal = event
            case ev.ApprovalRequested():
                self.open_approvals[event.call] = event
            case ev.ApprovalResolved():
                asked = self.open_approvals.pop(event.call, None)
                if asked is not None and asked.forms:
                    self._answer(event)
                else:
                    self._decisions[event.call] = event
            case ev.CitationAdded():
                self._cite(event)
            case ev.RunQueued() | ev.ToolProgressed() | ev.TurnCompleted() | ev.MessageSaved():
                pass  # nothing of the message
            case ev.WorkflowChanged() | ev.WorkflowCompleted():
                pass  # nor of this: the tool's result names it
            case ev.WorkProgressed():
                pass  # of a run that answers nothing
            case ev.ContextCompacted():
                pass  # of what was read, not of what is said
            case _:
                assert_never(event)

    def _say(self, kind: str, event: ev.Delta) -> None:
        self.first_token_at = self.first_token_at or event.at
        turn, parts = self._open.get(event.agent), self._parts
        if turn is not None:
            turn.texts.append(event.text)
            turn.is_from_cache |= event.cache == "hit"
        if event.agent:
            return  # a subagent's words are its parent's tool result
        part = self._last_said()
        begins_turn = turn is not None and turn.start == len(parts)  # a part ends with its turn
        if begins_turn or part is None or part["type"] != kind:
            self._append(part := {"type": kind, "pieces": [], "from": event.at})
        part["pieces"].append(event.text)
        part["until"] = event.until or event.at

    def _last_said(self) -> dict[str, Any] | None:
        """The newest part, but for the citations behind it: they stand in a text that may go on."""
        return self._parts[self.newest] if self._parts else None

    def _append(self, part: dict[str, Any]) -> None:
        """Add a part that is no citation."""
        self.newest = len(self._parts)
        self._parts.append(part)

    def _cite(self, event: ev.CitationAdded) -> None:
        told = {name: value for name in CITATION if (value := getattr(event, name))}
        self._parts.append({"type": "citation", **told, "at": event.offset})

    def _answer(self, event: ev.ApprovalResolved) -> None:
        """What a person said to a call that is under way: each time that it asked."""
        call = next((each for each in self._parts if each["type"] == "tool_call" and each["call"] == event.call), None)
        if call is not None:
            said = {"decision": event.decision, "by": event.by, "reason": event.reason}
            call["answers"] = [*call.get("answers", ()), {**said, "input": event.input}]

    def _of(self, event: ev.ToolCalled | ev.ToolDeferred) -> dict[str, Any]:
        """The agent's own turn that asked for this call; and what a person said of it, if one was asked."""
        turn = {} if event.agent else {"turn": self.turns}
        decision = self._decisions.get(event.call)
        if decision is None:
            return turn
        said = {"decision": decision.decision, "by": decision.by, "reason": decision.reason}
        wide = {"scope": decision.scope, "at": decision.at} if decision.scope == "chat" else {}
        return turn | {"approval": {**said, **wide}}

    def _add(self, event: ev.ToolCalled | ev.ToolReturned | ev.ToolFailed | ev.ToolDeferred, **fields: Any) -> None:
        part = {"type": fields.pop("type"), "call": event.call, "name": event.name, **fields}
        self._append({**part, "agent": event.agent} if event.agent else part)

    def _with_files(self, event: ev.ToolReturned) -> dict[str, Any]:
        """The ids of its files; what is said of each stands in the message's `attachments`."""
        self._files |= {each.id: each for each in event.attachments}
        return {"attachments": [each.id for each in event.attachments]} if event.attachments else {}

    def _count(self, agent: str, usage: Usage, model: str = "") -> None:
        turn = self._open.pop(agent, None)
        if turn is not None and (model or turn.model):  # a command's own turn is of no model, and uses nothing
            self.usages.append(TurnUsage(agent, turn.turn, self.attempt, model or turn.model, usage))

    def _note_reply(self, event: ev.ReplyCompleted) -> None:
        turn = self._open.get(event.agent)
        if event.agent:
            return
        self.model = event.model or (turn.model if turn else self.model)
        self.unseen |= {(place, self.model): None for place in event.unseen}
        if event.output is not UNSET and self._parts and self._parts[-1]["type"] == "text":
            self._parts[-1]["output"] = event.output
            if event.output_error:
                self._parts[-1]["output_error"] = event.output_error
        if event.state is not None:
            self.states.append(TurnState(self.turns, event.state))

    def _wait(self, event: ev.RetryScheduled) -> None:
        turn = self._open.get(event.agent)
        if turn is None or turn.texts:
            return
        turn.model = event.next_model or turn.model
        turn.rests_until = event.at + event.delay_s if event.code in UNUSED else 0.0

    def _take_back(self, event: ev.TurnReset) -> None:
        turn = self._open.get(event.agent)
        if turn is None:
            return
        if not event.agent:
            del self._parts[turn.start :]
            left = range(len(self._parts) - 1, -1, -1)
            self.newest = next((each for each in left if self._parts[each]["type"] != "citation"), -1)
            self.turns -= 1
        self._count(event.agent, event.usage or self._estimate(turn))

    def _estimate(self, turn: _Open) -> Usage:
        if turn.is_from_cache:
            return FROM_CACHE
        return Usage(self.input_tokens, 0, tokens.of_texts(turn.texts), status="estimated")

    def close(self, *, is_refused: bool = False, at: float = math.inf) -> None:
        """Count turns that will get no whole reply: the run is over, at this moment.

        `is_refused`: the provider took no request of the last turn. One that brought nothing has used nothing then; nor
        has one that waits to be asked again.
        """
        for agent, turn in list(self._open.items()):
            if turn.texts or not (is_refused or at < turn.rests_until):
                self._count(agent, self._estimate(turn))

    @property
    def usage(self) -> Usage:
        """Tokens of the run so far, those of taken-back turns included."""
        return sum((each.usage for each in self.usages), Usage())

    @property
    def content(self) -> str:
        """All text of the answer."""
        return "".join("".join(each["pieces"]) for each in self._parts if each["type"] == "text")

    @property
    def attachments(self) -> list[dict[str, Any]]:
        """The files that came of its tool calls, each once, as a message says them: chat.attachments.using.said_of."""
        ids = dict.fromkeys(id for part in self._parts for id in part.get("attachments", ()))
        return [_said(self._files[id]) for id in ids]

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The answer's parts in order, as JSON values: text, reasoning, citation, tool_call, tool_result."""
        return [_part(each) for each in self._parts]


def fold(events: Iterable[AnyEvent]) -> Fold:
    """The fold of these events."""
    folded = Fold()
    for event in events:
        folded.apply(event)
    return folded


def _said(file: ev.Attached) -> dict[str, Any]:
    sizes = {name: value for name in ("width", "height") if (value := getattr(file, name))}
    named = {name: getattr(file, name) for name in ("type", "id", "name", "media_type", "bytes")}
    return named | sizes


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if "pieces" in part:
        took = {"elapsed_ms": round((part["until"] - part["from"]) * 1000)} if part["type"] == "reasoning" else {}
        output: dict[str, Any] = {name: part[name] for name in ("output", "output_error") if name in part}
        return {"type": part["type"], "text": "".join(part["pieces"]), **took, **output}
    return msgspec.to_builtins(part)  # type: ignore[no-any-return]

"""Events to spans: what a run's log says, as a tree with the times of its events. Pure, and the same each time.

    invoke_agent generalist          the run, from queued to its end
      chat gpt-4o                    a turn: one request to a model
      execute_tool read_file         a call that it asked for
        invoke_agent researcher      where the tool is another agent

Never what was said: no text, argument, result or title. No span ends after its run.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, assert_never
from uuid import UUID

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from agents import events as ev
from agents.events import AnyEvent
from chat.ops.tracing import names

TOOL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
OTHER = "other"  # a tool of a name that no tool can have: a model has made it up, and could say anything in it
SCOPE = InstrumentationScope("parley")
Server = Callable[[str], tuple[str, str]]  # of a model: whose it is, and the host that is asked
Attributes = dict[str, Any]


@dataclass(frozen=True)
class Traced:
    """What is said of a run beside its events."""

    id: UUID
    kind: str
    door: str
    organization: str
    traceparent: str = ""
    temperature: float | None = None


@dataclass(eq=False)
class _Span:
    """One under way."""

    number: int  # in its run
    name: str
    start: float  # seconds since 1970
    parent: "_Span | None" = None
    attributes: Attributes = field(default_factory=dict)
    kind: SpanKind = SpanKind.INTERNAL
    events: list[Event] = field(default_factory=list)
    end: float | None = None
    error: str = ""

    def note(self, event: AnyEvent, attributes: Attributes) -> None:
        """Something happened in it."""
        self.events.append(Event(event.type, attributes, ns(event.at)))


def spans_of(run: Traced, events: Iterable[AnyEvent], server: Server, resource: Resource) -> list[ReadableSpan]:
    """The run's spans, its own first; none where whoever asked for it wants no trace."""
    context, parent = context_of(run)
    if not context.trace_flags.sampled:
        return []
    tree = _Tree(run, server)
    for event in events:
        tree.take(event)
    return [_readable(run, span, parent, resource) for span in tree.spans]


class _Tree:
    """Grows with each event."""

    def __init__(self, run: Traced, server: Server) -> None:
        self.run = run
        self.server = server
        self.spans: list[_Span] = []
        self.agents: dict[str, _Span] = {}  # at work, by path; "" is the run
        self.turns: dict[str, _Span] = {}  # under way, by their agent's path
        self.calls: dict[str, _Span] = {}  # begun, by id

    def take(self, event: AnyEvent) -> None:
        """The next event."""
        match event:
            case ev.RunQueued():
                self._begin_run(event)
            case ev.RunStarted():
                self.agents[""].note(event, {names.ATTEMPT: event.attempt})
            case ev.TurnStarted():
                self._begin_turn(event)
            case ev.TextDelta() | ev.ReasoningDelta():
                self._first_chunk(event)
            case ev.ReplyCompleted():
                self._end_turn(event)
            case ev.RetryScheduled():
                told = {names.CODE: event.code, names.DELAY: event.delay_s}
                self._at_work(event.agent).note(event, told)
            case ev.TurnReset():
                self._end(self.turns.pop(event.agent, None), event.at, error=event.reason)
            case ev.ToolCalled() | ev.ToolDeferred():
                self._begin_call(event)
            case ev.ToolReturned():
                self._end_call(event, "returned")
            case ev.ToolFailed():
                self._end_call(event, event.outcome, error=event.outcome)
            case ev.ApprovalRequested() | ev.ApprovalResolved():
                told = {names.TOOL_NAME: event.name, names.TOOL_CALL: event.call}
                self._at_work(event.agent).note(event, told)
            case ev.AgentStarted():
                parent = self.calls.get(event.call) or self.agents[""]
                told = {names.OPERATION: names.AGENT, names.AGENT_NAME: event.name}
                self.agents[event.agent] = self._add(f"{names.AGENT} {event.name}", event.at, parent, told)
            case ev.AgentReturned():
                self._end(self.agents.pop(event.agent, None), event.at)
            case ev.ContextCompacted():
                self.agents[""].note(event, {})
            case ev.RunCompleted() | ev.RunFailed() | ev.RunCancelled():
                self._end_run(event)
            case ev.TurnCompleted() | ev.MessageSaved() | ev.CitationAdded():
                pass  # nothing that took time
            case ev.ToolProgressed() | ev.WorkProgressed() | ev.WorkflowChanged() | ev.WorkflowCompleted():
                pass  # how far something is: the span that it is in says when it ended
            case _:
                assert_never(event)

    def _add(
        self, name: str, at: float, parent: _Span | None, attributes: Attributes, kind: SpanKind = SpanKind.INTERNAL
    ) -> _Span:
        span = _Span(len(self.spans), name, at, parent, attributes, kind)
        self.spans.append(span)
        return span

    def _end(self, span: _Span | None, at: float, *, error: str = "") -> None:
        if span is not None and span.end is None:
            span.end, span.error = at, error

    def _at_work(self, agent: str) -> _Span:
        """The turn under way, else its agent, else the run: of an agent that no event has announced too."""
        return self.turns.get(agent) or self.agents.get(agent) or self.agents[""]

    def _begin_run(self, event: ev.RunQueued) -> None:
        run = self.run
        told: Attributes = {names.RUN: str(run.id), names.KIND: run.kind, names.DOOR: run.door}
        told[names.ORGANIZATION] = run.organization
        if event.chat:
            told[names.CONVERSATION] = event.chat
        if event.archetype:
            told |= {names.OPERATION: names.AGENT, names.AGENT_NAME: event.archetype}
        name = f"{names.AGENT} {event.archetype}" if event.archetype else f"run {run.kind}"
        self.agents[""] = self._add(name, event.at, None, told)

    def _begin_turn(self, event: ev.TurnStarted) -> None:
        if not event.model:
            return  # a command's own: no model is asked
        vendor, host = self.server(event.model)
        told: Attributes = {names.OPERATION: names.CHAT, names.REQUEST_MODEL: event.model, names.STREAM: True}
        told |= {names.TURN: event.turn, names.PROVIDER: names.PROVIDERS.get(vendor, vendor)}
        told |= {names.SERVER: host} if host else {}
        if self.run.temperature is not None:
            told[names.TEMPERATURE] = self.run.temperature
        parent = self.agents.get(event.agent) or self.agents[""]
        self.turns[event.agent] = self._add(f"{names.CHAT} {event.model}", event.at, parent, told, SpanKind.CLIENT)

    def _first_chunk(self, event: ev.Delta) -> None:
        turn = self.turns.get(event.agent)
        if turn is not None and names.FIRST_CHUNK not in turn.attributes:
            turn.attributes[names.FIRST_CHUNK] = round(event.at - turn.start, 6)
            if event.cache:
                turn.attributes[names.KEPT] = True

    def _end_turn(self, event: ev.ReplyCompleted) -> None:
        turn = self.turns.pop(event.agent, None)
        if turn is None:
            return
        usage = event.usage
        turn.attributes |= {
            names.RESPONSE_MODEL: event.model or turn.attributes[names.REQUEST_MODEL],
            names.FINISH_REASONS: (event.finish_reason,),
            names.INPUT_TOKENS: usage.input_tokens,
            names.OUTPUT_TOKENS: usage.output_tokens,
            names.CACHED_TOKENS: usage.cached_tokens,
            names.REASONING_TOKENS: usage.reasoning_tokens,
        }
        self._end(turn, event.at)

    def _begin_call(self, event: ev.ToolCalled | ev.ToolDeferred) -> None:
        span = self._call(event, event.at)
        if isinstance(event, ev.ToolDeferred):  # the client runs it: how long nobody knows
            span.attributes[names.OUTCOME] = "deferred"
            self._end(span, event.at)

    def _call(self, event: ev.ToolCalled | ev.ToolDeferred | ev.ToolReturned | ev.ToolFailed, at: float) -> _Span:
        name = event.name if TOOL.fullmatch(event.name) else OTHER
        told = {names.OPERATION: names.TOOL, names.TOOL_NAME: name, names.TOOL_CALL: event.call}
        told[names.TOOL_TYPE] = names.FUNCTION
        parent = self.agents.get(event.agent) or self.agents[""]
        self.calls[event.call] = self._add(f"{names.TOOL} {name}", at, parent, told)
        return self.calls[event.call]

    def _end_call(self, event: ev.ToolReturned | ev.ToolFailed, outcome: str, *, error: str = "") -> None:
        """It may have been refused before it began."""
        span = self.calls.get(event.call) or self._call(event, event.at - event.elapsed_ms / 1000)
        span.attributes[names.OUTCOME] = outcome
        self._end(span, event.at, error=error)

    def _end_run(self, event: ev.Terminal) -> None:
        """End all that is open, the run last."""
        error = event.code if isinstance(event, ev.RunFailed) else ""
        run = self.agents[""]
        run.attributes[names.STATUS] = event.type.removeprefix("run.").replace("completed", "succeeded")
        if not isinstance(event, ev.RunFailed):
            run.attributes[names.REASON] = event.reason
        for span in (*self.turns.values(), *self.calls.values(), *self.agents.values()):
            self._end(span, event.at, error=error)


def _readable(run: Traced, span: _Span, parent: SpanContext | None, resource: Resource) -> ReadableSpan:
    context, _ = context_of(run, span.number)
    if span.parent is not None:
        parent, _ = context_of(run, span.parent.number)
    if span.error:
        span.attributes[names.ERROR] = span.error
    return ReadableSpan(
        span.name,
        context,
        parent,
        resource,
        span.attributes,
        span.events,
        kind=span.kind,
        status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
        start_time=ns(span.start),
        end_time=ns(max(span.start, span.end if span.end is not None else span.start)),
        instrumentation_scope=SCOPE,
    )


def context_of(run: Traced, number: int = 0) -> tuple[SpanContext, SpanContext | None]:
    """The n-th span of the run, and the span elsewhere that the run is a part of."""
    trace, elsewhere, flags = run.id.int, "", "01"
    if run.traceparent:
        _version, trace_hex, elsewhere, flags = run.traceparent.split("-")
        trace = int(trace_hex, 16)
    span = int.from_bytes(blake2b(f"{run.id}\n{number}".encode(), digest_size=8).digest()) or 1
    sampled = TraceFlags(int(flags, 16) & TraceFlags.SAMPLED)
    own = SpanContext(trace, span, is_remote=False, trace_flags=sampled)
    return own, SpanContext(trace, int(elsewhere, 16), is_remote=True, trace_flags=sampled) if elsewhere else None


def ns(at: float) -> int:
    """Seconds as the nanoseconds of a span."""
    return round(at * 1_000_000) * 1_000  # a float is not more exact

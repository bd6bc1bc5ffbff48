"""From events to rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import assert_never

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents import events as ev
from chat.admin.timeline.rows import SHOWN_CHARS, Kind, Row, used
from chat.eventlog import Logged
from chat.eventlog.rows import pieces_of
from chat.figures.words import milliseconds, seconds

OfRun = ev.RunQueued | ev.RunStarted | ev.RunCompleted | ev.RunCancelled | ev.RunFailed
OfTurn = ev.TurnStarted | ev.ReplyCompleted | ev.TurnReset | ev.RetryScheduled
OfTool = ev.ToolCalled | ev.ToolDeferred | ev.ToolProgressed | ev.ToolReturned | ev.ToolFailed
OfApproval = ev.ApprovalRequested | ev.ApprovalResolved
OfAgent = ev.AgentStarted | ev.AgentReturned
OfWorkflow = ev.WorkflowChanged | ev.WorkflowCompleted


@dataclass
class Reading:
    """What the rows are made from, event by event."""

    rows: list[Row] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)  # who decided about approvals: id -> what they are called
    turns: dict[str, Row] = field(default_factory=dict)  # the open one of each agent
    blocks: dict[str, Row] = field(default_factory=dict)  # the open block of each agent: subagents may interleave
    calls: dict[str, Row] = field(default_factory=dict)
    waits: dict[str, Row] = field(default_factory=dict)
    agents: dict[str, Row] = field(default_factory=dict)
    last: Logged | None = None
    with_text: bool = False  # whether blocks of text carry what they say

    def take(self, entry: Logged) -> None:
        """The next event of the log."""
        event, self.last = entry.event, entry
        if isinstance(event, ev.TextDelta | ev.ReasoningDelta):
            self._delta(entry, event)
            return
        if isinstance(event, ev.CitationAdded):
            self._cite(entry, event)
            return
        self.blocks.pop(event.agent, None)
        if isinstance(event, OfTool):
            self._tool(entry, event)
        elif isinstance(event, OfTurn):
            self._turn(entry, event)
        elif isinstance(event, OfRun):
            self._run(entry, event)
        elif isinstance(event, OfApproval):
            self._approval(entry, event)
        elif isinstance(event, OfAgent):
            self._agent(entry, event)
        elif isinstance(event, OfWorkflow):
            self._workflow(entry, event)
        elif isinstance(event, ev.WorkProgressed):
            self._moment(entry, "tool", event.text, _steps(event.done, event.total))
        elif isinstance(event, ev.ContextCompacted):
            self._moment(entry, "run", _("Older messages are summed up"), _compacted(event))
        elif not isinstance(event, ev.TurnCompleted | ev.MessageSaved):  # of these other rows say so already
            assert_never(event)

    def reach(self, now: float) -> None:
        """Say for how long nothing has come, of a run that is at work."""
        if self.last is None or self.rows[-1].kind in ("end", "failed"):
            return
        row = self._row(self.last, "silence", _("Since then"), _("nothing has come"))
        row.end = max(now, row.start)

    def _delta(self, entry: Logged, event: ev.Delta) -> None:
        kind: Kind = "text" if isinstance(event, ev.TextDelta) else "reasoning"
        row = self.blocks.get(event.agent)
        pieces = pieces_of(event)
        if row is None or row.kind != kind or row.attempt != entry.attempt:
            what = _("Writes") if kind == "text" else _("Thinks")
            row = self.blocks[event.agent] = self._row(entry, kind, what, "")
            row.first_seq = entry.seq - pieces + 1
            self._first_token(event)
        row.deltas += pieces
        row.chars += len(event.text)
        if self.with_text:
            said = str(row.returned or "")
            row.returned = said + event.text if len(said) <= SHOWN_CHARS else said
        self._close(row, entry)

    def _first_token(self, event: ev.Delta) -> None:
        turn = self.turns.get(event.agent)
        if turn is not None and turn.first_token_s is None:
            turn.first_token_s = event.at - turn.start

    def _run(self, entry: Logged, event: OfRun) -> None:
        match event:
            case ev.RunQueued():
                asked = f"{event.archetype}, {event.model}" if event.kind == "answer" else event.kind
                self._moment(entry, "run", _("Queued"), asked)
            case ev.RunStarted():
                attempt = _("attempt %(number)s") % {"number": event.attempt}
                self._moment(entry, "run", _("A process takes the run"), attempt)
            case ev.RunCompleted():
                what = _("Answered") if event.result is None else _("Done")
                self._end(entry, "end", what, f"{event.reason}; {used(event.usage)}")
            case ev.RunCancelled():
                self._end(entry, "end", _("Stopped"), f"{event.reason}; {used(event.usage)}")
            case ev.RunFailed():
                retry = _("may be tried again") if event.retryable else _("trying again will not help")
                note = f"{event.message} ({retry}); {used(event.usage)}"
                self._end(entry, "failed", _("Failed: %(code)s") % {"code": event.code}, note)

    def _turn(self, entry: Logged, event: OfTurn) -> None:
        match event:
            case ev.TurnStarted():
                what = _("Turn %(number)s") % {"number": event.turn}
                self.turns[event.agent] = row = self._row(entry, "turn", what, event.model)
                row.turn = event.turn
            case ev.ReplyCompleted():
                self._reply(entry, event)
            case ev.TurnReset():
                self._take_back(entry, event)
                what = _("Taken back: turn %(number)s starts again") % {"number": event.turn}
                self._moment(entry, "reset", what, event.reason)
            case ev.RetryScheduled():
                self._retry(entry, event)

    def _tool(self, entry: Logged, event: OfTool) -> None:
        match event:
            case ev.ToolCalled():
                self.calls[event.call] = row = self._row(entry, "tool", event.name, _("no result yet"))
                row.given = event.arguments
            case ev.ToolDeferred():
                self._moment(entry, "tool", event.name, _("left to the client")).given = event.arguments
            case ev.ToolProgressed():
                if event.text and (open_row := self.calls.get(event.call)):
                    said = _("no result yet; last said: %(text)s") % {"text": event.text[:200]}
                    open_row.last_seq, open_row.note = entry.seq, said
            case ev.ToolReturned() | ev.ToolFailed():
                self._tool_end(entry, event)

    def _cite(self, entry: Logged, event: ev.CitationAdded) -> None:
        """In the middle of a block of text, which goes on behind it."""
        row = self._moment(entry, "tool", _("Names source [%(number)s]") % {"number": event.n}, "")
        row.returned = {"title": event.title, "document": event.document, "url": event.url, "quote": event.quote}

    def _approval(self, entry: Logged, event: OfApproval) -> None:
        if isinstance(event, ev.ApprovalResolved):
            self._decided(entry, event)
            return
        what = _("Waits for a person: %(tool)s") % {"tool": event.name}
        self.waits[event.call] = row = self._row(entry, "wait", what, _("not decided yet"))
        row.given = msgspec.to_builtins(event.forms) if event.forms else event.arguments

    def _agent(self, entry: Logged, event: OfAgent) -> None:
        if isinstance(event, ev.AgentReturned):
            self._close(self.agents.pop(event.agent, None), entry)
            return
        what = _("Asks the agent %(name)s") % {"name": event.name}
        self.agents[event.agent] = row = self._row(entry, "agent", what, "")
        row.given = event.task

    def _workflow(self, entry: Logged, event: OfWorkflow) -> None:
        what = _("Workflow %(name)s") % {"name": f"{event.name} ({event.workflow})"}
        if isinstance(event, ev.WorkflowCompleted):
            self._moment(entry, "tool", what, event.outcome).returned = event.error or event.result
            return
        steps = _steps(event.steps_done, event.steps)
        self._moment(entry, "tool", what, ", ".join(filter(None, (event.status, event.step, steps))))

    def _reply(self, entry: Logged, event: ev.ReplyCompleted) -> None:
        if row := self.turns.pop(event.agent, None):
            self._close(row, entry)
            row.note = partial(_replied, str(row.note), row.first_token_s, event)

    def _retry(self, entry: Logged, event: ev.RetryScheduled) -> None:
        row = self._row(entry, "retry", _tried(event), "")
        row.end = row.start + event.delay_s
        row.note = _("%(code)s: %(message)s; after a pause of %(pause)s") % {
            "code": event.code, "message": event.message.rstrip("."), "pause": seconds(event.delay_s),
        }  # fmt: skip

    def _tool_end(self, entry: Logged, event: ev.ToolReturned | ev.ToolFailed) -> None:
        row = self.calls.pop(event.call, None) or self._row(entry, "tool", event.name, "")
        self._close(row, entry)
        row.note = partial(_outcome, event)
        row.returned = event.result if isinstance(event, ev.ToolReturned) else event.error

    def _decided(self, entry: Logged, event: ev.ApprovalResolved) -> None:
        row = self.waits.pop(event.call, None)
        if row is None:
            return
        self._close(row, entry)
        if event.by:
            self.people.setdefault(event.by, "")
        row.note = partial(_decision, event, self.people)
        row.returned = event.input or None

    def _take_back(self, entry: Logged, event: ev.TurnReset) -> None:
        """What the agent did since its last turn began is not part of the answer."""
        self._close(self.turns.pop(event.agent, None), entry)
        begun = [place for place, row in enumerate(self.rows) if row.kind == "turn" and row.agent == event.agent]
        for row in self.rows[begun[-1] :] if begun else ():
            row.is_taken_back |= row.agent == event.agent and not row.is_moment and row.kind != "retry"

    def _end(self, entry: Logged, kind: Kind, what: str, note: str) -> None:
        """Whatever was open ends with the run."""
        for rows in (self.turns, self.calls, self.waits, self.agents):
            for row in rows.values():
                self._close(row, entry)
        self._moment(entry, kind, what, note)

    def _moment(self, entry: Logged, kind: Kind, what: str, note: str = "") -> Row:
        row = self._row(entry, kind, what, note)
        row.is_moment = True
        return row

    def _row(self, entry: Logged, kind: Kind, what: str, note: str) -> Row:
        event = entry.event
        row = Row(entry.attempt, kind, entry.seq, entry.seq, event.at, what, note=note, agent=event.agent)
        self.rows.append(row)
        return row

    def _close(self, row: Row | None, entry: Logged) -> None:
        if row is not None:
            row.end, row.last_seq = entry.event.at, entry.seq


OUTCOMES = {
    "failed": lambda: _("failed"),
    "refused": lambda: _("refused: it was not run"),
    "unknown": lambda: _("outcome unknown: it may or may not have run, and was not repeated"),
}


def _decision(event: ev.ApprovalResolved, people: Mapping[str, str]) -> str:
    """What a person decided, in words."""
    said = _("allowed") if event.decision == "allowed" else _("denied")
    name = people.get(event.by) or event.by
    by = _("by %(person)s") % {"person": name} if name else _("because nobody decided in time")
    why = f"“{event.reason}”" if event.reason else ""
    return "; ".join(filter(None, (f"{said} {by}", why, _("not to scale"))))


def _tried(event: ev.RetryScheduled) -> str:
    """What follows a try that failed, in words."""
    if event.next_model:
        return _("%(model)s did not answer: %(next)s is asked") % {"model": event.model, "next": event.next_model}
    return _("Tries again: %(number)s of %(most)s failed") % {
        "number": event.failed_attempt, "most": event.max_attempts,
    }  # fmt: skip


def _replied(model: str, wait_s: float | None, event: ev.ReplyCompleted) -> str:
    """How a turn went, in words."""
    said = [event.model or model]
    if wait_s is not None:
        said.append(_("first token after %(time)s") % {"time": milliseconds(round(wait_s * 1000))})
    said.append(_("ended by %(reason)s") % {"reason": event.finish_reason})
    if count := len(event.calls):
        said.append(ngettext("%(count)s tool call", "%(count)s tool calls", count) % {"count": count})
    if event.left_out:
        said.append(_("left out, as it was refused: %(names)s") % {"names": " + ".join(event.left_out)})
    if count := len(event.unseen):
        told = ngettext("%(count)s attachment not shown to it", "%(count)s attachments not shown to it", count)
        said.append(told % {"count": count})
    return ", ".join([*said, used(event.usage)])


def _steps(done: int, total: int) -> str:
    """How far work is, where that is known."""
    return f"{done} / {total or '?'}" if total or done else ""


def _outcome(event: ev.ToolReturned | ev.ToolFailed) -> str:
    """How a tool call ended, in words."""
    if isinstance(event, ev.ToolFailed):
        said = OUTCOMES[event.outcome]()
    else:
        said = _("returned, cut at its limit") if event.truncated else _("returned")
    if not event.elapsed_ms:
        return said
    return said + "; " + _("it ran for %(time)s") % {"time": seconds(event.elapsed_ms / 1000)}


def _compacted(event: ev.ContextCompacted) -> str:
    counts = {"messages": event.messages, "before": event.tokens_before, "after": event.tokens_after}
    return _("%(messages)s messages; about %(before)s tokens, then %(after)s") % counts

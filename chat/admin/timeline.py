"""A run's log as a flight recorder reads: a row for each turn, block of text, tool call, approval, retry and end. Pure.

Time on the bars is the time in which somebody worked: where a run waited for a person or for a process, the bar stands
still, and the row says how long that was.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents import events as ev
from agents.usage import Usage
from chat.admin.words import seconds
from chat.eventlog import Logged
from chat.eventlog.rows import pieces_of

SHOWN_CHARS = 20_000  # of one row's arguments or result
WIDTH = 1000  # of a bar, in its own units
IDLE_BEFORE = (ev.RunStarted, ev.ApprovalResolved)  # nobody worked in the time before these

Kind = Literal["run", "turn", "text", "reasoning", "tool", "wait", "retry", "reset", "agent", "end", "failed"]


@dataclass
class Row:
    """One line of the timeline."""

    attempt: int
    kind: Kind
    first_seq: int
    last_seq: int
    start: float  # seconds since 1970
    what: str
    end: float | None = None  # None: it goes on, or is a moment
    is_moment: bool = False
    detail: str = ""
    agent: str = ""
    arguments: str = ""
    result: str = ""
    is_taken_back: bool = False
    deltas: int = 0
    chars: int = 0
    left: int = 0  # of its bar
    width: int = 0
    at: str = ""  # after the run's first event
    took: str = ""

    @property
    def seqs(self) -> str:
        """The numbers of its first and last event."""
        return str(self.first_seq) if self.first_seq == self.last_seq else f"{self.first_seq}–{self.last_seq}"


@dataclass
class Section:
    """One attempt."""

    attempt: int
    title: str
    rows: list[Row]


@dataclass
class Reading:
    """What the rows are made from, event by event."""

    rows: list[Row] = field(default_factory=list)
    turns: dict[str, Row] = field(default_factory=dict)  # the open one of each agent
    blocks: dict[str, Row] = field(default_factory=dict)  # the open block of each agent: subagents may interleave
    calls: dict[str, Row] = field(default_factory=dict)
    waits: dict[str, Row] = field(default_factory=dict)
    agents: dict[str, Row] = field(default_factory=dict)
    with_text: bool = False  # whether blocks of text carry what they say

    def take(self, entry: Logged, is_kept: bool) -> None:
        """The next event of the log."""
        event = entry.event
        if isinstance(event, ev.TextDelta | ev.ReasoningDelta):
            self._delta(entry, event, is_kept)
            return
        self.blocks.pop(event.agent, None)
        match event:
            case ev.RunQueued():
                self._moment(entry, "run", _("Queued"), f"{event.archetype}, {event.model}")
            case ev.RunStarted():
                self._moment(
                    entry, "run", _("A process takes the run"), _("attempt %(number)s") % {"number": event.attempt}
                )
            case ev.TurnStarted():
                what = _("Turn %(number)s") % {"number": event.turn}
                self.turns[event.agent] = self._row(entry, "turn", what, event.model, is_kept)
            case ev.ReplyCompleted():
                self._reply(entry, event)
            case ev.TurnReset():
                self._close(self.turns.pop(event.agent, None), entry)
                self._moment(
                    entry, "reset", _("Taken back: turn %(number)s starts again") % {"number": event.turn}, event.reason
                )
            case ev.RetryScheduled():
                self._retry(entry, event)
            case ev.ToolCalled():
                self.calls[event.call] = row = self._row(entry, "tool", event.name, _("no result yet"), is_kept)
                row.arguments = as_text(event.arguments)
            case ev.ToolDeferred():
                row = self._moment(entry, "tool", event.name, _("left to the client"))
                row.arguments = as_text(event.arguments)
            case ev.ToolProgressed():
                self._progress(entry, event)
            case ev.ToolReturned() | ev.ToolFailed():
                self._tool_end(entry, event)
            case ev.ApprovalRequested():
                what = _("Waits for a person: %(tool)s") % {"tool": event.name}
                self.waits[event.call] = row = self._row(entry, "wait", what, _("not decided yet"), is_kept)
                row.arguments = as_text(event.arguments)
            case ev.ApprovalResolved():
                self._decided(entry, event)
            case ev.AgentStarted():
                what = _("Asks the agent %(name)s") % {"name": event.name}
                self.agents[event.agent] = row = self._row(entry, "agent", what, "", is_kept)
                row.arguments = event.task
            case ev.AgentReturned():
                self._close(self.agents.pop(event.agent, None), entry)
            case ev.RunCompleted():
                self._end(entry)
                self._moment(entry, "end", _("Answered"), f"{event.reason}; {used(event.usage)}")
            case ev.RunCancelled():
                self._end(entry)
                self._moment(entry, "end", _("Stopped"), f"{event.reason}; {used(event.usage)}")
            case ev.RunFailed():
                self._end(entry)
                retry = _("may be tried again") if event.retryable else _("trying again will not help")
                row = self._moment(entry, "failed", _("Failed: %(code)s") % {"code": event.code})
                row.detail = f"{event.message} ({retry}); {used(event.usage)}"
            case ev.TurnCompleted() | ev.MessageSaved():
                pass  # other rows say so already
            case _:
                raise TypeError(f"the timeline does not know {event!r}")

    def _row(self, entry: Logged, kind: Kind, what: str, detail: str, is_kept: bool) -> Row:
        row = Row(
            entry.attempt, kind, entry.seq, entry.seq, entry.event.at, what, detail=detail, agent=entry.event.agent
        )
        row.is_taken_back = not is_kept
        self.rows.append(row)
        return row

    def _moment(self, entry: Logged, kind: Kind, what: str, detail: str = "") -> Row:
        row = self._row(entry, kind, what, detail, True)
        row.is_moment = True
        return row

    def _close(self, row: Row | None, entry: Logged) -> None:
        if row is not None:
            row.end, row.last_seq = entry.event.at, entry.seq

    def _end(self, entry: Logged) -> None:
        """Whatever was open ends with the run."""
        for rows in (self.turns, self.calls, self.waits, self.agents):
            for row in rows.values():
                self._close(row, entry)

    def _delta(self, entry: Logged, event: ev.Delta, is_kept: bool) -> None:
        kind: Kind = "text" if isinstance(event, ev.TextDelta) else "reasoning"
        row = self.blocks.get(event.agent)
        if row is None or row.kind != kind or row.attempt != entry.attempt:
            what = _("Writes") if kind == "text" else _("Thinks")
            row = self.blocks[event.agent] = self._row(entry, kind, what, "", is_kept)
            row.first_seq = entry.seq - pieces_of(event) + 1
        row.deltas += pieces_of(event)
        row.chars += len(event.text)
        if self.with_text and len(row.result) <= SHOWN_CHARS:
            row.result += event.text
        self._close(row, entry)
        row.detail = "{}, {}".format(
            ngettext("%(count)s delta", "%(count)s deltas", row.deltas) % {"count": f"{row.deltas:,}"},
            ngettext("%(count)s character", "%(count)s characters", row.chars) % {"count": f"{row.chars:,}"},
        )

    def _reply(self, entry: Logged, event: ev.ReplyCompleted) -> None:
        row = self.turns.pop(event.agent, None)
        if row is None:
            return
        self._close(row, entry)
        said = [row.detail, _("ended by %(reason)s") % {"reason": event.finish_reason}]
        if event.calls:
            said.append(
                ngettext("%(count)s tool call", "%(count)s tool calls", len(event.calls)) % {"count": len(event.calls)}
            )
        row.detail = ", ".join([*said, used(event.usage)])

    def _retry(self, entry: Logged, event: ev.RetryScheduled) -> None:
        what = _("Tries again: %(number)s of %(most)s failed")
        row = self._row(entry, "retry", what % {"number": event.failed_attempt, "most": event.max_attempts}, "", True)
        row.end = row.start + event.delay_s
        row.detail = _("%(code)s: %(message)s; after a pause of %(pause)s") % {
            "code": event.code, "message": event.message, "pause": seconds(event.delay_s),
        }  # fmt: skip

    def _progress(self, entry: Logged, event: ev.ToolProgressed) -> None:
        if row := self.calls.get(event.call):
            row.last_seq, row.detail = entry.seq, _("no result yet; last said: %(text)s") % {"text": event.text[:200]}

    def _tool_end(self, entry: Logged, event: ev.ToolReturned | ev.ToolFailed) -> None:
        row = self.calls.pop(event.call, None) or self._row(entry, "tool", event.name, "", True)
        self._close(row, entry)
        if isinstance(event, ev.ToolReturned):
            row.detail = _("returned, cut at its limit") if event.truncated else _("returned")
            row.result = as_text(event.result)
        else:
            row.detail = OUTCOMES[event.outcome]()
            row.result = clipped(event.error)
        if event.elapsed_ms:
            row.detail += "; " + _("it ran for %(time)s") % {"time": seconds(event.elapsed_ms / 1000)}

    def _decided(self, entry: Logged, event: ev.ApprovalResolved) -> None:
        row = self.waits.pop(event.call, None)
        if row is None:
            return
        self._close(row, entry)
        said = _("allowed") if event.decision == "allowed" else _("denied")
        by = _("by %(person)s") % {"person": event.by} if event.by else _("because nobody decided in time")
        row.detail = ", ".join(filter(None, (f"{said} {by}", event.reason, _("not to scale"))))


OUTCOMES = {
    "failed": lambda: _("failed"),
    "refused": lambda: _("refused: it was not run"),
    "unknown": lambda: _("outcome unknown: it may or may not have run, and was not repeated"),
}


def rows_of(log: Iterable[Logged], kept: Iterable[Logged], *, now: float, with_text: bool = False) -> list[Row]:
    """The whole log as rows, in order; what is not in `kept` was taken back and is marked so."""
    entries = list(log)
    kept_seqs = {entry.seq for entry in kept}
    reading = Reading(with_text=with_text)
    for entry in entries:
        reading.take(entry, entry.seq in kept_seqs)
    for row in reading.rows:
        row.at = f"+{row.start - entries[0].event.at:.3f} s"
        if row.end is not None:
            row.took = seconds(row.end - row.start)
        elif not row.is_moment:
            row.took = _("%(time)s so far") % {"time": seconds(now - row.start)}
    _place(reading.rows, entries)
    return reading.rows


def sections_of(rows: Iterable[Row], all_rows: list[Row], *, crashes: int) -> list[Section]:
    """Rows by attempt, each with a sentence on how it came to be."""
    parts = [(attempt, list(group)) for attempt, group in groupby(rows, lambda row: row.attempt)]
    return [Section(attempt, _title(attempt, all_rows, crashes), group) for attempt, group in parts]


def used(usage: Usage) -> str:
    """Tokens in words."""
    said = _("%(input)s in (%(cached)s cached), %(output)s out") % {
        "input": f"{usage.input_tokens:,}", "cached": f"{usage.cached_tokens:,}", "output": f"{usage.output_tokens:,}",
    }  # fmt: skip
    return said if usage.status == "reported" else f"{said}, {usage.status}"


def as_text(value: object) -> str:
    """JSON that a person reads; text stays text."""
    return clipped(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))


def clipped(text: str) -> str:
    """The text, or its beginning and how long it was."""
    if len(text) <= SHOWN_CHARS:
        return text
    return f"{text[:SHOWN_CHARS]}\n" + _("[cut here: it has %(count)s characters]") % {"count": f"{len(text):,}"}


def _title(attempt: int, rows: list[Row], crashes: int) -> str:
    if attempt == 0:
        return _("Before its first attempt")
    name = _("Attempt %(number)s") % {"number": attempt}
    before = [row for row in rows if row.attempt < attempt]
    first = next((row for row in rows if row.attempt == attempt), None)
    if attempt == 1 or first is None or not before:
        return name
    last = before[-1]
    if last.kind == "wait" and last.end is not None:
        return _("%(attempt)s: went on after the decision") % {"attempt": name}
    # What the new attempt closed did not last until then.
    ends = [row.end if row.end is not None and row.end < first.start else row.start for row in before]
    pause = seconds(first.start - max(ends))
    why = _("its lease had lapsed") if crashes else _("it was handed over")
    return _("%(attempt)s: took over after %(pause)s; %(why)s") % {"attempt": name, "pause": pause, "why": why}


def _place(rows: list[Row], entries: list[Logged]) -> None:
    """Where on the bar each row begins and ends: on a scale of the whole run's working time."""
    clock = _working_time(entries)
    total = max((at for _, at in clock), default=0.0) or 1.0
    for row in rows:
        left = _position(clock, row.start)
        until = clock[-1][0] if row.end is None and not row.is_moment else row.end
        right = left if until is None or row.kind == "wait" else _position(clock, until)
        row.left = min(WIDTH - 4, int(left / total * WIDTH))
        row.width = max(4, min(WIDTH - row.left, int((right - left) / total * WIDTH)))


def _working_time(entries: list[Logged]) -> list[tuple[float, float]]:
    """(seconds since 1970, seconds of work until then), event by event."""
    clock: list[tuple[float, float]] = []
    worked = 0.0
    for entry in entries:
        if clock and not isinstance(entry.event, IDLE_BEFORE):
            worked += max(0.0, entry.event.at - clock[-1][0])
        clock.append((entry.event.at, worked))
    return clock


def _position(clock: list[tuple[float, float]], at: float) -> float:
    index = bisect_right(clock, (at, float("inf"))) - 1
    if index < 0:
        return 0.0
    since, worked = clock[index]
    following = clock[index + 1][1] if index + 1 < len(clock) else worked
    return min(worked + (at - since), following)

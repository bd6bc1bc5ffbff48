"""A run's log as rows that a person reads: one for each block of deltas, turn, tool call, retry and end. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from agents import events as ev
from agents.events import AnyEvent
from agents.usage import Usage
from chat.eventlog import Logged

SHOWN_CHARS = 20_000  # of one row's text; the message has the whole
COMMON = ("type", "at", "agent")


@dataclass
class Row:
    """One line of the timeline."""

    attempt: int
    seq: int
    at: float  # seconds since 1970
    agent: str
    what: str
    brief: str = ""  # a few words
    long: str = ""  # text, arguments, a result
    is_taken_back: bool = False
    deltas: int = 0  # that the row stands for
    chars: int = 0
    texts: list[str] = field(default_factory=list, repr=False)


def rows_of(log: Iterable[Logged], kept: Iterable[Logged]) -> list[Row]:
    """The whole log as rows, in order; what is not in `kept` was taken back and is marked so."""
    kept_seqs = {entry.seq for entry in kept}
    rows: list[Row] = []
    open_blocks: dict[str, Row] = {}  # by agent: subagents' deltas may interleave
    for entry in log:
        row = _open_block(open_blocks, entry)
        if row is None:
            row = Row(entry.attempt, entry.seq, entry.event.at, entry.event.agent, entry.event.type)
            row.is_taken_back = entry.seq not in kept_seqs and not isinstance(entry.event, ev.TurnReset)
            rows.append(row)
        _describe(row, entry.event, open_blocks)
    for row in rows:
        _close(row)
    return rows


def _open_block(open_blocks: dict[str, Row], entry: Logged) -> Row | None:
    """The row that this delta belongs to; None if a new one begins."""
    row = open_blocks.get(entry.event.agent)
    is_same = row is not None and row.what == entry.event.type and row.attempt == entry.attempt
    return row if is_same and isinstance(entry.event, ev.DELTAS) else None


def _describe(row: Row, event: AnyEvent, open_blocks: dict[str, Row]) -> None:
    if isinstance(event, ev.TextDelta | ev.ReasoningDelta):
        open_blocks[event.agent] = row
        row.deltas += 1
        row.chars += len(event.text)
        row.texts.append(event.text)
        return
    open_blocks.pop(event.agent, None)
    fields = {name: value for name, value in ev.to_dict(event).items() if name not in COMMON}
    match event:
        case ev.ToolCalled():
            row.brief, row.long = event.name, _json(event.arguments)
        case ev.ToolReturned():
            cut = ", cut at its limit" if event.truncated else ""
            row.brief, row.long = f"{event.name}, {event.elapsed_ms:,} ms{cut}", _json(event.result)
        case ev.ToolFailed():
            row.brief, row.long = f"{event.name}, {event.outcome}, {event.elapsed_ms:,} ms", event.error
        case ev.ReplyCompleted():
            row.brief = f"turn {event.turn}, {event.finish_reason}, {len(event.calls)} calls, {_used(event.usage)}"
        case ev.RunCompleted():
            row.brief = f"{event.reason}, {_used(event.usage)}"
        case ev.RunFailed():
            row.brief, row.long = f"{event.code}, {_used(event.usage)}", event.message
        case ev.RunCancelled():
            row.brief = f"{event.reason}, {_used(event.usage)}"
        case ev.AgentStarted():
            row.brief, row.long = event.name, event.task
        case _:
            row.brief = ", ".join(f"{name} {value}" for name, value in fields.items())


def _close(row: Row) -> None:
    if row.deltas:
        row.brief = f"{row.deltas:,} deltas, {row.chars:,} characters"
        row.long = "".join(row.texts)
    if len(row.long) > SHOWN_CHARS:
        row.long = f"{row.long[:SHOWN_CHARS]}\n[cut: {len(row.long):,} characters]"
    row.texts.clear()


def _used(usage: Usage) -> str:
    sure = "" if usage.status == "reported" else f" ({usage.status})"
    return f"{usage.input_tokens:,} + {usage.output_tokens:,} tokens{sure}"


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)

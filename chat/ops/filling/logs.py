"""The log of a filled run: its events, and the rows that they lie in at its age. Pure."""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents import events as ev
from agents.events import AnyEvent, Call, Terminal
from agents.usage import Usage
from chat.eventlog import Logged
from chat.eventlog.compact import answer_only, rows_of
from chat.eventlog.rows import first_of, insert
from chat.models import LogState, Run, RunEvent

PIECE_CHARS, PIECE_S = 5, 0.02  # about a token, fifty of them a second
PIECES_A_ROW = 12  # what a commit each quarter of a second stores
FIRST_S = 0.6  # until the first token
CHARS_A_TOKEN = 4
TOOL = "read_file"
PATHS = ("README.md", "src/prices.py", "docs/opening-hours.md")
FAILURE = ("upstream_timeout", "The model did not answer in time.")


@dataclass(frozen=True)
class Told:
    """What a run is to tell."""

    text: str
    history_chars: int  # of the chat before it
    at: float  # when it begins
    has_tool: bool
    end: type[Terminal]


def events_of(run: Run, told: Told, chance: random.Random, *, is_whole: bool) -> list[AnyEvent]:
    """Its events. `is_whole`: each delta as it came; else one in place of all, as compaction leaves them."""
    at, ids = told.at, {"chat": str(run.chat_id), "input": str(run.input_id), "message": str(run.message_id)}
    found: list[AnyEvent] = [
        ev.RunQueued(at=at, archetype=run.archetype, model=run.model, **ids),
        ev.RunStarted(at=at, attempt=1),
    ]
    first = Usage(told.history_chars // CHARS_A_TOKEN + 40, told.history_chars // 8, 20)
    if told.has_tool:
        found += _tool(run, at + 0.1, first, chance)
        at += 1.0
    turn = 2 if told.has_tool else 1
    found.append(ev.TurnStarted(at=at, turn=turn, model=run.model))
    said = _said(told.text, at + FIRST_S, is_whole=is_whole)
    until = at + FIRST_S + len(told.text) / PIECE_CHARS * PIECE_S
    used = Usage(first.input_tokens, first.cached_tokens, len(told.text) // CHARS_A_TOKEN)
    reply = ev.ReplyCompleted(at=until, turn=turn, finish_reason="stop", usage=used)
    return [*found, *said, reply, *_ended(run, told, until, turn, used + first if told.has_tool else used)]


def _said(text: str, at: float, *, is_whole: bool) -> Iterator[AnyEvent]:
    pieces = [text[first : first + PIECE_CHARS] for first in range(0, len(text), PIECE_CHARS)]
    if is_whole or len(pieces) == 1:
        for number, piece in enumerate(pieces):
            yield ev.TextDelta(at=at + number * PIECE_S, text=piece)
    else:
        yield ev.TextDelta(at=at, text=text, pieces=len(pieces), until=at + (len(pieces) - 1) * PIECE_S)


def _tool(run: Run, at: float, used: Usage, chance: random.Random) -> list[AnyEvent]:
    call, path = f"call_{uuid.uuid4().hex[:20]}", chance.choice(PATHS)
    asked = Call(call, TOOL, f'{{"path": "{path}"}}')
    return [
        ev.TurnStarted(at=at, turn=1, model=run.model),
        ev.ReplyCompleted(at=at + 0.5, turn=1, finish_reason="tool_calls", usage=used, calls=(asked,)),
        ev.ToolCalled(at=at + 0.5, call=call, name=TOOL, arguments={"path": path}),
        ev.ToolReturned(at=at + 0.6, call=call, name=TOOL, result=f"The text of {path}.", elapsed_ms=12),
        ev.TurnCompleted(at=at + 0.6, turn=1),
    ]


def _ended(run: Run, told: Told, at: float, turn: int, used: Usage) -> list[AnyEvent]:
    saved = ev.MessageSaved(at=at, message=str(run.message_id))
    if told.end is ev.RunFailed:
        return [saved, ev.RunFailed(at=at, code=FAILURE[0], message=FAILURE[1], retryable=True, usage=used)]
    if told.end is ev.RunCancelled:
        return [saved, ev.RunCancelled(at=at, by=str(run.user_id), usage=used)]
    return [ev.TurnCompleted(at=at, turn=turn), saved, ev.RunCompleted(at=at, reason="stop", usage=used)]


def log_of(run: Run, events: Sequence[AnyEvent]) -> list[RunEvent]:
    """The rows in which the log lies, by the run's `log_state`."""
    entries, seq = [], 0
    for event in events:
        seq += event.pieces if isinstance(event, ev.TextDelta) else 1
        entries.append(Logged(1, seq, event))
    if run.log_state == LogState.WHOLE:
        made = [insert(run.pk, some) for some in _as_committed(entries)]
    else:
        made = list(rows_of(run.pk, answer_only(entries) if run.log_state == LogState.ANSWER else entries))
    for row in made:
        row.created_at = run.ended_at or run.created_at
    return made


def _as_committed(entries: Sequence[Logged]) -> Iterator[Sequence[Logged]]:
    """What is no delta is stored at once, and deltas some at a time."""
    batch: list[Logged] = []
    for entry in entries:
        batch.append(entry)
        if not isinstance(entry.event, ev.TextDelta | ev.RunQueued) or len(batch) >= PIECES_A_ROW:
            yield batch
            batch = []
    assert not batch and first_of(entries[0]) == 1, "a log ends with its terminal event"

"""Reading a file of a chat: every line is checked, and what they say of each other. Nothing is stored here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from accounts.errors import Invalid
from agents import events as ev
from chat.eventlog.rows import numbered
from chat.transfer.lines import (
    AliasLine,
    AnyLine,
    ChatLine,
    End,
    EventsLine,
    FileLine,
    Header,
    Line,
    MessageLine,
    PersonLine,
    RunLine,
    ToolCallLine,
    UsageLine,
)
from tools.errors import ToolFault
from tools.git.transfer import check_files

LINE_MAX_BYTES = 100_000_000
Kind = TypeVar("Kind", bound=Line)
_decode = msgspec.json.Decoder(AnyLine).decode


@dataclass
class Package:
    """A whole file, in order."""

    chat: ChatLine
    people: list[PersonLine] = field(default_factory=list)
    aliases: list[AliasLine] = field(default_factory=list)
    messages: list[MessageLine] = field(default_factory=list)
    runs: list[RunLine] = field(default_factory=list)
    events: list[EventsLine] = field(default_factory=list)
    tool_calls: list[ToolCallLine] = field(default_factory=list)
    usage: list[UsageLine] = field(default_factory=list)
    files: dict[str, bytes | None] = field(default_factory=dict)


Numbered = list[tuple[int, AnyLine]]  # a line's number in the file, from 1


def read(raw: Iterable[bytes]) -> Package:
    """The file's chat. Raises Invalid, which names the line and the field."""
    lines = list(_parsed(raw))
    _check_frame(lines)
    ((_, chat),) = _of(lines, ChatLine) if len(_of(lines, ChatLine)) == 1 else _one_chat(lines)
    _check_messages(chat, _of(lines, MessageLine))
    _check_runs(lines)
    _check_logs(chat, lines)
    _check_files(_of(lines, FileLine))
    return Package(
        chat,
        people=[each for _, each in _of(lines, PersonLine)],
        aliases=[each for _, each in _of(lines, AliasLine)],
        messages=[each for _, each in _of(lines, MessageLine)],
        runs=[each for _, each in _of(lines, RunLine)],
        events=[each for _, each in _of(lines, EventsLine)],
        tool_calls=[each for _, each in _of(lines, ToolCallLine)],
        usage=[each for _, each in _of(lines, UsageLine)],
        files={each.path: each.data for _, each in _of(lines, FileLine)},
    )


def refuse(number: int, name: str, expected: str) -> Invalid:
    """The error for a field of a line."""
    return Invalid(f"line {number}: {name}: {expected}", fields={f"{number}.{name}": [expected]})


def _parsed(raw: Iterable[bytes]) -> Iterator[tuple[int, AnyLine]]:
    for number, text in enumerate(raw, 1):
        if len(text) > LINE_MAX_BYTES:
            raise refuse(number, "line", f"Expected at most {LINE_MAX_BYTES:,} bytes.")
        try:
            line = _decode(text)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise _unreadable(number, error) from None
        if b"\\u0000" in text and (path := _nul(msgspec.to_builtins(line))):
            raise refuse(number, path, "Expected no NUL characters.")
        yield number, line


def _unreadable(number: int, error: Exception) -> Invalid:
    """msgspec says `Expected ..., got ... - at `$.a[0].b``: the path is the field."""
    said, _, path = str(error).partition(" - at `$")
    return refuse(number, path.rstrip("`").lstrip(".") or "line", f"{said.rstrip('.')}.")


def _nul(value: Any, path: str = "") -> str:
    """Where a NUL is that no database keeps; empty: nowhere."""
    if isinstance(value, str):
        return path if "\x00" in value else ""
    if isinstance(value, dict):
        inner = [("line" if "\x00" in name else _nul(each, f"{path}.{name}")) for name, each in value.items()]
    elif isinstance(value, list):
        inner = [_nul(each, f"{path}[{index}]") for index, each in enumerate(value)]
    else:
        return ""
    return next((each.lstrip(".") for each in inner if each), "")


def _of(lines: Numbered, kind: type[Kind]) -> list[tuple[int, Kind]]:
    return [(number, line) for number, line in lines if isinstance(line, kind)]


def _check_frame(lines: Numbered) -> None:
    if not lines or not isinstance(lines[0][1], Header):
        raise refuse(1, "line", "Expected the header of a parley-chat file.")
    last, end = lines[-1]
    if not isinstance(end, End):
        raise refuse(last, "line", "Expected the end: the file is cut off.")
    if end.lines != last:
        raise refuse(last, "lines", f"Expected {last}: lines are missing, or too many.")
    for kind in (Header, End):
        if len(extra := _of(lines, kind)) > 1:
            raise refuse(extra[1][0] if kind is Header else extra[0][0], "line", "Expected one header and one end.")


def _one_chat(lines: Numbered) -> list[tuple[int, ChatLine]]:
    chats = _of(lines, ChatLine)
    raise refuse(chats[1][0] if chats else 2, "line", "Expected exactly one chat.")


def _check_messages(chat: ChatLine, messages: list[tuple[int, MessageLine]]) -> None:
    known: set[UUID] = set()
    position = 0
    for number, each in messages:
        if each.id in known:
            raise refuse(number, "id", "Expected each message once.")
        if each.parent is not None and each.parent not in known:
            raise refuse(number, "parent", "Expected the id of a message before this one.")
        if each.position <= position:
            raise refuse(number, "position", f"Expected more than {position}, that of the message before.")
        known.add(each.id)
        position = each.position
    if chat.leaf is not None and chat.leaf not in known:
        raise refuse(2, "leaf", "Expected the id of a message of this file.")
    if chat.position < position:
        raise refuse(2, "position", f"Expected at least {position}, that of the last message.")


def _check_runs(lines: Numbered) -> None:
    messages = {each.id: each for _, each in _of(lines, MessageLine)}
    people = {each.id for _, each in _of(lines, PersonLine)}
    runs: set[UUID] = set()
    answers: set[UUID] = set()
    for number, run in _of(lines, RunLine):
        if run.id in runs:
            raise refuse(number, "id", "Expected each run once.")
        if run.input not in messages:
            raise refuse(number, "input", "Expected the id of a message of this file.")
        if run.message not in messages or run.message in answers:
            raise refuse(number, "message", "Expected the id of a message of this file that no other run answers in.")
        if messages[run.message].position != run.position:
            raise refuse(number, "position", f"Expected {messages[run.message].position}, that of its message.")
        runs.add(run.id)
        answers.add(run.message)
    calls: set[tuple[UUID, str]] = set()
    for number, line in lines:
        if isinstance(line, EventsLine | ToolCallLine | UsageLine) and line.run not in runs:
            raise refuse(number, "run", "Expected the id of a run of this file.")
        if isinstance(line, RunLine | UsageLine) and line.user not in people:
            raise refuse(number, "user", "Expected the id of a person of this file.")
        if isinstance(line, MessageLine) and line.author is not None and line.author not in people:
            raise refuse(number, "author", "Expected the id of a person of this file.")
        if isinstance(line, ToolCallLine):
            if (line.run, line.call) in calls:
                raise refuse(number, "call", "Expected each call of a run once.")
            calls.add((line.run, line.call))


def _check_logs(chat: ChatLine, lines: Numbered) -> None:
    logs: dict[UUID, list[tuple[int, EventsLine]]] = {}
    for number, line in _of(lines, EventsLine):
        logs.setdefault(line.run, []).append((number, line))
    for number, run in _of(lines, RunLine):
        if run.id not in logs:
            raise refuse(number, "id", "Expected events of this run.")
        _check_log(chat, run, logs[run.id])


def _check_log(chat: ChatLine, run: RunLine, rows: list[tuple[int, EventsLine]]) -> None:
    """A log begins with run.queued and ends with its only end; its numbers follow each other, unless some are gone."""
    seq, attempt = 0, 0
    for number, row in rows:
        entries = list(numbered(row.attempt, row.first_seq, row.events))
        may_skip = run.log_state == "answer"
        if row.first_seq <= seq or (row.first_seq != seq + 1 and not may_skip):
            raise refuse(number, "first_seq", f"Expected {seq + 1}, to follow the events before.")
        if not entries or entries[-1].seq != row.last_seq:
            raise refuse(number, "last_seq", "Expected the number of the last of `events`.")
        if row.attempt < attempt or row.attempt > run.attempt:
            raise refuse(number, "attempt", f"Expected {attempt} to {run.attempt}.")
        seq, attempt = row.last_seq, row.attempt
        is_last = row is rows[-1][1]
        for index, each in enumerate(row.events):
            if isinstance(each, ev.TERMINALS) != (is_last and index == len(row.events) - 1):
                raise refuse(number, f"events[{index}]", "Expected one end of the run, as its last event.")
    number, first = rows[0]
    begun = first.events[0]
    told = (str(chat.id), str(run.input), str(run.message))
    if not isinstance(begun, ev.RunQueued) or (begun.chat, begun.input, begun.message) != told:
        raise refuse(number, "events[0]", "Expected run.queued with the ids of this chat, input and message.")


def _check_files(files: list[tuple[int, FileLine]]) -> None:
    seen: set[str] = set()
    for number, each in files:
        if each.path in seen:
            raise refuse(number, "path", "Expected each file once.")
        seen.add(each.path)
        try:
            check_files({each.path: each.data})
        except ToolFault as error:
            raise refuse(number, "path", str(error).removeprefix("path: ")) from None

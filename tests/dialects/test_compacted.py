"""A compacted log says the same at every door: the same text, the same frames but for the pieces of a block."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import events as ev
from chat.doors.openai.responses.dialect import encoder as responses
from chat.eventlog import Logged
from chat.eventlog.compact import answer_only, merged
from chat.eventlog.projection import fold
from chat.eventlog.rows import clean, first_of, numbered
from tests import transcripts
from tests.dialects.test_dialects import DIALECTS, frames

ALL_DOORS = [*DIALECTS, "responses"]
PROBE = "a text that nothing else says"


@st.composite
def logs(draw: st.DrawFn) -> list[Logged]:
    """Any few turns of text and reasoning, with a tool between them."""
    script = transcripts.Script().begin()
    turns = draw(st.integers(1, 3))
    for turn in range(1, turns + 1):
        script.add(ev.TurnStarted, turn=turn, model="m")
        for kind in draw(st.lists(st.sampled_from([ev.TextDelta, ev.ReasoningDelta]), max_size=8)):
            script.add(kind, text=draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)))
        if turn < turns:
            script.reply(turn, transcripts.LIST)
            script.add(ev.ToolCalled, call="call_2", name="list_files", arguments={})
            script.add(ev.ToolReturned, call="call_2", name="list_files", result=[], elapsed_ms=1)
        else:
            script.reply(turn)
        script.add(ev.TurnCompleted, turn=turn)
    return script.end()


def entries(log: list[Logged]) -> list[Logged]:
    return clean(log, after=0)


def check(log: list[Logged]) -> None:
    small = merged(log)
    before, after = fold(each.event for each in log), fold(each.event for each in small)
    assert (after.content, after.parts, after.usages) == (before.content, before.parts, before.usages)
    assert after.active_s == pytest.approx(before.active_s) and after.first_token_at == before.first_token_at
    for dialect in ALL_DOORS:
        whole, rest = shown(dialect, entries(log)), shown(dialect, entries(small))
        assert said(dialect, rest) == said(dialect, whole), dialect
        assert outline(rest) == outline(whole), dialect


@given(log=logs())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_log_says_the_same_when_its_deltas_are_one(log: list[Logged]) -> None:
    check(log)


@pytest.mark.parametrize("name", transcripts.ALL)
def test_each_transcript_says_the_same(name: str) -> None:
    check(transcripts.ALL[name]())


@pytest.mark.parametrize("name", transcripts.ALL)
def test_everything_else_keeps_its_number_and_no_two_deltas_of_a_block_are_left(name: str) -> None:
    log = transcripts.ALL[name]()
    small = merged(log)
    told = [Logged(each.attempt, each.seq, ev.without_state(each.event)) for each in log]
    assert [each for each in small if not is_delta(each)] == [each for each in told if not is_delta(each)]
    assert [first_of(each) for each in small[1:]] == [each.seq + 1 for each in small[:-1]]
    for _, group in groupby(small, key=lambda each: (each.attempt, each.event.agent, type(each.event))):
        alike = list(group)
        assert len(alike) == 1 or not is_delta(alike[0])
    for attempt, group in groupby(small, key=lambda each: each.attempt):
        row = list(group)
        assert list(numbered(attempt, first_of(row[0]), [each.event for each in row])) == row
    assert merged(small) == small


@pytest.mark.parametrize("name", transcripts.ALL)
def test_what_a_door_counts_keeps_its_numbers(name: str) -> None:
    log = transcripts.ALL[name]()
    whole = {each["sequence_number"]: each for each in shown("responses", entries(log))}
    rest = {each["sequence_number"]: each for each in shown("responses", entries(merged(log)))}
    assert max(rest) == max(whole) and rest.keys() <= whole.keys()
    assert all(each == whole[number] for number, each in rest.items() if not each["type"].endswith(".delta"))


@pytest.mark.parametrize("name", transcripts.ALL)
def test_of_an_old_log_the_answer_is_left_and_well_formed(name: str) -> None:
    log = transcripts.ALL[name]()
    rest = answer_only(log)
    assert fold(each.event for each in rest).content == fold(each.event for each in log).content
    assert (rest[0], rest[-1]) == (log[0], log[-1])
    for dialect in ALL_DOORS:
        assert said(dialect, shown(dialect, rest)) == said(dialect, shown(dialect, entries(log))), dialect
        assert shown(dialect, rest)[-1:] == shown(dialect, entries(log))[-1:] or dialect == "responses"


def is_delta(entry: Logged) -> bool:
    return isinstance(entry.event, ev.DELTAS)


def shown(dialect: str, log: list[Logged]) -> list[Any]:
    """The data of a reader's frames."""
    if dialect == "responses":
        encoder = responses.Encoder(replace(transcripts.RUN, request={"reasoning": {"summary": "auto"}}))
        sent = [frame for entry in log for frame in encoder.encode(*entry)]
    else:
        sent = frames(dialect, log)
    lines = [line[6:] for frame in sent for line in frame.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line.startswith((b"{", b"[")) and line != b"[DONE]"]


def said(dialect: str, sent: list[Any]) -> str:
    """All text of the answer, from where this dialect puts a piece of it."""
    begun = transcripts.Script().begin().log
    probe = Logged(1, 3, ev.TextDelta(at=1.0, text=PROBE))
    (frame,) = [each for each in shown(dialect, [*begun, probe]) if PROBE in dict(leaves(each)).values()]
    (place,) = [path for path, value in leaves(frame) if value == PROBE]
    alike = [dict(leaves(each)) for each in sent if kind(each) == kind(frame)]
    return "".join(each[place] for each in alike)


def outline(sent: list[Any]) -> list[Any]:
    """The kinds of frames in order, what repeats once."""
    return [each for each, _ in groupby(kind(each) for each in sent)]


def kind(data: Any) -> Any:
    """A frame without its contents: its fields and, where it says one, its type."""
    found = dict(leaves(data))
    types = [value for path, value in found.items() if path[-1] in ("type", "chunk", "event")]
    return (tuple(types), tuple(sorted(str(path) for path in found if path[-1] not in ("pieces", "until"))))


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value that is no object or list, with its path."""
    if isinstance(data, dict | list):
        items = data.items() if isinstance(data, dict) else enumerate(data)
        for name, value in items:
            yield from leaves(value, (*path, name))
    else:
        yield path, data

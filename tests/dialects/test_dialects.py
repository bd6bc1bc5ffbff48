"""Every transcript through every dialect: golden bytes, resume after any frame, and one event a frame for any text."""

import json
import pathlib
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agents import events as ev
from chat.doors import sse
from chat.doors.agent import dialect as agent
from chat.doors.agui import dialect as agui
from chat.doors.base import Encoder
from chat.doors.editor_chat import dialect as editor_chat
from chat.doors.native import dialect as native
from chat.doors.openai.completions.dialect import encoder as completions
from chat.doors.sessions import dialect as sessions
from chat.doors.threads import dialect as threads
from chat.doors.trpc.initiate_chat import dialect as initiate_chat
from chat.doors.ui_message import dialect as ui_message
from chat.eventlog import Logged
from chat.eventlog.rows import clean
from tests import transcripts

GOLDEN = pathlib.Path(__file__).parent / "golden"
DIALECTS: dict[str, Callable[[], Encoder]] = {
    "agent": lambda: agent.Encoder(transcripts.RUN),
    "agui": lambda: agui.Encoder(replace(transcripts.RUN, request={"thread": "t", "run": "r", "is_1": True})),
    "agui_old": lambda: agui.Encoder(replace(transcripts.RUN, request={"thread": "t", "run": "r"})),
    "native": lambda: native.Encoder(transcripts.RUN),
    "editor_chat_post": lambda: editor_chat.Encoder(transcripts.RUN, named=False),
    "editor_chat_get": lambda: editor_chat.Encoder(transcripts.RUN, named=True),
    "initiate_chat": lambda: initiate_chat.Encoder(transcripts.RUN),
    "initiate_chat_tracked": lambda: initiate_chat.Encoder(transcripts.RUN, is_tracked=True),
    "sessions": lambda: sessions.Encoder(transcripts.RUN),
    "sessions_typing": lambda: sessions.Encoder(transcripts.RUN, typing=True),
    "threads": lambda: threads.Encoder(transcripts.RUN),
    "completions": lambda: completions.Encoder(transcripts.RUN),
    "ui_message": lambda: ui_message.Encoder(transcripts.RUN),
    "completions_usage": lambda: completions.Encoder(replace(transcripts.RUN, request={"include_usage": True})),
}
BLOCKS = ("agui", "agui_old", "ui_message")  # they open a block before its first piece
TWO_EVENTS = ("initiate_chat",)  # a value, and its id in an event for nobody: tests/dialects/test_initiate_chat.py
CASES = [(dialect, name) for dialect in DIALECTS for name in transcripts.ALL]


def frames(dialect: str, log: list[Logged]) -> list[bytes]:
    """What a reader without a cursor is sent."""
    encoder = DIALECTS[dialect]()
    out = encoder.open()
    for attempt, seq, event in log:
        out += encoder.encode(attempt, seq, event)
    return out


@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_the_bytes_are_the_golden_ones(dialect: str, name: str, pytestconfig: pytest.Config) -> None:
    path = GOLDEN / dialect / f"{name}.txt"
    written = b"".join(frames(dialect, clean(transcripts.ALL[name](), after=0)))
    if pytestconfig.getoption("--write-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written)
    assert written == path.read_bytes()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_replay_is_equal_to_the_live_stream(dialect: str) -> None:
    for make in transcripts.ALL.values():
        assert frames(dialect, make()) == frames(dialect, make())


@pytest.mark.parametrize("dialect", ["native", "editor_chat_get", "sessions"])
@pytest.mark.parametrize("name", [name for name in transcripts.ALL if name != "taken_over"])
def test_after_a_cut_at_any_frame_the_rest_completes_the_whole(dialect: str, name: str) -> None:
    log = transcripts.ALL[name]()
    whole = [frame for frame in frames(dialect, log) if frame.startswith(b"id: ")]
    for k, last in enumerate(whole, 1):
        assert whole[:k] + resumed(dialect, log, cursor_of(last)) == whole


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_was_shown_before_a_cut_is_the_beginning_of_the_whole(dialect: str) -> None:
    """So who comes back, and is given the whole anew, may throw away what they had, or count over it."""
    for name in set(transcripts.ALL) - {"taken_over"}:
        log = transcripts.ALL[name]()
        whole = frames(dialect, log)
        for k in range(len(log) + 1):
            shown = frames(dialect, log[:k])
            assert shown == whole[: len(shown)]


def resumed(dialect: str, log: list[Logged], at: tuple[int, int, int | None]) -> list[bytes]:
    """What a fresh encoder, fed only from the cursor on, sends."""
    attempt, seq, frame = at
    encoder = DIALECTS[dialect]()
    rest = encoder.encode(attempt, seq, log[seq - 1].event)[frame + 1 :] if frame is not None else []
    rest += [each for entry in log[seq:] for each in encoder.encode(*entry)]
    return [each for each in rest if each.startswith(b"id: ")]


def cursor_of(frame: bytes) -> tuple[int, int, int | None]:
    id = re.match(rb"id: ([^\n]*)\n", frame)[1].decode().split(".")[1:]  # type: ignore[index]
    return int(id[0]), int(id[1]), int(id[2]) if len(id) > 2 else None


@pytest.mark.parametrize("dialect", [each for each in DIALECTS if each not in TWO_EVENTS])
@given(text=st.text())
def test_any_text_is_one_event_that_reads_back(dialect: str, text: str) -> None:
    text = text.encode(errors="ignore").decode()
    assume(text or dialect not in BLOCKS)
    event = ev.TextDelta(at=1.0, text=text)
    *opened, frame = DIALECTS[dialect]().encode(1, 1, event)
    assert len(opened) == (dialect in BLOCKS)
    assert frame.endswith(b"\n\n") and frame.count(b"\n\n") == 1 and b"\r" not in frame
    (data,) = [line for line in frame.split(b"\n") if line.startswith(b"data: ")]
    assert text in values(json.loads(data[6:]))


def values(data: Any) -> list[Any]:
    """All that the data holds, however deep."""
    if isinstance(data, dict):
        return [each for value in data.values() for each in values(value)]
    return [each for value in data for each in values(value)] if isinstance(data, list) else [data]


@pytest.mark.parametrize("bad", ["a\nb", "a b", "ä", "a:b", "\0"])
def test_a_frame_takes_no_id_or_name_out_of_its_alphabet(bad: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        sse.frame({}, id=bad)
    with pytest.raises(ValueError, match="not a name"):
        sse.frame({}, event=bad)


@pytest.mark.parametrize("name", transcripts.ALL)
def test_editor_chat_is_ascii_and_ends_with_done(name: str) -> None:
    for dialect in ("editor_chat_post", "editor_chat_get"):
        written = frames(dialect, clean(transcripts.ALL[name](), after=0))
        assert b"".join(written).isascii()
        assert written[0] == b":ok\n\n" and written[-1].endswith(editor_chat.DONE)
    assert all(frame.startswith(b"id: ") for frame in written[1:])  # those of the GET


@pytest.mark.parametrize("dialect", ["editor_chat_post", "initiate_chat", "sessions", "threads"])
def test_a_reader_who_was_shown_text_that_is_taken_back_gets_the_dialects_error_and_end(dialect: str) -> None:
    encoder = DIALECTS[dialect]()
    for attempt, seq, event in transcripts.taken_over():
        if out := encoder.encode(attempt, seq, event):
            last = out
        if encoder.is_over:
            break
    assert isinstance(event, ev.TurnReset)
    assert b'"type":"error"' in last[0] and (dialect != "editor_chat_post" or last[-1] == editor_chat.DONE)


@pytest.mark.parametrize("dialect", [each for each in DIALECTS if each != "native"])  # it sends whatever there is
def test_no_dialect_passes_over_an_event_that_it_does_not_know(dialect: str) -> None:
    with pytest.raises(AssertionError, match="unreachable"):
        DIALECTS[dialect]().encode(1, 1, Unknown())  # type: ignore[arg-type]


class Unknown:
    agent = ""
    at = 1.0


def before_the_first_word(*shown: str) -> list[Logged]:
    """A process died in a turn of which its readers were shown this; the next one says the turn."""
    script = transcripts.Script().begin().turn(1, *shown)
    script.attempt = 2
    script.add(ev.TurnReset, turn=1, reason="taken_over").add(ev.RunStarted, attempt=2)
    return script.answer(1, "Whole now.").end()


@pytest.mark.parametrize("dialect", [each for each in DIALECTS if each != "native"])
def test_a_reader_who_was_shown_nothing_of_a_turn_reads_on_when_it_is_begun_again(dialect: str) -> None:
    told = b"".join(frames(dialect, before_the_first_word()))
    assert b"Whole" in told and b"begun again" not in told
    assert b"begun again" in b"".join(frames(dialect, before_the_first_word("Half")))


@pytest.mark.parametrize("dialect", [each for each in DIALECTS if each != "native"])
def test_a_reader_who_comes_back_in_the_middle_of_a_turn_is_told(dialect: str) -> None:
    encoder, log = DIALECTS[dialect](), before_the_first_word()
    rest = log[next(place for place, each in enumerate(log) if isinstance(each.event, ev.TurnReset)) :]
    assert b"begun again" in b"".join(frame for each in rest for frame in encoder.encode(*each))


def test_who_comes_back_to_system_4_behind_what_was_not_stored_is_told() -> None:
    """Their place is behind a delta that the log has not: they are given the run from its start, and had that text."""
    log = before_the_first_word()
    begun = next(each for each in log if isinstance(each.event, ev.TurnStarted))
    for after, is_told in (((1, begun.seq - 1, 0), False), ((1, begun.seq, 0), True), ((1, begun.seq + 3, 0), True)):
        encoder = initiate_chat.Encoder(transcripts.RUN, after=after)
        told = b"".join(frame for each in log for frame in encoder.encode(*each))
        assert (b"begun again" in told) == is_told, after

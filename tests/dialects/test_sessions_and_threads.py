"""What the clients of systems 2 and 3 need of every transcript, besides what all dialects owe."""

import json

import pytest

from agents import events as ev
from chat.eventlog.rows import clean
from tests import transcripts
from tests.dialects.test_dialects import frames

ENDS = ("done", "error")


@pytest.mark.parametrize("dialect", ["sessions", "sessions_typing", "threads"])
@pytest.mark.parametrize("name", transcripts.ALL)
def test_every_frame_is_json_in_ascii_and_the_last_alone_is_an_end(dialect: str, name: str) -> None:
    written = b"".join(frames(dialect, clean(transcripts.ALL[name](), after=0)))
    lines = [line for line in written.split(b"\n") if line.startswith(b"data: ")]
    told = [json.loads(line[6:])["type"] for line in lines]
    assert written.isascii() and b"\nevent:" not in written and b"data: [DONE]" not in lines
    assert told[-1] in ENDS and not set(told[:-1]) & set(ENDS)


@pytest.mark.parametrize("name", transcripts.ALL)
def test_both_ways_to_read_system_3_show_the_whole_text(name: str) -> None:
    """One client adds up `content` and shows `accumulated` at the end; the other only adds up."""
    log = clean(transcripts.ALL[name](), after=0)
    told = [json.loads(frame[6:]) for frame in frames("threads", log)]
    said = [each["data"] for each in told if each["type"] == "ai_response"]
    text = "".join(each.event.text for each in log if isinstance(each.event, ev.TextDelta) and not each.event.agent)
    assert "".join(each["content"] for each in said) == text
    assert [each["accumulated"] for each in said if each["isComplete"]] == (
        [text] if told[-1]["type"] == "done" else []
    )
    assert [each["type"] for each in told[:2]] == ["connected", "message_saved"]
    assert all(each["timestamp"].endswith("Z") for each in told)


@pytest.mark.parametrize("name", transcripts.ALL)
def test_typing_is_said_before_the_first_token_only(name: str) -> None:
    log = clean(transcripts.ALL[name](), after=0)
    plain, typing = (
        [json.loads(line[6:])["type"] for line in b"".join(frames(each, log)).split(b"\n") if line.startswith(b"data")]
        for each in ("sessions", "sessions_typing")
    )
    assert typing[0] == "typing" and [each for each in typing if each != "typing"] == plain
    first = typing.index("token") if "token" in typing else len(typing)
    assert "typing" not in typing[first:]

"""System 4's dialect beyond the golden files: builds, its two ways to carry ids, and resuming after any value."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import QuotaExceeded, RequestError
from agents import events as ev
from chat.doors.trpc import dialect as trpc
from chat.doors.trpc.initiate_chat.dialect import Encoder
from chat.eventlog import Logged
from tests import transcripts
from tests.transcripts import RUN, Script

DATA = re.compile(rb"^data: (\{.*)$", re.MULTILINE)
ID = re.compile(rb"^id: (\S+)$", re.MULTILINE)


def sent(encoder: Encoder, log: list[Logged]) -> list[bytes]:
    return [frame for entry in log for frame in encoder.encode(*entry)]


def values(frames: list[bytes]) -> list[dict[str, object]]:
    return [json.loads(found[1]) for each in frames if (found := DATA.search(each))]


def place(frame: bytes) -> tuple[int, int, int]:
    attempt, seq, number = ID.findall(frame)[-1].decode().split(".")[1:]
    return int(attempt), int(seq), int(number)


@pytest.mark.parametrize("is_tracked", [False, True])
@pytest.mark.parametrize("name", [each for each in transcripts.ALL if each != "taken_over"])
def test_after_a_cut_at_any_value_the_rest_completes_the_whole(name: str, is_tracked: bool) -> None:
    log = transcripts.ALL[name]()
    whole = sent(Encoder(RUN, is_tracked=is_tracked), log)
    assert whole[-1] == trpc.RETURN
    for k, last in enumerate(whole[:-1], 1):
        again = Encoder(RUN, is_tracked=is_tracked, after=place(last))
        assert whole[:k] + sent(again, log) == whole


def test_what_another_attempt_wrote_in_its_place_is_sent() -> None:
    log = transcripts.plain()
    whole = sent(Encoder(RUN), [Logged(2, seq, event) for _, seq, event in log])
    assert sent(Encoder(RUN, after=(1, 4, 0)), [Logged(2, seq, event) for _, seq, event in log]) == whole


@given(text=st.text())
def test_any_text_is_one_value_that_reads_back(text: str) -> None:
    text = text.encode(errors="ignore").decode()
    (frame,) = Encoder(RUN).encode(1, 1, ev.TextDelta(at=1.0, text=text))
    assert values([frame]) == [{"type": "delta", "content": text}]
    value, restore, end = frame.split(b"\n\n")
    assert value.endswith(b"\nid:") and restore.startswith(b"event: restore-id\ndata: \nid: ") and end == b""


BUILDS = [  # the call's result and what its tool makes; the status then, if any, and what the answer ends with
    ({"jobId": "job_1"}, "component", "building"),
    ({"jobId": "job_1", "status": "building"}, "component", "building"),
    ({"jobId": "job_1", "status": "pending"}, "component", "pending"),
    ({"jobId": "job_1"}, "", "success"),
    ({"jobId": "job_1", "status": "pending"}, "patch", "success"),
    ({"jobId": 1}, "component", "success"),
    ({}, "component", "success"),
]


@pytest.mark.parametrize(("result", "makes", "status"), BUILDS)
def test_a_build_has_a_status_and_is_what_the_answer_ends_with(result: object, makes: str, status: str) -> None:
    script = Script().begin().turn(1).reply(1, transcripts.LIST)
    script.add(ev.ToolCalled, call="call_2", name="build", arguments={})
    script.add(ev.ToolReturned, call="call_2", name="build", result=result, elapsed_ms=1, makes=makes)
    script.add(ev.TurnCompleted, turn=1)
    told = values(sent(Encoder(RUN), script.answer(2, "It builds.").end()))
    job = {} if status == "success" else {"jobId": "job_1"}
    assert ({"type": "status", "status": "building"} in told) == (status == "building")
    assert [each.get("jobId") for each in told if each["type"] == "tool_result"] == [job.get("jobId")]
    assert told[-1] == {"type": "finalized", "status": status, **job}


def test_a_value_takes_no_id_out_of_its_alphabet() -> None:
    for bad in ("a\nb", "", "ä", "a b"):
        with pytest.raises(ValueError, match="not an id"):
            trpc.value({}, id=bad, is_tracked=True)


def test_every_refusal_has_its_own_word_in_trpc() -> None:
    refusals = [each for each in RequestError.__subclasses__() if each.__module__ == "accounts.errors"]
    told = {each.status: trpc.error(each(), "a.b")["data"]["code"] for each in refusals if each.status != 410}
    assert told[QuotaExceeded.status] == "PAYMENT_REQUIRED"
    assert len(set(told.values())) == len(told) > 7

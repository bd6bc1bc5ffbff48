"""The fold, and the clean view: what late readers see of a run in which text was taken back."""

import time

import pytest

from agents import events as ev
from chat.eventlog.projection import Fold, fold
from chat.eventlog.rows import clean
from tests import transcripts


@pytest.mark.parametrize("name", transcripts.ALL)
def test_the_clean_view_folds_to_the_same_message_as_the_whole_log(name: str) -> None:
    log = transcripts.ALL[name]()
    whole = fold(each.event for each in log)
    cleaned = fold(each.event for each in clean(log, after=0))
    assert (whole.content, whole.parts) == (cleaned.content, cleaned.parts)


@pytest.mark.parametrize("name", transcripts.ALL)
def test_what_was_opened_is_closed_before_the_end(name: str) -> None:
    folded = fold(each.event for each in transcripts.ALL[name]())
    assert not folded.open_calls and not folded.open_agents and folded.terminal is not None


def test_content_is_all_text_of_the_agent_itself_and_parts_keep_the_order() -> None:
    folded = fold(each.event for each in transcripts.tool_call())
    assert folded.content == "Let me look. It says so."
    assert [each["type"] for each in folded.parts] == ["text", "tool_call", "tool_result", "text"]


def test_a_subagents_words_are_no_part_of_the_answer_but_its_tool_calls_are_shown() -> None:
    folded = fold(each.event for each in transcripts.subagent())
    assert folded.content == "I ask. b."
    assert [each["name"] for each in folded.parts if each["type"] == "tool_call"] == ["content", "list_files"]


@pytest.mark.parametrize("name", transcripts.ALL)
def test_the_newest_part_is_the_last_that_is_no_citation(name: str) -> None:
    folded = Fold()
    for each in transcripts.ALL[name]():
        folded.apply(each.event)
        numbers = [number for number, part in enumerate(folded.parts) if part["type"] != "citation"]
        assert folded.newest == max(numbers, default=-1)


def test_a_text_of_many_citations_is_folded_in_time() -> None:
    folded, begun = Fold(), time.process_time()
    folded.apply(ev.TurnStarted(at=1.0, turn=1, model="m"))
    for at in range(10_000):
        folded.apply(ev.TextDelta(at=1.0, text="[1]"))
        folded.apply(ev.CitationAdded(at=1.0, id=f"cite_{at}", n=1, offset=3 * at))
    assert time.process_time() - begun < 1.5  # about 0.1; where each delta looked through them all, about 4
    assert (folded.newest, folded.content) == (0, "[1]" * 10_000)


def test_reasoning_is_a_part_of_its_own() -> None:
    assert fold(each.event for each in transcripts.reasoning()).parts == [
        {"type": "reasoning", "text": "Let me think.", "elapsed_ms": 100},
        {"type": "text", "text": "42"},
    ]


def test_a_call_that_a_person_decided_on_says_who_and_how() -> None:
    parts = fold(each.event for each in transcripts.approved()).parts
    said = [(each["approval"]["decision"], each["approval"]["reason"]) for each in parts if "approval" in each]
    assert said == [("allowed", ""), ("denied", "No.")]


def test_a_call_that_wanted_something_says_what_was_answered() -> None:
    call, *_ = fold(each.event for each in transcripts.asked_by_a_form()).parts
    assert call["approval"]["decision"] == "allowed"
    assert [(each["decision"], each["input"]) for each in call["answers"]] == [("allowed", {"who": {"name": "Ada"}})]


def test_what_was_taken_back_is_not_said_but_stays_counted() -> None:
    folded = Fold(input_tokens=10)
    for each in transcripts.taken_over():
        folded.apply(each.event)
    assert folded.content == "First. Whole now."
    lost = [each for each in folded.usages if each.usage.status == "estimated"]
    assert [(each.attempt, each.turn, each.usage.output_tokens) for each in lost] == [(1, 2, 3)]
    assert folded.usage.status == "estimated"


def test_a_late_reader_sees_neither_the_taken_back_turn_nor_its_reset() -> None:
    shown = [each.event for each in clean(transcripts.taken_over(), after=0)]
    assert not any(isinstance(each, ev.TurnReset) for each in shown)
    assert "half " not in [each.text for each in shown if isinstance(each, ev.TextDelta)]


def test_a_reader_who_saw_the_taken_back_turn_begin_gets_its_reset() -> None:
    log = transcripts.taken_over()
    begun = next(each.seq for each in log if isinstance(each.event, ev.TextDelta) and each.event.text == "half ")
    rest = clean([each for each in log if each.seq > begun], after=begun)
    assert any(isinstance(each.event, ev.TurnReset) for each in rest)


def test_every_event_is_known_to_the_fold() -> None:
    class Unknown:
        agent = ""
        at = 1.0

    with pytest.raises(AssertionError, match="unreachable"):
        Fold().apply(Unknown())  # type: ignore[arg-type]

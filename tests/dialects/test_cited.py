"""Sources at the doors that have a word for them: the same in a stream and in what is stored."""

from agents import events as ev
from chat.doors.openai.completions.dialect import encoder as completions
from chat.doors.openai.responses.dialect import encoder as responses
from chat.doors.openai.responses.dialect import items
from chat.doors.ui_message import dialect as ui_message
from chat.eventlog import Logged
from chat.eventlog.projection import fold
from tests import transcripts

LOG = transcripts.cited()


def test_the_whole_completion_names_sources_with_an_address() -> None:
    encoder = completions.Encoder(transcripts.RUN)
    for attempt, seq, event in LOG:
        encoder.encode(attempt, seq, event)
    message = encoder.completion()["choices"][0]["message"]
    (annotation,) = message["annotations"]
    assert annotation["type"] == "url_citation"
    told = annotation["url_citation"]
    assert (told["url"], told["title"]) == ("https://example.com/prices", "Prices")
    assert message["content"][told["start_index"] : told["end_index"]] == "[2]"


def test_a_response_that_was_streamed_has_the_items_that_are_stored() -> None:
    encoder = responses.Encoder(transcripts.RUN)
    for attempt, seq, event in LOG:
        encoder.encode(attempt, seq, event)
    whole = fold(each.event for each in LOG)
    row = {"pk": transcripts.RUN.message, "role": "assistant", "status": "completed", "content": whole.content}
    stored = items.items_of({**row, "parts": whole.parts, "attachments": []})
    assert encoder.resource()["output"] == stored
    (part,) = stored[-1]["content"]
    places = [each.get("index", each.get("start_index")) for each in part["annotations"]]
    assert [part["text"][at : at + 3] for at in places] == ["[1]", "[2]", "[1]"]
    assert stored[0]["content"][0]["annotations"] == []


def test_a_source_whose_text_is_closed_by_then_is_in_what_is_stored_alone() -> None:
    """A mark that was held back until its text was over: thoughts have begun."""
    thought = ev.ReasoningDelta(at=1.0, text="hm")
    late = next(each.event for each in LOG if isinstance(each.event, ev.CitationAdded))
    at = next(number for number, each in enumerate(LOG) if isinstance(each.event, ev.CitationAdded))
    log = [*LOG[:at], Logged(1, 0, thought), Logged(1, 0, late), *LOG[-3:]]
    encoder = responses.Encoder(transcripts.RUN)
    for attempt, seq, event in log:
        encoder.encode(attempt, seq, event)
    assert encoder.resource()["output"][-1]["content"][0]["annotations"] == []
    parts = fold(each.event for each in log).parts
    row = {"pk": transcripts.RUN.message, "role": "assistant", "status": "completed", "content": "", "attachments": []}
    assert len(items.items_of({**row, "parts": parts})[-1]["content"][0]["annotations"]) == 1


def test_each_source_is_one_part_of_the_ui_message() -> None:
    encoder = ui_message.Encoder(transcripts.RUN)
    frames = b"".join(frame for attempt, seq, event in LOG for frame in encoder.encode(attempt, seq, event))
    assert (frames.count(b'"source-document"'), frames.count(b'"source-url"')) == (1, 1)


def test_a_text_goes_on_behind_a_citation_and_what_is_taken_back_takes_its_citations_along() -> None:
    whole = fold(each.event for each in LOG)
    assert [part["type"] for part in whole.parts] == [
        *("text", "tool_call", "tool_result", "text"), *["citation"] * 3,
    ]  # fmt: skip
    for part in whole.parts:
        if part["type"] == "citation":
            assert whole.content[part["at"] :].startswith(f"[{part['n']}]")
    end = next(n for n, each in enumerate(LOG) if isinstance(each.event, ev.CitationAdded)) + 1
    reset = [each.event for each in LOG[:end]] + [ev.TurnReset(at=9.0, turn=2, reason="taken_over")]
    assert [part["type"] for part in fold(reset).parts] == ["text", "tool_call", "tool_result"]

"""Spans of logs: golden files for every transcript, and what holds for those of released versions too."""

import json
import pathlib
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

import pytest
from msgspec import structs
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from agents import events as ev
from agents.events import AnyEvent
from agents.usage import Usage
from chat.ops.tracing.spans import Traced, spans_of
from tests import transcripts
from tests.engine.record import FOLDER as RECORDED

GOLDEN = pathlib.Path(__file__).parent / "golden"
TRACED = Traced(UUID(transcripts.RUN.run), "answer", "native", "55555555-5555-4555-8555-555555555555", "", 0.5)
SECRET = "what somebody said"
ELSEWHERE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def log(name: str) -> list[AnyEvent]:
    return [each.event for each in transcripts.ALL[name]()]


def made(events: Iterable[AnyEvent], run: Traced = TRACED) -> list[ReadableSpan]:
    return spans_of(run, events, lambda model: ("xai", "api.example"), Resource({}))


def told(spans: list[ReadableSpan]) -> str:
    """Spans as JSON, without what says nothing or is the same in all."""
    found = [json.loads(each.to_json()) for each in spans]
    shown = [{name: value for name, value in each.items() if value and name != "resource"} for each in found]
    return json.dumps(shown, indent=1) + "\n"


def by_name(spans: list[ReadableSpan]) -> dict[str, ReadableSpan]:
    return {each.name: each for each in spans}


@pytest.mark.parametrize("name", transcripts.ALL)
def test_the_spans_are_the_golden_ones(name: str, pytestconfig: pytest.Config) -> None:
    path, spans = GOLDEN / f"{name}.json", told(made(log(name)))
    if pytestconfig.getoption("--write-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(spans)
    assert spans == path.read_text()


@pytest.mark.parametrize("version", sorted(path.stem for path in RECORDED.glob("*.json")))
def test_logs_of_released_versions_have_spans_too(version: str) -> None:
    for name, stored in json.loads((RECORDED / f"{version}.json").read_text()).items():
        events = [event for _, _, rows in stored["rows"] for event in ev.load(rows)]
        spans = made(events)
        assert check(spans) and len(spans) > 1, name


def check(spans: list[ReadableSpan]) -> bool:
    """One tree, whose first span is the run and holds all others, each id once."""
    root, *rest = spans
    ids = {each.context.span_id for each in spans}
    assert len(ids) == len(spans) and root.parent is None
    for each in rest:
        assert each.parent is not None and each.parent.span_id in ids
        assert each.context.trace_id == root.context.trace_id
        assert root.start_time <= each.start_time <= each.end_time <= root.end_time
    return True


@pytest.mark.parametrize("name", transcripts.ALL)
def test_a_log_that_breaks_off_anywhere_is_a_tree_once_it_ends(name: str) -> None:
    events = log(name)
    for length in range(2, len(events)):
        cut = [each for each in events[:length] if not isinstance(each, ev.Terminal)]
        end = ev.RunFailed(at=cut[-1].at + 1, code="poison", message=SECRET, retryable=False, usage=Usage())
        spans = made([*cut, end])
        assert check(spans) and spans[0].status.status_code is StatusCode.ERROR


def test_nothing_that_was_said_is_in_a_span() -> None:
    """Every text of every event is another word; no span has it."""
    for name in transcripts.ALL:
        events = [_with_words(event) for event in log(name)]
        assert SECRET not in told(made(events)), name


def _with_words(event: AnyEvent) -> AnyEvent:
    if isinstance(event, ev.ToolFailed):
        event = structs.replace(event, name=SECRET)  # a model may have made it up
    texts = {"text", "message", "error", "title", "task", "quote", "result", "arguments", "output_error", "path", "url"}
    if isinstance(event, ev.RunQueued | ev.MessageSaved):
        return event  # whose message is an id
    return structs.replace(event, **dict.fromkeys(texts & set(event.__struct_fields__), SECRET))


def test_a_run_is_a_trace_of_its_own_or_a_part_of_its_caller_s() -> None:
    own, *_ = made(log("plain"))
    assert own.context.trace_id == UUID(transcripts.RUN.run).int and own.parent is None
    part, *_ = made(log("plain"), replace(TRACED, traceparent=ELSEWHERE))
    assert f"{part.context.trace_id:032x}" == ELSEWHERE.split("-")[1]
    assert part.parent is not None and f"{part.parent.span_id:016x}" == ELSEWHERE.split("-")[2]
    assert part.context.span_id == own.context.span_id
    assert made(log("plain"), replace(TRACED, traceparent=ELSEWHERE[:-1] + "0")) == []  # its caller wants none


def test_what_failed_says_why() -> None:
    spans = by_name(made(log("failed")))
    run, turn = spans["invoke_agent generalist"], spans["chat m"]
    for each in (run, turn):
        assert each.status.status_code is StatusCode.ERROR
        assert each.attributes["error.type"] == "upstream_interrupted"
    stopped = by_name(made(log("cancelled")))["invoke_agent generalist"]
    assert stopped.status.status_code is StatusCode.UNSET and stopped.attributes["parley.run.status"] == "cancelled"


def test_a_takeover_keeps_its_trace() -> None:
    spans = made(log("taken_over"))
    assert [each.attributes["parley.attempt"] for each in spans[0].events] == [1, 2]
    taken_back = [each for each in spans if each.attributes.get("error.type") == "taken_over"]
    assert len(taken_back) == 1 and taken_back[0].name == "chat m"

"""Ratings as events of evaluations: on the run's span, its trace's, and nothing but the rating."""

from dataclasses import replace
from uuid import uuid4

from opentelemetry.sdk.resources import Resource

from chat.feedback.saying import Given
from chat.ops.tracing.evaluations import result_of
from tests.traces.test_spans import ELSEWHERE, TRACED, log, made

GIVEN = Given(uuid4(), "down", 1_700_000_000.5)


def test_it_is_on_the_first_span_of_its_run() -> None:
    for run in (TRACED, replace(TRACED, traceparent=ELSEWHERE)):
        [result] = result_of(GIVEN, run, Resource({}))
        root, *_ = made(log("plain"), run)
        told = result.log_record
        assert (told.trace_id, told.span_id) == (root.context.trace_id, root.context.span_id)
        assert told.event_name == "gen_ai.evaluation.result" and told.timestamp == 1_700_000_000_500_000_000
        assert told.body is None and told.attributes == {
            "gen_ai.evaluation.name": "feedback",
            "gen_ai.evaluation.score.label": "down",
            "gen_ai.evaluation.score.value": 0.0,
            "parley.run.id": str(run.id),
        }


def test_there_is_none_without_a_trace_or_a_rating() -> None:
    assert result_of(GIVEN, replace(TRACED, traceparent=ELSEWHERE[:-1] + "0"), Resource({})) == []
    assert result_of(GIVEN._replace(rating=""), TRACED, Resource({})) == []

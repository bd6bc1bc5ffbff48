"""What a person says an answer is worth, as OpenTelemetry's event of an evaluation, on the span of its run. Pure.

The rating alone: neither reasons nor words, nor whose it is.
"""

from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, set_span_in_context

from chat.feedback.saying import Given
from chat.ops.tracing import names
from chat.ops.tracing.spans import SCOPE, Traced, context_of, ns

NAME = "feedback"
SCORES = {"up": 1.0, "down": 0.0}


def result_of(given: Given, run: Traced, resource: Resource) -> list[ReadableLogRecord]:
    """The event; none where whoever asked for the run wants no trace, or nothing is rated."""
    context, _ = context_of(run)
    if not context.trace_flags.sampled or given.rating not in SCORES:
        return []
    told: dict[str, Any] = {names.EVALUATION_NAME: NAME, names.SCORE_LABEL: given.rating}
    told |= {names.SCORE_VALUE: SCORES[given.rating], names.RUN: str(run.id)}
    record = LogRecord(
        timestamp=ns(given.at),
        observed_timestamp=ns(given.at),
        context=set_span_in_context(NonRecordingSpan(context), Context()),
        attributes=told,
        event_name=names.EVALUATION,
    )
    return [ReadableLogRecord(record, resource, SCOPE)]

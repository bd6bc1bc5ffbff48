"""A trace of each run, for a collector: made from its log when it is over, beside all else. docs/tracing.md.

Nothing is measured for it while the run goes on: its events have their times. So a run that another process went on
with is one trace, and a collector that hangs holds up nobody.
"""

from django.conf import settings


def begin() -> None:
    """From now on make a trace of each run that ends here, if there is a collector. Without one, nothing is loaded."""
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        from chat.ops.tracing import running

        running.begin()

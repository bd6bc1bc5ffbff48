"""What /api/metrics tells of the installation as it is now: chat.metering.gauges asks these, at most every few seconds.

Each is a query by an index, or none. A feature's own are told where the feature is.
"""

from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from accounts.audit import sealing
from chat.eventlog.committer import committer
from chat.metering import limits
from chat.metering.gauges import Sample, of_installation, of_process
from chat.models import OPEN, Chore, Run
from chat.ops import consistency
from chat.runner import lease, runner


def tell() -> None:
    """From now on tell all of these."""
    of_process("parley_runs_here", "Runs that the process executes.", lambda: len(runner.executions))
    of_process("parley_open_sockets", "WebSockets that are open.", _sockets)
    of_process("parley_commit_lag_seconds", "How long the commit under way has been tried.", committer.lag_s)
    of_installation("parley_runs_open", "Runs that are not over.", _open_runs)
    of_installation("parley_queue_age_seconds", "How long a run has waited for a process to take it.", _queue_age)
    of_installation("parley_open_streams_limit", "How many one person may have; 0: no limit.", _streams_limit)
    of_installation("parley_open_sockets_limit", "How many one person may have; 0: no limit.", _sockets_limit)
    of_installation("parley_audit_unsealed", "Audit entries that have no place in their chain yet.", _unsealed)
    of_installation("parley_chore_age_seconds", "Since the chore ended the last time.", _chore_ages)
    of_installation("parley_chore_failed", "1 where the chore failed the last time.", _chore_faults)
    of_installation("parley_consistency_faults", "What did not agree with itself, the last time.", _faults)
    of_installation("parley_consistency_checked_seconds", "Since it was looked whether what is stored does.", _checked)


def _sockets() -> int:
    return sum(list(limits.sockets.here.values()))  # a copy, taken at once: the loop changes it meanwhile


def _open_runs() -> Iterator[Sample]:
    counts = dict(Run.objects.filter(status__in=OPEN).order_by().values_list("status").annotate(Count("pk")))
    for status in OPEN:
        yield {"status": str(status)}, counts.get(status.value, 0)


def _queue_age() -> Iterator[Sample]:
    yield {}, lease.oldest_unclaimed_s()


def _streams_limit() -> Iterator[Sample]:
    yield {}, settings.CHAT_STREAMS_PER_USER


def _sockets_limit() -> Iterator[Sample]:
    yield {}, settings.CHAT_SOCKETS_PER_USER


def _unsealed() -> Iterator[Sample]:
    yield {}, sealing.unsealed()


def _chore_ages() -> Iterator[Sample]:
    for name, ended_at in Chore.objects.values_list("name", "ended_at"):
        if ended_at is not None:
            yield {"chore": name}, (timezone.now() - ended_at).total_seconds()


def _chore_faults() -> Iterator[Sample]:
    for name, error in Chore.objects.values_list("name", "error"):
        yield {"chore": name}, bool(error)


def _faults() -> Iterator[Sample]:
    if found := consistency.last():
        yield {}, found.faults


def _checked() -> Iterator[Sample]:
    if found := consistency.last():
        yield {}, (timezone.now() - found.at).total_seconds()

"""Which processes are up: each says so in a row of its own, for the people who look after them. Sync.

Leases alone say who may execute a run. But work of a kind is begun only where all processes that are up know it.
"""

import os
import socket
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from chat.bus.bell import PROCESS
from chat.metering import gauges
from chat.models import Process
from chat.runner.lease import clock

EVERY_S = 10.0
GONE_S = 25.0  # after that a process that has said nothing is not up: two heartbeats did not come
FORGOTTEN_AFTER = timedelta(days=1)  # a process that died without leaving is shown so long
STARTED_AT = timezone.now()
HOST = socket.gethostname()[:200]


def say_here(takes_runs: bool, kinds: str) -> None:
    """Renew this process's row: whether it executes runs, and of which kinds; and what its gauges say.

    A new one also forgets those that died long ago.
    """
    now = clock()
    gauges.info.labels(HOST, str(os.getpid()), settings.PARLEY_VERSION).set(1)
    told = {"seen_at": now, "takes_runs": takes_runs, "kinds": kinds, "gauges": gauges.here()}
    if not Process.objects.filter(pk=PROCESS).update(**told):
        Process.objects.filter(seen_at__lt=now - FORGOTTEN_AFTER).delete()
        Process.objects.create(
            pk=PROCESS,
            host=HOST,
            pid=os.getpid(),
            started_at=STARTED_AT,
            **told,
        )


def tell_gauges() -> None:
    """Say in this process's row what its gauges say now; nothing where it has none yet."""
    Process.objects.filter(pk=PROCESS).update(gauges=gauges.here())


def of_all() -> list[tuple[str, str]]:
    """The processes that are up: a short name of each, and what its gauges say."""
    up = Process.objects.filter(seen_at__gte=clock() - timedelta(seconds=GONE_S))
    return [(str(id)[:8], told) for id, told in up.values_list("pk", "gauges")]


def leave() -> None:
    """This process ends as it should: its row goes with it."""
    Process.objects.filter(pk=PROCESS).delete()

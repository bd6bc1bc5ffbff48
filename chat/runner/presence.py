"""Which processes are up: each says so in a row of its own, for the people who look after them. Sync.

Leases alone say who may execute a run. But work of a kind is begun only where all processes that are up know it.
"""

import os
import socket
from datetime import timedelta

from django.utils import timezone

from chat.bus.bell import PROCESS
from chat.models import Process
from chat.runner.lease import clock

EVERY_S = 10.0
FORGOTTEN_AFTER = timedelta(days=1)  # a process that died without leaving is shown so long
STARTED_AT = timezone.now()


def say_here(takes_runs: bool, kinds: str) -> None:
    """Renew this process's row: whether it executes runs, and of which kinds.

    A new one also forgets those that died long ago.
    """
    now = clock()
    if not Process.objects.filter(pk=PROCESS).update(seen_at=now, takes_runs=takes_runs, kinds=kinds):
        Process.objects.filter(seen_at__lt=now - FORGOTTEN_AFTER).delete()
        Process.objects.create(
            pk=PROCESS,
            host=socket.gethostname()[:200],
            pid=os.getpid(),
            takes_runs=takes_runs,
            kinds=kinds,
            started_at=STARTED_AT,
            seen_at=now,
        )


def leave() -> None:
    """This process ends as it should: its row goes with it."""
    Process.objects.filter(pk=PROCESS).delete()

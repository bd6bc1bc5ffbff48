"""What this process holds, said on request: `kill -USR1 PID` writes one line to its log. To find what leaks."""

import asyncio
import json
import logging
import os
import pathlib
import signal
import threading
from typing import Any

from chat.bus.bell import PROCESS
from chat.eventlog import hub
from chat.runner import runner

log = logging.getLogger(__name__)
OPEN_FILES = pathlib.Path("/proc/self/fd")  # Linux


def holdings() -> dict[str, Any]:
    """Numbers of the process: asyncio tasks, runs, readers, feeds, threads, open files."""
    return {
        "process": str(PROCESS),
        "pid": os.getpid(),
        "tasks": len(asyncio.all_tasks()),
        "runs": len(runner.executions),
        "readers": sum(len(feed.bells) for feed in hub.feeds.values()),
        "feeds": len(hub.feeds),
        "threads": threading.active_count(),
        "files": len(list(OPEN_FILES.iterdir())) if OPEN_FILES.is_dir() else None,
    }


def tell_on_signal() -> None:
    """Write the holdings to the log at each SIGUSR1. Call it on the loop that serves."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _tell)


def _tell() -> None:
    log.warning("holds %s", json.dumps(holdings()))

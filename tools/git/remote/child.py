"""The child: takes one repository in, says how far it is, ends.

`python -m tools.git.remote.child`, with a Job as JSON on its standard input. What it writes are lines of JSON:
`{"text", "done", "total"}` while it works, then one of `{"branch", "commit", "files"}` and `{"code", "message"}`.
Started by tools.git.remote.process. No Django, no settings, no network but the proxy that the job names.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

import pygit2
from pygit2.enums import ConfigLevel

from tools.errors import RemoteError
from tools.git.remote import fetching, unpacking
from tools.git.remote.job import Job, Tell

PR_SET_PDEATHSIG = 1  # Linux
OPEN_FILES = 256
WORK: dict[str, Callable[[Job, Tell], dict[str, Any]]] = {
    "clone": fetching.clone,
    "fetch": fetching.fetch,
    "unpack": unpacking.unpack,
}


def main() -> None:
    """Do the job of the first line. What is wrong with what came is told; anything else ends it with a status."""
    job = Job(**json.loads(sys.stdin.readline()))
    _bound(job)
    _use_no_configuration_of_this_machine()
    try:
        _tell(WORK[job.does](job, _tell))
    except RemoteError as error:
        _tell({"code": error.code, "message": str(error)})


def _tell(said: dict[str, Any]) -> None:
    print(json.dumps(said), flush=True)


def _bound(job: Job) -> None:
    """For good, and not beyond the life of whoever started it."""
    bounds = {
        resource.RLIMIT_AS: job.memory_bytes,
        resource.RLIMIT_FSIZE: job.disk_bytes,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
    }
    for each, bound in bounds.items():
        resource.setrlimit(each, (bound, bound))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python passes it over
    signal.alarm(job.timeout_s)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != job.parent:
        sys.exit(1)


def _use_no_configuration_of_this_machine() -> None:
    pygit2.settings.enable_fsync_gitdir(True)
    for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        pygit2.settings.search_path[level] = ""


if __name__ == "__main__":
    main()

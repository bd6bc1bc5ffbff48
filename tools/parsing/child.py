"""The child: reads one file from its standard input, writes one JSON value and perhaps bytes behind it, ends.

`python -m tools.parsing.child MODULE:FUNCTION MEMORY_BYTES CPU_S TIMEOUT_S OUTPUT_BYTES`.
Started by tools.parsing.process.
"""

import json
import resource
import signal
import sys
from importlib import import_module

from tools.parsing.refusing import STATUS, Refused

OPEN_FILES = 32


def limit(*, memory_bytes: int, cpu_s: int, timeout_s: int, output_bytes: int) -> None:
    """Bound this process for good. What it writes goes to a file, so the size of files bounds that too."""
    bounds = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: output_bytes,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
    }
    for each, bound in bounds.items():
        resource.setrlimit(each, (bound, bound))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))  # first SIGXCPU, which says why
    signal.alarm(timeout_s)  # should nobody be left who ends it


def main() -> None:
    """Parse what comes. Any error ends the process with a status, and without a word but what a parser refuses with."""
    parser, *bounds = sys.argv[1:]
    memory_bytes, cpu_s, timeout_s, output_bytes = map(int, bounds)
    limit(memory_bytes=memory_bytes, cpu_s=cpu_s, timeout_s=timeout_s, output_bytes=output_bytes)
    module, _, function = parser.partition(":")
    try:
        found, status = getattr(import_module(module), function)(sys.stdin.buffer.read()), 0
    except Refused as refused:
        found, status = str(refused), STATUS
    value, data = found if isinstance(found, tuple) else (found, b"")
    # As it is, and not with six letters for each that is not of English: what is written has a bound.
    told = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    sys.stdout.buffer.write(told + (b"\n" + data if data else b""))
    sys.exit(status)


if __name__ == "__main__":
    main()

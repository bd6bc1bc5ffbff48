"""The kinds of runs, one module each. Of all of them the lease, the log, the stop and the takeover are the same.

To add one: a module with its KIND, and a line here. A process leaves alone what it has no driver for.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from chat.runner.kinds import answer, build, clone, compaction, discover, index, replay, summary, title
from chat.runner.kinds.base import Kind, Work
from chat.runner.older import EARLIER, FIELDS

__all__ = ["DRIVERS", "Kind", "Work", "also", "known"]

KINDS = (
    *(answer.KIND, build.KIND, clone.KIND, compaction.KIND),
    *(discover.KIND, index.KIND, replay.KIND, summary.KIND, title.KIND),
)
DRIVERS: dict[str, Kind] = {each.name: each for each in KINDS}


@contextmanager
def also(kind: Kind) -> Iterator[None]:
    """One more kind for as long as the block runs: for tests, and for processes that chaos starts."""
    DRIVERS[kind.name] = kind
    try:
        yield
    finally:
        del DRIVERS[kind.name]


def known() -> str:
    """The names of all kinds, as a process's row tells them; and that it reads the newest fields of events."""
    return f" {' '.join((*DRIVERS, *EARLIER, FIELDS))} "

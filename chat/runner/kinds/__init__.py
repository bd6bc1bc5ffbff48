"""The kinds of runs, one module each. Of all of them the lease, the log, the stop and the takeover are the same.

To add one: a module with its KIND, and a line here. A process leaves alone what it has no driver for.
"""

from chat.runner.kinds import answer, summary, title
from chat.runner.kinds.base import Kind, Work

__all__ = ["DRIVERS", "Kind", "Work", "known"]

DRIVERS: dict[str, Kind] = {each.name: each for each in (answer.KIND, title.KIND, summary.KIND)}


def known() -> str:
    """The names of all kinds, as a process's row tells them."""
    return f" {' '.join(DRIVERS)} "

"""What tools need of a room above: functions that it hands down when the process begins, since tools import none of it.

The tool that needs one makes a slot for it; `chat/apps.py` fills it. A slot that nobody has filled is a ToolError.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar
from uuid import UUID

from tools.base import ToolContext
from tools.errors import ToolError

P = ParamSpec("P")
R = TypeVar("R")


class HandedDown(Generic[P, R]):
    """A slot for one function; calling the slot calls it."""

    def __init__(self, name: str) -> None:
        self.name = name  # what it does, in words
        self._function: Callable[P, R] | None = None

    def fill(self, function: Callable[P, R]) -> None:
        """From now on it is this one. Once in a process."""
        self._function = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if self._function is None:
            raise ToolError(f"Nothing here can {self.name}.")
        return self._function(*args, **kwargs)


@dataclass(frozen=True)
class Begun:
    """Work that a call has begun, or had begun when it was made before."""

    run_id: UUID
    waits: bool  # for room: it is queued


# (for whom and where, the kind of run, what is asked of it). Sync. The same call begins one run however often it is
# made. Raises ToolError.
begin_work: HandedDown[[ToolContext, str, dict[str, Any]], Begun] = HandedDown("begin work")

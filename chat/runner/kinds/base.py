"""What a kind of run is: how its work is read from its rows, what that work does, and what is written when it ends."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from accounts.permissions import Permission, Permissions
from agents.events import AnyEvent
from chat.eventlog.projection import Fold
from chat.models import Run
from chat.models.facts import RunFacts


class Work(Protocol):
    """What one run has to do, from where its log stands."""

    @property
    def timeout_s(self) -> float:
        """How long it may be at work, over all attempts."""
        ...

    @property
    def input_tokens(self) -> int:
        """How much a model is given to read, about; 0 where there is none."""
        ...

    @property
    def read_from(self) -> UUID | None:
        """The first message that it is given, where older ones of the chat were left out."""
        ...

    @property
    def reason(self) -> str:
        """Once it is driven to its end: why it ended."""
        ...

    @property
    def result(self) -> Any:
        """The same: what it has come to, as JSON; None for an answer, which is its message."""
        ...

    def goes_on_from(self, fold: Fold) -> None:
        """The log so far. Called once, before anything else."""

    def taken_back(self, at: float) -> list[AnyEvent]:
        """What another attempt left half-said is taken back by these events."""
        ...

    def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        """Yield what happens. What must be stored before it goes on is the last of a list."""
        ...


class Broken:
    """Work that could not be read from its rows: it fails as soon as it is driven."""

    timeout_s = 60.0
    input_tokens = 0
    read_from: UUID | None = None
    reason = ""
    result: Any = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def goes_on_from(self, fold: Fold) -> None:
        """It goes nowhere."""

    def taken_back(self, at: float) -> list[AnyEvent]:
        """Nothing: its log is left as it is."""
        return []

    async def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        """Raise what went wrong."""
        for nothing in list[list[AnyEvent]]():
            yield nothing
        raise self.error


Load = Callable[[Run, list[AnyEvent], Permissions], Work]
End = Callable[[RunFacts, Fold], None]
Found = Callable[[RunFacts], Any]


@dataclass(frozen=True)
class Kind:
    """One kind of run. Loading and ending are sync; the end is part of the transaction that ends the run."""

    name: str
    load: Load  # from its row, its log, and what its person may do where it works
    end: End  # writes what the run has come to
    asks_model: bool = True  # tokens are reserved for it
    needs: Permission = "write"  # of the person it acts for, asked again whenever it is claimed
    # What the run has come to already, though nobody has said so: asked before one is refused that another attempt was
    # at. Sync; None: nothing.
    found: Found | None = None

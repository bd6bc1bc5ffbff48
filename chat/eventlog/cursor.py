"""A reader's place in a run's log, as it travels on the wire: `run.attempt.seq`, or `run.attempt.seq.frame`."""

import re
from dataclasses import dataclass
from uuid import UUID

from accounts.errors import Invalid

_WIRE = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,3}))?", re.ASCII
)
MAX_CHARS = 80


@dataclass(frozen=True)
class Cursor:
    """The last thing a reader has seen: this frame of this event, as written by this attempt."""

    run: UUID
    attempt: int
    seq: int
    frame: int | None = None  # None: the whole event

    def __str__(self) -> str:
        whole = f"{self.run}.{self.attempt}.{self.seq}"
        return whole if self.frame is None else f"{whole}.{self.frame}"


def parse(text: str) -> Cursor:
    """The cursor that a Last-Event-ID or `after` holds. Raises Invalid where it is not one."""
    match = _WIRE.fullmatch(text) if len(text) <= MAX_CHARS else None
    if match is None:
        raise Invalid("The cursor is not valid.", fields={"after": ["Send the id of the last event you have seen."]})
    run, attempt, seq, frame = match.groups()
    return Cursor(UUID(run), int(attempt), int(seq), None if frame is None else int(frame))

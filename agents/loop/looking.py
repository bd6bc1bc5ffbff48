"""What a run is given of the files that its tools gave back: read by whoever keeps them. No Django."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from agents.events import Attached
from agents.messages import Image


@dataclass(frozen=True)
class Looked:
    """The pictures, and a line on each that cannot be had now."""

    images: tuple[Image, ...] = ()
    told: tuple[str, ...] = ()


Look = Callable[[Sequence[Attached]], Awaitable[Looked]]


async def nothing(files: Sequence[Attached]) -> Looked:
    """Of a run whose files nobody keeps: what there was."""
    return Looked(told=tuple(f"[{each.type}: {each.name or 'without a name'}, not shown here]" for each in files))


@dataclass(frozen=True)
class Most:
    """How much one request holds of pictures that came within messages and results."""

    images: int = 10
    bytes: int = 20_000_000

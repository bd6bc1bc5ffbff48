"""One measurement: so many streams of one system, and what they and its processes show."""

import asyncio
from dataclasses import asdict, dataclass

from tests.bench import load
from tests.bench.load import Heard, Wish
from tests.bench.processes import Use, used
from tests.bench.systems import System


@dataclass(frozen=True)
class Figures:
    """Times in milliseconds; CPU in milliseconds for 1,000 chunks."""

    chunks: int
    cpu_ms: float
    chunks_per_s: float
    first_p50: float  # from the request to the first chunk's arrival
    first_p99: float
    late_p50: float  # from the provider's writing of a chunk to its arrival
    late_p99: float
    bytes_per_chunk: float
    whole: int  # streams whose chunks came once and in order
    asked: int
    kept: int  # answers that are stored whole; 0 of 0 where nothing is stored
    keepable: int


@dataclass(frozen=True)
class Shape:
    """How a system is asked."""

    streams: int
    wish: Wish
    rounds: int = 1
    spread_s: float = 0.0


PACED = Shape(50, Wish(100, 20), rounds=2, spread_s=1.0)
PACKED = Shape(50, Wish(100, 20), spread_s=1.0)
SATURATED = Shape(50, Wish(1000))
# The plain view takes a second for what the copy does in a twentieth of one.
SATURATED_SLOW = Shape(50, Wish(100))
WARM = Shape(5, Wish(20, 1), rounds=2)


async def measure(system: System, shape: Shape) -> Figures:
    """Ask, read everything, and look into the store."""
    await system.prepare(shape.streams)
    before = used(system.pids)
    heard = await load.streams(
        lambda stream, turn: system.ask(stream, shape.wish),
        shape.streams,
        rounds=shape.rounds,
        spread_s=shape.spread_s,
    )
    await asyncio.sleep(0.1)  # the ends of the last runs count too
    spent_s = used(system.pids).cpu_s - before.cpu_s
    kept, keepable = await system.kept(shape.wish)
    return _figures(heard, shape, spent_s, kept, keepable)


def _figures(heard: list[Heard], shape: Shape, spent_s: float, kept: int, keepable: int) -> Figures:
    chunks = sum(len(each.numbers) for each in heard)
    if not chunks:
        raise RuntimeError(f"nothing came: {heard[0].status} {heard[0].fault}")
    spent_ns = max(each.last_at for each in heard) - min(each.asked_at for each in heard)
    first = [each.first_at - each.asked_at for each in heard if each.first_at]
    late = [each for one in heard for each in one.late]
    return Figures(
        chunks,
        spent_s * 1e6 / chunks,
        chunks / (spent_ns / 1e9),
        *(percentile(first, share) / 1e6 for share in (0.5, 0.99)),
        *(percentile(late, share) / 1e6 for share in (0.5, 0.99)),
        sum(each.size for each in heard) / chunks,
        sum(each.is_whole(shape.wish.chunks) for each in heard),
        len(heard),
        kept,
        keepable,
    )


async def held(system: System, streams: int) -> tuple[Use, Figures]:
    """What the system's processes hold while so many streams are open, a chunk a second each; and how they did."""
    spread_s = max(1.0, streams / 80)
    chunks = int(spread_s) + 4
    await system.prepare(streams)
    before = used(system.pids)
    seen: list[Use] = []
    heard = await load.streams(
        lambda stream, turn: system.ask(stream, Wish(chunks, 1000)),
        streams,
        spread_s=spread_s,
        meanwhile=[(spread_s + 1.5, lambda: seen.append(used(system.pids)))],
    )
    spent_s = used(system.pids).cpu_s - before.cpu_s
    kept, keepable = await system.kept(Wish(chunks, 1000))
    return seen[0], _figures(heard, Shape(streams, Wish(chunks, 1000)), spent_s, kept, keepable)


def percentile(values: list[int], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def as_dict(figures: Figures) -> dict[str, float]:
    """For JSON, to four digits behind the point."""
    return {name: round(value, 4) for name, value in asdict(figures).items()}

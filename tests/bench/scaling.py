"""The loads of `make bench BENCH_ARGS=scale`, and what each of them costs one run, one stream and one reader."""

import asyncio
import time
from dataclasses import dataclass, field

from tests.bench import load
from tests.bench.counts import SETTLES_S, Counts, Statements, connected, each, rate
from tests.bench.deployment import Deployment
from tests.bench.load import Heard, Wish
from tests.bench.processes import Use, used

SILENT_S = 8  # so long streams are open and nothing is said
CALM_S = 6  # after the last of them was opened: what a start leaves to chores is done
SPREAD = 60  # streams that are opened in a second


@dataclass(frozen=True)
class Load:
    """So many streams at once, each asking so often in turn."""

    name: str
    streams: int
    rounds: int
    wish: Wish

    @property
    def runs(self) -> int:
        """All of them."""
        return self.streams * self.rounds


SHORT = Load("5 chunks", 64, 8, Wish(5, 0, 0))
LONG = Load("100 chunks", 32, 4, Wish(100, 0, 0))
PACED = Load("100 chunks, one each 20 ms", 50, 2, Wish(100, 20))
FEW_SHORT, FEW_PACED = Load(SHORT.name, 8, 5, SHORT.wish), Load(PACED.name, 8, 2, PACED.wish)


@dataclass(frozen=True)
class Measured:
    """A load on a deployment: runs a second by the clock, and what one run cost each part."""

    shape: str
    load: str
    is_shared: bool  # databases, provider and readers had to use the servers' cores
    runs: int
    runs_per_s: float
    each: Counts


@dataclass(frozen=True)
class Rest:
    """A deployment that is asked nothing: what a second costs, what a process of each kind holds."""

    shape: str
    a_second: Counts
    memory_mb: dict[str, float]
    connections: dict[str, float]


@dataclass(frozen=True)
class Open:
    """So many open streams of a deployment, on which nothing is said."""

    shape: str
    streams: int
    a_second: Counts
    memory_mb: dict[str, float]
    connections: dict[str, float]


@dataclass(frozen=True)
class Read:
    """One run that so many read, where it is executed or at another process: what one chunk costs."""

    where: str
    readers: int
    a_chunk: Counts


@dataclass
class Figures:
    """All of it."""

    loads: list[Measured] = field(default_factory=list)
    rest: list[Rest] = field(default_factory=list)
    held: list[Open] = field(default_factory=list)
    read: list[Read] = field(default_factory=list)
    statements: dict[str, float] = field(default_factory=dict)  # of a run, by shape and load
    peak: dict[str, dict[str, float]] = field(default_factory=dict)  # connections of a process at load, by shape
    kept_bytes: float = 0.0  # of a run of 100 chunks, once its log is compacted


async def prepare(deployment: Deployment, streams: int) -> None:
    """Make the chats, each at the web process that is asked for it."""
    webs = deployment.webs
    for number, web in enumerate(webs):
        await web.prepare(len(range(number, streams, len(webs))))


async def ask(deployment: Deployment, asked: Load, *, peak: dict[str, float] | None = None) -> tuple[int, float]:
    """All answers, read to their ends; how many there are, and in how many seconds they came."""
    webs = deployment.webs

    def look() -> None:
        if peak is not None:
            for part, held in _held(deployment).items():
                peak[part] = max(peak.get(part, 0), held.connections / len(deployment.parts[part]))

    began = time.monotonic()
    heard = await load.streams(
        lambda stream, turn: webs[stream % len(webs)].ask(stream // len(webs), asked.wish),
        asked.streams, rounds=asked.rounds, meanwhile=[(after_s, look) for after_s in (0.5, 1.0, 1.5)],
    )  # fmt: skip
    took_s = time.monotonic() - began
    _require_whole(deployment, heard, asked.wish.chunks)
    return len(heard), took_s


async def warm(deployment: Deployment) -> None:
    """Every process has loaded what it needs, and planned its statements."""
    await prepare(deployment, 16)
    await ask(deployment, Load("", 16, 3, Wish(20, 1)))


async def rest(deployment: Deployment) -> Rest:
    """What it costs to be there. Asked after it has settled."""
    await asyncio.sleep(SETTLES_S)
    before = deployment.counting.look()
    await asyncio.sleep(SETTLES_S)
    held = _held(deployment)
    memory, connections = _for_each(deployment, held)
    return Rest(deployment.shape.name, rate(before, deployment.counting.look()), memory, connections)


async def measure(deployment: Deployment, asked: Load, idle: Counts, peak: dict[str, float]) -> Measured:
    """One load, and all that follows from it until everything is quiet again."""
    await prepare(deployment, asked.streams)
    await asyncio.sleep(SETTLES_S)
    before = deployment.counting.look()
    runs, took_s = await ask(deployment, asked, peak=peak)
    await asyncio.sleep(SETTLES_S)
    costs = each(before, deployment.counting.look(), idle, runs)
    return Measured(deployment.shape.name, asked.name, deployment.places.is_shared, runs, runs / took_s, costs)


async def statements(deployment: Deployment, asked: Load) -> float:
    """Statements of one run, by PostgreSQL's own log, without those that come anyway."""
    await prepare(deployment, asked.streams)
    with Statements(deployment.house.postgres) as log:
        began = time.monotonic()
        await asyncio.sleep(5)
        idle = log.count() / (time.monotonic() - began)
        before, began = log.count(), time.monotonic()
        runs, _ = await ask(deployment, asked)
        await asyncio.sleep(2)
        return (log.count() - before - idle * (time.monotonic() - began)) / runs


async def hold(deployment: Deployment, streams: int) -> Open:
    """So many streams are open, and the model says nothing yet."""
    spread_s = max(1.0, streams / SPREAD)
    until_s = spread_s + CALM_S + SILENT_S
    counts: list[Counts] = []
    held: list[dict[str, Use]] = []
    await prepare(deployment, streams)

    def look() -> None:
        counts.append(deployment.counting.look())
        held.append(_held(deployment))

    webs, wish = deployment.webs, Wish(2, 10, (until_s + 1) * 1000)
    heard = await load.streams(
        lambda stream, turn: webs[stream % len(webs)].ask(stream // len(webs), wish),
        streams, spread_s=spread_s, meanwhile=[(spread_s + CALM_S, look), (until_s, look)],
    )  # fmt: skip
    _require_whole(deployment, heard, wish.chunks)
    memory, connections = _for_each(deployment, held[-1])
    return Open(deployment.shape.name, streams, rate(*counts), memory, connections)


async def read(deployment: Deployment, readers: int, idle: Counts, *, is_elsewhere: bool) -> Read:
    """One run at the first web process, read there or at the second."""
    wish = Wish(250, 20, 1500)
    first, other = deployment.webs[0], deployment.webs[-1]
    await prepare(deployment, 2)
    before = deployment.counting.look()
    run = await first.start(first.chats[0], wish)
    at = other if is_elsewhere else first
    heard = await asyncio.gather(*(at.hear("GET", f"/api/runs/{run}/events") for _ in range(readers)))
    _require_whole(deployment, heard, wish.chunks)
    where = "elsewhere" if is_elsewhere else "where it runs"
    return Read(where, readers, each(before, deployment.counting.look(), idle, wish.chunks))


async def kept_bytes(deployment: Deployment) -> float:
    """Bytes on disk of a run of 100 chunks, once clean-up has made its log small and nothing is left free in tables."""
    await asyncio.to_thread(_compact, deployment)
    before = _disk(deployment)
    await prepare(deployment, PACED.streams)
    runs, _ = await ask(deployment, PACED)
    await asyncio.sleep(2)
    await asyncio.to_thread(_compact, deployment)
    return (_disk(deployment) - before) / runs


def _compact(deployment: Deployment) -> None:
    deployment.house.first.manage("cleanup_sessions", CHAT_DELTA_RETENTION_S="0", CHAT_SENT_RETENTION_S="1")
    with connected(deployment.house.postgres) as connection:
        connection.execute("VACUUM FULL")


def _disk(deployment: Deployment) -> float:
    return deployment.counting.look()["disk_bytes"]


def _held(deployment: Deployment) -> dict[str, Use]:
    return {part: used(pids) for part, pids in deployment.parts.items()}


def _for_each(deployment: Deployment, held: dict[str, Use]) -> tuple[dict[str, float], dict[str, float]]:
    counts = {part: len(pids) for part, pids in deployment.parts.items()}
    memory = {part: use.memory_mb / counts[part] for part, use in held.items()}
    return memory, {part: use.connections / counts[part] for part, use in held.items()}


def _require_whole(deployment: Deployment, heard: list[Heard], chunks: int) -> None:
    bad = [each for each in heard if not each.is_whole(chunks)]
    if bad:
        told = f"status {bad[0].status}, {len(bad[0].numbers)} chunks {bad[0].fault}"
        raise RuntimeError(f"{len(bad)} of {len(heard)} answers were not read whole: {told}. {_failed(deployment)}")


def _failed(deployment: Deployment) -> str:
    """What the log of the newest run says last."""
    with connected(deployment.house.postgres) as connection:
        row = connection.execute("SELECT events FROM chat_runevent ORDER BY id DESC LIMIT 1").fetchone()
    return f"The newest event: {row[0]}" if row else "No run has an event."

"""`make bench BENCH_ARGS=scale`: what one and two web and agents processes do, and what a run costs each part."""

import argparse
import asyncio
import json
import pathlib
from collections.abc import Sequence
from dataclasses import asdict

import uvloop

from tests.bench import plot, scaling, sizing
from tests.bench.counts import Counts
from tests.bench.deployment import Deployment, House, Shape
from tests.bench.scaling import LONG, PACED, SHORT, Figures, Load, Measured
from tests.bench.sizing import Constants
from tests.bench.stage import Progress

BY_NAME = {"1": Shape(1), "2": Shape(2), "1+1": Shape(1, 1), "1+2": Shape(1, 2)}
FEW, MANY, READERS = 10, 300, 100
ONE, SPLIT = Shape(1).name, Shape(1, 1).name
COLUMNS = {
    "web_ms": "web ms", "agents_ms": "agents ms", "postgres_ms": "PostgreSQL ms", "redis_ms": "Redis ms",
    "bench_ms": "bench ms", "transactions": "transactions", "held_ms": "connection held ms", "wal_bytes": "WAL bytes",
    "wal_images": "images", "redis_commands": "Redis commands", "redis_bytes": "Redis bytes",
    "disk_bytes": "disk bytes",
}  # fmt: skip


def main(arguments: list[str]) -> None:
    """Measure, print the tables, write JSON, the constants of docs/scale.md and a plot."""
    parser = argparse.ArgumentParser(prog="make bench BENCH_ARGS=scale", description=main.__doc__)
    parser.add_argument("--shapes", default=",".join(BY_NAME), help=f"web+agents processes ({','.join(BY_NAME)})")
    parser.add_argument("--streams", type=int, default=MANY, help=f"streams held open ({MANY})")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("bench"), help="folder of the results (bench)")
    chosen = parser.parse_args(arguments)
    if chosen.streams <= FEW:
        parser.error(f"--streams: expected more than {FEW}")
    shapes = chosen.shapes.split(",")
    if unknown := [each for each in shapes if each not in BY_NAME]:
        parser.error(f"--shapes: expected some of {', '.join(BY_NAME)}, with commas between, not {', '.join(unknown)}")
    figures = uvloop.run(run([BY_NAME[each] for each in shapes], (SHORT, LONG, PACED), chosen.streams))
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "scale.json").write_text(json.dumps(asdict(figures), indent=1) + "\n")
    (chosen.out / "scale.svg").write_text(_plot(figures))
    print(told(figures))
    print(f"\nEvery figure: {chosen.out}/scale.json.")
    if "1+1" in shapes:
        found = constants(figures)
        (chosen.out / "scale-constants.json").write_text(sizing.as_json(found))
        if lost := [name for name, value in asdict(found).items() if value == 0]:
            print(f"Lost in noise, and 0: {', '.join(lost)}. Measure again on a machine with nothing else to do.")
        print(f"What docs/scale.md reckons with: {chosen.out}/scale-constants.json.")


async def run(shapes: Sequence[Shape], loads: Sequence[Load], streams: int) -> Figures:
    """Everything, one shape after the other."""
    figures, progress = Figures(), Progress(len(shapes) * (len(loads) + 1) + 7)
    house = await asyncio.to_thread(House)
    try:
        for shape in shapes:
            progress.step(f"starting {shape.name}")
            deployment = await asyncio.to_thread(Deployment, house, shape)
            try:
                await _one(deployment, loads, streams, figures, progress)
            finally:
                await asyncio.to_thread(deployment.close)
    finally:
        progress.end()
        await asyncio.to_thread(house.close)
    return figures


async def _one(
    deployment: Deployment, loads: Sequence[Load], streams: int, figures: Figures, progress: Progress
) -> None:
    name = deployment.shape.name
    await scaling.warm(deployment)
    figures.rest.append(await scaling.rest(deployment))
    idle, peak = figures.rest[-1].a_second, figures.peak.setdefault(name, {})
    for asked in loads:
        progress.step(f"{asked.name}, {name}")
        figures.loads.append(await scaling.measure(deployment, asked, idle, peak))
    if name in (ONE, SPLIT):
        await _more(deployment, streams, figures, progress)
    if deployment.shape.web > 1:
        progress.step(f"readers, {name}")
        for is_elsewhere in (False, True):
            for readers in (1, READERS):
                figures.read.append(await scaling.read(deployment, readers, idle, is_elsewhere=is_elsewhere))


async def _more(deployment: Deployment, streams: int, figures: Figures, progress: Progress) -> None:
    """What need not be asked of every shape."""
    name = deployment.shape.name
    progress.step(f"{streams} open streams, {name}")
    for count in (FEW, streams):
        figures.held.append(await scaling.hold(deployment, count))
    progress.step(f"statements, {name}")
    for asked in (scaling.FEW_SHORT, scaling.FEW_PACED):
        figures.statements[f"{name}, {asked.name}"] = await scaling.statements(deployment, asked)
    if name == SPLIT:
        progress.step(f"disk, {name}")
        figures.kept_bytes = await scaling.kept_bytes(deployment)


def constants(figures: Figures) -> Constants:
    """What docs/scale.md reckons with: web and agents processes apart, so that every reader is elsewhere."""
    short, paced = _of(figures, SPLIT, SHORT).each, _of(figures, SPLIT, PACED).each
    few, many = (each for each in figures.held if each.shape == SPLIT)
    rest = next(each for each in figures.rest if each.shape == SPLIT)
    more = many.streams - few.streams

    def chunk(name: str) -> float:
        return max(0.0, (paced[name] - short[name]) / (PACED.wish.chunks - SHORT.wish.chunks))

    def opened(name: str) -> float:
        return max(0.0, (many.a_second[name] - few.a_second[name]) / more)

    def memory(part: str) -> float:
        return max(0.0, (many.memory_mb[part] - few.memory_mb[part]) / more)

    return Constants(
        web_ms=short["web_ms"], web_chunk_ms=chunk("web_ms"),
        agents_ms=short["agents_ms"], agents_chunk_ms=chunk("agents_ms"),
        postgres_ms=short["postgres_ms"], postgres_chunk_ms=chunk("postgres_ms"),
        redis_ms=short["redis_ms"], redis_chunk_ms=chunk("redis_ms"),
        transactions=short["transactions"], transactions_chunk=chunk("transactions"),
        held_ms=short["held_ms"], held_chunk_ms=chunk("held_ms"),
        wal_bytes=short["wal_bytes"], wal_chunk_bytes=chunk("wal_bytes"),
        redis_commands=short["redis_commands"], redis_commands_chunk=chunk("redis_commands"),
        kept_bytes=figures.kept_bytes,
        open_web_ms=opened("web_ms"), open_agents_ms=opened("agents_ms"), open_postgres_ms=opened("postgres_ms"),
        open_transactions=opened("transactions"), open_wal_bytes=opened("wal_bytes"),
        open_web_mb=memory("web"), open_agents_mb=memory("agents"),
        web_mb=rest.memory_mb["web"], agents_mb=rest.memory_mb["agents"],
        idle_connections=max(rest.connections.values()),
        peak_connections=max(figures.peak[SPLIT].values()),
        idle_redis_commands=rest.a_second["redis_commands"] / 2,
    )  # fmt: skip


def _of(figures: Figures, shape: str, asked: Load) -> Measured:
    return next(each for each in figures.loads if (each.shape, each.load) == (shape, asked.name))


def factors(loads: Sequence[Measured]) -> dict[str, tuple[float, float]]:
    """What the second process of a kind brings: by the clock, and by what its CPU would do on a core of its own."""
    found = {}
    for kind, one, two in (("web", ONE, Shape(2).name), ("agents", SPLIT, Shape(1, 2).name)):
        for asked in {each.load: each for each in loads}:
            pair = [each for shape in (one, two) for each in loads if (each.shape, each.load) == (shape, asked)]
            if len(pair) == 2 and asked != PACED.name:  # that one waits for its chunks
                first, second = pair
                by_cpu = 2 * _beside(first, kind) / _beside(second, kind)
                found[f"{kind}, {asked}"] = (second.runs_per_s / first.runs_per_s, by_cpu)
    return found


def _beside(measured: Measured, kind: str) -> float:
    """CPU of a part beside the bench's own, whose work is the same each time: a machine may be slower for a while."""
    return measured.each[f"{kind}_ms"] / measured.each["bench_ms"]


def told(figures: Figures) -> str:
    """All tables, in Markdown."""
    parts = [_loads(figures), _factors(figures), _rest(figures), _held(figures), _read(figures), _statements(figures)]
    return "\n\n".join(each for each in parts if each)


def _loads(figures: Figures) -> str:
    rows = ["| processes | load | runs a second | " + " | ".join(COLUMNS.values()) + " |"]
    rows.append("|---|---|--:|" + "--:|" * len(COLUMNS))
    for each in figures.loads:
        mark = "*" if each.is_shared else ""
        costs = " | ".join(said(each.each[name]) if name in each.each else "" for name in COLUMNS)
        rows.append(f"| {each.shape}{mark} | {each.load} | {said(each.runs_per_s)} | {costs} |")
    if any(each.is_shared for each in figures.loads):
        rows.append("\n\\* There are too few cores: databases, provider and readers ran on those of the servers.")
        rows.append("Runs a second are less there than they would be; CPU is what it is.")
    return "\n".join(rows)


def _factors(figures: Figures) -> str:
    rows = ["| with a second process | runs a second, by the clock | by CPU |", "|---|--:|--:|"]
    rows += [f"| {name} | {clock:.2f} x | {cpu:.2f} x |" for name, (clock, cpu) in factors(figures.loads).items()]
    return "\n".join(rows)


def _rest(figures: Figures) -> str:
    rows = ["| at rest | memory of a process, MB | connections, at load | a second |", "|---|---|---|---|"]
    for each in figures.rest:
        memory, connections = _parts(each.memory_mb), _parts(each.connections)
        peak = _parts(figures.peak[each.shape])
        rows.append(f"| {each.shape} | {memory} | {connections}; {peak} | {_second(each.a_second)} |")
    return "\n".join(rows)


def _held(figures: Figures) -> str:
    rows = [
        "| open, nothing said | streams | memory of a process, MB | connections | a second |",
        "|---|--:|---|---|---|",
    ]
    for each in figures.held:
        memory, connections = _parts(each.memory_mb), _parts(each.connections)
        rows.append(f"| {each.shape} | {each.streams} | {memory} | {connections} | {_second(each.a_second)} |")
    return "\n".join(rows)


def _read(figures: Figures) -> str:
    if not figures.read:
        return ""
    names = ("web_ms", "postgres_ms", "redis_ms", "transactions", "redis_commands", "redis_bytes")
    rows = ["| a chunk of one run, read | readers | " + " | ".join(COLUMNS[name] for name in names) + " |"]
    rows.append("|---|--:|" + "--:|" * len(names))
    for each in figures.read:
        rows.append(
            f"| {each.where} | {each.readers} | " + " | ".join(said(each.a_chunk[name]) for name in names) + " |"
        )
    return "\n".join(rows)


def _statements(figures: Figures) -> str:
    rows = ["| statements of a run, beginnings and ends of transactions among them | |", "|---|--:|"]
    rows += [f"| {name} | {count:.1f} |" for name, count in figures.statements.items()]
    rows.append(f"| bytes on disk of a run of 100 chunks with its log compacted | {figures.kept_bytes:,.0f} |")
    return "\n".join(rows)


def _parts(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {said(value)}" for name, value in values.items())


def _second(counts: Counts) -> str:
    names = ("web_ms", "agents_ms", "postgres_ms", "redis_ms", "transactions", "redis_commands", "wal_bytes")
    return ", ".join(f"{COLUMNS[name]} {said(counts[name])}" for name in names if name in counts)


def said(value: float) -> str:
    """With as many digits as mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _plot(figures: Figures) -> str:
    cost = {part: COLUMNS[part] for part in ("web_ms", "agents_ms", "postgres_ms", "redis_ms")}
    groups = {
        f"{title} of a run of {SHORT.name}": {
            each.shape: each.each[part] for each in figures.loads if each.load == SHORT.name and part in each.each
        }
        for part, title in cost.items()
    }
    groups = {name: values for name, values in groups.items() if values}
    return plot.bars("CPU of a run, by processes", groups, dict.fromkeys(groups, "ms"))

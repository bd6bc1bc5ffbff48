"""`make bench BENCH_ARGS=rows`: what is waited for when the database holds a year of rows, and when it is new."""

import argparse
import asyncio
import json
import pathlib
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import uvloop

from tests.bench import measure, plot, stored
from tests.bench.load import Wish
from tests.bench.looking import Looking
from tests.bench.processes import on
from tests.bench.stage import Progress, Stage
from tests.bench.systems import Parley
from tests.live import OWNER

MESSAGES = "10000,1000000"  # less at first, and pages are not full yet: then they grow, and not their cost
TIMES = 15  # each is done at each size; its figure is the median
CHORE_RUNS = 200  # whose logs a round of the clean-up merges
BEARABLE = 1.5  # what one waits for at the largest size, over that at the smallest
CHAT_MESSAGES = 20
NOISE_MS = 1.0  # a difference that is less than this is no difference
# Nothing but what is measured is done meanwhile.
QUIET = dict.fromkeys(
    ("COMPACTION_EVERY_S", "CLEANUP_EVERY_S", "CONSISTENCY_EVERY_S", "RETENTION_EVERY_S", "FOLDING_EVERY_S"), "0"
)


@dataclass(frozen=True)
class Point:
    """What one thing takes at one size."""

    profile: str
    what: str
    messages: int
    ms: float


def main(arguments: list[str]) -> None:
    """Measure, print the table, write JSON and a plot. Exit code 1: something takes much longer with more rows."""
    parser = argparse.ArgumentParser(prog="make bench BENCH_ARGS=rows", description=main.__doc__)
    parser.add_argument("--profiles", default="embedded,scaled", help="of Parley (embedded,scaled)")
    parser.add_argument("--messages", type=_sizes, default=_sizes(MESSAGES), help=f"sizes, rising ({MESSAGES})")
    parser.add_argument("--times", type=int, default=TIMES, help=f"how often each is done ({TIMES})")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("bench"), help="folder of the results (bench)")
    chosen = parser.parse_args(arguments)
    points = uvloop.run(_measure(chosen.profiles.split(","), chosen.messages, chosen.times))
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "rows.json").write_text(json.dumps([asdict(each) for each in points], indent=1) + "\n")
    (chosen.out / "rows.svg").write_text(plot.lines("What is waited for, by messages stored", _lines(points), "ms"))
    print(table(points))
    print(f"\nEvery point: {chosen.out}/rows.json. The plot: {chosen.out}/rows.svg.")
    raise SystemExit(any(worse(points).values()))


def _sizes(text: str) -> list[int]:
    sizes = [int(each) for each in text.split(",") if each.isdecimal()]
    if len(sizes) < 2 or sizes != sorted(set(sizes)) or sizes[0] < 1000:
        raise argparse.ArgumentTypeError("expected at least two sizes with a comma between, rising, from 1000")
    return sizes


async def _measure(profiles: list[str], sizes: list[int], times: int) -> list[Point]:
    stage = await asyncio.to_thread(Stage)
    progress = Progress(len(profiles) * len(sizes) * 2)
    points: list[Point] = []
    try:
        for profile in profiles:
            system: Parley = await asyncio.to_thread(getattr(stage, profile), **QUIET)
            await measure.measure(system, measure.WARM)
            there = 0
            for size in sizes:
                progress.step(f"{size - there:,} messages into {system.name}")
                told = await asyncio.to_thread(_fill, stage, system, size - there)
                print(f"{system.name}, {size:,} messages\n{told}", flush=True)
                there = size
                progress.step(f"measuring {system.name}")
                points += [Point(system.name, what, size, ms) for what, ms in await _all(system, times)]
                print(await asyncio.to_thread(stored.told, system), flush=True)
        progress.end()
    finally:
        await asyncio.to_thread(stage.close)
    return points


def _fill(stage: Stage, system: Parley, count: int) -> str:
    """More rows. The owner, who looks at them, sees so many of the chats that pages are full at the smallest size."""
    spread = ("--chats", str(count // CHAT_MESSAGES), "--people", "20", "--organizations", "2")
    system.server.stop()
    told = system.server.manage("fill", "--messages", str(count), "--member", OWNER, *spread).stdout
    with on(stage.servers):
        system.server.start_process()
    return told


async def _all(system: Parley, times: int) -> list[tuple[str, float]]:
    """Each thing with its median, in milliseconds."""
    looking = await asyncio.to_thread(Looking, system)
    await system.prepare(1)
    found = [("start to the first chunk", await _start(system, times)), ("a chunk, tailed", await _tail(system))]
    for what, look in looking.all().items():
        found.append((what, await asyncio.to_thread(_median_ms, look, times)))
    merging = await asyncio.to_thread(stored.merging_ms, system, CHORE_RUNS)
    return [*found, (f"clean-up of {CHORE_RUNS} logs", merging)]


def _median_ms(look: Callable[[], object], times: int) -> float:
    look()  # the first one loads what is loaded once
    took = []
    for _ in range(times):
        began = time.perf_counter()
        look()
        took.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took)


async def _start(system: Parley, times: int) -> float:
    """From a POST to the first chunk, of a model that says it at once, in a chat that is new."""
    took = []
    for _ in range(times + 1):
        heard = await system.ask(0, Wish(1, 0, 0))
        if not heard.is_whole(1):
            raise RuntimeError("a run was not answered")
        took.append((heard.first_at - heard.asked_at) / 1e6)
        await asyncio.sleep(0.1)
    return statistics.median(took[1:])


async def _tail(system: Parley) -> float:
    """How late a chunk comes to somebody who reads a run along that another has begun."""
    run = await system.start(system.chats[0], Wish(100, 20, 500))
    heard = await system.hear("GET", f"/api/runs/{run}/events")
    if not heard.is_whole(100):
        raise RuntimeError("a run was not read whole")
    return statistics.median(heard.late) / 1e6


def factors(points: list[Point]) -> dict[str, tuple[float, float]]:
    """Of each line what it takes at the smallest and at the largest size."""
    return {name: (line[0][1], line[-1][1]) for name, line in _lines(points).items()}


def worse(points: list[Point]) -> dict[str, bool]:
    """Of each line whether it takes much longer with more rows."""
    grown = factors(points).items()
    return {name: last > BEARABLE * first and last - first > NOISE_MS for name, (first, last) in grown}


def _lines(points: list[Point]) -> dict[str, list[tuple[float, float]]]:
    lines: dict[str, list[tuple[float, float]]] = {}
    for each in points:
        lines.setdefault(f"{each.what} ({each.profile})", []).append((each.messages, each.ms))
    return lines


def table(points: list[Point]) -> str:
    """The points as a Markdown table."""
    bad, sizes = worse(points), sorted({each.messages for each in points})
    rows = [f"| ms, median | {sizes[0]:,} messages | {sizes[-1]:,} | factor | |", "|---|--:|--:|--:|---|"]
    for name, (first, last) in factors(points).items():
        verdict = "GROWS" if bad[name] else ""
        rows.append(f"| {name} | {first:,.1f} | {last:,.1f} | {last / first:.2f} | {verdict} |")
    return "\n".join(rows)

"""`make bench BENCH_ARGS=growth`: how Parley's cost grows with streams, readers, and the lengths of runs and chats."""

import argparse
import asyncio
import functools
import json
import pathlib
import statistics
from dataclasses import asdict, dataclass

import uvloop

from tests.bench import load, measure, plot
from tests.bench.load import Heard, Wish
from tests.bench.processes import used
from tests.bench.stage import Progress, Stage
from tests.bench.systems import Parley

STREAMS, READERS = (1, 50, 500, 1000), (1, 100)
EVENTS, MESSAGES = (10, 1000, 50_000), (10, 1000, 10_000)
QUICK = Wish(1, 0, 0)
WINDOW_S = 6  # so long the CPU of open streams is counted
BEST_OF = 7
BEARABLE = 2.0  # cost for each at the largest size, over that at the one before: more is worse than linear


@dataclass(frozen=True)
class Point:
    """What one thing costs at one size; `each` is that for one more chunk, event or start."""

    profile: str
    what: str
    size: int
    each: float
    unit: str


def main(arguments: list[str]) -> None:
    """Measure, print the table, write JSON and a plot. Exit code 1: something grows worse than linearly."""
    parser = argparse.ArgumentParser(prog="make bench BENCH_ARGS=growth", description=main.__doc__)
    parser.add_argument("--profiles", default="embedded,scaled", help="of Parley (embedded,scaled)")
    parser.add_argument("--only", default="streams,readers,events,messages", help="what grows, with commas")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("bench"), help="folder of the results (bench)")
    chosen = parser.parse_args(arguments)
    points = uvloop.run(_measure(chosen.profiles.split(","), chosen.only.split(",")))
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "growth.json").write_text(json.dumps([asdict(each) for each in points], indent=1) + "\n")
    (chosen.out / "growth.svg").write_text(plot.lines("Cost of one more, by how many there are", _lines(points), "µs"))
    print(table(points))
    print(f"\nEvery point: {chosen.out}/growth.json. The plot: {chosen.out}/growth.svg.")
    raise SystemExit(any(worse(points).values()))


async def _measure(profiles: list[str], only: list[str]) -> list[Point]:
    stage = await asyncio.to_thread(Stage)
    progress = Progress(len(profiles) * len(only) + 1)
    points: list[Point] = []
    try:
        for profile in profiles:
            progress.step(f"starting {profile}")
            system: Parley = await asyncio.to_thread(getattr(stage, profile))
            await measure.measure(system, measure.WARM)
            for name in only:
                progress.step(f"{name}, {system.name}")
                points += await GROWING[name](system)
        progress.end()
    finally:
        await asyncio.to_thread(stage.close)
    return points


async def _streams(system: Parley) -> list[Point]:
    """CPU of a chunk while so many streams are open, which bring 500 chunks a second in all, or one 200."""
    points = []
    for count in STREAMS:
        pace_s, spread_s = max(0.005, count / 500), max(0.5, count / 60)
        begins_s = spread_s + 1  # by then all are open, and nobody starts any more
        wish = Wish(int((begins_s + WINDOW_S + 1) / pace_s), pace_s * 1000)
        spent: list[float] = []
        look = functools.partial(_look, system, spent)
        await system.prepare(count)
        heard = await load.streams(
            lambda stream, turn, wish=wish: system.ask(stream, wish),  # type: ignore[misc]
            count, spread_s=spread_s, meanwhile=[(begins_s, look), (begins_s + WINDOW_S, look)],
        )  # fmt: skip
        _require(all(each.is_whole(wish.chunks) for each in heard), f"{count} streams: answers were not whole")
        each_us = (spent[1] - spent[0]) * 1e6 / (count * WINDOW_S / pace_s)
        points.append(Point(system.name, "a chunk, by open streams", count, each_us, "µs"))
    return points


def _look(system: Parley, spent: list[float]) -> None:
    spent.append(used(system.pids).cpu_s)


async def _readers(system: Parley) -> list[Point]:
    """CPU of a chunk for each reader, with so many on one run."""
    points = []
    for count in READERS:
        await system.prepare(1)
        wish = Wish(250, 10, 1500)
        run = await system.start(system.chats[0], wish)
        before = used(system.pids).cpu_s
        heard = await asyncio.gather(*(system.hear("GET", f"/api/runs/{run}/events") for _ in range(count)))
        spent_s = used(system.pids).cpu_s - before
        _require(all(each.is_whole(wish.chunks) for each in heard), f"{count} readers: not all read the whole")
        points.append(Point(system.name, "a chunk for a reader", count, spent_s * 1e6 / wish.chunks / count, "µs"))
    return points


async def _events(system: Parley) -> list[Point]:
    """Time of an event of a stored run, read whole by one reader who comes late."""
    points = []
    for count in EVENTS:
        await system.prepare(1)
        run = await system.start(system.chats[0], Wish(count, 0, 0))
        await system.hear("GET", f"/api/runs/{run}/events")
        took = [await _timed(system, run, count) for _ in range(3)]
        points.append(Point(system.name, "an event read late", count, statistics.median(took) / count * 1e6, "µs"))
    return points


async def _timed(system: Parley, run: str, count: int) -> float:
    heard: Heard = await system.hear("GET", f"/api/runs/{run}/events")
    _require(heard.is_whole(count), f"a run of {count} chunks was not read whole")
    return (heard.last_at - heard.asked_at) / 1e9


async def _messages(system: Parley) -> list[Point]:
    """Time from a POST to the first chunk, in chats of so many messages."""
    points = []
    for count in MESSAGES:
        await system.prepare(1)
        await asyncio.to_thread(system.fill, system.chats[0], count)
        took = []
        for _ in range(BEST_OF):
            heard = await system.ask(0, QUICK)
            _require(heard.is_whole(1), f"a chat of {count} messages: no answer")
            took.append((heard.first_at - heard.asked_at) / 1e3)
            await asyncio.sleep(0.1)
        points.append(Point(system.name, "a start, by messages of its chat", count, statistics.median(took), "µs"))
    return points


GROWING = {"streams": _streams, "readers": _readers, "events": _events, "messages": _messages}


def worse(points: list[Point]) -> dict[str, bool]:
    """For each line, whether one more costs much more at the largest size than at the one before."""
    lines = _lines(points)
    return {name: len(line) > 1 and line[-1][1] > BEARABLE * line[-2][1] for name, line in lines.items()}


def _lines(points: list[Point]) -> dict[str, list[tuple[float, float]]]:
    lines: dict[str, list[tuple[float, float]]] = {}
    for each in points:
        lines.setdefault(f"{each.what} ({each.profile})", []).append((each.size, each.each))
    return lines


def table(points: list[Point]) -> str:
    """The points as a Markdown table: a line for each thing, what one more of it costs at each size."""
    bad = worse(points)
    rows = ["| one more | how many: µs each | |", "|---|---|---|"]
    for name, line in _lines(points).items():
        costs = ", ".join(f"{size:,.0f}: {cost:,.0f}" for size, cost in line)
        rows.append(f"| {name} | {costs} | {'WORSE THAN LINEAR' if bad[name] else 'linear or better'} |")
    return "\n".join(rows)


def _require(is_so: bool, else_: str) -> None:
    if not is_so:
        raise RuntimeError(else_)

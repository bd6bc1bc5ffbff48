"""`make bench`: Parley beside a bare copy of the same stream, pair by pair in one run."""

import argparse
import asyncio
import json
import pathlib
import platform
import statistics
import time
from collections.abc import Mapping, Sequence

import uvloop

from tests.bench import measure, plot, socket, systems, verdicts
from tests.bench.doors import DOORS
from tests.bench.measure import Figures
from tests.bench.socket import Sockets
from tests.bench.stage import Progress, Stage
from tests.bench.systems import Copier, Elsewhere, Parley, System
from tests.bench.verdicts import Row

FEW, MANY = 10, 1000
BESIDE_PAIRS = 3  # what has no bars, the packed streams, is measured in the first pairs only
Runs = dict[tuple[str, str], list[Figures]]  # kind of load and system, in the order of the pairs


def main() -> None:
    """Measure, print the table, write JSON and a plot. Exit code 1: a must was missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=main.__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="how often each system is measured (5)")
    parser.add_argument("--streams", type=int, default=MANY, help=f"streams held open for memory and threads ({MANY})")
    parser.add_argument("--door", default="native", choices=[*DOORS], help="of Parley (native)")
    parser.add_argument("--only", default="", help=f"kinds of load, with commas: {','.join([*KINDS, 'doors'])}")
    parser.add_argument("--profiles", default="embedded,scaled", help="of Parley (embedded,scaled)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("bench"), help="folder of the results (bench)")
    chosen = parser.parse_args()
    rows = uvloop.run(Bench(chosen).run())
    raise SystemExit(any(row.verdict == "MISSED" for row in rows))


class Bench:
    """One run of all of it."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.chosen = chosen
        self.kinds = [each for each in chosen.only.split(",") if each] or KINDS
        self.runs: Runs = {}
        self.rows: list[Row] = []
        self.doors: list[list[Parley]] = []

    async def run(self) -> list[Row]:
        """Everything; the rows of the table."""
        stage = await asyncio.to_thread(Stage)
        try:
            await self._measure(stage)
        finally:
            await asyncio.to_thread(stage.close)
        self._judge()
        self._tell()
        return self.rows

    async def _measure(self, stage: Stage) -> None:
        profiles = self.chosen.profiles.split(",")
        parleys = [getattr(stage, each)(self.chosen.door) for each in profiles]
        plain = [stage.plain()] if "plain" in self.kinds else []
        copy = stage.copy()
        scaled = parleys[profiles.index("scaled")] if "scaled" in profiles else None
        elsewhere = [stage.elsewhere(scaled)] if scaled and "elsewhere" in self.kinds else []
        packed = [systems.packed(parleys[0])] if "packed" in self.kinds else []
        sockets = [socket.plain(parleys[0]), socket.deflated(parleys[0])] if "socket" in self.kinds else []
        apis = stage.apis(self.chosen.door) if "apis" in self.kinds else []
        self.names = [each.name for each in parleys]
        self.doors = [systems.by_doors(each) for each in parleys] if "doors" in self.kinds else []
        beside: Sequence[Parley | Sockets] = [*packed, *sockets, *apis]
        steps = self._steps(copy, parleys, beside, plain, elsewhere)
        held = [*parleys] if "held" in self.kinds else []
        left_out = len(beside) * max(0, self.chosen.pairs - BESIDE_PAIRS)
        self.progress = Progress(len(steps) * self.chosen.pairs - left_out + 2 * len(held) + 1)
        self.progress.step("warming up")
        for each in (copy, *parleys, *beside, *plain, *elsewhere, *(door for doors in self.doors for door in doors)):
            await measure.measure(each, measure.WARM)
        for number in range(1, self.chosen.pairs + 1):
            for kind, system, shape in steps:
                if number > BESIDE_PAIRS and system in beside:
                    continue
                self.progress.step(f"pair {number} of {self.chosen.pairs}: {kind}, {system.name}")
                self.runs.setdefault((kind, system.name), []).append(await measure.measure(system, shape))
        for each in held:
            await self._hold(each)
        self.progress.end()

    def _steps(
        self,
        copy: Copier,
        parleys: Sequence[Parley],
        packed: Sequence[Parley | Sockets],
        plain: Sequence[Copier],
        elsewhere: Sequence[Elsewhere],
    ) -> list[tuple[str, System, measure.Shape]]:
        """What one round measures, in its order."""
        steps: list[tuple[str, System, measure.Shape]] = []
        if "paced" in self.kinds or packed or elsewhere or self.doors:
            steps += [("paced", each, measure.PACED) for each in (copy, *parleys)]
        steps += [("paced", each, measure.PACKED) for each in packed]
        steps += [("paced", each, measure.PACED) for each in elsewhere]
        if "saturated" in self.kinds or plain:
            steps += [("saturated", each, measure.SATURATED) for each in (copy, *parleys)]
        steps += [(kind, door, shape) for doors in self.doors for kind, shape in DOOR_KINDS.items() for door in doors]
        return steps + [("saturated", each, measure.SATURATED_SLOW) for each in plain]

    async def _hold(self, system: Parley) -> None:
        """Memory, threads and connections with few and with many streams open."""
        self.progress.step(f"{FEW} open streams, {system.name}")
        await measure.measure(system, measure.SATURATED_SLOW)  # all threads and connections are there by then
        few, _ = await measure.held(system, FEW)
        self.progress.step(f"{self.chosen.streams} open streams, {system.name}")
        many, figures = await measure.held(system, self.chosen.streams)
        self.runs["held", system.name] = [figures]
        each_100 = (many.memory_mb - few.memory_mb) / (self.chosen.streams - FEW) * 100
        self.rows += [
            Row(system.name, "memory of 100 open streams", each_100, "MB", 3, 2),
            Row(system.name, f"threads more at {self.chosen.streams}", many.threads - few.threads, "", 0, 0),
            Row(
                system.name, f"connections more at {self.chosen.streams}", many.connections - few.connections, "", 0, 0
            ),
            Row(system.name, f"a chunk late at {self.chosen.streams} streams, p99", figures.late_p99, "ms", 50),
        ]

    def _judge(self) -> None:
        """From figures to rows."""
        held, self.rows = self.rows, []
        for name in self.names:
            if pairs := self._pairs("paced", name):
                self.rows += verdicts.of_paced(name, pairs)
            if pairs := self._pairs("saturated", name):
                self.rows += verdicts.of_saturated(name, pairs)
            if pairs := self._pairs("saturated", name, against="plain view"):
                self.rows += verdicts.of_plain(name, pairs)
            self.rows += [each for each in held if each.system == name]
            mine = [each for (_, system), runs in self.runs.items() if system == name for each in runs]
            self.rows += verdicts.of_completeness(name, mine)
        if pairs := self._pairs("paced", systems.PACKED, against=self.names[0]):
            self.rows += verdicts.of_packed(systems.PACKED, pairs)
            self.rows += verdicts.of_completeness(systems.PACKED, [ours for _, ours in pairs])
        if pairs := self._pairs("paced", socket.DEFLATED, against=socket.PLAIN):
            self.rows += verdicts.of_packed(socket.DEFLATED, pairs)
            self.rows += verdicts.of_completeness(socket.DEFLATED, [each for pair in pairs for each in pair])
        first, *others = (f"Parley, {api}" for api in systems.APIS)
        for name in others:
            if pairs := self._pairs("paced", name, against=first):
                self.rows += verdicts.of_api(name, pairs)
                self.rows += verdicts.of_completeness(name, [each for pair in pairs for each in pair])
        for native, *doors in self.doors:
            self.rows += self._judge_door(native.name, native.name)
            for each in doors:
                self.rows += self._judge_door(each.name, native.name)
        if pairs := self._pairs("paced", Elsewhere.name):
            self.rows += verdicts.of_elsewhere(Elsewhere.name, pairs)
            self.rows += verdicts.of_completeness(Elsewhere.name, [ours for _, ours in pairs])

    def _judge_door(self, name: str, native: str) -> list[Row]:
        short, long = (self._pairs(kind, name, against=native) for kind in ("short answers", "long answers"))
        paced = self._pairs("paced", name)
        ours = [ours for pairs in (short, long, paced) for _, ours in pairs]
        return verdicts.of_door(name, short, long, paced) + verdicts.of_completeness(name, ours)

    def _pairs(self, kind: str, name: str, against: str = "bare copy") -> list[verdicts.Pair]:
        return list(zip(self.runs.get((kind, against), ()), self.runs.get((kind, name), ()), strict=False))

    def _tell(self) -> None:
        out: pathlib.Path = self.chosen.out
        out.mkdir(parents=True, exist_ok=True)
        told = {
            "at": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
            "python": platform.python_version(),
            "door": self.chosen.door,
            "rows": [row.as_dict() for row in self.rows],
            "runs": {
                f"{kind}: {name}": [measure.as_dict(each) for each in runs] for (kind, name), runs in self.runs.items()
            },
        }
        (out / "bench.json").write_text(json.dumps(told, indent=1) + "\n")
        (out / "bench.svg").write_text(self._plot())
        print(verdicts.table(self.rows))
        print(f"\nEvery single run: {out}/bench.json. The plot: {out}/bench.svg.")

    def _plot(self) -> str:
        units = {CPU: "ms", RATE: "/s"}
        groups: Mapping[str, Mapping[str, float]] = {
            CPU: {name: _middle(runs, "cpu_ms") for (kind, name), runs in self.runs.items() if kind == "paced"},
            RATE: {
                name: _middle(runs, "chunks_per_s") for (kind, name), runs in self.runs.items() if kind == "saturated"
            },
        }
        return plot.bars("Parley beside a bare copy of the stream", groups, units)


# What each door is asked with the kind "doors", which is not among KINDS as it takes a quarter of an hour.
DOOR_KINDS = {
    "paced": measure.PACKED, "short answers": measure.SATURATED_SLOW, "long answers": measure.SATURATED,
}  # fmt: skip
KINDS = ["paced", "packed", "socket", "apis", "saturated", "elsewhere", "plain", "held"]
CPU, RATE = "CPU for 1,000 chunks, 50 streams, one each 20 ms", "Chunks a second, 50 streams, saturated"


def _middle(runs: Sequence[Figures], name: str) -> float:
    return statistics.median(getattr(each, name) for each in runs)

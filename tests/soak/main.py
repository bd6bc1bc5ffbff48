"""`make soak`: whether a server that is asked steadily for an hour holds at its end what it held after ten minutes."""

import argparse
import asyncio
import json
import pathlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import uvloop

from tests.bench import plot
from tests.bench.stage import Progress, Stage
from tests.bench.systems import Parley
from tests.soak.people import Crowd
from tests.soak.samples import Sample, sample
from tests.soak.verdict import FIGURES, Row, Series, judged, table

PROFILES = {"embedded": ("embedded",), "scaled": ("scaled",), "both": ("embedded", "scaled")}
LEAST_MINUTES, MOST_MINUTES = 1.0, 7 * 24 * 60.0
SAMPLE_S, SAMPLES = 5.0, 60  # so often, and in a short run more often: so many samples at least
REST_S = 5.0  # after the load; then nothing of it may be left


@dataclass
class Soaked:
    """One profile's run."""

    profile: str
    length_s: float
    samples: list[Sample] = field(default_factory=list)
    rest: Sample | None = None  # when the load was over
    done: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    log: str = ""  # the server's

    def series(self) -> dict[str, Series]:
        """Each figure over time."""
        return {name: [(each.at_s, getattr(each, name)) for each in self.samples] for name in FIGURES}

    def rows(self) -> list[Row]:
        """The verdict's rows."""
        return judged(self.series(), self.length_s)

    @property
    def holds(self) -> bool:
        """Nothing grew, and nothing of the load failed."""
        return not self.faults and not any(row.grew for row in self.rows())


def main(arguments: Sequence[str] | None = None) -> None:
    """Soak, print the table, write samples and plots. Exit code 1: something grew by more than 2 %, or failed."""
    parser = argparse.ArgumentParser(prog="make soak", description=main.__doc__)
    parser.add_argument("--minutes", type=_minutes, default=60.0, help="how long each profile is asked (60)")
    parser.add_argument("--profile", choices=[*PROFILES], default="both", help="SQLite, PostgreSQL and Redis, or both")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("soak"), help="folder of the results (soak)")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    hold = []
    for profile in PROFILES[chosen.profile]:
        soaked = uvloop.run(_soak(profile, chosen.minutes * 60))
        _keep(soaked, chosen.out)
        print(told(soaked))
        print(f"\nEvery sample, a plot, the server's log: {chosen.out}/{profile}.json, .svg, .log.\n")
        hold.append(soaked.holds)
    raise SystemExit(not all(hold))


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"expected minutes from {LEAST_MINUTES:g} to {MOST_MINUTES:g}")
    return minutes


async def _soak(profile: str, length_s: float) -> Soaked:
    """A stage of its own, the load upon it, and what the server held meanwhile."""
    stage, soaked = await asyncio.to_thread(Stage), Soaked(profile, length_s)
    try:
        parley: Parley = await asyncio.to_thread(getattr(stage, profile))
        await asyncio.to_thread(parley.sign_in)
        crowd = Crowd(parley)
        watching = asyncio.create_task(_watch(parley, soaked))
        await asyncio.gather(crowd.live(length_s), watching)
        await asyncio.sleep(REST_S)
        soaked.rest = await sample(parley, length_s + REST_S)
        soaked.log = parley.server.log()
    finally:
        await asyncio.to_thread(stage.close)
    soaked.done, soaked.failed, soaked.faults = dict(crowd.done), dict(crowd.failed), crowd.faults
    if soaked.rest.runs or soaked.rest.readers:
        soaked.faults.append(f"at rest: {soaked.rest.runs} runs and {soaked.rest.readers} readers are left")
    return soaked


async def _watch(parley: Parley, soaked: Soaked) -> None:
    """A sample every few seconds, until the load's time is over."""
    began, every_s = time.monotonic(), min(SAMPLE_S, soaked.length_s / SAMPLES)
    steps = int(soaked.length_s / every_s)
    progress = Progress(steps)
    for number in range(1, steps + 1):
        await asyncio.sleep(began + number * every_s - time.monotonic())
        soaked.samples.append(await sample(parley, time.monotonic() - began))
        progress.step(f"{soaked.profile}, {soaked.samples[-1].memory_mb:.1f} MB")
    progress.end()


def _keep(soaked: Soaked, out: pathlib.Path) -> None:
    said = {
        "profile": soaked.profile, "seconds": soaked.length_s, "done": soaked.done, "failed": soaked.failed,
        "faults": soaked.faults, "rows": [row.as_dict() for row in soaked.rows()],
        "samples": [each.as_dict() for each in soaked.samples], "rest": soaked.rest and soaked.rest.as_dict(),
    }  # fmt: skip
    (out / f"{soaked.profile}.log").write_text(soaked.log)
    (out / f"{soaked.profile}.json").write_text(json.dumps(said, indent=1) + "\n")
    lines = {
        f"{FIGURES[name].name} {FIGURES[name].unit}": [(at / 60, value) for at, value in series]
        for name, series in soaked.series().items()
    }
    (out / f"{soaked.profile}.svg").write_text(plot.over_time(f"A steady load, {soaked.profile}", lines))


def told(soaked: Soaked) -> str:
    """The table, what the load did, and what went wrong."""
    grew = [row.figure.name for row in soaked.rows() if row.grew]
    did = ", ".join(f"{count:,} {name}" for name, count in soaked.done.items())
    lines = [
        f"## {soaked.profile}, {soaked.length_s / 60:g} minutes",
        "",
        table(soaked.rows(), soaked.length_s),
        "",
        did,
    ]
    lines += [f"failed: {count:,} of the {name}" for name, count in soaked.failed.items()]
    lines += soaked.faults
    lines.append(f"Grew: {', '.join(grew)}." if grew else "Nothing grew.")
    return "\n".join(lines)

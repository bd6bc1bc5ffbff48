"""Whether a figure of a server under a steady load grew: pure. Two windows are compared by their medians, so that no
single sample decides.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

MOST_PERCENT = 2.0  # more is growth
SETTLES_S = 600.0  # until then caches fill and threads are made; of a shorter run its first sixth
SHARE = 6  # of a shorter run

Series = Sequence[tuple[float, float]]  # seconds since the start, and the value


@dataclass(frozen=True)
class Figure:
    """What is watched. A change of no more than `slack` is the load's own coming and going."""

    name: str
    unit: str = ""
    slack: float = 0.0


PEOPLE = 12  # of the load; each has a stream and its tasks at one moment, and none at the next

FIGURES = {
    "memory_mb": Figure("memory", "MB"),
    "files": Figure("open files", slack=PEOPLE),
    "threads": Figure("threads", slack=1),
    "connections": Figure("connections to the database", slack=1),
    "tasks": Figure("asyncio tasks", slack=PEOPLE),
}


@dataclass(frozen=True)
class Row:
    """One figure: the median after it had settled, and the median at the end."""

    figure: Figure
    settled: float
    end: float

    @property
    def percent(self) -> float:
        """The change; of what was nothing, all of it."""
        change = self.end - self.settled
        return 100 * change / self.settled if self.settled else 100.0 * (change > 0)

    @property
    def grew(self) -> bool:
        """By more than 2 %, and by more than its slack."""
        return self.percent > MOST_PERCENT and self.end - self.settled > self.figure.slack

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "percent": round(self.percent, 3), "grew": self.grew}


def window_s(length_s: float) -> float:
    """How long the start is left out, and how long each of the two windows is."""
    return min(SETTLES_S, length_s / SHARE)


def judge(figure: Figure, series: Series, length_s: float) -> Row:
    """The figure's row. Raises ValueError where a window has no sample."""
    window = window_s(length_s)
    settled = [value for at, value in series if window <= at < 2 * window]
    end = [value for at, value in series if length_s - window <= at]
    if not settled or not end:
        raise ValueError(f"{figure.name}: too few samples for a verdict")
    return Row(figure, statistics.median(settled), statistics.median(end))


def judged(samples: Mapping[str, Series], length_s: float) -> list[Row]:
    """A row for each figure, by its name in the samples."""
    return [judge(FIGURES[name], series, length_s) for name, series in samples.items()]


def table(rows: Sequence[Row], length_s: float) -> str:
    """The rows as a Markdown table."""
    lines = [f"| figure | after {_said_time(window_s(length_s))} | at the end | change | |", "|---|--:|--:|--:|---|"]
    for row in rows:
        values = " | ".join(f"{each:,.1f} {row.figure.unit}".rstrip() for each in (row.settled, row.end))
        lines.append(f"| {row.figure.name} | {values} | {row.percent:+.1f} % | {'GREW' if row.grew else ''} |")
    return "\n".join(lines)


def _said_time(seconds: float) -> str:
    return f"{seconds / 60:.3g} minutes" if seconds >= 60 else f"{seconds:g} seconds"

"""What was measured, held against what is wanted: the table of `make bench`."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from tests.bench.measure import Figures

Pair = tuple[Figures, Figures]  # of the bare copy and of the system, one right after the other


@dataclass(frozen=True)
class Row:
    """One figure of one system, with its bars."""

    system: str
    figure: str
    value: float
    unit: str
    must: float | None = None
    aim: float | None = None
    is_more_better: bool = False

    @property
    def verdict(self) -> str:
        """aim, must or MISSED; empty for a figure without bars."""
        for name, bar in (("aim", self.aim), ("must", self.must)):
            if bar is not None and (self.value >= bar if self.is_more_better else self.value <= bar):
                return name
        return "" if self.must is None else "MISSED"

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "verdict": self.verdict}


def of_paced(system: str, pairs: Sequence[Pair]) -> list[Row]:
    """50 streams, a chunk each 20 ms, begun over a second."""
    return [
        Row(system, "CPU per 1,000 chunks", _ratio(pairs, lambda each: each.cpu_ms), "x", 2.4, 1.5),
        Row(system, "a chunk later, p50", _more(pairs, lambda each: each.late_p50), "ms", 0.6, 0.2),
        Row(system, "a chunk later, p99", _more(pairs, lambda each: each.late_p99), "ms", 6, 3),
        Row(system, "the first chunk later, p50", _more(pairs, lambda each: each.first_p50), "ms", 10, 4),
        Row(system, "the first chunk later, p99", _more(pairs, lambda each: each.first_p99), "ms", 30, 12),
    ]


def of_saturated(system: str, pairs: Sequence[Pair]) -> list[Row]:
    """50 streams, as fast as they are read."""
    ratio = _ratio(pairs, lambda each: each.chunks_per_s)
    return [
        Row(system, "chunks a second, saturated", ratio, "x", 0.6, 0.9, is_more_better=True),
        Row(system, "of them in fact", statistics.median(each.chunks_per_s for _, each in pairs), "/s"),
    ]


def of_elsewhere(system: str, pairs: Sequence[Pair]) -> list[Row]:
    """The reader sits in another process than the run."""
    return [
        Row(system, "the first chunk later, p50", _more(pairs, lambda each: each.first_p50), "ms", 80, 40),
        Row(system, "the first chunk later, p99", _more(pairs, lambda each: each.first_p99), "ms", 150, 80),
        Row(system, "a chunk later, p50", _more(pairs, lambda each: each.late_p50), "ms"),
        Row(system, "a chunk later, p99", _more(pairs, lambda each: each.late_p99), "ms"),
    ]


def of_packed(system: str, pairs: Sequence[Pair]) -> list[Row]:
    """The same streams with ?compress=gzip, or the same WebSockets deflated: the first of each pair is without."""
    return [
        Row(system, "bytes of a chunk", _ratio(pairs, lambda each: each.bytes_per_chunk), "x"),
        Row(system, "of them in fact", statistics.median(each.bytes_per_chunk for _, each in pairs), "bytes"),
        Row(system, "CPU per 1,000 chunks", _ratio(pairs, lambda each: each.cpu_ms), "x"),
        Row(system, "a chunk later, p50", _more(pairs, lambda each: each.late_p50), "ms"),
        Row(system, "a chunk later, p99", _more(pairs, lambda each: each.late_p99), "ms"),
    ]


def of_api(system: str, pairs: Sequence[Pair]) -> list[Row]:
    """The same streams over another wire API to the provider: the first of each pair is over chat completions."""
    return [
        Row(system, "CPU per 1,000 chunks, of chat completions'", _ratio(pairs, lambda each: each.cpu_ms), "x", 1.2),
        Row(system, "a chunk later, p50", _more(pairs, lambda each: each.late_p50), "ms"),
    ]


def of_door(system: str, short: Sequence[Pair], long: Sequence[Pair], paced: Sequence[Pair]) -> list[Row]:
    """One front door: answers of 100 and 1,000 chunks beside the native one, and paced ones beside the copy."""
    rates = [("100", short), ("1,000", long)]
    return [
        *(
            Row(system, f"chunks a second of the native door's, answers of {chunks}",
                _ratio(pairs, lambda each: each.chunks_per_s), "x", 0.8, 0.95, is_more_better=True)
            for chunks, pairs in rates
        ),
        Row(system, "CPU per 1,000 chunks", _ratio(paced, lambda each: each.cpu_ms), "x", 2.0, 1.5),
        Row(system, "bytes of a chunk", statistics.median(each.bytes_per_chunk for _, each in paced), "bytes"),
    ]  # fmt: skip


def of_plain(system: str, pairs: Sequence[Pair]) -> list[Row]:
    """Against the plain Django view: the first of each pair is that one."""
    ratio = _ratio(pairs, lambda each: each.chunks_per_s)
    return [Row(system, "chunks a second, of the plain view's", ratio, "x", 10, is_more_better=True)]


def of_completeness(system: str, figures: Sequence[Figures]) -> list[Row]:
    """Every chunk once and in order, at the reader and in the store."""
    asked, whole = sum(each.asked for each in figures), sum(each.whole for each in figures)
    rows = [Row(system, "answers read whole and in order", 100 * whole / asked, "%", 100, is_more_better=True)]
    if keepable := sum(each.keepable for each in figures):
        kept = 100 * sum(each.kept for each in figures) / keepable
        rows.append(Row(system, "answers stored whole and in order", kept, "%", 100, is_more_better=True))
    return rows


def _ratio(pairs: Sequence[Pair], figure: Callable[[Figures], float]) -> float:
    return statistics.median(figure(ours) / figure(theirs) for theirs, ours in pairs)


def _more(pairs: Sequence[Pair], figure: Callable[[Figures], float]) -> float:
    return statistics.median(figure(ours) - figure(theirs) for theirs, ours in pairs)


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| system | figure | measured | must | aim | |", "|---|---|--:|--:|--:|---|"]
    for row in rows:
        bars = [("" if bar is None else f"{_sign(row)} {bar:g} {row.unit}") for bar in (row.must, row.aim)]
        lines.append(f"| {row.system} | {row.figure} | {_said(row)} | {bars[0]} | {bars[1]} | {row.verdict} |")
    return "\n".join(lines)


def _sign(row: Row) -> str:
    return "≥" if row.is_more_better else "≤"


def _said(row: Row) -> str:
    digits = 0 if abs(row.value) >= 100 else 1 if abs(row.value) >= 10 else 2
    return f"{row.value:,.{digits}f} {row.unit}"

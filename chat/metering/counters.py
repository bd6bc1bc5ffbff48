"""Counters of what happens, by name, for whoever watches an installation (/api/metrics). docs/metrics.md.

Each process counts in memory, which costs a microsecond, and adds what is new to the installation's totals every few
seconds. So a total never falls, whichever process is asked and however many have come and gone: one that is killed
loses its last seconds. Labels hold no person, organization or chat, and few values each: a total is never forgotten.

What is so now, and no total: chat.metering.gauges.
"""

import threading
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Collection, Sequence
from math import inf

from prometheus_client.utils import floatToGoString

from accounts import audit
from accounts.db.writes import Add
from chat.models import Total

Labels = tuple[tuple[str, str], ...]  # by name
LABEL_MAX_CHARS = 100
MICROS, NANOS = 10**6, 10**9


class Counter:
    """Counts one kind of thing, in whole numbers: so many `per` one of what is told, such as billionths."""

    def __init__(self, name: str, help: str, labels: Collection[str] = (), per: int = 1) -> None:
        self.name = name
        self.help = help
        self.labels = frozenset(labels)
        self.per = per
        self._new: Tally[Labels] = Tally()
        self._lock = threading.Lock()

    def add(self, n: int = 1, /, **labels: str) -> None:
        """Count so many more. From any thread. The labels are those of the counter, all of them."""
        assert labels.keys() == self.labels, f"{self.name} has the labels {sorted(self.labels)}"
        key = tuple(sorted((name, value[:LABEL_MAX_CHARS]) for name, value in labels.items()))
        with self._lock:
            self._new[key] += n

    def take(self) -> Tally[Labels]:
        """What was counted here since the last time."""
        with self._lock:
            taken, self._new = self._new, Tally()
        return taken

    def give_back(self, taken: Tally[Labels]) -> None:
        """It could not be stored: it is new still."""
        with self._lock:
            self._new.update(taken)

    def told(self, value: int) -> float:
        """A stored total as it is told."""
        return value if self.per == 1 else value / self.per


class Read(Counter):
    """Counts what a lower room counts, which knows nothing of this: `so_far` says how much in this process."""

    def __init__(self, name: str, help: str, so_far: Callable[[], int]) -> None:
        super().__init__(name, help)
        self._so_far = so_far
        self._seen = 0

    def take(self) -> Tally[Labels]:
        """What came since the last time."""
        with self._lock:
            now = self._so_far()
            if now > self._seen:
                self._new[()] += now - self._seen
            self._seen = now
        return super().take()


class Histogram:
    """Counts how long one kind of thing takes: in so many, and in which bucket of seconds. Two counters, `_bucket` and
    `_sum`, hold it; a bucket's total is of those that fell into it and into no smaller one.
    """

    def __init__(self, name: str, help: str, labels: Collection[str], buckets: Sequence[float]) -> None:
        self.name = name
        self.help = help
        self.edges = tuple(buckets)
        self.bounds = tuple(map(floatToGoString, (*buckets, inf)))
        self.buckets = _known(Counter(f"{name}_bucket", help, (*labels, "le")))
        self.sum = _known(Counter(f"{name}_sum", help, labels, per=MICROS))

    def observe(self, seconds: float, **labels: str) -> None:
        """Count one that took so long. From any thread."""
        seconds = max(0.0, seconds)  # a clock may have been set back
        self.buckets.add(**labels, le=self.bounds[bisect_left(self.edges, seconds)])
        self.sum.add(round(seconds * MICROS), **labels)


KNOWN: dict[str, Counter] = {}
HISTOGRAMS: dict[str, Histogram] = {}


def _known(made: Counter) -> Counter:
    if made.name in KNOWN:
        raise ValueError(f"{made.name} is counted already")
    return KNOWN.setdefault(made.name, made)


def counter(name: str, help: str, *labels: str, per: int = 1) -> Counter:
    """The counter of this name, which ends in _total; `help` says what it counts. Raises ValueError for a second."""
    return _known(Counter(name, help, labels, per))


def histogram(name: str, help: str, *labels: str, buckets: Sequence[float]) -> Histogram:
    """The histogram of this name, which ends in _seconds; buckets up to these. Raises ValueError for a second."""
    return HISTOGRAMS.setdefault(name, Histogram(name, help, labels, buckets))


_known(Read("parley_audit_failed_total", "Audit entries that could not be written.", audit.failures))


def store() -> None:
    """Add what this process has counted to the totals. Sync, one statement."""
    taken = [(each, new) for each in KNOWN.values() if (new := each.take())]
    rows = [
        Total(name=each.name, labels=written(labels), value=count)
        for each, new in taken
        for labels, count in new.items()
    ]
    if not rows:
        return
    rows.sort(key=lambda row: (row.name, row.labels))  # in one order: no two processes wait for each other
    try:
        _add(rows)
    except BaseException:
        for each, new in taken:
            each.give_back(new)
        raise


_add = Add(Total, ("value",), by=("name", "labels"))


def totals() -> list[tuple[Counter, list[Total]]]:
    """Every counter with its totals over all processes, as they are stored. Sync, one query."""
    found: dict[str, list[Total]] = {name: [] for name in KNOWN}
    for row in Total.objects.filter(name__in=found).order_by("name", "labels"):
        found[row.name].append(row)
    return [(KNOWN[name], rows) for name, rows in sorted(found.items())]


def written(labels: Labels) -> str:
    """Labels as Prometheus reads them, without the braces."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

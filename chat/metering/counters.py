"""Counters of what happens, by name, for whoever watches an installation (/api/metrics). docs/metrics.md.

Each process counts in memory, which costs a microsecond, and adds what is new to the installation's totals every few
seconds. So a total never falls, whichever process is asked and however many have come and gone: one that is killed
loses its last seconds. Labels hold no person, organization or chat, and few values each: a total is never forgotten.
"""

import threading
from collections import Counter as Tally
from collections.abc import Callable, Collection

from django.db import transaction
from django.db.models import F

from accounts import audit
from chat.models import Total

Labels = tuple[tuple[str, str], ...]  # by name
LABEL_MAX_CHARS = 100


class Counter:
    """Counts one kind of thing."""

    def __init__(self, name: str, help: str, labels: Collection[str] = ()) -> None:
        self.name = name
        self.help = help
        self.labels = frozenset(labels)
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


KNOWN: dict[str, Counter] = {}


def counter(name: str, help: str, *labels: str) -> Counter:
    """The counter of this name, which ends in _total; `help` says what it counts. Raises ValueError for a second."""
    if name in KNOWN:
        raise ValueError(f"{name} is counted already")
    return KNOWN.setdefault(name, Counter(name, help, labels))


KNOWN["parley_audit_failed_total"] = Read(
    "parley_audit_failed_total", "Audit entries that could not be written.", audit.failures
)


def store() -> None:
    """Add what this process has counted to the totals. Sync."""
    for each in KNOWN.values():
        if taken := each.take():
            try:
                _add(each.name, taken)
            except BaseException:
                each.give_back(taken)
                raise


@transaction.atomic
def _add(name: str, taken: Tally[Labels]) -> None:
    for labels, count in sorted(taken.items()):  # always in one order, so that no two processes wait for each other
        row, is_new = Total.objects.get_or_create(name=name, labels=written(labels), defaults={"value": count})
        if not is_new:
            Total.objects.filter(pk=row.pk).update(value=F("value") + count)


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

"""What is so now, by name, for whoever watches an installation (/api/metrics). docs/metrics.md.

Two kinds. Of a process: each writes its own into its row with its heartbeat, in Prometheus' text format, so that
whichever process is asked tells them of all; those of one that was killed are gone with its heartbeat. Of the
installation: read from the database by whoever is asked, at most every few seconds.

What is counted for ever: chat.metering.counters.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock

from prometheus_client import CollectorRegistry, Gauge, Metric, ProcessCollector, generate_latest
from prometheus_client.parser import text_string_to_metric_families

log = logging.getLogger(__name__)

KEPT_S = 5.0  # how long what the database said is told again
Sample = tuple[dict[str, str], float]  # labels, and the number

# --- Of a process ----------------------------------------------------------------------------------------------------
HERE = CollectorRegistry()
ProcessCollector(registry=HERE)
info = Gauge("parley_process_info", "A process that is up.", ["host", "pid", "version"], registry=HERE)
open_streams = Gauge("parley_open_streams", "Streams and answers that are waited for.", ["door"], registry=HERE)


def of_process(name: str, help: str, read: Callable[[], float]) -> None:
    """Tell what `read` says, from now on, of each process. It is asked in any thread, and takes no time."""
    Gauge(name, help, registry=HERE).set_function(read)


@contextmanager
def streaming(door: str) -> Iterator[None]:
    """A stream of this door is open for as long as this lasts."""
    gauge = open_streams.labels(door)
    gauge.inc()
    try:
        yield
    finally:
        gauge.dec()


def here() -> str:
    """What this process's row says."""
    return generate_latest(HERE).decode()


def of_all(rows: Iterable[tuple[str, str]]) -> list[Metric]:
    """What these processes say together: (name, what its row says) of each, which becomes the label `process`."""
    found: dict[str, Metric] = {}
    for process, text in rows:
        for family in text_string_to_metric_families(text):
            into = found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for each in family.samples:
                into.add_sample(each.name, {**each.labels, "process": process}, each.value)
    return list(found.values())


# --- Of the installation ---------------------------------------------------------------------------------------------
class Shared:
    """One that the database tells. `read` gives its samples: sync, by an index, and none where nothing can be said."""

    def __init__(self, name: str, help: str, read: Callable[[], Iterable[Sample]]) -> None:
        self.name = name
        self.help = help
        self.read = read

    def family(self) -> Metric:
        """It, as of now. Sync."""
        family = Metric(self.name, self.help, "gauge")
        for labels, value in self.read():
            family.add_sample(self.name, labels, float(value))
        return family


SHARED: dict[str, Shared] = {}
FAILED = "parley_gauges_failed"


class _Kept:
    """What the database said last."""

    families: tuple[Metric, ...] = ()
    until = 0.0  # monotonic
    lock = Lock()


def of_installation(name: str, help: str, read: Callable[[], Iterable[Sample]]) -> None:
    """Tell what `read` says, from now on, of the installation. Raises ValueError for a second of this name."""
    if name in SHARED:
        raise ValueError(f"{name} is told already")
    SHARED[name] = Shared(name, help, read)


def of_database() -> tuple[Metric, ...]:
    """Those of the installation; not older than KEPT_S. Sync."""
    with _Kept.lock:
        if time.monotonic() >= _Kept.until:
            _Kept.families = tuple(_read())
            _Kept.until = time.monotonic() + KEPT_S
        return _Kept.families


def _read() -> Iterator[Metric]:
    """Those that can be read, and how many cannot: one that fails does not hide the others."""
    failed = Metric(FAILED, "Gauges of the installation that could not be read.", "gauge")
    count = 0
    for _, each in sorted(SHARED.items()):
        try:
            yield each.family()
        except Exception:
            log.exception("%s cannot be read", each.name)
            count += 1
    failed.add_sample(FAILED, {}, count)
    yield failed


def forget() -> None:
    """Ask the database at the next look."""
    _Kept.until = 0.0

"""What processes have in memory, on Linux."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_S = 0.02


def resident_mb(pid: int, of: str = "VmRSS") -> float:
    """What the process has; 0 where there is none. With `VmHWM` the most that it has had."""
    size = _read(Path(f"/proc/{pid}/status")).partition(f"{of}:")[2].split()
    return int(size[0]) / 1024 if size else 0.0


def children(pid: int) -> list[int]:
    """Those that it has started and that are there."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in found for child in _read(each).split()]


@contextmanager
def largest_child() -> Iterator[list[float]]:
    """The most that any one process had which this one starts meanwhile, in MB: the only number, once it is over.

    What getrusage says is of all children that ever were.
    """
    most, older, is_over = [0.0], set(children(os.getpid())), threading.Event()

    def look() -> None:
        while not is_over.is_set():
            mine = set(children(os.getpid())) - older
            most[0] = max([most[0], *(resident_mb(each, "VmHWM") for each in mine)])
            time.sleep(LOOK_S)

    watching = threading.Thread(target=look, daemon=True)
    watching.start()
    try:
        yield most
    finally:
        is_over.set()
        watching.join()


def _read(path: Path) -> str:
    """Empty where the process has gone meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""

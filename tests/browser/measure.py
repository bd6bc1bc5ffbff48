"""What the page's main thread did, as the browser itself traces it, and how long keys and frames took."""

import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page

CATEGORIES = ["toplevel", "devtools.timeline"]


@dataclass
class Tasks:
    """Tasks of the page's main thread: the processor's time of each in ms, which a busy machine does not lengthen, and
    the clock's."""

    cpu_ms: list[float] = field(default_factory=list)
    clock_ms: list[float] = field(default_factory=list)
    most_restyled: int = 0  # elements whose style was worked out anew at once
    longest: str = ""  # what the task with the most of the processor's time did, in the browser's words

    def longer_than(self, ms: float) -> list[float]:
        """The processor's times above that, longest first."""
        return sorted((each for each in self.cpu_ms if each > ms), reverse=True)


@contextmanager
def traced(browser: Browser, page: Page) -> Iterator[Tasks]:
    """Fills the Tasks at its end."""
    tasks = Tasks()
    browser.start_tracing(page=page, categories=CATEGORIES)
    try:
        yield tasks
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
        _fill(tasks, events)


def _fill(tasks: Tasks, events: list[dict[str, object]]) -> None:
    """The page's renderer is the one that did the most."""
    names = {
        (each["pid"], each["tid"])
        for each in events
        if each.get("name") == "thread_name" and each["args"] == {"name": "CrRendererMain"}
    }
    by_thread: dict[object, list[dict[str, object]]] = {}
    for each in events:
        thread = (each.get("pid"), each.get("tid"))
        if thread in names and each.get("name") == "ThreadControllerImpl::RunTask" and "tdur" in each:
            by_thread.setdefault(thread, []).append(each)
    assert by_thread, "the trace has no tasks"
    busiest = max(by_thread.values(), key=lambda each: sum(float(str(task["tdur"])) for task in each))
    tasks.cpu_ms = [float(str(each["tdur"])) / 1000 for each in busiest]
    tasks.clock_ms = [float(str(each["dur"])) / 1000 for each in busiest]
    tasks.longest = _told(max(busiest, key=lambda each: float(str(each["tdur"]))), events)
    restyled = [each["args"] for each in events if each.get("name") == "UpdateLayoutTree"]
    tasks.most_restyled = max(int(str(each.get("elementCount", 0))) for each in restyled if isinstance(each, dict))


def _told(task: dict[str, object], events: list[dict[str, object]]) -> str:
    """The parts of a task that took a fifth of it or more."""
    start, length = float(str(task["ts"])), float(str(task["dur"]))
    inside = [
        each
        for each in events
        if each.get("tid") == task["tid"] and each.get("pid") == task["pid"] and "tdur" in each and each is not task
        if start <= float(str(each["ts"])) < start + length and float(str(each["dur"])) >= length / 5
    ]
    return ", ".join(f"{each['name']} {float(str(each['tdur'])) / 1000:.0f} ms" for each in inside)


# From a key in the box to the frame that shows it.
WATCH_KEYS = """() => {
  window.keys = [];
  document.getElementById("text").addEventListener("keydown", () => {
    const at = performance.now();
    requestAnimationFrame(() => setTimeout(() => keys.push(performance.now() - at)));
  });
}"""
WATCH_FRAMES = """() => {
  window.frames_ms = [];
  window.most = 0;
  let last = performance.now();
  const tick = (now) => {
    frames_ms.push(now - last);
    last = now;
    most = Math.max(most, document.getElementById("log").getElementsByTagName("*").length);
    if (frames_ms) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""


def figures(times: list[float]) -> dict[str, float]:
    """Median, 95th percentile and longest."""
    ordered = sorted(times)
    median, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    return {"median": round(median, 1), "p95": round(p95, 1), "most": round(ordered[-1], 1)}

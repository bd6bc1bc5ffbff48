"""What an installation counts and how it is now, as families of prometheus_client. Sync."""

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.parser import parse_labels
from prometheus_client.registry import Collector

from chat.metering import counters, gauges
from chat.metering.counters import Counter, Histogram
from chat.models import Total
from chat.runner import presence


class Everything(Collector):
    """All of it, as of now: what this process has counted joins the totals first, and its row says how it is."""

    def collect(self) -> Iterator[Metric]:
        """The families."""
        counters.store()
        presence.tell_gauges()
        rows = {counted.name: (counted, found) for counted, found in counters.totals()}
        for each in counters.HISTOGRAMS.values():
            yield _histogram(each, rows.pop(each.buckets.name)[1], rows.pop(each.sum.name)[1])
        for counted, found in rows.values():
            yield _counter(counted, found)
        yield from gauges.of_all(presence.of_all())
        yield from gauges.of_database()


def _counter(counted: Counter, rows: list[Total]) -> Metric:
    """What counts nothing yet is 0, so that its first one is seen to come."""
    family = Metric(counted.name.removesuffix("_total"), counted.help, "counter")
    for row in rows:
        family.add_sample(counted.name, parse_labels(row.labels), counted.told(row.value))
    if not rows and not counted.labels:
        family.add_sample(counted.name, {}, 0)
    return family


def _histogram(each: Histogram, buckets: list[Total], sums: list[Total]) -> Metric:
    family = Metric(each.name, each.help, "histogram")
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in buckets:
        labels = parse_labels(row.labels)
        found[_but_bound(labels)][labels["le"]] = row.value
    for row in sums:
        labels, total = parse_labels(row.labels), 0
        for bound in each.bounds:
            total += found[row.labels].get(bound, 0)
            family.add_sample(f"{each.name}_bucket", {**labels, "le": bound}, total)
        family.add_sample(f"{each.name}_count", labels, total)
        family.add_sample(f"{each.name}_sum", labels, each.sum.told(row.value))
    return family


def _but_bound(labels: dict[str, str]) -> str:
    return counters.written(tuple(sorted((name, value) for name, value in labels.items() if name != "le")))

"""How long the admin's pages take on the server, over tables of 100,000 rows: `python -m tests.chat.admin_speed`.

Each page is asked for through the whole of Django (middleware, session, templates), in this process and without a
network. With TEST_PROFILE=scaled it is PostgreSQL and Redis. What is told first is the processor's time, of this
process and of its connection's process in PostgreSQL: on a machine that does nothing else that is the time that passes,
and on another it still says what the page costs. The time that passed stands beside it.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import environment

if __name__ == "__main__":
    environment.prepare()

from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_test_environment
from django.urls import reverse

from accounts.models import Membership, Role, User
from chat.models import Run
from tests.chat.busy import Busy
from tests.chat.crowd import crowd

WARM_UP, TIMES = 3, 20
BAR_MS = 100


@dataclass(frozen=True)
class Timed:
    """One page."""

    name: str
    p50_ms: float
    p95_ms: float
    passed_ms: float  # p95 of the clock
    queries: int
    bytes: int


def pages(long_run: Run, eventful: Run) -> Iterator[tuple[str, str]]:
    """(name, address) of every list, each with its saved views, and of the pages with figures."""
    yield "first screen", reverse("admin:index")
    assert long_run.chat is not None
    yield "an organization's figures", reverse("page-figures", args=[long_run.chat.organization_id])
    usage = reverse("admin:chat_usageday_changelist")
    yield "usage, 30 days", usage
    yield "usage, 90 days", f"{usage}?days=90"
    yield "usage, a year", f"{usage}?days=366"
    for run, name in ((eventful, "a run's timeline"), (long_run, "a run of 10,000 events")):
        yield name, reverse("admin:chat_run_change", args=[run.pk])
    yield "its last page", reverse("admin:chat_run_change", args=[long_run.pk]) + "?rows=999"
    yield "the chat with most runs", reverse("admin:chat_chat_change", args=[long_run.chat_id])
    for model, lists in sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label):
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        yield f"list: {model._meta.label}", address
        yield f"list: {model._meta.label}, searched", f"{address}?q=person77"
        yield f"list: {model._meta.label}, last page", f"{address}?p=200"
        for view in getattr(lists, "views", ()):
            query = view.query.format(user=long_run.user_id)
            yield f"list: {model._meta.label}, {query}", f"{address}?{query}"


def measure(client: Client, name: str, address: str) -> Timed:
    """What that page takes."""
    with CaptureQueriesContext(connection) as asked:
        response = client.get(address, follow=True)
        queries = len(asked)
    assert response.status_code == 200, (address, response.status_code)
    gc.collect()
    gc.freeze()  # as a server does once it is up
    taken: list[tuple[float, float]] = []
    for _ in range(WARM_UP + TIMES):
        start, clock = busy_s(), time.perf_counter()
        client.get(address, follow=True)
        taken.append((busy_s() - start, time.perf_counter() - clock))
    worked, passed = (sorted(each) for each in zip(*taken[WARM_UP:], strict=True))
    return Timed(name, share(worked, 10), share(worked, 19), share(passed, 19), queries, len(response.content))


def busy_s() -> float:
    """Processor's time of this process so far, and of the process that answers its queries."""
    if connection.vendor == "sqlite":
        return time.process_time()
    backend = connection.connection.info.backend_pid
    return time.process_time() + int(Path(f"/proc/{backend}/schedstat").read_text().split()[0]) / 1e9


def fill(rows: int) -> tuple[Run, Run]:
    """So many rows in each table; a run of more than 10,000 events, and one in which everything happened."""
    busy = Busy()
    busy.runs(rows)
    crowd(rows)
    busy.usage()
    busy.live()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return busy.long(), busy.eventful()


def share(values: list[float], twentieths: int) -> float:
    """Milliseconds within which so many twentieths of them lie."""
    return statistics.quantiles(values, n=20, method="inclusive")[twentieths - 1] * 1000


def main() -> None:
    """Fill a database of its own, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", default="", help="a part of the names of the pages to measure")
    parser.add_argument("--quick", action="store_true", help="of each list only its first page")
    chosen = parser.parse_args()
    setup_test_environment()
    try:
        call_command("migrate", verbosity=0)
        start = time.perf_counter()
        runs = fill(chosen.rows)
        print(
            f"{environment.server_versions()}: {chosen.rows:,} rows made in {time.perf_counter() - start:.0f} s",
            flush=True,
        )
        client = Client()
        root = User.objects.create_superuser("root@example.com")
        Membership.objects.create(organization_id=runs[0].chat.organization_id, user=root, role=Role.ADMIN)
        client.force_login(root)
        for name, address in pages(*runs):
            if chosen.only in name and not (chosen.quick and "," in name and name.startswith("list")):
                show(measure(client, name, address))
    finally:
        connection.close()
        environment.clean()


def show(timed: Timed) -> None:
    """A line of it."""
    mark = "  OVER" if timed.p95_ms > BAR_MS else ""
    counted = f"{timed.passed_ms:8.1f} ms passed  {timed.queries:3} queries  {timed.bytes / 1000:6.0f} kB"
    print(f"{timed.p50_ms:8.1f} {timed.p95_ms:8.1f} ms  {counted}  {timed.name}{mark}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

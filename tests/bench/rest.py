"""`python -m tests.bench.rest`: how long what people wait for takes without a stream, on both databases.

A message is inserted, a chat's tokens are counted, and a page of a hundred messages is asked for, each so many times,
in this process, beside whatever else the machine does. Exit code 1: a figure at its 95th percentile is over its bar.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

BARS_MS = {"insert of a message": 10.0, "update of a chat's counters": 5.0, "page of 100 messages": 50.0}


def main() -> None:
    """Measure each profile in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rest", description=main.__doc__)
    parser.add_argument("--times", type=int, default=300, help="how often each is done (300)")
    parser.add_argument("--profile", choices=["embedded", "scaled"], help="one only, in this process")
    chosen = parser.parse_args()
    if chosen.profile is None:
        each = [sys.executable, "-m", "tests.bench.rest", "--times", str(chosen.times), "--profile"]
        raise SystemExit(max(subprocess.run([*each, name]).returncode for name in ("embedded", "scaled")))
    os.environ["TEST_PROFILE"] = chosen.profile
    with _database():
        are_over = [_told(chosen.profile, name, times) for name, times in _measured(chosen.times)]
    raise SystemExit(any(are_over))


@contextmanager
def _database() -> Iterator[None]:
    """An empty database of the profile, with all tables."""
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_test_environment, teardown_test_environment

    import tests.conftest  # prepares the environment, which comes before anything reads the settings  # noqa: F401
    from tests import environment

    if settings.IS_SQLITE:
        connection.settings_dict["TEST"]["NAME"] = str(settings.PARLEY_DATA / "bench.sqlite3")
    setup_test_environment(debug=False)
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()
        environment.clean()


def _measured(times: int) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Each figure with its times in milliseconds."""
    from accounts.models import Organization, Role
    from agents.usage import Usage
    from chat.metering.costs import Spent
    from chat.models import Chat
    from chat.models.facts import facts_of
    from chat.runner.ending import _add_to_chat
    from chat.services.messages import create_message
    from tests.chat.rows import answer
    from tests.conftest import client_of, member

    organization = Organization.objects.create(name="Bench")
    alice = member(organization, "alice", Role.OWNER)
    chat = Chat.objects.create(
        organization=organization, user=alice, title="Bench", model="demo", archetype="generalist"
    )
    for _ in range(100):
        run = answer(chat, alice, text="A sentence of some length that an answer may hold. " * 20)
    client, path = client_of(alice), f"/api/chats/{chat.pk}/messages/"

    def page() -> Any:
        found = client.get(path, {"page_size": 100})
        assert len(found.json()["results"]) == 100
        return found

    does: list[Callable[[], Any]] = [
        lambda: create_message(user=alice, chat=chat, content="A message of a usual length. " * 4),
        lambda: _add_to_chat(facts_of(run), Usage(1000, 200, 300, 0), Spent()),
        page,
    ]
    for name, do in zip(BARS_MS, does, strict=True):
        for _ in range(10):
            do()
        yield name, [_took_ms(do) for _ in range(times)]


def _took_ms(do: Callable[[], Any]) -> tuple[float, float]:
    """From begin to end, and of that this thread's own work."""
    began, worked = time.perf_counter(), time.thread_time()
    do()
    return (time.perf_counter() - began) * 1000, (time.thread_time() - worked) * 1000


def _told(profile: str, name: str, times: list[tuple[float, float]]) -> bool:
    """Print the figure; whether it is over its bar."""
    whole, own = sorted(each for each, _ in times), sorted(each for _, each in times)
    p50, p95 = whole[len(whole) // 2], whole[int(len(whole) * 0.95)]
    is_over = p95 >= BARS_MS[name]
    verdict = "MISSED" if is_over else "under"
    took = f"p50 {p50:6.2f} ms   p95 {p95:6.2f} ms   own work p50 {own[len(own) // 2]:6.2f} ms"
    print(f"{profile:9} {name:28} {took}   {verdict} {BARS_MS[name]:g} ms", flush=True)
    return is_over


if __name__ == "__main__":
    main()

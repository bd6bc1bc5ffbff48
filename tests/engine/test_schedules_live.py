"""A schedule's due times on real servers: each begins one run, though a process dies or is stopped, and two look."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

NewServer = Callable[..., Server]
LATE = timedelta(hours=3, minutes=20)  # so its newest time was 20 minutes ago
WAIT_S = 60

MOVE_BACK = "from chat.models import Schedule; Schedule.objects.update(next_at='{at}')"
# It dies when the schedule has moved on and its run is about to be stored, or when all of it is stored.
DIE = """
import os, signal
from django.utils import timezone
from chat.services import scheduled
def die(*args): os.kill(os.getpid(), signal.SIGKILL)
{where} = die
scheduled.take_turn(scheduled.due_ids(timezone.now(), 1)[0], timezone.now())
"""
BEFORE, AFTER = (
    DIE.format(where="scheduled.begin"),
    "from chat.runner import runner\n" + DIE.format(where="runner.wake"),
)


def scheduled(alice: Client, mark: str, at: datetime) -> dict[str, Any]:
    """A chat's schedule of each hour."""
    body = {"chat": alice.chat(), "prompt": f"[[key={mark}]] go", "cron": f"{at.minute} * * * *", "time_zone": "UTC"}
    return dict(alice.post("/api/schedules/", body))


def began(alice: Client, schedules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The schedules, once each has begun a run."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = [alice.get(f"/api/schedules/{each['id']}/") for each in schedules]
        if all(each["last_run"] for each in found):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def test_each_due_time_begins_one_run_whoever_dies_and_however_many_look(
    new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server(SCHEDULES_EVERY_S="0").start()
    alice, mark = client(server), key()
    upstream.script(*[Turn(text="Nothing is new.")] * 6, key=mark)
    due = (datetime.now(UTC) - LATE).replace(second=0, microsecond=0)
    schedules = [scheduled(alice, mark, due) for _ in range(6)]
    server.quickly("shell", "-c", MOVE_BACK.format(at=due.isoformat()))

    assert server.manage("shell", "-c", BEFORE, check=False).returncode == -9
    assert all(alice.get(f"/api/schedules/{each['id']}/")["next_at"] == _shown(due) for each in schedules)
    assert server.manage("shell", "-c", AFTER, check=False).returncode == -9
    assert sum(alice.get(f"/api/schedules/{each['id']}/")["last_run"] is not None for each in schedules) == 1

    for _ in range(2):
        server.sibling(SCHEDULES_EVERY_S="0.2").start_process()
    newest = due + timedelta(hours=3)
    for each in began(alice, schedules):
        assert each["missed"] == {"count": 3, "first_at": _shown(due), "last_at": _shown(newest - timedelta(hours=1))}
        assert (each["last_at"], each["error"]) == (_shown(newest), "")
        assert datetime.fromisoformat(each["next_at"]) > datetime.now(UTC)
        assert alice.wait(each["last_run"])["status"] == "succeeded"
        said = alice.get(f"/api/chats/{each['chat']}/messages/")["results"]
        assert [(message["role"], message["content"]) for message in said] == [
            ("user", f"[[key={mark}]] go"),
            ("assistant", "Nothing is new."),
        ]


def _shown(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

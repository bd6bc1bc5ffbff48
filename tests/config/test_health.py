"""Health: up is not ready, and what another process could do no better does not make this one unready."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.models import User
from chat.eventlog.committer import committer
from chat.models import Chat, Run, RunStatus
from chat.runner import runner
from tests.chat.rows import answer


@contextmanager
def database_down() -> Iterator[None]:
    def fail(execute: Any, *args: Any) -> None:
        raise OperationalError("connection to 10.0.0.7 refused")

    with connection.execute_wrapper(fail):
        yield


def ready() -> tuple[int, dict[str, Any]]:
    response = Client().get("/readyz")
    return response.status_code, response.json()


def test_the_process_is_up_whatever_the_database_does(db: None) -> None:
    with database_down():
        assert Client().get("/healthz").status_code == 200


def test_it_is_ready_when_everything_answers(db: None) -> None:
    status, told = ready()
    assert (status, told["status"], told["failed"], told["degraded"]) == (200, "ok", [], [])
    assert told["checks"]["redis"] == ("ok" if settings.REDIS_URL else "unused")


def test_it_is_not_ready_when_the_database_does_not_answer(db: None) -> None:
    with database_down():
        response = Client().get("/readyz")
    assert (response.status_code, response.json()["failed"]) == (503, ["database"])
    assert b"10.0.0.7" not in response.content


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_is_asked_by_get_and_head(db: None, path: str) -> None:
    assert Client().head(path).status_code == 200
    assert Client().post(path).status_code == 405


def test_a_process_that_drains_takes_nothing_new(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "is_draining", True)
    status, told = ready()
    assert (status, told["failed"]) == (503, ["draining"])


@pytest.mark.parametrize(("lag_s", "expected"), [(1.0, (200, [])), (6.0, (503, ["commit_lag"]))])
def test_a_commit_that_does_not_end(
    db: None, monkeypatch: pytest.MonkeyPatch, lag_s: float, expected: tuple[int, list[str]]
) -> None:
    monkeypatch.setattr(committer, "_began_at", time.monotonic() - lag_s)
    status, told = ready()
    assert (status, told["failed"]) == expected


def test_without_redis_it_serves_on_and_says_so(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    def fail(*args: Any) -> None:
        raise RedisError("10.0.0.8 is away")

    settings.REDIS_URL = settings.REDIS_URL or "redis://127.0.0.1:1"
    monkeypatch.setattr(cache, "get", fail, raising=False)
    status, told = ready()
    assert (status, told["status"], told["degraded"]) == (200, "degraded", ["redis"])


def lies(run: Run, seconds: int, **changes: Any) -> None:
    """Make the run look as if it had lain there so long."""
    then = timezone.now() - timedelta(seconds=seconds)
    Run.objects.filter(pk=run.pk).update(created_at=then, ended_at=None, **changes)


@pytest.mark.parametrize(("seconds", "expected"), [(10, []), (40, ["unclaimed_runs"])])
@pytest.mark.parametrize("how", ["queued", "lapsed"])
def test_a_run_that_nobody_takes(chat: Chat, alice: User, how: str, seconds: int, expected: list[str]) -> None:
    run = answer(chat, alice)
    since = timezone.now() - timedelta(seconds=seconds)
    lease = {"status": RunStatus.RUNNING, "lease_expires_at": since}
    lies(run, seconds, **({"status": RunStatus.QUEUED} if how == "queued" else lease))
    status, told = ready()
    assert (status, told["degraded"]) == (200, expected)
    assert abs(told["checks"]["unclaimed_s"] - seconds) < 5


def test_a_run_behind_another_does_not_count(chat: Chat, alice: User) -> None:
    lies(answer(chat, alice), 40, status=RunStatus.RUNNING, lease_expires_at=timezone.now() + timedelta(seconds=8))
    lies(answer(chat, alice), 40, status=RunStatus.QUEUED)
    assert ready()[1]["degraded"] == []

"""System checks: sets of settings that cannot work together stop every command."""

from typing import Any

import pytest
from django.test import override_settings

from chat.checks import check_hosts, check_processes
from tests.live import Server

pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
REDIS = "redis://127.0.0.1:6379/0"


def database(engine: str, **options: Any) -> dict[str, Any]:
    return {"DATABASES": {"default": {"ENGINE": f"django.db.backends.{engine}", "OPTIONS": options}}}


SQLITE: dict[str, Any] = {"IS_SQLITE": True, "REDIS_URL": "", **database("sqlite3")}
SCALED: dict[str, Any] = {"IS_SQLITE": False, "REDIS_URL": REDIS, **database("postgresql", pool={"max_size": 20})}
# What is set, on top of which profile, and the checks that speak.
BAD: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "neither of the two databases": (SCALED, {**database("mysql", pool={"max_size": 20})}, ["chat.E001"]),
    "Redis beside SQLite": (SQLITE, {"REDIS_URL": REDIS}, ["chat.E002"]),
    "a pool smaller than the threads": (SCALED, database("postgresql", pool={"max_size": 5}), ["chat.E003"]),
    "no room for the threads of files": (
        SCALED,
        {"FILE_THREADS": 11, "DB_THREADS": 4, "DB_TOOL_THREADS": 4},
        ["chat.E003"],
    ),
    "a Redis that is none": (SCALED, {"REDIS_URL": "localhost:6379"}, ["chat.E004"]),
    "in-memory channels beside PostgreSQL": (SCALED, {"REDIS_URL": ""}, ["chat.W001"]),
    "nobody to execute runs": (SQLITE, {"CHAT_RUN_HERE": False}, ["chat.E005"]),
    "no bell to those who do": (SCALED, {"CHAT_RUN_HERE": False, "REDIS_URL": ""}, ["chat.E006", "chat.W001"]),
    "leases that lapse": (SQLITE, {"CHAT_LEASE_S": 5.0, "CHAT_LEASE_RENEW_S": 2.0}, ["chat.E007"]),
    "no time at all": (SQLITE, {"CHAT_HEARTBEAT_S": 0.0}, ["chat.E008"]),
    "less than nothing": (SQLITE, {"CHAT_STREAMS_PER_USER": -1}, ["chat.E008"]),
}
GOOD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one process": (SQLITE, {}),
    "many processes": (SCALED, {}),
    "just room enough": (SCALED, {"FILE_THREADS": 10, "DB_THREADS": 4, "DB_TOOL_THREADS": 4}),
    "many processes, some of which only serve": (SCALED, {"CHAT_RUN_HERE": False}),
    "no limits": (SQLITE, {"CHAT_STREAMS_PER_USER": 0, "CHAT_RUNS_PER_ORGANIZATION": 0}),
}


def ids(profile: dict[str, Any], changes: dict[str, Any]) -> list[str]:
    with override_settings(**{**profile, **changes}):
        return sorted(str(each.id) for each in check_processes())


@pytest.mark.parametrize(("profile", "changes", "expected"), BAD.values(), ids=BAD.keys())
def test_it_is_refused(profile: dict[str, Any], changes: dict[str, Any], expected: list[str]) -> None:
    assert ids(profile, changes) == expected


@pytest.mark.parametrize(("profile", "changes"), GOOD.values(), ids=GOOD.keys())
def test_it_passes(profile: dict[str, Any], changes: dict[str, Any]) -> None:
    assert ids(profile, changes) == []


def test_no_password_is_told() -> None:
    with override_settings(**{**SCALED, "REDIS_URL": "swordfish"}):
        assert "swordfish" not in str(check_processes())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({**SCALED, "KEPT_SECRETS": ["SECRET_KEY"]}, ["chat.W002", "chat.W004"]),
        ({**SCALED, "KEPT_SECRETS": []}, ["chat.W004"]),
        ({**SCALED, "KEPT_SECRETS": [], "ATTACHMENTS_ARE_SHARED": True}, []),
        ({**SCALED, "KEPT_SECRETS": [], "ATTACHMENTS_S3_BUCKET": "files"}, []),
        ({**SQLITE, "KEPT_SECRETS": ["SECRET_KEY"]}, []),
    ],
)
def test_keys_and_files_of_one_host_are_warned_of_at_deployment(changes: dict[str, Any], expected: list[str]) -> None:
    with override_settings(**changes):
        assert [str(each.id) for each in check_hosts()] == expected


def test_a_bad_set_stops_the_server_in_words() -> None:
    done = Server(REDIS_URL=REDIS, DATABASE_URL="sqlite:///:memory:").manage("serve", check=False)
    assert done.returncode == 1
    assert "chat.E002" in done.stdout and "Traceback" not in done.stdout


def test_what_reads_redis_waits_longer_than_redis_lets_it() -> None:
    """redis-py 8 ends a read after 5 s unless told not to, which is how long the layer has Redis hold it."""
    asked = (
        "from django.conf import settings as of;"
        "print(of.CHANNEL_LAYERS['default']['CONFIG']['hosts'][0]['socket_timeout'],"
        " of.CACHES['default']['OPTIONS']['socket_timeout'])"
    )
    scaled = Server(REDIS_URL=REDIS, DATABASE_URL="postgres://parley@127.0.0.1/parley")
    layer_s, cache_s = map(float, scaled.manage("shell", "-v", "0", "-c", asked).stdout.split())
    assert layer_s >= 10
    assert cache_s == 1.0

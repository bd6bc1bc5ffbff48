"""/api/metrics: what it says, to whom, and that totals are added up and never fall."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import Error
from django.test import Client, override_settings

from accounts import audit
from accounts.models import User
from accounts.sign_in.tokens import AccessToken
from chat.metering import counters, run_counts
from chat.metering.counters import Counter, counter
from chat.models import Total

pytestmark = pytest.mark.django_db
TOKEN = "of-the-scraper"


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    """A counter of one's own, and no other has anything new."""
    monkeypatch.setattr(counters, "KNOWN", {})
    yield counter("parley_tries_total", "Tries.", "how")


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {AccessToken.of(user)}"}


def read(headers: dict[str, str] | None = None, **more: Any) -> Any:
    return Client().get("/api/metrics", headers=headers or {}, **more)


def test_who_may_read_it(alice: User, charlie: User) -> None:
    alice.is_staff = True
    alice.save()
    scraper, elsewhere = {"Authorization": f"Bearer {TOKEN}"}, {"REMOTE_ADDR": "192.0.2.7"}
    with override_settings(IS_DEVELOPMENT=False, METRICS_TOKEN=TOKEN):
        assert [read().status_code, read(scraper).status_code, read(bearer(alice)).status_code] == [404, 200, 200]
        assert read(bearer(charlie)).status_code == read({"Authorization": f"Bearer {TOKEN}x"}).status_code == 404
    with override_settings(IS_DEVELOPMENT=False, METRICS_TOKEN=""):
        assert read().status_code == read({"Authorization": "Bearer "}).status_code == 404
    with override_settings(IS_DEVELOPMENT=True, METRICS_TOKEN=""):
        assert (read().status_code, read(**elsewhere).status_code, read(bearer(charlie)).status_code) == (200, 404, 404)
    with override_settings(IS_DEVELOPMENT=True, METRICS_TOKEN=TOKEN):
        assert read().status_code == 404


def test_it_says_each_total_as_prometheus_reads_it(tries: Counter, settings: Any) -> None:
    settings.IS_DEVELOPMENT = True
    plain = counter("parley_plain_total", "Plain ones.")
    tries.add(2, how='a"b\\c\nd')
    tries.add(how="x")
    assert read().content.decode() == (
        "# HELP parley_plain_total Plain ones.\n# TYPE parley_plain_total counter\nparley_plain_total 0\n"
        "# HELP parley_tries_total Tries.\n# TYPE parley_tries_total counter\n"
        'parley_tries_total{how="a\\"b\\\\c\\nd"} 2\nparley_tries_total{how="x"} 1\n'
        "# HELP parley_audit_unsealed Audit entries that have no place in their chain yet.\n"
        "# TYPE parley_audit_unsealed gauge\nparley_audit_unsealed 0\n"
    )
    plain.add(3)
    assert "\nparley_plain_total 3\n" in read().content.decode()
    assert read()["Content-Type"].startswith("text/plain; version=0.0.4")


def test_what_a_lower_room_counts_is_a_total_too(tries: Counter, settings: Any) -> None:
    settings.IS_DEVELOPMENT, so_far = True, [0]
    counters.KNOWN["parley_lost_total"] = counters.Read("parley_lost_total", "Lost.", lambda: so_far[0])
    for so_far[0], told in ((0, 0), (2, 2), (2, 2), (5, 5)):
        assert f"\nparley_lost_total {told}\n" in read().content.decode()


def test_the_audit_log_says_how_it_is(settings: Any, alice: User) -> None:
    settings.IS_DEVELOPMENT = True
    audit.record("organization.made", actor=alice, organization_id=None)
    told = read().content.decode()
    assert "\nparley_audit_unsealed 1\n" in told and "\nparley_audit_failed_total " in told


def test_totals_are_of_all_processes_and_never_fall(tries: Counter) -> None:
    tries.add(5, how="x")
    counters.store()
    Total.objects.update(value=40)  # others have counted meanwhile
    tries.add(2, how="x")
    counters.store()
    counters.store()
    assert [row.value for _, rows in counters.totals() for row in rows] == [42]


def test_what_could_not_be_stored_is_new_still(tries: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Error

    tries.add(5, how="x")
    with monkeypatch.context() as patch:
        patch.setattr(counters, "_add", away)
        with pytest.raises(Error):
            counters.store()
    tries.add(how="x")
    counters.store()
    assert Total.objects.get().value == 6


def test_nothing_new_asks_the_database_nothing(tries: Counter, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        counters.store()


def test_counting_from_many_threads_loses_nothing(tries: Counter) -> None:
    threads = [threading.Thread(target=lambda: [tries.add(how="x") for _ in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counters.store()
    assert Total.objects.get().value == 8000


def test_a_name_is_counted_once_and_by_its_labels(tries: Counter) -> None:
    with pytest.raises(ValueError, match="parley_tries_total"):
        counter("parley_tries_total", "Again.")
    with pytest.raises(AssertionError):
        tries.add(user="x")


def test_models_that_clients_made_up_are_one() -> None:
    assert {run_counts.shown(f"made-up-{number}") for number in range(10_000)} == {"other"}
    assert run_counts.shown("gpt-4o") == "gpt-4o"

"""/api/metrics: what it says, to whom, that totals are added up and never fall, and that gauges are of who is up."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import Error
from django.test import Client, override_settings
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from accounts import audit
from accounts.models import Organization, User
from accounts.sign_in.keys import create_key
from accounts.sign_in.tokens import AccessToken
from chat.eventlog.projection import fold
from chat.metering import counters, gauges, run_counts
from chat.metering.costs import Cost, Spent
from chat.metering.counters import Counter, counter, histogram
from chat.models import ANSWER, Chore, Process, Total
from chat.models.facts import RunFacts
from tests import transcripts

pytestmark = pytest.mark.django_db
TOKEN = "of-the-scraper"


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    """A counter of one's own, and no other has anything new."""
    monkeypatch.setattr(counters, "KNOWN", {})
    monkeypatch.setattr(counters, "HISTOGRAMS", {})
    yield counter("parley_tries_total", "Tries.", "how")


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {AccessToken.of(user)}"}


def read(headers: dict[str, str] | None = None, **more: Any) -> Any:
    return Client().get("/api/metrics", headers=headers or {}, **more)


def test_who_may_read_it(alice: User, charlie: User, organization: Organization) -> None:
    alice.is_staff = True
    alice.save()
    scraper, elsewhere = {"Authorization": f"Bearer {TOKEN}"}, {"REMOTE_ADDR": "192.0.2.7"}
    with override_settings(IS_DEVELOPMENT=False, METRICS_TOKEN=TOKEN):
        assert [read().status_code, read(scraper).status_code, read(bearer(alice)).status_code] == [404, 200, 200]
        assert read(bearer(charlie)).status_code == read({"Authorization": f"Bearer {TOKEN}x"}).status_code == 404
        _, key = create_key(user=alice, organization=organization, name="ci", scopes=["chat"], expires_at=None)
        assert read({"Authorization": f"Bearer {key}"}).status_code == 404, "it opens one organization"
    with override_settings(IS_DEVELOPMENT=False, METRICS_TOKEN=""):
        assert read().status_code == read({"Authorization": "Bearer "}).status_code == 404
    with override_settings(IS_DEVELOPMENT=True, METRICS_TOKEN=""):
        assert (read().status_code, read(**elsewhere).status_code, read(bearer(charlie)).status_code) == (200, 404, 404)
    with override_settings(IS_DEVELOPMENT=True, METRICS_TOKEN=TOKEN):
        assert read().status_code == 404


def families(accept: str = "") -> dict[str, Metric]:
    """What is told, as Prometheus' own parser reads it."""
    told = read({"Accept": accept}).content.decode()
    parse = openmetrics.text_string_to_metric_families if accept else text_string_to_metric_families
    return {each.name: each for each in parse(told)}


def samples(family: Metric) -> dict[tuple[str, ...], float]:
    """Its numbers, by its name and its labels' values."""
    return {(each.name, *each.labels.values()): each.value for each in family.samples}


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_it_says_each_total_as_prometheus_reads_it(tries: Counter, settings: Any, accept: str) -> None:
    settings.IS_DEVELOPMENT = True
    counter("parley_plain_total", "Plain ones.")
    took = histogram("parley_took_seconds", "How long.", "model", buckets=(0.5, 1, 8))
    cost = counter("parley_paid_total", "Paid.", per=10**9)
    tries.add(2, how='a"b\\c\nd')
    tries.add(how="x")
    cost.add(1_500_000_000)
    for seconds in (-1, 0.5, 0.75, 8, 600):
        took.observe(seconds, model="m")
    for _ in range(2):  # asking changes nothing
        told = families(accept)
        assert samples(told["parley_plain"]) == {("parley_plain_total",): 0}
        assert samples(told["parley_tries"]) == {("parley_tries_total", 'a"b\\c\nd'): 2, ("parley_tries_total", "x"): 1}
        assert samples(told["parley_paid"]) == {("parley_paid_total",): 1.5}
        found = {(each.name, each.labels.get("le", "")): each.value for each in told["parley_took_seconds"].samples}
        assert [found["parley_took_seconds_bucket", bound] for bound in ("0.5", "1.0", "8.0", "+Inf")] == [2, 3, 4, 5]
        assert found["parley_took_seconds_count", ""] == 5
        assert found["parley_took_seconds_sum", ""] == pytest.approx(609.25)


def test_all_that_is_told_is_named_by_the_rules_of_prometheus(settings: Any) -> None:
    settings.IS_DEVELOPMENT = True
    run_counts.ended(facts(), fold(each.event for each in transcripts.tool_call()), Spent())
    for name, family in families().items():
        assert family.documentation and not name.endswith("_bucket"), name
        assert family.type in ("counter", "gauge", "histogram"), name
        assert name.startswith(("parley_", "process_")), name
    assert [name for name in counters.KNOWN if not name.endswith(("_total", "_bucket", "_sum"))] == []
    assert read()["Content-Type"].startswith("text/plain; version=0.0.4")


def test_what_a_lower_room_counts_is_a_total_too(tries: Counter, settings: Any) -> None:
    settings.IS_DEVELOPMENT, so_far = True, [0]
    counters.KNOWN["parley_lost_total"] = counters.Read("parley_lost_total", "Lost.", lambda: so_far[0])
    for so_far[0], told in ((0, 0), (2, 2), (2, 2), (5, 5)):
        assert samples(families()["parley_lost"]) == {("parley_lost_total",): told}


def test_the_audit_log_says_how_it_is(settings: Any, alice: User) -> None:
    settings.IS_DEVELOPMENT = True
    audit.record("organization.made", actor=alice, organization_id=None)
    gauges.forget()
    told = families()
    assert samples(told["parley_audit_unsealed"]) == {("parley_audit_unsealed",): 1}
    assert "parley_audit_failed" in told


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


def test_tools_that_others_named_are_one() -> None:
    assert {run_counts.shown_tool(f"made-up-{number}") for number in range(10_000)} == {"other"}
    assert run_counts.shown_tool("read_file") == "read_file"


def facts(**fields: Any) -> RunFacts:
    """A run's, as its end knows it."""
    known = {"kind": ANSWER, "model": "gpt-4o", "door": "native", "crashes": 0, "is_stopped": False, "stopped_by": ""}
    empty: dict[str, Any] = dict.fromkeys(RunFacts.__dataclass_fields__)
    return RunFacts(**empty | known | {"id": uuid4()} | fields)


def counted(name: str) -> dict[str, int]:
    """What was counted by that name, by its labels as they are told."""
    return {counters.written(labels): count for labels, count in counters.KNOWN[name].take().items()}


@pytest.fixture
def nothing_new() -> None:
    for each in counters.KNOWN.values():
        each.take()


def ends(name: str, **fields: Any) -> None:
    """A run with this log ends; each turn has cost half of one."""
    folded = fold(each.event for each in transcripts.ALL[name]())
    paid = Spent(tuple((turn, Cost(500_000_000, "USD")) for turn in folded.usages))
    run_counts.ended(facts(**fields), folded, paid)


def test_the_end_of_a_run_counts_what_it_was(nothing_new: None) -> None:
    ends("tool_call")
    ends("tool_failed", model="whose")
    ends("retried")
    ends("failed", kind="title")
    runs = 'code="",door="native",model="{}",status="succeeded"'
    failed = counted("parley_runs_total")
    assert failed.pop(runs.format("gpt-4o")) == 2 and failed.pop(runs.format("other")) == 1
    [left] = failed
    assert 'door="title"' in left and 'status="failed"' in left and 'code=""' not in left
    assert set(counted("parley_tool_calls_total")) == {
        'status="returned",tool="read_file"', 'status="refused",tool="read_file"',
    }  # fmt: skip
    assert counted("parley_retries_total")
    assert sum(counted("parley_cost_total").values()) % 500_000_000 == 0
    assert sum(counted("parley_run_duration_seconds_bucket").values()) == 4
    assert sum(counted("parley_time_to_first_token_seconds_bucket").values()) == 3


# --- What is so now ---------------------------------------------------------------------------------------------------


def process(text: str, *, age_s: float = 0) -> UUID:
    """A process that said this so long ago."""
    seen_at = timezone.now() - timedelta(seconds=age_s)
    fields = {"host": "h", "pid": 1, "takes_runs": True, "started_at": seen_at, "seen_at": seen_at}
    return Process.objects.create(id=uuid4(), gauges=text, **fields).pk


def test_each_process_that_is_up_tells_its_own_whichever_is_asked(settings: Any) -> None:
    settings.IS_DEVELOPMENT = True
    text = "# HELP parley_open_streams S.\n# TYPE parley_open_streams gauge\n"
    one, two = (process(f'{text}parley_open_streams{{door="native"}} {count}\n') for count in (3, 4))
    process(f'{text}parley_open_streams{{door="native"}} 9\n', age_s=26)  # it was killed
    process("")  # it is of an older version
    expected = {("parley_open_streams", "native", str(id)[:8]): value for id, value in ((one, 3.0), (two, 4.0))}
    assert samples(families()["parley_open_streams"]) == expected


def test_a_stream_is_counted_for_as_long_as_it_is_open() -> None:
    def is_open() -> float | None:
        return gauges.HERE.get_sample_value("parley_open_streams", {"door": "native"})

    before = is_open() or 0
    with pytest.raises(ZeroDivisionError), gauges.streaming("native"):
        assert is_open() == before + 1
        1 / 0  # noqa: B018
    assert is_open() == before


def test_this_process_says_how_it_is_in_its_row(settings: Any) -> None:
    from chat.runner import presence

    settings.IS_DEVELOPMENT = True
    presence.say_here(True, " answer ")
    told = families()
    [(labels, one)] = [(each.labels, each.value) for each in told["parley_process_info"].samples]
    assert one == 1 and labels["host"] == presence.HOST and labels["version"] == settings.PARLEY_VERSION
    for name in (
        "parley_runs_here",
        "parley_open_sockets",
        "parley_commit_lag_seconds",
        "process_resident_memory_bytes",
    ):
        [sample] = told[name].samples
        assert sample.labels == {"process": labels["process"]}
    presence.leave()
    assert "parley_process_info" not in families()


def test_one_that_cannot_be_read_does_not_hide_the_others(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.IS_DEVELOPMENT = True

    def broken() -> Iterator[gauges.Sample]:
        yield {}, 1
        raise RuntimeError("no such table")

    monkeypatch.setitem(gauges.SHARED, "parley_broken", gauges.Shared("parley_broken", "Broken.", broken))
    for expected in (1, 0):
        gauges.forget()
        told = families()
        assert samples(told["parley_gauges_failed"]) == {("parley_gauges_failed",): expected}
        assert "parley_broken" not in told and "parley_runs_open" in told
        monkeypatch.delitem(gauges.SHARED, "parley_broken", raising=False)
    assert "parley_broken cannot be read" in caplog.text
    gauges.forget()


def test_the_installation_s_are_asked_for_at_most_every_few_seconds(
    settings: Any, django_assert_num_queries: Any, chat: Any
) -> None:
    gauges.forget()
    before = gauges.of_database()
    with django_assert_num_queries(0):
        assert gauges.of_database() is before
    Chore.objects.create(
        name="consistency", due_at=timezone.now(), ended_at=timezone.now() - timedelta(hours=1), told={"faults": 2}
    )
    Chore.objects.create(name="clean-up", due_at=timezone.now(), error="ValueError in step")
    gauges.forget()
    found = {each.name: samples(each) for each in gauges.of_database()}
    assert found["parley_consistency_faults"] == {("parley_consistency_faults",): 2}
    assert found["parley_consistency_checked_seconds"]["parley_consistency_checked_seconds",] == pytest.approx(
        3600, abs=60
    )
    assert found["parley_chore_failed"] == {
        ("parley_chore_failed", "clean-up"): 1, ("parley_chore_failed", "consistency"): 0,
    }  # fmt: skip
    assert found["parley_runs_open"] == {("parley_runs_open", each): 0 for each in ("queued", "running", "waiting")}
    gauges.forget()

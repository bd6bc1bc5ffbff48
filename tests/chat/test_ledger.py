"""The ledger: all that is counted of a run agrees, and outlives the run, its chat, project, person and organization."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError, Sum
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from accounts.models import ApiKey, User
from accounts.sign_in.keys import create_key
from agents import installation
from agents.prices import priced
from chat.eventlog import stored
from chat.metering import catalog, usage_days
from chat.metering.costs import cost_of, of_chat, of_run
from chat.metering.repricing import correct
from chat.models import Chat, Price, Run, RunStatus, UsageDay, UsageDayBefore, UsageName, UsageRecord
from chat.services.people import delete_person
from tests.chat.rows import answer
from tests.chat.spending import end, turn

MILLION = 1_000_000
DOLLAR = 10**9


@pytest.fixture
def prices(settings: Any, db: None) -> Iterator[Any]:
    """Takes the accepted prices as they are stored; forgotten behind the test."""
    settings.OPENAI_API_KEY, settings.OPENAI_MODELS = "k", []
    settings.OPENAI_PRICES = ["known=1/0.5/2"]
    yield catalog.refresh
    installation.tell_rows(())
    installation.tell_known(())
    installation.tell_prices(())


def running(chat: Chat, user: User, **fields: Any) -> Run:
    run = answer(chat, user, RunStatus.RUNNING)
    Run.objects.filter(pk=run.pk).update(**{"model": "known"} | fields)
    return Run.objects.get(pk=run.pk)


def price(model: str, days: int = 0, above: int = 0, **fields: Any) -> Price:
    """An accepted price, from so many days ago: two dollars for a million tokens of input, ten of output."""
    rates = {"input": 2 * DOLLAR, "output": 10 * DOLLAR, "currency": "USD"} | fields
    return Price.objects.create(model=model, valid_from=timezone.now() - timedelta(days=days), above=above, **rates)


def sums(rows: Any, *names: str) -> dict[str, int]:
    return {name: value or 0 for name, value in rows.aggregate(**{name: Sum(name) for name in names}).items()}


# --- What is counted agrees -------------------------------------------------------------------------------------------

MODELS = ("known", "nobody's", "in euros")
TURNS = st.builds(
    lambda model, input, part, output, status, agent, hit: turn(
        model, input, input * part // 100, output, status=status, agent=agent, written=input // 7, from_cache=hit
    ),
    st.sampled_from(MODELS), st.integers(0, 10**7), st.integers(0, 100), st.integers(0, 10**6),
    st.sampled_from(("reported", "reported", "estimated")), st.sampled_from(("", "content:1", "compaction")),
    st.booleans(),
)  # fmt: skip
RUNS = st.lists(st.tuples(st.lists(TURNS, max_size=4), st.booleans(), st.sampled_from(("native", "agent"))), max_size=5)


@pytest.mark.django_db(transaction=True)
@trying(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=RUNS)
def test_the_sum_of_records_is_that_of_days_runs_and_chats(
    runs: list[Any], chat: Chat, alice: User, prices: Any
) -> None:
    with transaction.atomic():
        point = transaction.savepoint()
        Price.objects.create(model="in euros", input=1, output=1, currency="EUR")
        prices()
        for turns, failed, door in runs:
            end(running(chat, alice, door=door), *turns, failed=failed)
        chat.refresh_from_db()
        ours = UsageRecord.objects.filter(currency="USD", cost_nanos__isnull=False)
        known = sums(ours, "cost_nanos", "input_tokens", "output_tokens")
        money = (known["cost_nanos"], known["input_tokens"] + known["output_tokens"])
        tokens = sums(UsageRecord.objects, *usage_days.TOKENS)
        for table in (UsageDay.objects, Run.objects, Chat.objects):
            assert sums(table, *usage_days.TOKENS) == tokens
            assert tuple(sums(table, *usage_days.MONEY).values()) == money
        assert sums(UsageDay.objects, "runs", "failed") == {
            "runs": len(runs), "failed": sum(failed for _, failed, _ in runs)
        }  # fmt: skip
        assert all(each.cost_nanos is None or each.cost_nanos >= 0 for each in UsageRecord.objects.all())
        before = sorted(UsageDay.objects.values_list())
        today = timezone.now().date()
        usage_days.rebuild(today, today)
        assert sorted(UsageDay.objects.values_list()) == before
        transaction.savepoint_rollback(point)


@pytest.mark.django_db
def test_a_record_says_by_what_it_was_asked_for_and_what_it_cost(chat: Chat, alice: User, prices: Any) -> None:
    key, _ = create_key(user=alice, organization=chat.organization, name="CI", scopes=["chat"], expires_at=None)
    row = price("dear", cached_input=DOLLAR)
    prices()
    run = running(chat, alice, api_key=key, door="completions", model="dear")
    end(run, turn("dear", MILLION, MILLION, MILLION), turn("dear", 10, agent="compaction"))
    first, second = UsageRecord.objects.order_by("pk")
    assert (first.api_key_id, first.door, first.purpose, first.price_id) == (key.pk, "completions", "answer", row.pk)
    assert (first.cost_nanos, first.currency, first.day) == (11 * DOLLAR, "USD", timezone.now().date())
    assert (second.purpose, second.cost_nanos) == ("compact", 20_000)
    kept = {each.purpose: each for each in UsageDay.objects.all()}
    assert {each: (row.runs, row.cost_nanos) for each, row in kept.items()} == {
        "answer": (1, 11 * DOLLAR), "compact": (0, 20_000),
    }  # fmt: skip


@pytest.mark.django_db
def test_the_last_event_says_what_the_run_cost(chat: Chat, alice: User, prices: Any) -> None:
    """And the run, its message's and the chat do: exact, estimated, or unknown with what is known of it."""
    prices()
    told = []
    for turns in (
        [turn("known", MILLION, 0, MILLION)],
        [turn("known", 1), turn("known", 1, status="estimated")],
        [turn("known", MILLION), turn("nobody's", 1)],
        [turn("nobody's", 1)],
        [],
    ):
        run = running(chat, alice)
        end(run, *turns)
        run.refresh_from_db()
        cost = stored(run.pk)[-1].event.cost
        assert cost == of_run(run)
        told.append((cost.amount, cost.currency, cost.status))
    assert told == [
        ("3.000000000", "USD", "exact"), ("0.000002000", "USD", "estimated"), ("1.000000000", "USD", "unknown"),
        (None, "USD", "unknown"), ("0.000000000", "USD", "exact"),
    ]  # fmt: skip
    chat.refresh_from_db()
    assert (of_chat(chat).amount, of_chat(chat).status) == ("4.000002000", "unknown")


@pytest.mark.django_db
def test_an_older_process_is_not_sent_what_it_cannot_read(
    chat: Chat, alice: User, prices: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.runner.older.are_up", lambda: True)
    run = running(chat, alice)
    end(run, turn("known", MILLION))
    assert "cost" not in run.events.order_by("-last_seq").first().events
    assert Run.objects.get(pk=run.pk).cost_nanos == DOLLAR


# --- It outlives what it is of ----------------------------------------------------------------------------------------


def counted() -> tuple[list[Any], list[Any]]:
    """All that the ledger has, as it stands in the tables."""
    return list(UsageRecord.objects.order_by("pk").values()), list(UsageDay.objects.order_by("pk").values())


GOING = {
    "run": lambda chat: chat.runs.get().delete(),
    "chat": lambda chat: chat.delete(),
    "project": lambda chat: chat.project.delete(),
    "organization": lambda chat: chat.organization.delete(),
    "key": lambda chat: ApiKey.objects.get().delete(),
}
CALLED: dict[str, Any] = {  # what is kept: never the name that a person gave their key
    "run": lambda chat, key: [],
    "chat": lambda chat, key: [],
    "project": lambda chat, key: [chat.project.name],
    "organization": lambda chat, key: [chat.organization.name, chat.project.name, key.prefix],
    "key": lambda chat, key: [key.prefix],
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", GOING)
def test_what_was_used_stays_when_what_it_is_of_is_deleted(what: str, chat: Chat, alice: User, prices: Any) -> None:
    key, _ = create_key(user=alice, organization=chat.organization, name="Alice's", scopes=["chat"], expires_at=None)
    end(running(chat, alice, api_key=key), turn("known", 10, 0, 5))
    before = counted()
    assert before[0] and before[1]
    GOING[what](chat)
    assert counted() == before
    assert set(UsageName.objects.values_list("name", flat=True)) == set(CALLED[what](chat, key))


@pytest.mark.django_db(transaction=True)
def test_what_a_person_used_stays_as_nobodys(chat: Chat, alice: User, bob: User, prices: Any) -> None:
    end(running(chat, bob), turn("known", 10, 0, 5))
    delete_person(bob, by=alice)
    record, day = UsageRecord.objects.get(), UsageDay.objects.get()
    assert record.user_id == day.user_id and not User.objects.filter(pk=day.user_id).exists()
    assert (day.runs, day.input_tokens, day.cost_nanos) == (1, 10, 20_000)


# --- Days -------------------------------------------------------------------------------------------------------------

AT = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
ZONES = {  # the days that three moments are in: one before midnight UTC, the same a second later, and noon
    "UTC": ["2026-11-30", "2026-12-01", "2026-12-01"],
    "Pacific/Auckland": ["2026-12-01", "2026-12-01", "2026-12-02"],
    "America/Lima": ["2026-11-30", "2026-11-30", "2026-12-01"],
}


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ZONES)
def test_a_day_is_that_of_the_organization(zone: str, chat: Chat, alice: User, prices: Any) -> None:
    organization = chat.organization
    organization.timezone = zone
    organization.save(update_fields=["timezone"])
    for later in (timedelta(), timedelta(seconds=1), timedelta(hours=12)):
        end(running(chat, alice), turn("known", 1), at=(AT + later).timestamp())
    days = [each.isoformat() for each in UsageRecord.objects.order_by("pk").values_list("day", flat=True)]
    assert days == ZONES[zone]
    assert sorted(set(days)) == sorted(each.isoformat() for each in UsageDay.objects.values_list("day", flat=True))
    before = sorted(UsageDay.objects.values_list())
    usage_days.rebuild(AT.date() - timedelta(days=2), AT.date() + timedelta(days=3))
    assert sorted(UsageDay.objects.values_list()) == before


def rebuilt() -> dict[str, int]:
    """What all days have once they are worked out anew."""
    today = timezone.localdate()
    usage_days.rebuild(today - timedelta(days=5), today + timedelta(days=5))
    return sums(UsageDay.objects, "runs", "input_tokens", "output_tokens")


@pytest.mark.django_db
def test_what_an_older_version_wrote_is_found_also_where_its_chat_is_gone(chat: Chat, alice: User, prices: Any) -> None:
    end(running(chat, alice), turn("known", 10, 0, 5))
    UsageRecord.objects.update(day=None, door="", purpose="")
    for runs in (1, 0):
        assert rebuilt() == {"runs": runs, "input_tokens": 10, "output_tokens": 5}
        Chat.objects.all().delete()


@pytest.mark.django_db
def test_a_run_is_of_the_day_of_its_records_also_where_the_zone_is_another_now(
    chat: Chat, alice: User, prices: Any
) -> None:
    end(running(chat, alice), turn("known", 10), at=AT.timestamp())
    before = sorted(UsageDay.objects.values_list())
    chat.organization.timezone = "Pacific/Auckland"
    chat.organization.save(update_fields=["timezone"])
    for _ in range(2):
        usage_days.rebuild(AT.date(), AT.date())
        assert sorted(UsageDay.objects.values_list()) == before
        usage_days.rebuild(AT.date() + timedelta(days=1), AT.date() + timedelta(days=1))
        assert sorted(UsageDay.objects.values_list()) == before


@pytest.mark.django_db
def test_days_of_older_processes_are_moved_once(chat: Chat, alice: User) -> None:
    place = {"organization": chat.organization, "project": chat.project, "user": alice, "model": "m"}

    def older(**counts: int) -> None:
        UsageDayBefore.objects.create(day=AT.date(), **place, **counts)

    older(runs=3, failed=1, input_tokens=10, output_tokens=5, cost_nanos=7, priced_tokens=15)
    assert (usage_days.move(100), usage_days.move(100)) == (1, 0)
    older(runs=1, input_tokens=1)  # it goes on, as if nobody had moved anything
    assert usage_days.move(100) == 1
    row = UsageDay.objects.get()
    assert (row.runs, row.failed, row.input_tokens, row.output_tokens, row.cost_nanos) == (4, 1, 11, 5, 7)
    assert (row.priced_tokens, row.unknown_cost_runs, row.door, row.purpose) == (15, 1, "", "")


# --- Prices -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_accepted_price_of_the_moment_counts_and_a_tier_replaces_all_of_it(prices: Any) -> None:
    first, _, later = price("known", 10), price("known", 5, input=3 * DOLLAR), price("known", -1, input=4 * DOLLAR)
    tier = Price.objects.create(
        model="known", valid_from=first.valid_from, above=100, input=5 * DOLLAR, output=6 * DOLLAR, currency="USD"
    )
    prices()
    now = timezone.now()
    for days, nanos, row in ((9, 2_000, first), (4, 3_000, None), (-2, 4_000, later)):
        found = cost_of(turn("known", 1), now - timedelta(days=days))
        assert found.nanos == nanos and (row is None or found.price == row.pk)
    assert cost_of(turn("known", 101, 1, 1), first.valid_from).nanos == 101 * 5_000 + 6_000
    assert cost_of(turn("known", 101), first.valid_from).price == tier.pk
    assert cost_of(turn("known", 100), first.valid_from).price == first.pk
    assert cost_of(turn("known", 1), now - timedelta(days=11)).nanos == 1_000, "before it, what the settings say"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rate", ["input", "cached_input", "cache_write", "output"])
def test_a_price_below_nothing_cannot_be(rate: str) -> None:
    with pytest.raises(IntegrityError):
        price("m", **{rate: -1})
    with pytest.raises(ValueError, match="0 or more"):
        priced(1, 1, -1)


@pytest.mark.django_db
def test_a_price_that_something_was_counted_with_stays(chat: Chat, alice: User, prices: Any) -> None:
    row, unused = price("known"), price("unused")
    prices()
    end(running(chat, alice), turn("known", 1))
    unused.delete()
    with pytest.raises(ProtectedError):
        row.delete()


@pytest.mark.django_db
def test_a_price_changed_in_mid_run_counts_from_the_end_and_changes_nothing_before(
    chat: Chat, alice: User, prices: Any
) -> None:
    prices()
    end(running(chat, alice), turn("known", MILLION))
    run = running(chat, alice)
    price("known")
    prices()
    end(run, turn("known", MILLION))
    assert list(UsageRecord.objects.order_by("pk").values_list("cost_nanos", flat=True)) == [DOLLAR, 2 * DOLLAR]


@pytest.mark.django_db
def test_the_packages_prices_are_told_and_count_once_somebody_has_accepted_them(
    prices: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents.catalog import Known
    from agents.prices import tiered

    found = tiered(priced(3, 1, 9, write="3.75"), (200_000, priced(6, 2, 18)))
    monkeypatch.setattr("agents.packaged.look_up", lambda models: [("gpt-6-luna", Known(None, found))])
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("suggest_prices", stdout=out)
    assert "gpt-6-luna: 0.1/0.01/0.5 USD" in out.getvalue() and "3/1/9 USD" in out.getvalue()
    assert not Price.objects.exists()
    call_command("suggest_prices", "--apply", stdout=out)
    prices()
    assert [each.above for each in Price.objects.order_by("above")] == [0, 200_000]
    assert all(each.accepted_by and each.source == "genai-prices" for each in Price.objects.all())
    assert cost_of(turn("gpt-6-luna", 300_000)).nanos == 300_000 * 6_000
    again = StringIO()
    call_command("suggest_prices", stdout=again)
    assert "no other price" in again.getvalue()


@pytest.mark.django_db
def test_repricing_writes_corrections_and_changes_no_record(chat: Chat, alice: User, prices: Any) -> None:
    prices()
    run = running(chat, alice, model="nobody's")
    end(run, turn("nobody's", MILLION), turn("nobody's", MILLION, agent="content:1"), turn("known", MILLION))
    before = list(UsageRecord.objects.order_by("pk").values())
    price("nobody's", 1)
    prices()
    today = str(timezone.now().date())
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("reprice", "--from", today, "--dry-run", stdout=out)
    assert "2 records" in out.getvalue() and "4.000000000 USD" in out.getvalue()
    assert UsageRecord.objects.count() == 3
    call_command("reprice", "--from", today, stdout=out)
    assert list(UsageRecord.objects.order_by("pk").values())[:3] == before
    run.refresh_from_db()
    chat.refresh_from_db()
    total = sums(UsageRecord.objects.filter(currency="USD"), "cost_nanos")["cost_nanos"]
    assert (
        total == 5 * DOLLAR == run.cost_nanos == chat.cost_nanos == sums(UsageDay.objects, "cost_nanos")["cost_nanos"]
    )
    assert (of_run(run).status, of_chat(chat).status) == ("exact", "exact")
    assert sums(UsageDay.objects, "unknown_cost_runs")["unknown_cost_runs"] == 0
    rows = sorted(UsageDay.objects.values_list())
    usage_days.rebuild(timezone.now().date(), timezone.now().date())
    assert sorted(UsageDay.objects.values_list()) == rows
    call_command("reprice", "--from", today, stdout=out)
    assert "0 records" in out.getvalue().splitlines()[-1], "what was corrected is right"


@pytest.mark.django_db(transaction=True)
def test_repricings_at_once_correct_once(chat: Chat, alice: User, prices: Any) -> None:
    prices()
    end(running(chat, alice, model="nobody's"), turn("nobody's", MILLION))
    price("nobody's", 1)
    prices()
    record = UsageRecord.objects.get()
    ready = threading.Barrier(3)

    def corrects() -> None:
        ready.wait()
        correct(record)
        connection.close()

    threads = [threading.Thread(target=corrects) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chat.refresh_from_db()
    assert UsageRecord.objects.filter(corrects=record.pk).count() == 1
    assert chat.cost_nanos == sums(UsageDay.objects, "cost_nanos")["cost_nanos"] == 2 * DOLLAR


@pytest.mark.django_db
def test_repricing_wants_a_day() -> None:
    with pytest.raises(CommandError, match="--from"):
        call_command("reprice", "--from", "yesterday")


def test_a_price_is_exact_in_decimals() -> None:
    assert priced(0.1, "0.0375", 2).cached == Decimal("0.0375")

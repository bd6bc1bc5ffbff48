"""Figures by hour and by month: exact, of all or of one organization, in its zone, in a fixed number of questions."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Organization, User
from agents import installation
from chat.admin.overview import health
from chat.figures import asked, costs, hours, spent
from chat.figures.boxes import Box
from chat.figures.hours import Spell
from chat.models import Budget, Chat, Run, RunStatus, UsageDay
from chat.webhooks.models import Webhook, WebhookDelivery, WebhookEvent
from tests.chat.rows import answer

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 16, 12, 30, tzinfo=UTC)  # half of November, to a quarter of an hour
BILLION = 10**9


@pytest.fixture
def prices(settings: Any) -> Any:
    settings.OPENAI_API_KEY, settings.OPENAI_MODELS, settings.OPENAI_PRICES = "k", [], ["known=10/1/50"]
    yield
    installation.tell_rows(())
    installation.tell_known(())


@pytest.fixture
def elsewhere(charlie: User) -> Chat:
    """Another organization's chat."""
    place = Organization.objects.create(name="Elsewhere", timezone="Asia/Kolkata")
    return Chat.objects.create(organization=place, user=charlie, model="m", archetype="generalist")


def ended(chat: Chat, user: User, ago: timedelta, first_ms: int | None = None, **fields: Any) -> Run:
    run = answer(chat, user, fields.pop("status", RunStatus.SUCCEEDED))
    Run.objects.filter(pk=run.pk).update(ended_at=NOW - ago, first_token_ms=first_ms, **fields)
    return run


def used(chat: Chat, tokens: int, **fields: Any) -> None:
    given = {"model": "known", "day": NOW.date(), "user": chat.user, "project": chat.project, "runs": 1} | fields
    UsageDay.objects.create(organization=chat.organization, input_tokens=tokens, output_tokens=0, **given)


def cells(box: Box) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in box.rows]


@pytest.mark.parametrize(
    ("waits", "half", "most"),
    [([], None, None), ([40], 40, 40), ([10, 20, 30, 40], 30, 40), ([*range(10, 1010, 10)], 510, 960)],
)
def test_the_time_within_which_a_share_came(waits: list[int], half: int | None, most: int | None) -> None:
    spell = Spell()
    for each in waits:
        spell.waits[each // hours.STEP_MS] += 1
    assert (spell.within_ms(0.5), spell.within_ms(0.95)) == (half, most)


def test_runs_are_counted_in_their_hour_of_all_or_of_one_organization(
    chat: Chat, elsewhere: Chat, alice: User, charlie: User
) -> None:
    ended(chat, alice, timedelta(minutes=10), 400)
    ended(chat, alice, timedelta(minutes=40), 1200)  # in the hour before
    ended(chat, alice, timedelta(minutes=20), status=RunStatus.FAILED)
    ended(elsewhere, charlie, timedelta(minutes=5), 9)
    ended(chat, alice, timedelta(hours=30), 7)  # long over
    of_all, of_one = hours.by_hour(NOW), hours.by_hour(NOW, chat.organization)
    assert len(of_all) == hours.HOURS and list(of_all) == sorted(of_all)
    assert [(each.ended, each.failed) for each in list(of_all.values())[-3:]] == [(0, 0), (1, 0), (3, 1)]
    assert [(each.ended, each.failed) for each in list(of_one.values())[-2:]] == [(1, 0), (2, 1)]
    assert [each.within_ms(0.5) for each in list(of_one.values())[-3:]] == [None, 1200, 400]
    hour, day = hours.since((NOW - timedelta(hours=1), NOW - timedelta(days=1)), elsewhere.organization)
    assert (hour.ended, hour.failed, day.ended, hour.within_ms(0.5)) == (1, 0, 1, 0)
    box = asked.spells(NOW, chat.organization)
    assert cells(box)[0] == ["Runs that ended", "3", "3"] and cells(box)[1][1] == "1 (33.3 %)" and box.is_bad


def test_an_hour_is_told_where_the_organization_is(elsewhere: Chat, charlie: User) -> None:
    ended(elsewhere, charlie, timedelta(minutes=10), 9)
    runs, waits = asked.by_hour(NOW, elsewhere.organization)
    assert cells(runs)[0] == ["2026-11-16 17:30", "1", "0"]  # 12:00 UTC; it is half an hour apart
    assert cells(waits)[0] == ["2026-11-16 17:30", "0 ms", "0 ms"]
    assert "2026-11-16 17:30" in str(runs.chart) and "polyline" in str(waits.chart)


def test_a_month_is_told_with_its_pace_and_its_budget(chat: Chat, alice: User, prices: None) -> None:
    used(chat, 1_000_000, cost_nanos=10 * BILLION, priced_tokens=1_000_000)
    used(chat, 500, day=NOW.date().replace(day=1) - timedelta(days=1))  # the month before
    Budget.objects.create(
        organization=chat.organization, unit="money", amount=15 * BILLION, used=10 * BILLION,
        began_on=timezone.localdate().replace(day=1),
    )  # fmt: skip
    box = spent.month(NOW)
    assert str(box.figure) == "10.00 USD" and "about 19.33 USD" in box.note
    assert cells(box)[0][:3] == [chat.organization.name, "10.00 USD", "15.00 USD a month"]
    assert spent.month(NOW.replace(day=1)).note == "1.0 M tokens"  # too early for a pace
    own = spent.month(NOW, chat.organization)
    assert cells(own)[0][:3] == ["the whole organization", "10.00 USD", "15.00 USD a month"]
    assert own.is_bad and box.is_bad and "bad" in cells(own)[0][3] and "128" in cells(own)[0][3]


def test_who_uses_what_by_which_key_and_what_caches_save(chat: Chat, alice: User, bob: User, prices: None) -> None:
    used(chat, 1_000_000, cost_nanos=10 * BILLION, priced_tokens=1_000_000, door="native", purpose="answer", runs=1)
    used(chat, 100, user=bob, model="other", door="completions", purpose="answer")
    used(chat, 1000, cached_tokens=1000, cache_hits=1, purpose="answer", user=None)
    people = cells(spent.by_person(NOW, chat.organization))
    assert people[0] == ["alice<wbr>@example.com", "known", "1", "1.0 M", "10.00 USD"]
    assert people[1][0] == "deleted person" and people[2][:4] == ["bob<wbr>@example.com", "other", "1", "100"]
    assert cells(spent.by_key(NOW))[0] == ["none: signed in", "native", "1", "1.0 M", "10.00 USD"]
    box = spent.cached(NOW)
    assert cells(box) == [["known", "50.0 %", "0.1 %", "10.01 USD"]] and str(box.figure) == "10.01 USD"
    assert "1 of 3 answers" in box.note


def test_no_money_is_told_where_no_price_is_known(chat: Chat, settings: Any) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_MODELS, settings.OPENAI_PRICES = "k", ["m"], []
    used(chat, 100, model="m")
    if costs.known():
        pytest.skip("a model that ships is offered here")
    assert spent.month(NOW).figure == "100" and "Cost" not in spent.by_person(NOW).headers


def test_dear_and_slow_chats_are_called_by_their_ids(chat: Chat, elsewhere: Chat, alice: User, charlie: User) -> None:
    ended(chat, alice, timedelta(hours=1), 70, input_tokens=10)
    ended(elsewhere, charlie, timedelta(hours=2), 900, input_tokens=99)

    def shown(ids: list[UUID]) -> dict[UUID, str]:
        return {id: str(id)[:8] for id in ids}

    for ask, first in ((asked.dearest, "99"), (asked.slowest, "900 ms")):
        rows = cells(ask(NOW, None, shown))
        assert rows[0][0] == str(elsewhere.pk)[:8] and first in rows[0] and len(rows) == 2
        assert [row[0] for row in cells(ask(NOW, chat.organization, shown))] == [str(chat.pk)[:8]]
    Chat.objects.filter(pk=chat.pk).update(deleted_at=NOW)  # and a hold keeps it: nobody can tell
    assert asked.dearest(NOW, chat.organization, shown).rows == asked.slowest(NOW, chat.organization, shown).rows == []


def test_the_first_screen_asks_the_same_however_much_there_is(chat: Chat, alice: User) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com"))

    def questions() -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get("/admin/").status_code == 200
        return len(found)

    questions()
    before = questions()
    for number in range(12):
        ended(chat, alice, timedelta(minutes=number), number)
        used(chat, number, model=f"model {number}", day=timezone.localdate())
    assert questions() <= before + 4  # names of what there is now


def test_webhooks_that_fail_are_told_with_why_and_their_addresses_are_not(chat: Chat) -> None:
    assert health.webhooks(NOW).empty and not health.webhooks(NOW).rows
    states: tuple[dict[str, Any], ...] = (
        {"failing_since": NOW - timedelta(hours=3)}, {"is_active": False, "off_reason": "gone"},
        {"failing_since": NOW - timedelta(hours=5)}, {"is_active": False, "off_reason": "admin"}, {},
    )  # fmt: skip
    for number, state in enumerate(states):
        there = Webhook.objects.create(
            organization=chat.organization, url=f"https://h{number}.example/key", secret="x", **state
        )
        for more in ({"answer_status": 404}, {"error": "No answer."}, {}):  # of the newest nothing has come yet
            event = WebhookEvent.objects.create(
                organization=chat.organization, type="run.failed", body="{}", created_at=NOW
            )
            WebhookDelivery.objects.create(webhook=there, event=event, **more)
    box = health.webhooks(NOW)
    assert [re.sub("<[^>]+>", "", row[0]) for row in cells(box)] == ["h2.example", "h0.example", "h1.example"]
    assert [row[2] for row in cells(box)] == ["5 h 00 min", "3 h 00 min", "switched off"]
    assert "/key" not in str(box.rows)
    assert all("No answer." in row[3] for row in cells(box))
    assert (box.figure, box.note, box.is_bad) == ("2", "1 switched off by themselves", True)


def page_of(user: User, place: Organization, language: str = "en") -> tuple[int, str]:
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    answered = client.get(f"/organizations/{place.pk}/")
    return answered.status_code, answered.content.decode()


def test_an_organizations_admins_see_its_own_figures_and_nobody_else_does(
    chat: Chat, elsewhere: Chat, alice: User, bob: User, charlie: User
) -> None:
    Chat.objects.update(title="What somebody wrote")
    for place, user in ((chat, alice), (elsewhere, charlie)):
        run = answer(place, user, RunStatus.FAILED)
        Run.objects.filter(pk=run.pk).update(first_token_ms=70, error_code="upstream_timeout")
        used(place, 1000, day=timezone.localdate(), model=f"<b>{place.pk}</b>")
    Membership.objects.create(organization=elsewhere.organization, user=bob, role="viewer")
    status, text = page_of(alice, chat.organization)
    assert status == 200 and f"&lt;b&gt;{chat.pk}&lt;/b&gt;" in text and f'href="/chats/{chat.pk}/"' in text
    assert str(elsewhere.pk)[:8] not in text and "charlie" not in text and "What somebody wrote" not in text
    assert "upstream_timeout" in text and "did not answer in time" in text and "<polyline" in text
    assert f'href="/organizations/{chat.organization.pk}/"' in account_of(alice)
    assert page_of(bob, chat.organization)[0] == page_of(bob, elsewhere.organization)[0] == 403
    assert "/organizations/" not in account_of(bob)
    assert page_of(charlie, chat.organization)[0] == 404
    assert Client().get(f"/organizations/{chat.organization.pk}/").status_code == 302
    status, text = page_of(alice, chat.organization, "de")
    assert all(each in text for each in ("Die letzte Stunde", "Diesen Monat", "Läufe nach Stunde", "Stand ")), text


def account_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.get("/account/").content.decode()

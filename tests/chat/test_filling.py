"""`manage.py fill`: what it makes agrees with itself, as what people make does; on both databases."""

import io
import random
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from accounts.audit.models import AuditEntry
from accounts.models import Membership, Organization, User
from accounts.sign_in.tokens import AccessToken
from agents import events as ev
from chat.eventlog import stored
from chat.eventlog.compact import merged
from chat.eventlog.rows import insert
from chat.models import Chat, LogState, Message, Run, RunEvent, UsageDay, UsageRecord
from chat.ops.filling.logs import Told, events_of, log_of
from chat.ops.filling.texts import GERMAN, Texts
from chat.search.models import SearchEntry
from chat.webhooks.models import WebhookDelivery

SMALL = {"messages": 240, "chats": 12, "people": 6, "organizations": 2, "days": 40}


def fill(**chosen: Any) -> str:
    """What the command tells."""
    out = io.StringIO()
    call_command("fill", stdout=out, stderr=io.StringIO(), **{**SMALL, **chosen})
    return out.getvalue()


def told(name: str, *arguments: str) -> str:
    """What a command tells that must find nothing wrong."""
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_what_is_filled_holds_before_every_check() -> None:
    words = fill()
    assert "240 chat_message" in words
    assert int(re.search(r"The database takes ([0-9,]+) MB", words)[1]) > 0  # type: ignore[index]
    assert "120 runs, 0 with something wrong" in told("check_log")
    assert "120 runs read, 0 faults" in told("check_consistency", "--sample", "0")
    assert told("verify_audit").count("it holds") >= 2
    assert not AuditEntry.objects.filter(seq=None).exists()


@pytest.mark.django_db(transaction=True)
def test_usage_by_day_is_what_rebuilding_it_gives() -> None:
    fill()
    before = {row["id"]: row for row in UsageDay.objects.values()}
    assert sum(row["input_tokens"] for row in before.values()) == sum(
        UsageRecord.objects.values_list("input_tokens", flat=True)
    )
    told("rebuild_usage", "--from", str(min(row["day"] for row in before.values())))
    assert {row["id"]: row for row in UsageDay.objects.values()} == before


@pytest.mark.django_db(transaction=True)
def test_old_logs_are_merged_and_young_ones_whole() -> None:
    fill(days=3)
    states = set(Run.objects.values_list("log_state", flat=True))
    assert states == {LogState.WHOLE, LogState.MERGED}
    for run in Run.objects.all():
        entries = stored(run.pk)
        assert isinstance(entries[-1].event, ev.TERMINALS)
        rows = RunEvent.objects.filter(run=run).count()
        assert (rows > 4) == (run.log_state == LogState.WHOLE)


@pytest.mark.django_db(transaction=True)
def test_a_member_finds_it_lists_it_and_reads_it(alice: User) -> None:
    fill(member=alice.email)
    place = Organization.objects.get(memberships__user=alice, name__startswith="Filled")
    assert Membership.objects.get(user=alice, organization=place).role == "admin"
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.of(alice)}")
    listed = client.get("/api/chats/").json()["results"]
    assert listed
    page = client.get(f"/api/chats/{listed[0]['id']}/messages/").json()["results"]
    assert [each["role"] for each in page[:2]] == ["user", "assistant"]
    assert client.get("/api/search/", {"q": "OPS"}).json()["results"]


@pytest.mark.django_db(transaction=True)
def test_it_can_be_filled_twice_and_says_the_same() -> None:
    fill()
    first = sorted(Message.objects.values_list("content", flat=True))
    fill()
    assert sorted(Message.objects.values_list("content", flat=True)) == sorted(first * 2)
    assert SearchEntry.objects.count() == sum(bool(each) for each in first * 2)
    assert WebhookDelivery.objects.filter(status="delivered").exists()
    fill(seed=2)
    assert sorted(Message.objects.values_list("content", flat=True)) != sorted(first * 3)
    assert Chat.objects.filter(title="").count() == 0


def test_what_is_made_merged_is_what_merging_makes() -> None:
    run = Run(model="m", archetype="generalist", log_state=LogState.MERGED)
    told = Told("Words of an answer, several of them. " * 9, 500, 1e9, has_tool=True, end=ev.RunCompleted)
    short, whole = (events_of(run, told, random.Random(1), is_whole=each) for each in (False, True))
    run.log_state = LogState.WHOLE
    entries = [entry for row in log_of(run, whole) for entry in _entries(row)]
    run.log_state = LogState.MERGED
    again = [entry for row in log_of(run, short) for entry in _entries(row)]
    calls = {id: "call" for each in (*entries, *again) if (id := getattr(each.event, "call", ""))}
    assert _plain(insert(run.pk, merged(entries)).events, calls) == _plain(insert(run.pk, again).events, calls)


def _entries(row: RunEvent) -> list[Any]:
    from chat.eventlog.rows import numbered

    return list(numbered(row.attempt, row.first_seq, ev.load(row.events)))


def _plain(text: str, calls: dict[str, str]) -> str:
    """Without the ids of calls, which are new each time."""
    for id, name in calls.items():
        text = text.replace(id, name)
    return text


def test_texts_read_as_texts() -> None:
    texts = Texts(random.Random(3))
    said = [texts.answer(texts.language()) for _ in range(200)] + [texts.question(GERMAN)]
    assert not any("{thing}" in each or "{number}" in each for each in said)
    assert any("```" in each for each in said) and any("です" in each for each in said)


@pytest.mark.django_db
def test_a_production_is_not_filled_in_passing(settings: Any) -> None:
    settings.IS_DEVELOPMENT = False
    with pytest.raises(CommandError, match="--yes"):
        fill()
    assert not Message.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--messages", "0"], "expected a number from 1"),
        (["--days", "many"], "expected a number from 1"),
        (["--people", "2", "--organizations", "3"], "at least one for each"),
        (["--member", "nobody@example.com"], "there is nobody"),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        call_command("fill", *arguments)

"""The admin for whoever is on call: long timelines in pages, costs, releasing a lease, and who may do any of it."""

import re
import uuid
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from msgspec.structs import replace

from accounts.models import User
from agents import events as ev
from agents.usage import Usage
from chat.admin.timeline.reading import Reading
from chat.eventlog import Logged
from chat.models import Chat, Run, RunStatus
from tests.chat.busy import Busy
from tests.chat.crowd import crowd
from tests.chat.rows import answer

pytestmark = pytest.mark.django_db
ROWS = 40


@pytest.fixture
def staff(db: None) -> Client:
    """A superuser's browser."""
    return signed_in(User.objects.create_superuser("root@example.com"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def with_rights(user: User, *names: str) -> Client:
    """The browser of somebody who may use the admin and has these permissions."""
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return signed_in(User.objects.get(pk=user.pk))


def page_of(run: Run) -> str:
    return reverse("admin:chat_run_change", args=[run.pk])


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return str(response.content.decode())


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        text_of(client, address)
        return len(asked)


def test_a_row_more_in_a_list_costs_no_query(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every list there is: of 3 rows and of 40 it asks the same number of questions."""
    busy = Busy()
    busy.runs(ROWS)
    busy.live()
    crowd(ROWS)
    for model, lists in admin.site._registry.items():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        asked = []
        for shown in (3, ROWS):
            monkeypatch.setattr(lists, "list_per_page", shown)
            asked.append(queries_of(staff, address))
        assert asked[0] == asked[1] <= 12, (model, asked)


def test_a_long_run_is_read_in_pages_that_cost_the_same(staff: Client) -> None:
    busy = Busy()
    busy.runs(1)
    run = busy.long(turns=150)
    whole = [text_of(staff, f"{page_of(run)}?rows={number}") for number in (1, 2, 3)]
    assert "Page 1 of 3, 453 rows" in whole[0] and 'rel="next"' in whole[0] and 'rel="prev"' not in whole[0]
    assert "Answered" in whole[2] and "(continued)" in whole[2] and 'rel="next"' not in whole[2]
    shown = [name for text in whole for name in re.findall(r"src/part(\d+)\.py", text)]
    assert list(dict.fromkeys(shown)) == [str(number) for number in range(1, 151)], "each call once, in order"
    assert "The newest 100 of" not in whole[0], "it has no counted turns"
    for odd in ("0", "x", "999", "-1"):
        assert staff.get(f"{page_of(run)}?rows={odd}").status_code == 200
    assert queries_of(staff, page_of(run)) == queries_of(staff, f"{page_of(run)}?rows=3") <= 16


def test_costs_are_shown_where_prices_are_known_and_nowhere_else(staff: Client, settings: LazySettings) -> None:
    busy = Busy()
    run = busy.eventful()  # three turns of gpt-4o: 6080 in, 3072 of it cached, 402 out
    busy.runs(3, days=0.01)
    busy.usage(days=2)
    lists = ("admin:index", "admin:chat_usageday_changelist", "admin:chat_usagerecord_changelist")
    pages = [page_of(run), *map(reverse, lists)]
    assert not any("USD" in text_of(staff, page) or ">Cost" in text_of(staff, page) for page in pages)
    settings.OPENAI_PRICES = ["gpt-4o=250/125/1000"]
    texts = [text_of(staff, page) for page in pages]
    assert "4.61 USD" in texts[0], "3 x (3008 x 250 + 3072 x 125 + 402 x 1000) / 1,000,000"
    assert all(" USD" in text and "≥ " in text for text in texts[1:]), "other models have no price"


def test_a_lease_is_released_by_who_says_so(chat: Chat, alice: User, staff: Client) -> None:
    run = answer(chat, alice, RunStatus.RUNNING)
    held = {"owner": uuid.uuid4(), "lease_expires_at": timezone.now() + timedelta(hours=1), "attempt": 1}
    Run.objects.filter(pk=run.pk).update(**held)
    assert "Release lease" in text_of(staff, page_of(run))
    address = f"{reverse('admin:chat_run_act', args=['release'])}?id={run.pk}"
    assert "goes on within seconds as attempt 2" in text_of(staff, address)
    assert Run.objects.get(pk=run.pk).owner == held["owner"], "asking does nothing"
    assert staff.post(address, {"reason": "It hangs."}).status_code == 302
    assert Run.objects.get(pk=run.pk).owner is None
    assert LogEntry.objects.get().change_message == "Lease released: It hangs."
    over = answer(chat, alice)
    assert "Left out" in text_of(staff, f"{reverse('admin:chat_run_act', args=['release'])}?id={over.pk}")


def test_staff_that_may_see_runs_sees_no_calls_no_content_and_intervenes_in_nothing(chat: Chat, alice: User) -> None:
    run = answer(chat, alice, RunStatus.RUNNING)
    client = with_rights(User.objects.create_user("dora@example.com"), "view_run")
    shown = text_of(client, page_of(run))
    assert "needs the permission to view messages" in shown
    assert "Arguments" not in shown and "/act/" not in shown
    first = text_of(client, reverse("admin:index"))
    assert "Running now" in first and "Who spends" not in first and "box-processes" not in first
    for verb in ("stop", "redrive", "release"):
        assert client.post(f"{reverse('admin:chat_run_act', args=[verb])}?id={run.pk}").status_code == 403
    assert client.post(reverse("admin:chat_chat_content", args=[chat.pk]), {"reason": "Curious"}).status_code == 403
    assert not LogEntry.objects.exists()


def test_an_organizations_owner_who_is_not_staff_and_anybody_else_stays_outside(
    chat: Chat, alice: User, charlie: User
) -> None:
    run = answer(chat, alice, RunStatus.RUNNING)
    pages = [
        reverse("admin:index"), page_of(run), reverse("admin:chat_usageday_changelist"),
        reverse("admin:chat_chat_content", args=[chat.pk]),
        f"{reverse('admin:chat_run_act', args=['stop'])}?id={run.pk}",
    ]  # fmt: skip
    for client in (Client(), signed_in(alice), signed_in(charlie)):
        for page in pages:
            for response in (client.get(page), client.post(page, {"reason": "Ticket 42"})):
                assert response.status_code == 302 and response["Location"].startswith(reverse("admin:login"))
    assert Run.objects.get(pk=run.pk).cancel_requested_at is None and not LogEntry.objects.exists()


def test_the_timeline_of_work_that_answers_nothing_says_how_far_it_is() -> None:
    reading = Reading()
    reading.take(Logged(1, 1, ev.WorkProgressed(at=1.0, text="step 2", done=1, total=3)))
    assert [(row.what, row.note, row.is_moment) for row in reading.rows] == [("step 2", "1 / 3", True)]


def test_the_timeline_says_what_a_provider_would_not_take() -> None:
    reading = Reading()
    reading.take(Logged(1, 1, ev.TurnStarted(at=1.0, turn=1, model="m")))
    reply = ev.ReplyCompleted(at=2.0, turn=1, finish_reason="stop", usage=Usage(1, 0, 1))
    reading.take(Logged(1, 2, replace(reply, left_out=("temperature", "tools"), unseen=("m/0", "m/2"))))
    [note] = [row.note() for row in reading.rows if callable(row.note)]
    assert "left out, as it was refused: temperature + tools" in note
    assert "2 attachments not shown to it" in note

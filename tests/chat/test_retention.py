"""What an organization keeps for a while alone goes by its rules, and nothing of anybody else's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Organization, User
from chat.attachments import storing
from chat.models import Attachment, AttachmentUse, Chat, Hold, Message, Rules, Run, RunEvent, RunStatus
from chat.ops.retention import retention
from tests.chat.rows import answer, say

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
FOR_EVER = {"chats_days": None, "logs_days": None, "files_days": None, "links": "off", "cache_answers": False}


def round_of_chores() -> dict[str, int]:
    steps = retention()
    while steps.step():
        pass
    return {name: count for name, count in steps.counts.items() if count}


def old(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def attached(chat: Chat, user: User, age: float, name: str = "a.txt") -> Attachment:
    """A file in a message of that age."""
    row = Attachment.objects.create(
        organization=chat.organization, user=user, type="file", name=name, media_type="text/plain", bytes=5,
        state="ready",
    )  # fmt: skip
    storing.write(row.pk, b"Hello")
    message = say(chat, user, attachments=[{"type": "file", "id": str(row.pk), "name": name}])
    Message.objects.filter(pk=message.pk).update(created_at=old(age))
    Attachment.objects.filter(pk=row.pk).update(created_at=old(age))
    return row


def test_chats_go_so_many_days_after_their_last_activity(chat: Chat, alice: User, charlie: User) -> None:
    theirs = Chat.objects.create(organization=charlie.memberships.get().organization, user=charlie, model="m")
    new = Chat.objects.create(organization=chat.organization, user=alice, model="m")
    busy = Chat.objects.create(organization=chat.organization, user=alice, model="m")
    answer(busy, alice, RunStatus.RUNNING)
    Chat.objects.exclude(pk=new.pk).update(last_activity_at=old(31))
    assert round_of_chores() == {}  # nobody has a rule
    Rules.objects.create(organization=chat.organization, chats_days=30)
    assert round_of_chores() == {"chats kept long enough": 1}
    assert set(Chat.objects.all()) == {theirs, new, busy}
    assert round_of_chores() == {}


def test_logs_are_cut_so_many_days_after_their_runs(chat: Chat, alice: User) -> None:
    runs = [answer(chat, alice, text="A thought") for _ in range(2)]
    Run.objects.filter(pk=runs[0].pk).update(ended_at=old(8))
    Rules.objects.create(organization=chat.organization, logs_days=7)
    assert round_of_chores() == {"logs kept long enough": 1}
    assert [Run.objects.get(pk=run.pk).log_state for run in runs] == ["answer", "whole"]
    assert Message.objects.get(pk=runs[0].message_id).content == "A thought"
    assert RunEvent.objects.filter(run=runs[0]).exists()


def test_files_go_so_many_days_after_their_newest_message(api: Api, chat: Chat, alice: User) -> None:
    gone, again = (attached(chat, alice, 15, name) for name in ("gone.txt", "again.txt"))
    AttachmentUse.objects.create(attachment=again, message=say(chat, alice))
    Rules.objects.create(organization=chat.organization, files_days=14)
    assert round_of_chores() == {"files kept long enough": 1}
    assert list(Attachment.objects.all()) == [again] and gone.pk not in set(storing.ids())
    told = api(alice).get(f"/api/chats/{chat.pk}/messages/").json()["results"][0]
    assert told["attachments"][0]["name"] == "gone.txt"  # that there was one is said


def test_what_a_hold_is_on_is_not_erased(api: Api, chat: Chat, alice: User) -> None:
    run, file = answer(chat, alice), attached(chat, alice, 20)
    Run.objects.update(ended_at=old(20))
    Chat.objects.update(last_activity_at=old(20))
    rules = Rules.objects.create(organization=chat.organization, logs_days=7, files_days=7)
    hold = Hold.objects.create(scope="chat", subject=chat.pk, reason="A case.")
    assert round_of_chores() == {}
    Rules.objects.update(chats_days=7)
    round_of_chores()  # to everybody it is gone, as the others of that age are
    assert api(alice).get(f"/api/chats/{chat.pk}/").status_code == 404
    assert Message.objects.get(pk=run.message_id).content == "A README." and file.pk in set(storing.ids())
    assert (rules.pk, hold.released_at) == (chat.organization_id, None)


# --- The rules --------------------------------------------------------------------------------------------------------


def test_admins_read_and_change_them(
    api: Api, alice: User, bob: User, charlie: User, organization: Organization
) -> None:
    path = f"/api/organizations/{organization.pk}/rules/"
    told = api(alice).get(path).json()
    assert {name: told[name] for name in FOR_EVER} == FOR_EVER and not Rules.objects.exists()
    changed = api(alice).patch(path, {"chats_days": 90, "links": "members"}, format="json")
    assert changed.status_code == 200
    assert {**FOR_EVER, "chats_days": 90, "links": "members"}.items() <= api(alice).get(path).json().items()
    assert api(alice).patch(path, {"chats_days": None}, format="json").json()["chats_days"] is None
    for person, status in ((bob, 403), (charlie, 404)):
        assert api(person).get(path).status_code == status
        assert api(person).patch(path, {"chats_days": 1}, format="json").status_code == status
    assert Rules.objects.get().chats_days is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"chats_days": 0}, {"logs_days": -1}, {"files_days": "7"}, {"chats_days": 7.0}, {"chats_days": 36_501},
        {"links": "everyone"}, {"cache_answers": "yes"}, {"keep": True}, {"updated_at": "2026-01-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_changes_nothing(
    api: Api, alice: User, organization: Organization, wrong: dict[str, Any]
) -> None:
    path = f"/api/organizations/{organization.pk}/rules/"
    refused = api(alice).patch(path, {"logs_days": 7, **wrong}, format="json")
    assert refused.status_code == 400 and set(refused.json()["error"]["fields"]) == set(wrong)
    assert not Rules.objects.exists()


def test_an_operator_edits_them(organization: Organization) -> None:
    staff = Client()
    staff.force_login(User.objects.create_superuser("root@example.com"))
    sent = {"organization": str(organization.pk), "chats_days": "30", "links": "off"}
    assert staff.post("/admin/chat/rules/add/", {**sent, "chats_days": "0"}).status_code == 200
    assert staff.post("/admin/chat/rules/add/", sent).status_code == 302
    assert Rules.objects.get().chats_days == 30

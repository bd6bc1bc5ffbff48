"""What whoever is on call stumbles over: dates in two forms, a person without their things, and tables of plumbing."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format

from accounts.admin_lists import Lookups
from accounts.audit.models import AuditEntry
from accounts.models import Project, User
from chat.models import Chat, Run
from tests.chat.rows import answer
from tools.models import Document, DocumentVersion

pytestmark = pytest.mark.django_db
NOTE = "Dismissing Bob"


@pytest.fixture
def staff(db: None) -> Client:
    return signed_in(User.objects.create_superuser("root@example.com"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, address
    return str(response.content.decode())


@pytest.fixture
def run(chat: Chat, alice: User) -> Run:
    return answer(chat, alice)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_moment_is_written_one_way(language: str, run: Run, staff: Client) -> None:
    made = f"{run.created_at:%Y-%m-%d %H:%M:%S}"
    for address in ("/admin/chat/run/", f"/admin/chat/run/{run.pk}/change/", f"/admin/chat/chat/{run.chat_id}/change/"):
        assert made in text_of(staff, address, accept_language=language), address
    with translation.override(language):
        for form in ("DATETIME_FORMAT", "SHORT_DATETIME_FORMAT"):
            assert date_format(run.created_at, form) == made
        assert (
            date_format(run.created_at, "DATE_FORMAT") == date_format(run.created_at, "SHORT_DATE_FORMAT") == made[:10]
        )


def test_a_persons_page_leads_to_what_is_theirs(run: Run, alice: User, bob: User, staff: Client) -> None:
    page = reverse("admin:accounts_user_change", args=[alice.pk])
    links = re.findall(rf'href="(/admin/[^"]*{alice.pk}[^"]*)">([^<]+)<', text_of(staff, page))
    named = {name: address for address, name in links if "?" in address}
    assert list(named) == [
        "Chats", "Runs", "Usage by day", "Usage records", "API keys", "Sign-ins", "Audit entries",
    ]  # fmt: skip
    for address in named.values():
        text_of(staff, address)
    assert str(run.pk) in text_of(staff, named["Runs"])
    other = answer(Chat.objects.create(organization=run.chat.organization, user=bob, model="m", archetype="a"), bob)
    assert str(other.pk) not in text_of(staff, named["Runs"]) and str(other.chat_id) not in text_of(
        staff, named["Chats"]
    )


def test_it_leads_to_what_one_may_see_alone(alice: User, charlie: User) -> None:
    User.objects.filter(pk=charlie.pk).update(is_staff=True)
    charlie.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "view_run")))
    page = text_of(signed_in(charlie), reverse("admin:accounts_user_change", args=[alice.pk]))
    assert "/admin/chat/run/?user__id__exact=" in page and "/admin/chat/chat/?" not in page


def test_people_are_let_in_no_more_by_whoever_may_change_them(alice: User, bob: User, charlie: User) -> None:
    root = User.objects.create_superuser("root@example.com")
    User.objects.filter(pk=charlie.pk).update(is_staff=True)
    form = {"_selected_action": [str(each.pk) for each in (alice, charlie, root)]}
    charlie.user_permissions.set(Permission.objects.filter(codename="view_user"))
    before = [*User.objects.order_by("pk").values_list("is_active", "token_version")]
    for action in ("deactivate", "sign_out_everywhere"):
        signed_in(charlie).post("/admin/accounts/user/", {**form, "action": action})
    after = [*User.objects.order_by("pk").values_list("is_active", "token_version")]
    assert after == before, "who may only look changes nothing"
    charlie.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "change_user")))
    there = signed_in(alice)
    assert signed_in(charlie).post("/admin/accounts/user/", {**form, "action": "deactivate"}).status_code == 302
    assert [*User.objects.filter(is_active=False)] == [alice], "neither who asks nor who may do more"
    assert there.get("/account/").status_code == 302
    entry = AuditEntry.objects.get(action="person.changed")
    assert (entry.object_id, entry.detail["fields"]) == (str(alice.pk), ["is_active"])


def test_plumbing_is_folded_away_and_nothing_is_lost(run: Run, staff: Client) -> None:
    whole = text_of(staff, "/admin/")
    _, _, folded = whole.partition('<details class="plumbing">')
    lists = set(re.findall(r'href="(/admin/\w+/\w+/)"', whole))
    hidden = set(re.findall(r'href="(/admin/\w+/\w+/)"', folded))
    assert {"/admin/accounts/ticket/", "/admin/chat/runevent/", "/admin/accounts/idempotencykey/"} <= hidden
    assert {"/admin/chat/run/", "/admin/chat/chat/", "/admin/chat/chore/", "/admin/accounts/user/"} <= lists - hidden
    tables = [model._meta for model in admin.site._registry]
    registered = {reverse(f"admin:{each.app_label}_{each.model_name}_changelist") for each in tables}
    assert registered == lists, "each is somewhere"
    assert not Lookups.is_plumbing


def test_what_somebody_noted_of_a_version_is_hidden(project: Project, alice: User, staff: Client) -> None:
    document = Document.objects.create(project=project, name="main", content="{}")
    row = DocumentVersion.objects.create(document=document, version=1, by=alice, content="{}", note=NOTE)
    for address in ("/admin/tools/documentversion/", f"/admin/tools/documentversion/{row.pk}/change/"):
        assert NOTE not in text_of(staff, address)
    for lookup in ("note", "note__startswith", "content__contains"):
        assert staff.get("/admin/tools/documentversion/", {lookup: "D"}).status_code in (302, 400)

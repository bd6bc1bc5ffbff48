"""People who go: what goes with them is said before, chats are handed over, and others keep what is theirs."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client
from rest_framework.test import APIClient

from accounts.errors import Invalid
from accounts.models import Membership, Organization, ProjectMember, Role, User
from chat.models import Chat, ChatAlias, ChatShare, Message, Run, RunStatus, UsageRecord
from chat.services.people import delete_person, hand_over, what_goes
from tests.chat.rows import answer
from tests.conftest import member

Api = Callable[[User], APIClient]


@pytest.fixture
def dora(organization: Organization) -> User:
    return member(organization, "dora", Role.EDITOR)


@pytest.fixture
def staff(organization: Organization) -> Client:
    """An operator's browser."""
    user = User.objects.create_superuser("operator@example.com")
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def shared(chat: Chat, alice: User, bob: User) -> Chat:
    """Alice's chat, which Bob sees too, and where he asked something."""
    ChatShare.objects.create(chat=chat, user=bob, access="write")
    ChatAlias.objects.create(chat=chat, user=alice, door="threads", external_id="mine")
    answer(chat, alice)
    answer(chat, bob)
    return chat


def tell(*arguments: str) -> str:
    told = io.StringIO()
    call_command(*arguments, stdout=told)
    return told.getvalue()


def test_what_goes_is_counted_by_kind(shared: Chat, alice: User) -> None:
    assert what_goes(alice) == {
        "chats": 1, "chats that others see": 1, "messages": 4, "runs": 2, "memberships": 1
    }  # fmt: skip
    assert what_goes(shared.organization)["projects"] == 1


def test_a_chat_that_was_handed_over_is_the_other_person_s_and_named_by_nobody(
    api: Api, shared: Chat, alice: User, bob: User
) -> None:
    assert hand_over(source=alice, to=bob, by=alice) == 1
    path = f"/api/chats/{shared.pk}/"
    assert (api(bob).get(path).status_code, api(alice).get(path).status_code) == (200, 404)
    assert not ChatAlias.objects.exists() and not ChatShare.objects.filter(user=bob).exists()
    assert api(bob).patch(path, {"sharing": "project"}, format="json").status_code == 200
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (alice, str(alice.pk))
    assert entry.change_message == f"Handed over 1 chats to {bob.pk}"
    assert shared.title not in f"{entry.object_repr}{entry.change_message}"


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_who_may_not_write_there_gets_none(shared: Chat, alice: User, charlie: User, role: Role | None) -> None:
    if role:
        Membership.objects.create(organization=shared.organization, user=charlie, role=role)
    with pytest.raises(Invalid, match="Acme"):
        hand_over(source=alice, to=charlie, by=None)
    with pytest.raises(CommandError, match="Acme"):
        tell("hand_over", alice.email, charlie.email)
    assert Chat.objects.get().user == alice and not LogEntry.objects.exists()


def test_who_may_write_in_the_organization_and_not_in_the_project_gets_none(
    shared: Chat, alice: User, dora: User
) -> None:
    theirs = ProjectMember.objects.create(project=shared.project, user=dora, role=Role.VIEWER)
    with pytest.raises(Invalid) as refused:
        hand_over(source=alice, to=dora, by=None)
    assert f"Acme, project {shared.project.name}" in str(refused.value.fields)
    assert Chat.objects.get().user == alice
    Membership.objects.filter(user=dora).update(role=Role.VIEWER)
    ProjectMember.objects.filter(pk=theirs.pk).update(role=Role.EDITOR)
    assert hand_over(source=alice, to=dora, by=None) == 1  # a greater one there is enough


def test_the_command_hands_over_those_of_an_organization(
    shared: Chat, alice: User, bob: User, elsewhere: Organization
) -> None:
    Membership.objects.create(organization=elsewhere, user=alice, role=Role.EDITOR)
    other = Chat.objects.create(organization=elsewhere, user=alice, model="m", archetype="generalist")
    assert "1 chats" in tell("hand_over", "ALICE@example.com", bob.email, "--organization", "Acme")
    assert {each.pk: each.user for each in Chat.objects.all()} == {shared.pk: bob, other.pk: alice}
    with pytest.raises(CommandError, match="0 organizations"):
        tell("hand_over", alice.email, bob.email, "--organization", "Nowhere")


# --- Who has left -----------------------------------------------------------------------------------------------------


def test_an_admin_hands_over_what_somebody_left_behind(
    api: Api, shared: Chat, alice: User, bob: User, dora: User, charlie: User
) -> None:
    place = f"/api/organizations/{shared.organization_id}/"
    bobs = Chat.objects.create(organization=shared.organization, user=bob, model="m", archetype="generalist")
    sent = {"from": str(bob.pk), "to": str(dora.pk)}
    refused = api(alice).post(f"{place}hand-over/", sent, format="json")
    assert refused.status_code == 400 and "from" in refused.json()["error"]["fields"]  # he is a member
    Membership.objects.filter(user=bob).delete()
    assert api(bob).get(f"/api/chats/{bobs.pk}/").status_code == 404
    assert api(dora).get(f"{place}former-members/").status_code == 403
    assert api(dora).post(f"{place}hand-over/", sent, format="json").status_code == 403
    for method, path in (("get", "former-members/"), ("post", "hand-over/")):
        assert getattr(api(charlie), method)(f"{place}{path}", sent, format="json").status_code == 404
    (left,) = api(alice).get(f"{place}former-members/").json()["results"]
    assert (left["email"], left["chats"]) == (bob.email, 1)
    done = api(alice).post(f"{place}hand-over/", sent, format="json")
    assert (done.status_code, done.json()) == (201, {"chats": 1})
    assert api(dora).get(f"/api/chats/{bobs.pk}/").status_code == 200
    assert api(alice).get(f"{place}former-members/").json()["results"] == []


def test_everybody_hands_over_their_own_to_members_alone(
    api: Api, shared: Chat, alice: User, bob: User, charlie: User
) -> None:
    path = f"/api/organizations/{shared.organization_id}/hand-over/"
    sent = {"from": str(alice.pk), "to": str(charlie.pk)}
    assert api(alice).post(path, sent, format="json").status_code == 400
    assert api(bob).post(path, {**sent, "to": str(bob.pk)}, format="json").status_code == 403  # hers
    assert api(alice).post(path, {**sent, "to": str(bob.pk)}, format="json").json() == {"chats": 1}


# --- Deleting ---------------------------------------------------------------------------------------------------------


def test_the_admin_says_what_goes_and_then_it_goes(staff: Client, shared: Chat, alice: User) -> None:
    page = f"/admin/accounts/user/{alice.pk}/delete/"
    asked = staff.get(page).content.decode()
    for told in ("1 chats that others see", "4 messages", "2 runs"):
        assert told in asked
    assert shared.title not in asked
    assert staff.post(page, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(email=alice.email).exists() and not Chat.objects.exists()
    entry = LogEntry.objects.get(action_flag=3)
    assert entry.object_repr == str(alice.pk) and "1 chats that others see" in entry.change_message


def test_the_action_of_the_list_does_the_same(staff: Client, shared: Chat, alice: User) -> None:
    sent = {"action": "delete_selected", "_selected_action": [str(alice.pk)]}
    assert "1 chats that others see" in staff.post("/admin/accounts/user/", sent).content.decode()
    assert User.objects.filter(pk=alice.pk).exists()
    staff.post("/admin/accounts/user/", {**sent, "post": "yes"})
    assert not User.objects.filter(pk=alice.pk).exists()


DELETIONS: dict[str, Callable[[User], Any]] = {
    "a row": lambda person: person.delete(),
    "a query": lambda person: User.objects.filter(pk=person.pk).delete(),
}


@pytest.mark.parametrize("delete", DELETIONS.values(), ids=DELETIONS)
@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_nobody_is_deleted_in_passing(
    request: pytest.FixtureRequest, shared: Chat, whose: str, delete: Callable[[User], Any]
) -> None:
    """Alice has a chat that Bob sees too, Bob a run in it."""
    person: User = request.getfixturevalue(whose)
    with pytest.raises(IntegrityError, match=r"manage.py hand_over .* manage.py delete_person"):
        delete(person)
    assert Chat.objects.count() == 1 and Run.objects.count() == 2
    delete_person(person, by=None)
    assert not User.objects.filter(email=person.email).exists()


def test_who_has_nothing_is(dora: User) -> None:
    dora.delete()
    assert not User.objects.filter(email="dora@example.com").exists()


@pytest.mark.parametrize("kind", ["organization", "project"])
def test_organizations_and_projects_are_deleted_with_their_chats(staff: Client, shared: Chat, kind: str) -> None:
    page = f"/admin/accounts/{kind}/{getattr(shared, kind).pk}/delete/"
    assert "1 chats that others see" in staff.get(page).content.decode()
    assert staff.post(page, {"post": "yes"}).status_code == 302
    assert not Chat.objects.exists()


def test_the_command_says_what_goes_and_needs_a_yes(shared: Chat, alice: User) -> None:
    told = tell("delete_person", alice.email)
    assert "1  chats that others see" in told and "Nothing was changed" in told
    assert User.objects.filter(pk=alice.pk).exists()
    tell("delete_person", alice.email, "--yes")
    assert not User.objects.filter(pk=alice.pk).exists()


def test_what_somebody_did_in_another_s_chat_stays_without_their_name(shared: Chat, bob: User, alice: User) -> None:
    his = Run.objects.get(user=bob)
    used = dict.fromkeys(("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"), 1)
    whose = {"run": his, "user": bob, "organization": shared.organization, "project": shared.project}
    UsageRecord.objects.create(turn=1, attempt=1, model="m", status="reported", **whose, **used)
    tell("delete_person", bob.email, "--yes")
    his.refresh_from_db()
    assert (his.user.name, his.user.is_active, his.user.has_usable_password()) == ("Deleted person", False, False)
    assert UsageRecord.objects.get().user_id == bob.pk  # which leads to nobody
    assert Message.objects.filter(chat=shared).count() == 4
    assert not User.objects.filter(email=bob.email).exists()


def test_chats_that_were_handed_over_before_stay_whole(shared: Chat, alice: User, bob: User) -> None:
    hand_over(source=alice, to=bob, by=None)
    tell("delete_person", alice.email, "--yes")
    assert (Message.objects.count(), Run.objects.count()) == (4, 2)


def test_nobody_is_deleted_while_a_run_of_theirs_is_open(staff: Client, chat: Chat, alice: User, bob: User) -> None:
    run = answer(chat, bob, RunStatus.RUNNING)
    for person in (alice, bob):
        with pytest.raises(CommandError, match=str(run.pk)):
            tell("delete_person", person.email, "--yes")
        page = f"/admin/accounts/user/{person.pk}/delete/"
        assert str(run.pk) in staff.get(page).content.decode()
        staff.post(page, {"post": "yes"})
        assert User.objects.filter(pk=person.pk).exists()


def test_an_operator_hands_over_on_a_page(staff: Client, shared: Chat, alice: User, bob: User, charlie: User) -> None:
    chosen = {"action": "hand_over_chats", "_selected_action": [str(alice.pk)]}
    page = staff.post("/admin/accounts/user/", chosen).url
    assert "1 chat becomes" in staff.get(page).content.decode()
    refused = staff.post(page, {"to": charlie.email})
    assert refused.status_code == 200 and "Acme" in refused.content.decode()
    assert staff.post(page, {"to": "nobody@example.com"}).status_code == 200
    assert staff.post(page, {"to": bob.email, "reason": "She has left."}).status_code == 302
    assert Chat.objects.get().user == bob
    assert sorted(each.change_message for each in LogEntry.objects.all()) == [
        f"Handed over 1 chats to {bob.pk}",
        "Handed over: She has left.",
    ]


def test_who_may_not_delete_people_hands_nothing_over(shared: Chat, alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    client = Client()
    client.force_login(bob)
    assert client.get(f"/admin/accounts/user/{alice.pk}/hand-over/").status_code == 403
    assert client.post(f"/admin/accounts/user/{alice.pk}/hand-over/", {"to": bob.email}).status_code == 403

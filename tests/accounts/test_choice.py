"""Where a chat goes that names no organization: where its person chose, and never to a stranger's."""

import importlib
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from rest_framework.test import APIClient

from accounts.errors import Conflict, NotAllowed, NotFound
from accounts.models import Membership, Organization, Role, User
from accounts.organizations.choice import choose_organization, usual_organization
from accounts.sign_in.keys import create_key
from chat.doors.starting import make_chat
from chat.models import Character, Chat
from chat.services.characters import for_new_session
from tests.conftest import member
from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import Client

Api = Callable[[User], APIClient]
ME = "/api/users/me/"


@pytest.fixture
def dora(elsewhere: Organization) -> User:
    """Of one organization, which is younger than `organization`."""
    return member(elsewhere, "dora", Role.EDITOR)


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_who_is_added_to_an_older_organization_loses_no_chat_to_it(
    organization: Organization, elsewhere: Organization, dora: User
) -> None:
    Membership.objects.create(organization=organization, user=dora, role=Role.OWNER)
    assert make_chat(fresh(dora), door="threads").organization == elsewhere
    Membership.objects.filter(organization=organization, user=dora).delete()
    assert make_chat(fresh(dora), door="threads").organization == elsewhere


def test_of_an_account_of_before_the_choice_the_organization_it_has_is_the_choice(
    organization: Organization, elsewhere: Organization, dora: User
) -> None:
    User.objects.update(organization=None)
    Membership.objects.create(organization=organization, user=dora, role=Role.OWNER)
    assert usual_organization(fresh(dora)) == elsewhere


def test_a_character_of_another_organization_draws_no_chat_away(
    organization: Organization, elsewhere: Organization, dora: User
) -> None:
    third = Organization.objects.create(name="Third")
    for place in (organization, third):
        Membership.objects.create(organization=place, user=dora, role=Role.OWNER)
    theirs = Character.objects.create(number=7, organization=organization, name="Guide", archetype="generalist")
    theirs.users.set([dora])
    assert for_new_session(fresh(dora), 7) is None  # a plain one, where she has chosen
    choose_organization(dora, organization.pk)
    assert for_new_session(fresh(dora), 7) == theirs
    choose_organization(dora, None)
    assert for_new_session(fresh(dora), 7) == theirs  # nothing is chosen, and there is one alone
    with pytest.raises(Conflict):
        for_new_session(fresh(dora), 8)
    choose_organization(dora, elsewhere.pk)
    Character.objects.create(number=9, organization=elsewhere, name="Not hers", archetype="generalist")
    with pytest.raises(NotFound):
        for_new_session(fresh(dora), 9)


def test_it_is_chosen_by_patch_and_by_naming_one(
    api: Api, organization: Organization, elsewhere: Organization, dora: User
) -> None:
    Membership.objects.create(organization=organization, user=dora, role=Role.EDITOR)
    patched = api(dora).patch(ME, {"organization": str(organization.pk)}, format="json")
    assert (patched.status_code, patched.json()["organization"]) == (200, str(organization.pk))
    assert usual_organization(fresh(dora)) == organization
    assert api(dora).post("/api/chats/", {"organization": str(elsewhere.pk)}, format="json").status_code == 201
    assert api(dora).get(ME).json()["organization"] == str(elsewhere.pk)


def test_a_key_says_nothing_of_another_organization(organization: Organization, dora: User) -> None:
    Membership.objects.create(organization=organization, user=dora, role=Role.EDITOR)
    _, token = create_key(user=dora, organization=organization, scopes=["chat"], name="CI", expires_at=None)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert fresh(dora).organization_id and client.get(ME).json()["organization"] is None


def test_who_was_removed_from_where_they_chose_has_no_choice(
    api: Api, organization: Organization, elsewhere: Organization, dora: User
) -> None:
    assert api(dora).get(ME).json()["organization"] == str(elsewhere.pk)
    Membership.objects.create(organization=organization, user=dora, role=Role.EDITOR)
    Membership.objects.filter(organization=elsewhere, user=dora).delete()
    assert api(fresh(dora)).get(ME).json()["organization"] is None


@pytest.mark.parametrize("value", ["stranger's", "read only", "no id", 7])
def test_one_that_is_not_theirs_to_write_in_is_not_chosen(
    api: Api, organization: Organization, elsewhere: Organization, dora: User, value: Any
) -> None:
    if value == "read only":
        Membership.objects.create(organization=organization, user=dora, role=Role.VIEWER)
    wanted = str(organization.pk) if isinstance(value, str) and value != "no id" else value
    answered = api(dora).patch(ME, {"organization": wanted, "name": "New"}, format="json")
    assert answered.status_code in (400, 404)
    assert "organization" in answered.json()["error"]["fields"]
    assert (fresh(dora).organization, fresh(dora).name) == (elsewhere, "Dora")


def test_where_the_choice_is_gone_the_only_other_one_is_taken_and_of_several_none(
    organization: Organization, elsewhere: Organization, dora: User
) -> None:
    third = Organization.objects.create(name="Third")
    for place in (organization, third):
        Membership.objects.create(organization=place, user=dora, role=Role.EDITOR)
    Membership.objects.filter(organization=elsewhere, user=dora).delete()
    with pytest.raises(Conflict, match="PATCH /api/users/me/"):
        usual_organization(fresh(dora))
    organization.delete()
    assert usual_organization(fresh(dora)) == third
    third.delete()
    with pytest.raises(NotAllowed):
        usual_organization(fresh(dora))


def test_where_one_may_only_read_no_chat_is_made(organization: Organization, elsewhere: Organization) -> None:
    reader = member(elsewhere, "reader", Role.VIEWER)
    Membership.objects.create(organization=organization, user=reader, role=Role.EDITOR)
    assert usual_organization(fresh(reader)) == organization


@pytest.mark.parametrize(("chats", "chosen"), [((1, 2), 1), ((2, 1), 0), ((1, 1), None), ((0, 0), None), ((0, 1), 1)])
def test_an_upgrade_leaves_people_where_most_of_their_chats_are(
    organization: Organization, elsewhere: Organization, dora: User, chats: tuple[int, int], chosen: int | None
) -> None:
    places = (organization, elsewhere)
    Membership.objects.create(organization=organization, user=dora, role=Role.EDITOR)
    for place, count in zip(places, chats, strict=True):
        for _ in range(count):
            Chat.objects.create(organization=place, user=dora, model="m", archetype="a")
    User.objects.update(organization=None)
    importlib.import_module("chat.migrations.0013_people").choose_organizations(apps, None)
    assert fresh(dora).organization == (None if chosen is None else places[chosen])


def test_a_door_says_what_to_send(server: Server) -> None:
    person: Client = newcomer(server, role="owner")
    for _ in range(2):
        name = f"More {uuid.uuid4()}"
        server.quickly("create_user", str(person.get(ME)["email"]), "--organization", name, "--role", "owner")
    first = person.get(ME)["organization"]
    assert first is not None  # the one that they had
    server.call("PATCH", ME, {"organization": None}, token=person.token)
    for path, body in (("/agent/chat", {"message": "Hi", "character_id": 1}), ("/v1/conversations", {})):
        refused = server.call("POST", path, body, token=person.token)
        assert refused.status == 409 and "PATCH /api/users/me/" in str(refused.body), refused

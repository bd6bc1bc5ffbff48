"""POST /api/users/: servers make people by an admin key; nobody is joined unasked, made an operator, or taken over."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.errors import Conflict, NotAllowed
from accounts.models import ExternalIdentity, IdentityProvider, Membership, Organization, Role, User
from accounts.organizations.people import change_person
from accounts.sign_in.keys import create_key
from tests.accounts.signing import sign_in
from tests.accounts.test_own_account import bearing
from tests.conftest import PASSWORD, member

Api = Callable[[User], APIClient]
USERS = "/api/users/"


@pytest.fixture(autouse=True)
def nobody_has_tried_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def operator(organization: Organization) -> User:
    user = member(organization, "operator", Role.ADMIN)
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    return User.objects.get(pk=user.pk)


@pytest.fixture
def admins_may(settings: Any) -> None:
    settings.PEOPLE_BY = "admins"


def by_key(user: User, organization: Organization, *scopes: str) -> APIClient:
    _, key = create_key(
        user=user, organization=organization, scopes=scopes or ["people"], name="Server", expires_at=None
    )
    return bearing(key)


def make(client: APIClient, email: str = "new@example.com", **body: Any) -> tuple[int, Any]:
    answered = client.post(USERS, {"email": email, **body}, format="json")
    return answered.status_code, answered.json()


def test_a_server_makes_a_person_once(operator: User, organization: Organization) -> None:
    server = by_key(operator, organization)
    status, made = make(server, "New@Example.com", name="Nora", organization=str(organization.pk), role="viewer")
    assert status == 201
    assert (made["email"], made["name"], made["active"], made["has_password"]) == (
        "new@example.com",
        "Nora",
        True,
        False,
    )
    person = User.objects.get(email="new@example.com")
    assert not (person.is_staff or person.is_superuser)
    assert Membership.objects.get(user=person).role == "viewer"
    again = make(server, "new@example.com", name="Other", organization=str(organization.pk), role="owner")
    assert again[0] == 403  # above the maker's own
    status, same = make(server, "new@example.com", name="Other", organization=str(organization.pk), role="admin")
    assert (status, same) == (200, made) and Membership.objects.get(user=person).role == "viewer"
    assert server.get(f"{USERS}{made['id']}/").json() == made


def test_a_repeated_request_is_answered_again(operator: User, organization: Organization) -> None:
    server = by_key(operator, organization)
    sent = {"path": USERS, "data": {"email": "new@example.com"}, "format": "json", "headers": {"Idempotency-Key": "1"}}
    first, second = server.post(**sent), server.post(**sent)
    assert (first.status_code, second.status_code, second.json()) == (201, 201, first.json())


@pytest.mark.parametrize("field", ["is_staff", "is_superuser", "password", "active", "id"])
def test_nobody_is_made_more_than_a_person(operator: User, organization: Organization, field: str) -> None:
    status, told = make(by_key(operator, organization), **{field: True})
    assert status == 400 and field in told["error"]["fields"]
    assert not User.objects.filter(email="new@example.com").exists()


def test_an_admin_makes_people_where_it_is_allowed_and_into_their_own_place_alone(
    settings: Any, alice: User, organization: Organization, elsewhere: Organization
) -> None:
    server = by_key(alice, organization)
    assert make(server)[1]["error"]["code"] == "people_by"
    settings.PEOPLE_BY = "admins"
    assert make(server, organization=str(elsewhere.pk))[0] == 404
    status, made = make(server)  # where the key is for
    assert status == 201 and Membership.objects.get(user=made["id"]).organization == organization


def test_an_admin_without_a_key_says_where(admins_may: None, api: Api, alice: User, organization: Organization) -> None:
    status, told = make(api(alice))
    assert status == 400 and "organization" in told["error"]["fields"]
    assert make(api(alice), organization=str(organization.pk))[0] == 201


def test_who_is_there_and_no_member_is_joined_by_an_operator_alone(
    admins_may: None, operator: User, alice: User, charlie: User, organization: Organization
) -> None:
    status, told = make(by_key(alice, organization), charlie.email)
    assert (status, told["error"]["code"]) == (409, "invite_instead")
    assert not Membership.objects.filter(user=charlie, organization=organization).exists()
    assert make(by_key(operator, organization), charlie.email, organization=str(organization.pk))[0] == 200
    assert Membership.objects.filter(user=charlie, organization=organization).exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_who_administers_nothing_makes_nobody(
    admins_may: None, api: Api, organization: Organization, role: Role
) -> None:
    actor = member(organization, "actor", role)
    assert make(api(actor), organization=str(organization.pk))[0] == 403
    assert make(api(actor))[0] == 400
    assert not User.objects.filter(email="new@example.com").exists()


def test_a_key_whose_person_is_no_admin_any_more_makes_nobody(
    admins_may: None, organization: Organization, alice: User
) -> None:
    admin = member(organization, "ida", Role.ADMIN)
    server = by_key(admin, organization)
    Membership.objects.filter(user=admin).update(role=Role.EDITOR)
    assert make(server)[0] == 403


@pytest.mark.parametrize("scope", ["llm", "chat", "read"])
def test_no_other_scope_opens_it(operator: User, organization: Organization, scope: str) -> None:
    status, told = make(by_key(operator, organization, scope))
    assert (status, told["error"]["code"]) == (403, "key_scope")


def test_the_scope_opens_nothing_else(operator: User, organization: Organization) -> None:
    server = by_key(operator, organization)
    for path in ("/api/chats/", "/api/organizations/", "/api/users/me/"):
        assert server.get(path).status_code == 403, path


def test_so_many_in_an_hour(settings: Any, operator: User, organization: Organization) -> None:
    settings.PEOPLE_PER_HOUR = 1
    server = by_key(operator, organization)
    assert [make(server, f"{n}@example.com")[0] for n in (1, 1, 2)] == [201, 200, 429]


# --- Deactivating -----------------------------------------------------------------------------------------------------


def patch(client: APIClient, person: User, **body: Any) -> tuple[int, Any]:
    answered = client.patch(f"{USERS}{person.pk}/", body, format="json")
    return answered.status_code, answered.json()


def test_who_is_deactivated_is_out_at_once(
    admins_may: None, alice: User, bob: User, operator: User, organization: Organization
) -> None:
    _, key = create_key(user=bob, organization=organization, scopes=["chat"], name="CI", expires_at=None)
    page, token = Client(), sign_in(bob.email).json()["access"]
    page.post("/login/", {"username": bob.email, "password": PASSWORD})
    assert page.get("/").status_code == 200 and bearing(key).get("/api/chats/").status_code == 200
    server = by_key(alice, organization)
    status, told = patch(server, bob, active=False)
    assert (status, told["active"]) == (200, False)
    assert page.get("/").status_code == 302
    assert bearing(token).get("/api/chats/").status_code == bearing(key).get("/api/chats/").status_code == 401
    assert sign_in(bob.email).status_code == 401
    refused = patch(server, bob, active=True, name="Back")
    assert (refused[0], refused[1]["error"]["code"]) == (403, "by_operators"), "an operator may have deactivated him"
    assert patch(by_key(operator, organization), bob, active=True)[1]["active"] is True
    assert User.objects.get(pk=bob.pk).name == "Bob"
    assert sign_in(bob.email).status_code == 200 and bearing(token).get("/api/chats/").status_code == 401


def test_strangers_find_nobody(api: Api, alice: User, bob: User, charlie: User, elsewhere: Organization) -> None:
    for client in (api(charlie), by_key(charlie, elsewhere)):
        assert client.get(f"{USERS}{bob.pk}/").status_code == 404
        assert patch(client, bob, active=False)[0] == 404
        assert client.post(f"{USERS}{bob.pk}/reset-link/").status_code == 404
    assert api(bob).get(f"{USERS}{alice.pk}/").status_code == 403
    assert User.objects.get(pk=bob.pk).is_active


def staff(person: User, elsewhere: Organization) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=True)


def elsewhere_too(person: User, elsewhere: Organization) -> None:
    Membership.objects.create(user=person, organization=elsewhere, role=Role.VIEWER)


@pytest.mark.parametrize("change", [staff, elsewhere_too])
def test_whom_an_admin_does_not_have_alone_stays(
    admins_may: None,
    api: Api,
    alice: User,
    bob: User,
    elsewhere: Organization,
    change: Callable[[User, Organization], None],
) -> None:
    change(bob, elsewhere)
    assert patch(api(alice), bob, active=False)[0] == 403
    assert patch(api(alice), bob, name="Other")[0] == 403
    assert User.objects.get(pk=bob.pk).is_active


def test_nobody_deactivates_themselves_or_the_last_owner(
    admins_may: None, api: Api, alice: User, operator: User, organization: Organization
) -> None:
    assert patch(api(alice), alice, active=False)[1]["error"]["code"] == "oneself"
    assert patch(api(operator), alice, active=False)[1]["error"]["code"] == "last_owner"
    member(organization, "second", Role.OWNER)
    assert patch(api(operator), alice, active=False)[0] == 200


def test_an_admin_only_looks_where_people_are_the_operators(api: Api, alice: User, bob: User) -> None:
    assert api(alice).get(f"{USERS}{bob.pk}/").status_code == 200
    for told in (patch(api(alice), bob, active=False), patch(api(alice), bob, name="Other"), link(api(alice), bob)):
        assert (told[0], told[1]["error"]["code"]) == (403, "people_by")
    assert User.objects.get(pk=bob.pk).is_active


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_deactivate_each_other_one_stays(
    settings: Any, alice: User, bob: User, organization: Organization
) -> None:
    settings.PEOPLE_BY = "admins"
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    barrier, ended = threading.Barrier(2), Counter[str]()

    def deactivate(actor: User, person: User) -> None:
        barrier.wait()
        try:
            change_person(actor=actor, person=User.objects.get(pk=person.pk), active=False)
            ended["deactivated"] += 1
        except (Conflict, NotAllowed) as error:
            ended[error.code] += 1
        connection.close()

    pairs = ((alice, bob), (bob, alice))
    threads = [threading.Thread(target=deactivate, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended["deactivated"] == 1, ended
    assert User.objects.filter(pk__in=(alice.pk, bob.pk), is_active=True).count() == 1


# --- Links for a password ---------------------------------------------------------------------------------------------


def link(client: APIClient, person: User) -> tuple[int, Any]:
    answered = client.post(f"{USERS}{person.pk}/reset-link/", {}, format="json")
    return answered.status_code, answered.json()


def without_password(person: User) -> User:
    person.set_unusable_password()
    person.save()
    return person


def test_a_key_makes_links_for_first_passwords_alone(
    admins_may: None, alice: User, bob: User, operator: User, organization: Organization, elsewhere: Organization
) -> None:
    for server in (by_key(alice, organization), by_key(operator, organization)):
        assert link(server, bob)[1]["error"]["code"] == "has_password"
    without_password(bob)
    assert "token=" in link(by_key(alice, organization), bob)[1]["link"]
    elsewhere_too(bob, elsewhere)
    for server in (by_key(alice, organization), by_key(operator, organization)):
        assert link(server, bob)[1]["error"]["code"] == "not_only_yours"


def test_a_key_makes_none_for_who_is_above_its_person(operator: User, alice: User, organization: Organization) -> None:
    without_password(alice)
    Membership.objects.filter(user=operator).update(role=Role.VIEWER)
    server = by_key(operator, organization)
    assert link(server, alice)[1]["error"]["code"] == "not_only_yours"
    nobody = User.objects.create_user("new@example.com")  # in no organization: an operator's alone
    assert link(server, nobody)[0] == 200


def test_whom_a_provider_vouches_for_gets_a_link_by_an_operator_alone(
    admins_may: None, api: Api, alice: User, bob: User, operator: User, organization: Organization
) -> None:
    provider = IdentityProvider.objects.create(
        organization=organization, slug="a", name="A", issuer="https://a.example"
    )
    ExternalIdentity.objects.create(provider=provider, subject="b", user=without_password(bob))
    for client in (api(alice), by_key(alice, organization), by_key(operator, organization)):
        assert link(client, bob)[1]["error"]["code"] == "signs_in_elsewhere"
    assert "token=" in link(api(operator), bob)[1]["link"]

"""API keys: hashed, shown once, for one person, one organization and their scopes; what ends ends at once."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.authentication import still_valid
from accounts.errors import Conflict, Invalid
from accounts.models import ApiKey, Membership, Organization, Project, Role, User
from accounts.sign_in import keys
from accounts.sign_in.scopes import AUDIT, SCOPES, WEBHOOKS, WORKED_ON, opens
from chat.models import Chat
from tests.routes import APART, MINE, PUBLIC, ROUTES, Route

ME, CHATS = "/api/users/me/", "/api/chats/"
PERSONAL = (
    "/api/auth/",
    "/api/invitations/",
    "/invitation/",
    "/login/",
    "/logout/",
    "/reset/",
    "/account/",
    "/api/policies/",
    "/api/workflows/",
    "/api/users/me/password/",
    "/api/users/me/sign-ins/",
    "/api/users/me/keys/",
    "/api/users/me/export/",
    "/api/users/me/deletion/",
    "/api/exports/",
    "/healthz",
    "/readyz",
    "/api/schema/",
    "/api/docs/",
)
ADMINISTERED = ("/api/organizations/", "/api/projects/", "/api/users/me/", "/api/characters/")


def make(user: User, organization: Organization, *scopes: str, **fields: Any) -> str:
    fields = {"name": "CI", "expires_at": None, **fields}
    return keys.create_key(user=user, organization=organization, scopes=scopes or ["chat"], **fields)[1]


def bearing(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def token(alice: User, organization: Organization) -> str:
    return make(alice, organization)


def test_a_key_speaks_as_its_user(token: str, alice: User) -> None:
    answered = bearing(token).get(ME)
    assert (answered.status_code, answered.json()["email"]) == (200, alice.email)


def test_only_its_hash_and_how_it_begins_are_stored(token: str) -> None:
    stored = ApiKey.objects.values().get()
    assert token.startswith("pk_")
    assert len(token) == 46
    assert stored["key_hash"] == hashlib.sha256(token.encode()).hexdigest()
    assert stored["prefix"] == token[:11]
    assert not any(token[11:] in str(value) for value in stored.values())


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "x", lambda t: t[:11] + "x" * 35, lambda t: "pk_"])
def test_what_is_nearly_a_key_is_none(token: str, change: Callable[[str], str]) -> None:
    answered = bearing(change(token)).get(ME)
    assert answered.status_code == 401
    assert answered["WWW-Authenticate"].startswith("Bearer")


def test_one_person_has_so_many_keys(alice: User, organization: Organization, settings: Any) -> None:
    settings.API_KEYS_PER_PERSON = 1
    make(alice, organization)
    with pytest.raises(Conflict, match="API keys"):
        make(alice, organization)
    with pytest.raises(CommandError, match="API keys"):
        call_command("create_key", alice.email, "--organization", "Acme", "--scope", "chat", "--name", "CI")
    keys.revoke(ApiKey.objects.all())
    make(alice, organization)


def test_the_admin_says_that_a_person_has_as_many_keys(alice: User, organization: Organization, settings: Any) -> None:
    settings.API_KEYS_PER_PERSON = 1
    make(alice, organization)
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(alice)
    sent = {"name": "CI", "organization": organization.pk, "scopes": ["chat"]}
    shown = client.post("/admin/accounts/apikey/add/", sent)
    assert shown.status_code == 200 and "There are 1 API keys already" in shown.content.decode()


def test_a_key_comes_by_authorization_only(token: str) -> None:
    assert Client().get(f"{ME}?ticket={token}").status_code == 401
    assert Client().get(f"{ME}?token={token}&access_token={token}&api_key={token}").status_code == 401
    assert Client(headers={"X-Api-Key": token, "Api-Key": token}).get(ME).status_code == 401
    in_cookie = Client()
    in_cookie.cookies["access_token"] = token
    assert in_cookie.get(ME).status_code == 401


def test_a_key_signs_nobody_in(token: str) -> None:
    answered = bearing(token).get(CHATS)
    assert answered.status_code == 200
    assert not answered.cookies


def test_a_revoked_key_is_refused_at_once(token: str, alice: User) -> None:
    key = keys.find(token)
    key.user.key = key
    assert still_valid(key.user)
    assert keys.revoke([key]) == 1
    assert bearing(token).get(ME).status_code == 401
    assert not still_valid(key.user), "its streams would go on"
    assert keys.revoke([key]) == 0


def test_an_expired_key_is_refused(token: str) -> None:
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert bearing(token).get(ME).status_code == 401


def test_a_key_ends_with_its_users_account(token: str, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert bearing(token).get(ME).status_code == 401


def test_a_key_ends_with_its_users_membership(bob: User, alice: User, organization: Organization) -> None:
    token = make(bob, organization)
    assert bearing(token).get(CHATS).status_code == 200
    Membership.objects.filter(user=bob).delete()
    assert bearing(token).get(CHATS).status_code == 401


def test_a_change_of_password_ends_tokens_but_no_key(token: str, alice: User) -> None:
    key = keys.find(token)
    key.user.key = key
    alice.end_sessions()
    assert bearing(token).get(ME).status_code == 200
    assert still_valid(key.user)


def test_when_it_was_used_is_noted_to_a_minute(token: str) -> None:
    bearing(token).get(ME)
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    bearing(token).get(ME)
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    bearing(token).get(ME)
    assert ApiKey.objects.get().last_used_at > first - timedelta(seconds=1)


def test_a_refused_key_writes_nothing(token: str) -> None:
    keys.revoke([ApiKey.objects.get()])
    bearing(token).get(ME)
    assert ApiKey.objects.get().last_used_at is None


# --- Never more than its maker, and only where it is for --------------------------------------------------------------


def test_a_key_is_for_one_organization(alice: User, organization: Organization, chat: Chat, elsewhere: Organization):
    Membership.objects.create(user=alice, organization=elsewhere, role=Role.OWNER)
    other = Project.objects.create(organization=elsewhere, name="Other")
    hers = Chat.objects.create(organization=elsewhere, user=alice, model="demo", archetype="generalist")
    client = bearing(make(alice, organization))
    assert client.get(f"{CHATS}{chat.pk}/").status_code == 200
    assert client.get(f"{CHATS}{hers.pk}/").status_code == 404
    assert client.patch(f"{CHATS}{hers.pk}/", {"title": "x"}, format="json").status_code == 404
    assert client.get(f"/api/organizations/{elsewhere.pk}/").status_code == 404
    assert client.get(f"/api/projects/{other.pk}/").status_code == 404
    assert client.post(CHATS, {"organization": str(elsewhere.pk)}, format="json").status_code == 404
    assert [each["id"] for each in client.get(CHATS).json()["results"]] == [str(chat.pk)]
    for address in (ME, "/api/organizations/", "/api/projects/"):
        assert str(elsewhere.pk) not in client.get(address).content.decode()


def test_charlies_key_sees_nothing_of_alices(charlie: User, elsewhere: Organization, chat: Chat) -> None:
    client = bearing(make(charlie, elsewhere))
    assert client.get(f"{CHATS}{chat.pk}/").status_code == 404
    assert not ApiKey.objects.visible_to(User.objects.get(email=chat.user.email)).exists()


def test_a_viewers_key_cannot_write(alice: User, bob: User, organization: Organization) -> None:
    client = bearing(make(bob, organization))
    body = {"organization": str(organization.pk)}
    assert client.post(CHATS, body, format="json").status_code == 201
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    assert client.post(CHATS, body, format="json").status_code == 403


def test_a_key_cannot_be_made_where_its_user_is_no_member(charlie: User, organization: Organization) -> None:
    with pytest.raises(Invalid, match="organization"):
        make(charlie, organization)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("scopes", ["all"]), ("scopes", ["llm", "*"]), ("name", " "), ("name", "a\nb"), ("name", "x" * 151)],
)
def test_what_a_key_is_for_is_checked(alice: User, organization: Organization, field: str, wrong: Any) -> None:
    right = {"scopes": ["llm"], "name": "CI", "expires_at": None}
    with pytest.raises(Invalid, match=field):
        keys.create_key(user=alice, organization=organization, **{**right, field: wrong})


# --- Scopes -----------------------------------------------------------------------------------------------------------


def test_a_key_of_another_scope_is_told_so(alice: User, organization: Organization) -> None:
    answered = bearing(make(alice, organization, "llm")).get(CHATS)
    assert answered.status_code == 403
    assert "llm" in answered.json()["error"]["message"]
    reader = bearing(make(alice, organization, "read"))
    assert reader.get(CHATS).status_code == 200
    assert reader.post(CHATS, {"organization": str(organization.pk)}, format="json").status_code == 403


def scopes_of(route: Route) -> set[str]:
    """The scopes that open it, by its address."""
    reads = route.method == "GET"
    return {name for name in SCOPES if opens([name], route.path, only_reads=reads)}


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_each_route_is_opened_by_the_scopes_that_are_for_it(route: Route) -> None:
    reads = {"read"} if route.method == "GET" else set()
    if route.kind in ("page", "frame") or route.path.startswith((*PERSONAL, APART, "/.well-known/")):
        assert scopes_of(route) == set(), "these are for people"
    elif route.kind == "key":
        assert scopes_of(route) == ({"mcp"} if route.path == "/mcp" else set()), "metrics have a token of their own"
    elif route.path.startswith(("/v1/", "/api/llm/")):
        assert scopes_of(route) == {"llm", "chat"} | reads
    elif route.path.startswith("/api/users/") and not route.path.startswith("/api/users/me/"):
        assert scopes_of(route) == {"people"}
    elif AUDIT.match(route.path):
        assert scopes_of(route) == {"audit"}
    elif WEBHOOKS.match(route.path):
        assert scopes_of(route) == set(), "who names where everything is told is a person"
    elif route.path.startswith("/api/me/"):
        assert scopes_of(route) == {"me"}
    elif WORKED_ON.match(route.path):
        assert scopes_of(route) == {"chat"} | reads
    elif route.path.startswith(ADMINISTERED):
        assert scopes_of(route) == ({"chat"} | reads if route.method == "GET" else set())
    else:
        assert scopes_of(route) == {"chat"} | reads, "a new address: say in accounts.sign_in.scopes what opens it"


def test_the_scopes_meet_routes_of_every_kind() -> None:
    assert {frozenset(scopes_of(route)) for route in ROUTES} >= {frozenset(), frozenset({"chat"})}
    assert PUBLIC != MINE


def test_own_apps_addresses_have_a_scope_of_their_own() -> None:
    for only_reads in (True, False):
        scopes = {name for name in SCOPES if opens([name], "/apps/shop/orders/", only_reads=only_reads)}
        assert scopes == {"apps"}
    assert not [path for path in (CHATS, ME, "/v1/models", "/admin/", "/") if opens(["apps"], path, only_reads=True)]


def test_reading_opens_no_socket() -> None:
    assert not opens(["read"], "/v1/responses", only_reads=False)
    assert opens(["llm"], "/v1/responses", only_reads=False)
    assert not opens(["a scope of tomorrow"], CHATS, only_reads=True)


# --- Commands and admin -----------------------------------------------------------------------------------------------


def command(name: str, *arguments: str) -> tuple[str, str]:
    out, told = StringIO(), StringIO()
    call_command(name, *arguments, stdout=out, stderr=told)
    return out.getvalue().strip(), told.getvalue()


def test_create_key_prints_the_key_and_revoke_key_ends_it(alice: User, organization: Organization) -> None:
    asked = ("ALICE@example.com", "--organization", "Acme", "--scope", "llm", "--scope", "read", "--name", "CI")
    token, told = command("create_key", *asked)
    assert bearing(token).get(ME).status_code == 200
    assert token not in told
    key = ApiKey.objects.get()
    assert (key.user, key.scopes, key.name) == (alice, ["llm", "read"], "CI")
    assert key.expires_at is not None
    assert timedelta(days=364) < key.expires_at - timezone.now() < timedelta(days=366)
    assert "revoked" in command("revoke_key", token[:11])[0]
    assert bearing(token).get(ME).status_code == 401


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nobody@example.com", "--organization", "Acme"), "Nobody"),
        (("alice@example.com", "--organization", "Elsewhere"), "they are in: 'Acme'"),
        (("alice@example.com", "--organization", "Acme", "--days", "-1"), "--days"),
    ],
)
def test_create_key_says_what_is_wrong(alice: User, elsewhere: Organization, arguments: Any, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        command("create_key", *arguments, "--scope", "llm", "--name", "CI")
    assert not ApiKey.objects.exists()


@pytest.fixture
def staff(alice: User) -> Client:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(User.objects.get(pk=alice.pk))
    return client


ADMIN = "/admin/accounts/apikey/"


def added(staff: Client, organization: Organization, **fields: Any) -> Any:
    form = {"name": "CI", "organization": str(organization.pk), "scopes": ["llm"], **fields}
    return staff.post(f"{ADMIN}add/", form)


def test_the_admin_makes_a_key_for_who_is_signed_in_and_shows_it_once(
    staff: Client, alice: User, bob: User, organization: Organization
) -> None:
    assert staff.get(f"{ADMIN}add/").status_code == 200
    answered = added(staff, organization, user=str(bob.pk))
    (key,) = ApiKey.objects.all()
    token = answered.context["token"]
    assert answered.status_code == 200
    assert token in answered.content.decode()
    assert "no-store" in answered["Cache-Control"]
    assert key.user == alice, "nobody makes a key with another person's rights"
    assert keys.find(token) == key
    for address in (ADMIN, f"{ADMIN}{key.pk}/change/", f"{ADMIN}{key.pk}/history/", "/admin/"):
        page = staff.get(address).content.decode()
        assert token[11:] not in page
        assert key.key_hash not in page
    assert "messages" not in answered.cookies, "a message to the next page would be in a cookie"


def test_the_admin_offers_the_persons_own_organizations_only(
    staff: Client, organization: Organization, elsewhere: Organization
) -> None:
    assert added(staff, elsewhere).status_code == 200
    assert not ApiKey.objects.exists()
    assert added(staff, organization, scopes=["all"]).status_code == 200
    assert added(staff, organization, expires_at_0="2001-01-01", expires_at_1="00:00").status_code == 200
    assert not ApiKey.objects.exists()


def test_the_admin_revokes(staff: Client, token: str) -> None:
    key = ApiKey.objects.get()
    staff.post(ADMIN, {"action": "revoke", "_selected_action": [str(key.pk)]})
    assert bearing(token).get(ME).status_code == 401
    assert staff.post(f"{ADMIN}{key.pk}/change/", {"name": "Other"}).status_code == 403

"""What is one's own by REST: password, sign-ins, API keys. It ends what it should, and nobody else's is there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from accounts.authentication import still_valid
from accounts.models import ApiKey, EndedSignIn, Organization, SignIn, User
from accounts.sign_in.keys import create_key
from tests.accounts.signing import post, sign_in
from tests.conftest import PASSWORD

Api = Callable[[User], APIClient]
ME = "/api/users/me/"
NEW = "another horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def nobody_has_tried_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def bearing(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def browser(user: User) -> Client:
    """Signed in at the page, by password."""
    client = Client(headers={"user-agent": FIREFOX})
    assert client.post("/login/", {"username": user.email, "password": PASSWORD}).status_code == 302
    del client.cookies["access_token"]  # a browser drops what the answer has emptied
    return client


def change(client: Any, current: str, password: str) -> Any:
    return client.post(f"{ME}password/", {"current": current, "password": password}, format="json")


# --- Password ---------------------------------------------------------------------------------------------------------


def test_a_change_of_password_ends_all_but_the_tokens_of_the_answer(alice: User, organization: Organization) -> None:
    other, here, page = sign_in().json(), sign_in().json(), browser(alice)
    _, key = create_key(user=alice, organization=organization, scopes=["chat"], name="CI", expires_at=None)
    answered = change(bearing(here["access"]), PASSWORD, NEW)
    assert answered.status_code == 200, answered.content
    for token in (other["access"], here["access"]):
        assert bearing(token).get(ME).status_code == 401
    for token in (other["refresh"], here["refresh"]):
        assert post("/api/auth/token/refresh", {"refresh": token}).status_code == 401
    assert page.get("/").status_code == 302
    assert bearing(answered.json()["access"]).get(ME).status_code == 200
    assert post("/api/auth/token/refresh", {"refresh": answered.json()["refresh"]}).status_code == 200
    assert bearing(key).get(ME).status_code == 200
    assert sign_in().status_code == 401 and sign_in(password=NEW).status_code == 200


@pytest.mark.parametrize(
    ("current", "password", "field"),
    [
        ("wrong", NEW, "current"),
        (PASSWORD, "short", "password"),
        (PASSWORD, "password1", "password"),
        (PASSWORD, "", "password"),
    ],
)
def test_what_is_refused_changes_nothing(api: Api, alice: User, current: str, password: str, field: str) -> None:
    answered = change(api(alice), current, password)
    assert answered.status_code == 400 and field in answered.json()["error"]["fields"]
    assert User.objects.get(pk=alice.pk).token_version == alice.token_version
    assert sign_in().status_code == 200


def test_guessing_the_password_of_now_is_limited_as_signing_in_is(api: Api, alice: User) -> None:
    told = [change(api(alice), "wrong", NEW).status_code for _ in range(settings.LOGIN_MAX_FAILURES + 1)]
    assert told[0] == 400 and told[-1] == 429


def test_who_signs_in_by_other_means_has_none_to_change(api: Api, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    answered = change(api(alice), "x", NEW)
    assert (answered.status_code, answered.json()["error"]["code"]) == (409, "no_password")


# --- Sign-ins ---------------------------------------------------------------------------------------------------------


def test_each_sign_in_is_listed_once_with_its_device(alice: User, bob: User) -> None:
    page, token = browser(alice), sign_in(headers={"user-agent": "curl/8.5"}).json()
    post("/api/auth/token/refresh", {"refresh": token["refresh"]})
    sign_in(bob.email)
    rows = bearing(token["access"]).get(f"{ME}sign-ins/").json()["results"]
    assert {(row["by"], row["user_agent"], row["is_current"]) for row in rows} == {
        ("session", FIREFOX, False),
        ("token", "curl/8.5", True),
    }
    seen = page.get(f"{ME}sign-ins/").json()["results"]
    assert {(row["by"], row["is_current"]) for row in seen} == {("session", True), ("token", False)}


@pytest.mark.parametrize("by", ["session", "token"])
def test_one_is_ended_at_once_and_the_other_goes_on(alice: User, charlie: User, api: Api, by: str) -> None:
    page, token = browser(alice), sign_in().json()
    client = bearing(sign_in().json()["access"])
    (row,) = [each for each in client.get(f"{ME}sign-ins/").json()["results"] if each["by"] == by][-1:]
    if by == "token":
        row = {"id": str(SignIn.objects.filter(session_key="").earliest("created_at").pk)}
    reader = User.objects.get(pk=alice.pk)
    reader.sign_in = SignIn.objects.get(pk=row["id"]).pk
    assert still_valid(reader)
    assert api(charlie).delete(f"{ME}sign-ins/{row['id']}/").status_code == 404
    assert client.delete(f"{ME}sign-ins/{row['id']}/").status_code == 204
    assert not still_valid(reader), "its streams would go on"
    assert (page.get("/").status_code, bearing(token["access"]).get(ME).status_code) == (
        (302, 200) if by == "session" else (200, 401)
    )
    assert post("/api/auth/token/refresh", {"refresh": token["refresh"]}).status_code == (
        200 if by == "session" else 401
    )
    assert client.delete(f"{ME}sign-ins/{row['id']}/").status_code == 404


def test_all_are_ended_together(alice: User) -> None:
    page, token = browser(alice), sign_in().json()
    assert bearing(token["access"]).delete(f"{ME}sign-ins/").status_code == 204
    assert page.get("/").status_code == 302 and bearing(token["access"]).get(ME).status_code == 401
    assert not SignIn.objects.live().filter(user=alice).exists()


def test_signing_out_takes_it_off_the_list_and_lets_its_streams_go(alice: User) -> None:
    page, token = browser(alice), sign_in().json()
    (session,) = SignIn.objects.exclude(session_key="")
    page.post("/logout/")
    post("/api/auth/logout", {"refresh": token["refresh"]})
    assert not SignIn.objects.exists()
    assert EndedSignIn.objects.filter(pk=session.pk).exists() and not Session.objects.exists()


# --- API keys ---------------------------------------------------------------------------------------------------------


def new_key(client: Any, organization: Organization, *scopes: str, **headers: str) -> Any:
    body = {"name": "CI", "organization": str(organization.pk), "scopes": list(scopes)}
    return client.post(f"{ME}keys/", body, format="json", headers=headers)


def test_a_key_is_made_shown_once_and_revoked(api: Api, alice: User, charlie: User, organization: Organization) -> None:
    made = new_key(api(alice), organization, "chat", **{"Idempotency-Key": "one"})
    again = new_key(api(alice), organization, "chat", **{"Idempotency-Key": "one"})
    assert (made.status_code, again.status_code, again.json()["key"]) == (201, 201, None)
    text, id = made.json()["key"], made.json()["id"]
    assert ApiKey.objects.count() == 1 and bearing(text).get("/api/chats/").status_code == 200
    assert text[11:] not in api(alice).get(f"{ME}keys/").content.decode()
    assert api(charlie).delete(f"{ME}keys/{id}/").status_code == 404
    assert api(alice).delete(f"{ME}keys/{id}/").status_code == 204
    assert bearing(text).get("/api/chats/").status_code == 401


def test_nobody_makes_one_elsewhere_or_for_more_than_they_are(
    api: Api, bob: User, alice: User, organization: Organization, elsewhere: Organization
) -> None:
    assert new_key(api(bob), elsewhere, "chat").status_code == 404
    refused = new_key(api(bob), organization, "people")
    assert refused.status_code == 400 and "scopes" in refused.json()["error"]["fields"]
    assert new_key(api(alice), organization, "people").status_code == 201


@pytest.mark.parametrize("scope", ["llm", "chat", "read", "people"])
def test_a_key_reaches_nothing_that_is_the_persons_alone(alice: User, organization: Organization, scope: str) -> None:
    _, key = create_key(user=alice, organization=organization, scopes=[scope], name="CI", expires_at=None)
    for path in ("keys/", "sign-ins/", "deletion/"):
        assert bearing(key).get(f"{ME}{path}").status_code == 403, path
    assert change(bearing(key), PASSWORD, NEW).status_code == 403


def test_name_and_language_are_changed(api: Api, alice: User) -> None:
    changed = api(alice).patch(ME, {"name": "Ada", "language": "de"}, format="json").json()
    assert (changed["name"], changed["language"]) == ("Ada", "de")
    refused = api(alice).patch(ME, {"language": "xx"}, format="json")
    assert refused.status_code == 400 and "language" in refused.json()["error"]["fields"]

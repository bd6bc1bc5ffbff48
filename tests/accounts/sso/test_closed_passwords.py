"""Where a provider closes the passwords of its domain: an old one opens nothing, and nothing waits for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from accounts.models import IdentityProvider, User
from accounts.sign_in import mail as mailing
from tests.accounts.signing import post
from tests.accounts.sso.provider import Provider
from tests.accounts.sso.test_browser import sign_in
from tests.conftest import PASSWORD, client_of

DELETION = "/api/users/me/deletion/"


@pytest.fixture(autouse=True)
def closed(provider: Provider, row: IdentityProvider) -> Iterator[None]:
    IdentityProvider.objects.update(closes_passwords=True)
    yield
    cache.clear()


def test_who_has_an_old_password_deletes_themselves_by_their_address(bob: User) -> None:
    assert client_of(bob).post(DELETION, {"password": PASSWORD}, format="json").status_code == 400
    assert client_of(bob).post(DELETION, {"email": "alice@example.com"}, format="json").status_code == 400
    assert client_of(bob).post(DELETION, {"email": bob.email}, format="json").status_code == 200
    assert not User.objects.filter(pk=bob.pk).exists()


def test_the_account_page_asks_for_what_there_is(provider: Provider, bob: User) -> None:
    page = Client()
    sign_in(provider, page, sub="bob", email=bob.email)
    page.cookies.pop("access_token", None)
    shown = page.get("/account/").content.decode()
    assert "f-delete-email" in shown and "f-delete-password" not in shown and "f-current" not in shown
    sent = {"do": "delete", "email": bob.email, "sure": "yes"}
    assert page.post("/account/", sent).status_code == 200
    assert not User.objects.filter(pk=bob.pk).exists()


def test_an_operator_goes_on_to_show_their_password(bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.refresh_from_db()
    assert client_of(bob).post(DELETION, {"email": bob.email}, format="json").status_code == 400
    assert client_of(bob).post(DELETION, {"password": PASSWORD}, format="json").status_code == 200


def test_it_is_not_changed(bob: User) -> None:
    sent = {"current": PASSWORD, "password": "another horse battery"}
    refused = client_of(bob).post("/api/users/me/password/", sent, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "password_closed")


def test_no_link_for_a_new_one_is_given(bob: User, alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EMAIL_URL = "smtp://localhost"
    monkeypatch.setattr(mailing, "later", lambda job: job())
    assert post("/api/auth/reset", {"email": bob.email}).status_code == 202
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    refused = client_of(alice).post(f"/api/users/{bob.pk}/reset-link/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "password_closed")
    assert not mail.outbox

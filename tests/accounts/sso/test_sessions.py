"""What a sign-in by a provider leaves in the browser, in the person's list of sign-ins and in what is exported."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.authentication import still_valid
from accounts.models import IdentityProvider, SignIn, User
from accounts.sso.exchange import exchanged, verified
from chat.transfer.person import _account
from tests.accounts.sso.provider import Provider
from tests.accounts.sso.test_browser import sign_in

A_MOMENT = timedelta(seconds=60)


def test_it_is_listed_for_as_long_as_its_session_lasts(provider: Provider, row: IdentityProvider) -> None:
    browser = Client()
    sign_in(provider, browser)
    listed = SignIn.objects.get()
    assert abs(listed.expires_at - timezone.now() - timedelta(seconds=row.session_s)) < A_MOMENT
    assert abs(browser.session.get_expiry_date() - listed.expires_at) < A_MOMENT


def test_tokens_of_an_exchange_are_listed_until_they_end(provider: Provider, row: IdentityProvider) -> None:
    IdentityProvider.objects.update(accepts_bearer=False, accepts_assertions=True)
    ends = int(timezone.now().timestamp()) + 60
    token = provider.signed(sub="dana", aud="parley-api", groups=["people"], jti="one", exp=ends)
    pair = exchanged(*verified(token))
    assert pair.user.signed_in_until
    assert SignIn.objects.get().expires_at == datetime.fromtimestamp(pair.user.signed_in_until, UTC)


@pytest.mark.parametrize("second", ["dana", "erin"])
def test_who_signs_in_again_in_the_same_browser_is_listed_once(
    provider: Provider, row: IdentityProvider, second: str
) -> None:
    browser = Client()
    sign_in(provider, browser)
    reader = User.objects.get()
    reader.sign_in = SignIn.objects.get().pk
    assert still_valid(reader)
    sign_in(provider, browser, sub=second, email=f"{second}@example.com")
    listed = SignIn.objects.get()
    assert (listed.user.email, listed.session_key) == (f"{second}@example.com", browser.session.session_key)
    assert not still_valid(reader), "what it reads would go on"


def test_the_browser_speaks_the_persons_language(provider: Provider, row: IdentityProvider, settings: Any) -> None:
    assert settings.LANGUAGE_COOKIE_NAME not in sign_in(provider).cookies
    User.objects.update(language="de")
    assert sign_in(provider).cookies[settings.LANGUAGE_COOKIE_NAME].value == "de"


def test_what_a_provider_knows_them_by_is_in_their_export(provider: Provider, row: IdentityProvider) -> None:
    sign_in(provider)
    (told,) = _account(User.objects.get())["identities"]
    assert (told["subject"], told["provider__name"]) == ("dana", "Acme") and told["last_sign_in_at"]


def test_a_refusal_shows_the_installations_look(provider: Provider, row: IdentityProvider, settings: Any) -> None:
    settings.PARLEY_NAME = "Hark"
    shown = sign_in(provider, email_verified=False).content.decode()
    assert "Hark</title>" in shown and "Hark</p>" in shown and "Parley" not in shown

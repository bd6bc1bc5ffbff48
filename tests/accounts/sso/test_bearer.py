"""Access tokens of a provider's as bearer tokens, and its keys: rotated, away for an hour, unknown a thousand times."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import ExternalIdentity, IdentityProvider, Membership, Organization, User
from accounts.sso import bearer, keys
from accounts.sso.errors import Refused
from tests.accounts.sso.conftest import registered
from tests.accounts.sso.provider import DISCOVERY, KEYS, Key, Provider

ME = "/api/users/me/"


def ask(token: str) -> tuple[int, Any]:
    answer = Client().get(ME, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


def token(provider: Provider, **claims: Any) -> str:
    good = {
        "sub": "dana",
        "aud": "parley-api",
        "groups": ["people"],
        "email": "dana@example.com",
        "email_verified": True,
    }
    return provider.signed(**{**good, **claims})


def later(row: IdentityProvider, **time: float) -> None:
    """So much time has passed since the keys were fetched and tried."""
    row.refresh_from_db()
    for name in ("keys_fetched_at", "keys_tried_at"):
        setattr(row, name, getattr(row, name) - timedelta(**time))
    row.save()
    cache.clear()


def test_a_token_of_an_accepted_issuer_is_its_person(
    provider: Provider, row: IdentityProvider, organization: Organization
) -> None:
    raw = token(provider, name="Dana")
    status, me = ask(raw)
    assert (status, me["name"], me["memberships"][0]["role"]) == (200, "Dana", "editor")
    assert me["email"] == "dana@example.com"
    assert ask(raw) == (200, me)
    assert ask(token(provider, groups=["admins"]))[1]["memberships"][0]["role"] == "admin"
    assert User.objects.count() == 1 and provider.asked == {DISCOVERY: 1, KEYS: 1}


STRANGERS: dict[str, dict[str, Any]] = {
    "of another domain": {"email": "mallory@gmail.example"},
    "not proven": {"email_verified": False},
    "no address": {"email": None},
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_domains_are_for_bearer_tokens_too(provider: Provider, row: IdentityProvider, stranger: str) -> None:
    raw = token(provider, **STRANGERS[stranger])
    assert ask(raw)[0] == 401 and not User.objects.exists()
    IdentityProvider.objects.update(domains=[])
    status, me = ask(raw)
    assert status == 200 and me["email"].endswith("@acme.invalid"), "nobody proved an address"


def test_who_signs_out_everywhere_is_out_by_older_tokens_of_the_provider_too(
    provider: Provider, row: IdentityProvider
) -> None:
    raw = token(provider, iat=int(time.time()) - 5)
    assert ask(raw)[0] == 200
    answer = Client().delete("/api/users/me/sign-ins/", headers={"Authorization": f"Bearer {raw}"})
    assert answer.status_code == 204
    assert ask(raw)[0] == 401, "by the verdict that is kept"
    cache.clear()
    assert ask(raw)[0] == 401, "and by a new one"
    assert ask(token(provider, iat=int(time.time()) + 2))[0] == 200, "who signs in again is in"


def test_a_verdict_is_kept_and_who_it_is_is_asked_each_time(provider: Provider, row: IdentityProvider) -> None:
    raw = token(provider)
    assert ask(raw)[0] == 200
    for change, back in (({"is_active": False}, {"is_active": True}),):
        User.objects.update(**change)
        assert ask(raw)[0] == 401
        User.objects.update(**back)
        assert ask(raw)[0] == 200
    for change in ({"is_active": False}, {"accepts_bearer": False}):
        IdentityProvider.objects.update(**change)
        assert ask(raw)[0] == 401, change
        IdentityProvider.objects.update(is_active=True, accepts_bearer=True)
        assert ask(raw)[0] == 200
    ExternalIdentity.objects.update(signed_out_at=timezone.now())
    assert ask(raw)[0] == 401, "older than what the provider ended"


WRONG: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "parley"},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://elsewhere.example"},
    "our own issuer's name": {"iss": "parley"},
    "expired": {"exp": 1},
    "no end": {"exp": None},
    "no beginning": {"iat": None},
    "of the future": {"nbf": 4_000_000_000},
    "no subject": {"sub": None},
    "a number for a subject": {"sub": 5},
    "another's key": {"key": Key().private},
    "no signature": {"algorithm": "none", "key": ""},
    "HS256": {"algorithm": "HS256", "key": "k" * 40},
    "an algorithm that is not agreed on": {"algorithm": "ES256K"},
    "longer than is read": {"padding": "x" * 5_000},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_hold_is_refused(provider: Provider, row: IdentityProvider, wrong: str) -> None:
    how = dict(WRONG[wrong])
    if how.get("algorithm") == "ES256K":
        from cryptography.hazmat.primitives.asymmetric import ec

        how["key"] = ec.generate_private_key(ec.SECP256K1())
    status, told = ask(token(provider, **how))
    assert status == 401 and told["error"]["code"] == "not_authenticated"
    assert not User.objects.exists()


def test_an_oct_key_of_the_set_signs_nothing(provider: Provider, row: IdentityProvider) -> None:
    """PyJWT would take it for HS256; and the set is public."""
    provider.shown.append(
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U", "kid": "o", "alg": "HS256"}
    )
    for algorithms in (["ES256"], ["ES256", "HS256"]):
        IdentityProvider.objects.update(algorithms=algorithms)
        forged = token(provider, algorithm="HS256", key=b"secretsecretsecretsecretsecretse", kid="o")
        assert ask(forged)[0] == 401
    assert not User.objects.exists()


def test_of_a_key_set_nothing_is_stored_but_public_keys(provider: Provider, row: IdentityProvider) -> None:
    provider.shown += [{"kty": "RSA", "kid": "\x00\ud800", "n": 5, "d": "private", "x5c": ["y"]}, 7, None]  # type: ignore[list-item]
    provider.changes |= {"authorization_endpoint": "\x00", "more": "\x00", "token_endpoint_auth_methods_supported": 7}
    assert ask(token(provider))[0] == 200
    row.refresh_from_db()
    assert row.metadata.keys() == {"token_endpoint", "token_endpoint_auth_methods_supported"}
    assert row.jwks["keys"][0] == {"kty": "RSA"} and "private" not in str(row.jwks)


@pytest.mark.parametrize("raw", ["é.é.é", "a.b.c", "..", "x" * 4_097, "eyJhbGciOiJub25lIn0.W10.", "\ud800"])
def test_what_is_no_token_is_refused(provider: Provider, row: IdentityProvider, raw: str) -> None:
    with pytest.raises(Refused):
        bearer.user_of(raw)
    assert not bearer.is_foreign(raw, "parley")


def test_charlie_s_issuer_names_nobody_of_ours(
    provider: Provider, row: IdentityProvider, bob: User, elsewhere: Organization
) -> None:
    """The same issuer for two customers, as large directories have it: the audience says whose token it is."""
    registered(provider, elsewhere, "charlie", audience="charlie-api", domains=["charlie.example"])
    assert ask(token(provider))[1]["memberships"][0]["organization"]["name"] == "Acme"
    assert ask(token(provider, aud="charlie-api", email="bob@example.com"))[0] == 401
    assert User.objects.count() == 2
    IdentityProvider.objects.filter(slug="charlie").update(domains=[])
    status, me = ask(token(provider, aud="charlie-api", email="bob@example.com"))
    assert (status, me["memberships"][0]["organization"]["name"]) == (200, "Elsewhere")
    assert me["email"].endswith("@charlie.invalid") and User.objects.count() == 3
    assert [each.organization.name for each in Membership.objects.filter(user=bob)] == ["Acme"]


def test_of_an_issuer_with_many_customers_each_one_s_token_is_tried(
    provider: Provider, organization: Organization
) -> None:
    for number in range(7):
        registered(provider, organization, f"customer-{number}", audience=f"api-{number}")
    assert ask(token(provider, aud=["api-6", "\x00"]))[0] == 200
    status, told = ask(token(provider, aud="api-7"))
    assert status == 401 and "another audience" in told["error"]["message"]


def test_whom_the_row_that_signed_refuses_no_other_row_of_the_issuer_allows(
    provider: Provider, row: IdentityProvider, elsewhere: Organization
) -> None:
    registered(provider, elsewhere, "second", domains=[])
    assert ask(token(provider))[0] == 200
    User.objects.update(is_active=False)
    assert ask(token(provider))[0] == 401
    assert User.objects.count() == 1


def test_keys_may_rotate(provider: Provider, row: IdentityProvider) -> None:
    assert ask(token(provider))[0] == 200
    provider.rotate()
    later(row, seconds=11)
    assert ask(token(provider))[0] == 200
    assert provider.asked[KEYS] == 2


def test_a_provider_may_be_away_for_a_day_and_no_longer(provider: Provider, row: IdentityProvider) -> None:
    assert ask(token(provider))[0] == 200
    provider.faults |= {DISCOVERY: "500", KEYS: "500"}
    for hours, status in ((1.1, 200), (22, 200), (1, 503)):
        later(row, hours=hours)
        assert ask(token(provider))[0] == status, hours
    provider.faults.clear()
    later(row, seconds=11)
    assert ask(token(provider))[0] == 200


def test_a_thousand_unknown_keys_are_one_fetch(
    provider: Provider, row: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "EVERY", timedelta(minutes=10))  # a slow machine takes more than its ten seconds
    assert ask(token(provider))[0] == 200
    later(row, minutes=11)
    for number in range(1_000):
        stored = IdentityProvider.objects.get()
        assert keys.matching(stored, "ES256", f"unknown-{number}") == []
    for number in range(20):  # by the whole way, which a thousand times takes too long
        assert ask(token(provider, kid=f"unknown-{number}"))[0] == 401
    assert provider.asked == {DISCOVERY: 2, KEYS: 2}


def test_an_issuer_that_hangs_holds_one_caller_in_ten_seconds(
    provider: Provider, row: IdentityProvider, settings: Any
) -> None:
    settings.SSO_TIMEOUT_S = 0.2
    provider.faults[DISCOVERY] = "hung"
    for _ in range(5):
        assert ask(token(provider))[0] == 503
    assert provider.asked == {DISCOVERY: 1}


def test_one_fetch_of_a_provider_is_under_way_in_a_process(
    provider: Provider, row: IdentityProvider, elsewhere: Organization
) -> None:
    """The others use what is there: a provider that hangs holds one thread of those that all share."""
    with keys._fetching[row.pk]:
        assert ask(token(provider))[0] == 503 and not provider.asked
    assert ask(token(provider))[0] == 200
    provider.rotate()
    later(row, hours=2)
    with keys._fetching[row.pk]:
        answer = Client().get(ME, headers={"Authorization": f"Bearer {token(provider)}"})
        assert answer.status_code == 503 and int(answer["Retry-After"]) > 0, "nobody has asked for this key yet"
        other = registered(provider, elsewhere, "other", audience="other-api")
        assert ask(token(provider, aud="other-api"))[0] == 200, "another provider's keys are its own"
        assert other.identities.count() == 1
    assert ask(token(provider))[0] == 200
    assert ask(token(provider, kid="unknown"))[0] == 401, "asked just now: there is no such key"


def test_keys_of_the_row_are_never_asked_for(provider: Provider, row: IdentityProvider) -> None:
    from cryptography.hazmat.primitives import serialization

    public = provider.keys[0].private.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    IdentityProvider.objects.update(public_keys=pem.decode())
    assert ask(token(provider))[0] == 200
    assert ask(token(provider, key=Key().private))[0] == 401
    assert not provider.asked

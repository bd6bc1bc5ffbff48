"""Token exchange: a backend's assertion for our tokens, once; what does not hold, and what comes of it."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import cleanup
from accounts.models import ExternalIdentity, IdentityProvider, Membership, Organization, UsedAssertion, User
from accounts.secrets import seal
from accounts.sign_in.tokens import AccessToken, RefreshToken
from tests.accounts.sso.conftest import registered
from tests.accounts.sso.provider import KEYS, Key, Provider

EXCHANGE = "/api/auth/token/exchange"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def backend(provider: Provider, organization: Organization) -> IdentityProvider:
    """A backend of Acme's: its public key is in its row, and everybody it names is an editor."""
    return registered(
        provider, organization, "shop", issuer="shop", client_id="", secret="", public_keys=pem(provider.keys[0]),
        default_role="editor", domains=[], accepts_bearer=False, accepts_assertions=True,
    )  # fmt: skip


def pem(key: Key) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.private.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


_numbers: Iterator[int] = iter(range(10**9))


def assertion(provider: Provider, **claims: Any) -> str:
    jti = f"jti-{next(_numbers)}"
    good = {"iss": "shop", "sub": "user-7", "aud": "parley-api", "jti": jti, "exp": int(time.time()) + 60}
    return provider.signed(**{**good, **claims})


def exchange(token: str, **fields: Any) -> tuple[int, Any]:
    body = {"grant_type": GRANT, "subject_token": token, "subject_token_type": JWT, **fields}
    sent = {name: value for name, value in body.items() if value is not None}
    answer = Client().post(EXCHANGE, urlencode(sent), content_type=FORM)
    assert answer["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()


def me(access: str) -> Any:
    answer = Client().get("/api/users/me/", headers={"Authorization": f"Bearer {access}"})
    return answer.json() if answer.status_code == 200 else answer.status_code


def test_an_assertion_is_exchanged_for_tokens_and_the_person_is_made(
    provider: Provider, backend: IdentityProvider
) -> None:
    status, issued = exchange(assertion(provider, name="Rosa"))
    assert status == 200 and set(issued) == {
        "access_token", "issued_token_type", "token_type", "expires_in", "refresh_token",
    }  # fmt: skip
    assert issued["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert issued["token_type"] == "Bearer" and 0 < issued["expires_in"] <= 3600
    person = me(issued["access_token"])
    assert (person["name"], person["memberships"][0]["role"]) == ("Rosa", "editor")
    status, again = exchange(assertion(provider))
    assert me(again["access_token"])["id"] == person["id"] and User.objects.count() == 1
    body = {"grant_type": GRANT, "subject_token": assertion(provider, sub="user-8"), "subject_token_type": JWT}
    by_json = Client().post(EXCHANGE, json.dumps(body), content_type="application/json")
    assert by_json.status_code == 200 and User.objects.count() == 2
    body = {"refresh": issued["refresh_token"]}
    assert Client().post("/api/auth/token/refresh", body, content_type="application/json").status_code == 200


def test_a_sign_in_ends_when_its_row_says_whatever_is_refreshed(provider: Provider, backend: IdentityProvider) -> None:
    IdentityProvider.objects.update(session_s=100)
    _, issued = exchange(assertion(provider))
    assert issued["expires_in"] <= 100
    ends = RefreshToken.read(issued["refresh_token"])["exp"]
    assert ends <= time.time() + 100
    body = {"refresh": issued["refresh_token"]}
    later = Client().post("/api/auth/token/refresh", body, content_type="application/json").json()
    assert RefreshToken.read(later["refresh"])["exp"] == ends and AccessToken.read(later["access"])["exp"] <= ends


ENDS: dict[str, Callable[[], Any]] = {
    "the row is off": lambda: IdentityProvider.objects.update(is_active=False),
    "it takes no assertions any more": lambda: IdentityProvider.objects.update(accepts_assertions=False),
    "the row is gone": lambda: IdentityProvider.objects.all().delete(),
    "the identity is gone": lambda: ExternalIdentity.objects.all().delete(),
    "an operator now": lambda: User.objects.update(is_staff=True),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_sign_in_is_refreshed_as_long_as_its_row_is_there(
    provider: Provider, backend: IdentityProvider, end: str
) -> None:
    raw = exchange(assertion(provider))[1]["refresh_token"]
    for ends, expected in ((False, 200), (False, 200), (True, 401)):  # also of a pair that was refreshed before
        if ends:
            ENDS[end]()
        body = {"refresh": raw}
        answer = Client().post("/api/auth/token/refresh", body, content_type="application/json")
        assert answer.status_code == expected, answer.content
        raw = answer.json().get("refresh", raw)


# What is wrong with the assertion, and what the answer says of it.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another audience": ({"aud": "another"}, "audience"),
    "old": ({"iat": 1_000, "exp": 1_060}, "expired"),
    "from the future": ({"iat": 4_000_000_000, "exp": 4_000_000_060}, "future"),
    "too long a life": ({"exp": int(time.time()) + 3_600}, "lives longer"),
    "no end": ({"exp": None}, "`exp`"),
    "no id": ({"jti": None}, "`jti`"),
    "an id that is no text": ({"jti": 5}, "."),
    "a text for a time": ({"exp": "4000000000"}, "`exp`"),
    "an endless time": ({"exp": float("inf")}, "."),
    "a time before all time": ({"iat": -1e300}, "."),
    "no subject": ({"sub": None}, "`sub`"),
    "a subject that is too long": ({"sub": "x" * 256}, "subject"),
    "an issuer that no database takes": ({"iss": "shop\x00\ud800"}, "issuer"),
    "a subject that no database takes": ({"sub": "\x00"}, "subject"),
    "an unknown issuer": ({"iss": "another"}, "No provider is registered"),
    "alg none": ({"algorithm": "none", "key": ""}, "algorithm"),
    "another's key": ({"key": Key().private}, "signature"),
    "HS256 by the public key": ({"algorithm": "HS256", "key": "k" * 40}, "algorithm"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_hold_is_refused_in_a_sentence_and_makes_nothing(
    provider: Provider, backend: IdentityProvider, wrong: str
) -> None:
    claims, says = WRONG[wrong]
    status, told = exchange(assertion(provider, **claims))
    assert (status, told["error"]) == (400, "invalid_grant")
    assert says in told["error_description"] and told["error_description"].endswith("."), told
    assert not User.objects.exists() and not UsedAssertion.objects.exists()


FIELDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no grant": ({"grant_type": None}, "invalid_request", "grant_type"),
    "another grant": ({"grant_type": "password"}, "unsupported_grant_type", "grant_type"),
    "another type": ({"subject_token_type": "x"}, "invalid_request", "subject_token_type"),
    "no token": ({"subject_token": None}, "invalid_request", "subject_token"),
    "too long": ({"subject_token": "x" * 9_000}, "invalid_request", "subject_token"),
    "a refresh token is wanted": ({"requested_token_type": "x"}, "invalid_request", "requested_token_type"),
    "for elsewhere": ({"audience": "https://elsewhere.example"}, "invalid_target", "audience"),
    "with a scope": ({"scope": "admin"}, "invalid_scope", "scope"),
}


@pytest.mark.parametrize("wrong", FIELDS)
def test_a_field_that_is_not_right_is_named(provider: Provider, backend: IdentityProvider, wrong: str) -> None:
    fields, code, name = FIELDS[wrong]
    token = assertion(provider)
    status, told = exchange(token, **fields)
    assert (status, told["error"], list(told["fields"])) == (400, code, [name])
    assert exchange(token, unknown="x")[0] == 200, "it was not used up, and what is unknown is passed over"


def test_an_assertion_works_once_also_when_it_is_refused_later(provider: Provider, backend: IdentityProvider) -> None:
    token = assertion(provider)
    assert [exchange(token)[0] for _ in range(3)] == [200, 400, 400]
    cache.clear()  # it is remembered in the database
    assert "used before" in exchange(token)[1]["error_description"]
    kind = next(each for each in cleanup.KINDS if each.name == "used assertions")
    assert kind.batch(10) == 0
    UsedAssertion.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert kind.batch(10) == 1


def test_a_shared_secret_signs_only_where_the_row_says_so(provider: Provider, backend: IdentityProvider) -> None:
    secret = "a shared secret of at least 32 bytes"
    IdentityProvider.objects.update(assertion_secret=seal(secret))
    token = assertion(provider, algorithm="HS256", key=secret)
    assert exchange(token)[0] == 400
    IdentityProvider.objects.update(algorithms=["HS256"])
    assert exchange(token)[0] == 200
    assert exchange(assertion(provider, algorithm="HS256", key=pem(provider.keys[0]).encode()[27:]))[0] == 400
    IdentityProvider.objects.update(accepts_bearer=True)
    assert me(assertion(provider, algorithm="HS256", key=secret)) == 401, "a secret is for assertions alone"


def test_a_backend_that_may_not_is_unknown(provider: Provider, backend: IdentityProvider) -> None:
    for off in ({"accepts_assertions": False}, {"is_active": False}):
        IdentityProvider.objects.update(**{"accepts_assertions": True, "is_active": True, **off})
        assert exchange(assertion(provider))[0] == 400
    assert me(assertion(provider)) == 401, "an assertion is no bearer token"


def test_what_is_for_an_exchange_is_no_bearer_token_even_where_a_row_is_for_both(
    provider: Provider, backend: IdentityProvider
) -> None:
    token = assertion(provider)
    IdentityProvider.objects.update(accepts_bearer=True)
    assert me(token) == 401
    assert exchange(token)[0] == 200 and me(token) == 401


def test_an_address_joins_nobody_unless_its_domain_is_the_backend_s(
    provider: Provider, backend: IdentityProvider, bob: User
) -> None:
    says = {"email": "bob@example.com", "email_verified": True}
    _, issued = exchange(assertion(provider, **says))
    assert me(issued["access_token"])["id"] != str(bob.pk)
    IdentityProvider.objects.update(domains=["example.com"])
    _, issued = exchange(assertion(provider, sub="another", **says))
    assert me(issued["access_token"])["id"] == str(bob.pk)


def test_groups_are_applied_at_each_exchange(provider: Provider, backend: IdentityProvider) -> None:
    IdentityProvider.objects.update(default_role="")
    assert exchange(assertion(provider, groups=[]))[0] == 400
    for groups, role in ((["people"], "editor"), (["guests"], "viewer"), ([], None)):
        assert exchange(assertion(provider, groups=groups))[0] == 200
        found = Membership.objects.first()
        assert (found.role if found else None) == role


def test_failures_are_limited_and_successes_are_not(
    provider: Provider, backend: IdentityProvider, settings: Any
) -> None:
    settings.LOGIN_MAX_FAILURES_PER_IP = 3
    assert {exchange(assertion(provider))[0] for _ in range(6)} == {200}
    assert [exchange(assertion(provider, aud="x"))[0] for _ in range(3)] == [400] * 3
    answer = Client().post(EXCHANGE, urlencode({
        "grant_type": GRANT, "subject_token": assertion(provider), "subject_token_type": JWT,
    }), content_type=FORM)  # fmt: skip
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0
    assert answer.json()["error"] == "temporarily_unavailable" and "Too many" in answer.json()["error_description"]


def test_one_person_who_is_refused_stops_nobody_else(
    provider: Provider, backend: IdentityProvider, settings: Any
) -> None:
    settings.LOGIN_MAX_FAILURES_PER_IP = 2
    IdentityProvider.objects.update(default_role="")
    used = assertion(provider, groups=["people"])
    refused = [{"groups": []}, {"sub": "x" * 256}, {"exp": int(time.time()) + 3_600}, {"jti": None}]
    assert [exchange(assertion(provider, **{"sub": "blocked", **each}))[0] for each in refused] == [400] * 4
    assert [exchange(used)[0] for _ in range(4)] == [200, 400, 400, 400]
    assert exchange(assertion(provider, sub="rosa", groups=["people"]))[0] == 200


def test_keys_that_are_not_to_be_had_are_nobody_s_failure(
    provider: Provider, backend: IdentityProvider, settings: Any
) -> None:
    settings.LOGIN_MAX_FAILURES_PER_IP = 1
    IdentityProvider.objects.update(public_keys="", jwks_url=f"{provider.issuer}{KEYS}")
    provider.faults[KEYS] = "500"
    for _ in range(3):
        body = urlencode({"grant_type": GRANT, "subject_token": assertion(provider), "subject_token_type": JWT})
        answer = Client().post(EXCHANGE, body, content_type=FORM)
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert int(answer["Retry-After"]) > 0


def test_what_the_row_that_signed_refuses_no_other_row_of_the_issuer_allows(
    provider: Provider, backend: IdentityProvider, elsewhere: Organization
) -> None:
    same: dict[str, Any] = {"issuer": "shop", "client_id": "", "domains": [], "default_role": "viewer"}
    flags = {"accepts_bearer": False, "accepts_assertions": True}
    registered(provider, elsewhere, "second", public_keys=pem(provider.keys[0]), **same, **flags)
    token = assertion(provider)
    assert [exchange(token)[0] for _ in range(3)] == [200, 400, 400], "used once, whichever row"
    User.objects.update(is_active=False)
    assert exchange(assertion(provider))[0] == 400
    assert User.objects.count() == 1 and not Membership.objects.filter(organization=elsewhere).exists()


def test_another_row_s_key_is_tried_where_the_first_s_does_not_fit(
    provider: Provider, backend: IdentityProvider, elsewhere: Organization
) -> None:
    key = Key()
    same: dict[str, Any] = {"issuer": "shop", "client_id": "", "domains": [], "default_role": "viewer"}
    flags = {"accepts_bearer": False, "accepts_assertions": True}
    registered(provider, elsewhere, "second", public_keys=pem(key), **same, **flags)
    assert exchange(assertion(provider, key=key.private))[0] == 200
    assert Membership.objects.get().organization == elsewhere


def test_who_is_deleted_comes_back_as_somebody_new(provider: Provider, backend: IdentityProvider) -> None:
    _, issued = exchange(assertion(provider))
    User.objects.get().delete()
    assert me(issued["access_token"]) == 401 and not ExternalIdentity.objects.exists()
    _, again = exchange(assertion(provider))
    assert me(again["access_token"])["memberships"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("is_same", "expected"), [(True, {200: 1, 400: 7}), (False, {200: 8})])
def test_of_many_at_once_one_person_is_made_and_an_assertion_works_once(
    provider: Provider, backend: IdentityProvider, is_same: bool, expected: dict[int, int]
) -> None:
    one = assertion(provider)
    tokens = [one if is_same else assertion(provider) for _ in range(8)]
    barrier, answers = threading.Barrier(8), Counter[int]()

    def bring(token: str) -> None:
        barrier.wait()
        answers[exchange(token)[0]] += 1
        connection.close()

    threads = [threading.Thread(target=bring, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == expected
    assert (User.objects.count(), ExternalIdentity.objects.count(), Membership.objects.count()) == (1, 1, 1)

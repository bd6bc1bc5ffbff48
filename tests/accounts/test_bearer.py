"""`Authorization: Bearer`: what is no good token is 401, quickly, and changes nothing."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client, override_settings
from rest_framework.test import APIClient

from accounts.authentication import still_valid
from accounts.models import User
from accounts.sign_in.tokens import AccessToken, CookieToken, RefreshToken, TokenBackend, _backend
from tests.accounts.forging import KEY, signed, unsigned, with_header
from tests.accounts.signing import sign_in

ME = "/api/users/me/"
Api = Callable[[User], APIClient]


def get(authorization: str | None) -> tuple[int, dict[str, str]]:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = Client(headers=headers).get(ME)
    return response.status_code, dict(response.headers)


def test_a_good_token_names_its_user(api: Api, alice: User) -> None:
    response = api(alice).get(ME)
    assert response.status_code == 200
    assert response.json()["email"] == "alice@example.com"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer  x",
        "bearer",
        "Basic YTpi",
        "Token abc",
        "Bearer a, Bearer b",
        "Bearer a b",
    ],
)
def test_without_one_good_token_the_answer_is_401_and_says_how(db: None, header: str | None) -> None:
    status, headers = get(header)
    assert status == 401
    assert headers["WWW-Authenticate"].startswith("Bearer")


def test_the_scheme_is_read_in_any_case(alice: User) -> None:
    assert get(f"bearer {signed(alice)}")[0] == 200  # RFC 9110


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_a_token_without_signature_is_refused(alice: User, algorithm: str) -> None:
    assert get(f"Bearer {unsigned(alice, algorithm)}")[0] == 401


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_with_our_own_key_is_refused(alice: User, algorithm: str) -> None:
    assert get(f"Bearer {signed(alice, algorithm=algorithm)}")[0] == 401


def test_the_forger_can_make_a_good_one(alice: User) -> None:
    assert get(f"Bearer {signed(alice)}")[0] == 200  # otherwise the refusals here would prove nothing


NOW = int(time.time())  # of the beginning: a whole run takes minutes
BAD_CLAIMS = {
    "expired": {"exp": NOW - 60},
    "never expires": {"exp": None},
    "exp is text": {"exp": "soon"},
    "not yet": {"nbf": NOW + 86_400},
    "made in the future": {"iat": NOW + 86_400},
    "another issuer": {"iss": "elsewhere"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "elsewhere"},
    "no audience": {"aud": None},
    "no id": {"jti": None},
    "a refresh token": {"token_type": "refresh"},
    "a cookie": {"token_type": "cookie"},
    "no type": {"token_type": None},
    "no user": {"user_id": None},
    "user is no id": {"user_id": "1 OR 1=1"},
    "user is a list": {"user_id": ["x"]},
    "unknown user": {"user_id": "00000000-0000-4000-8000-000000000000"},
    "no version": {"ver": None},
    "an older version": {"ver": 0},
    "a later version": {"ver": 99},
}


@pytest.mark.parametrize("changes", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
def test_bad_claims_are_refused(alice: User, changes: dict[str, object]) -> None:
    assert get(f"Bearer {signed(alice, **changes)}")[0] == 401


BAD_HEADERS = [
    {"crit": ["exp"], "exp": 1},
    {"crit": ["http://example.com/unknown"], "http://example.com/unknown": True},
    {"b64": False, "crit": ["b64"]},
]
HARMLESS_HEADERS = [
    {"kid": "../../etc/passwd"},
    {"kid": "' OR 1=1 --"},
    {"jku": "http://127.0.0.1:9/keys"},
    {"x5u": "http://127.0.0.1:9/cert"},
    {"jwk": {"kty": "oct", "k": "AAAA"}},
]


@pytest.mark.parametrize("header", BAD_HEADERS, ids=str)
def test_header_fields_that_must_be_understood_are_refused(alice: User, header: dict[str, object]) -> None:
    assert get(f"Bearer {signed(alice, header=header)}")[0] == 401


@pytest.mark.parametrize("header", HARMLESS_HEADERS, ids=str)
def test_a_key_that_the_token_brings_is_not_used(alice: User, header: dict[str, object]) -> None:
    assert get(f"Bearer {signed(alice, key='x' * 40, header=header)}")[0] == 401


GARBAGE = {
    "one megabyte": "a" * 1_000_000,
    "ten thousand dots": "." * 10_000,
    "many dots within the limit": "." * 4_000,
    "deep header": with_header("[" * 3_000),
    "header is a list": with_header("[]"),
    "header is null": with_header("null"),
    "no base64": "ä.ö.ü",
    "nul": "a\x00.b.c",
    "empty parts": "..",
}


@pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_refused_fast(db: None, token: str) -> None:
    began = time.process_time()
    assert get(f"Bearer {token}")[0] == 401
    assert time.process_time() - began < 1


def test_the_other_tokens_are_no_access_tokens(alice: User) -> None:
    for kind in (RefreshToken, CookieToken):
        assert get(f"Bearer {kind.of(alice)}")[0] == 401
    assert get(f"Bearer {AccessToken.of(alice)}")[0] == 200


def test_a_token_signed_by_another_installation_is_refused(alice: User) -> None:
    assert get(f"Bearer {signed(alice, key='another installation, another key')}")[0] == 401


def test_a_deactivated_person_is_out_at_once(api: Api, alice: User) -> None:
    client = api(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get(ME).status_code == 401


def test_a_new_password_ends_all_tokens(api: Api, alice: User) -> None:
    client = api(alice)
    alice.set_password("another horse battery")
    alice.save()
    assert client.get(ME).status_code == 401


def test_a_renewed_hash_ends_none(api: Api, alice: User) -> None:
    client = api(alice)
    hashers = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", "django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers):
        assert sign_in().status_code == 200
    alice.refresh_from_db()
    assert alice.password.startswith("pbkdf2_sha256$")
    assert client.get(ME).status_code == 200


def test_a_token_in_the_address_is_no_credential(alice: User) -> None:
    token = signed(alice)
    for name in ("token", "access_token", "jwt", "authorization", "ticket"):
        assert Client().get(ME, {name: token}).status_code == 401


def test_a_bad_bearer_is_not_saved_by_a_good_session(alice: User) -> None:
    client = Client(headers={"Authorization": "Bearer nonsense"})
    client.force_login(alice)
    assert client.get(ME).status_code == 401


def test_the_key_before_the_last_still_reads(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    old = "the key that was used before this one"
    token = signed(alice, key=old)
    assert get(f"Bearer {token}")[0] == 401
    jwt = settings.SIMPLE_JWT
    previous = TokenBackend("HS256", old, audience=jwt["AUDIENCE"], issuer=jwt["ISSUER"], leeway=jwt["LEEWAY"])
    monkeypatch.setattr(_backend(), "previous", previous)
    assert get(f"Bearer {token}")[0] == 200
    assert get(f"Bearer {signed(alice)}")[0] == 200


def test_it_costs_one_query(api: Api, alice: User, django_assert_num_queries: Callable[..., object]) -> None:
    client = api(alice)
    with django_assert_num_queries(2):  # who asks, and their memberships
        client.get(ME)


def test_a_verdict_can_be_asked_for_again(alice: User) -> None:
    assert still_valid(alice)
    assert not still_valid(User(pk=alice.pk, token_version=alice.token_version + 1))
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert not still_valid(alice)


def test_keys_and_lifetimes_are_set() -> None:
    assert settings.SECRET_KEY != KEY
    assert settings.SIMPLE_JWT["LEEWAY"] <= 30
    assert AccessToken.lifetime == settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
    assert CookieToken.lifetime == timedelta(hours=12)

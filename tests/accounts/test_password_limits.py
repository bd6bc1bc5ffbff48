"""Guessing passwords: unknown and wrong look the same, and whoever fails too often waits; the same at every door."""

import statistics
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client, override_settings

from accounts.models import User
from tests.accounts.signing import sign_in
from tests.conftest import PASSWORD
from tests.servers import free_port

LIMIT = settings.LOGIN_MAX_FAILURES


@pytest.fixture(autouse=True)
def nobody_has_tried_yet() -> Iterator[None]:
    cache.clear()
    # A window that ends in the middle of a test would let it begin anew.
    with override_settings(LOGIN_WINDOW_S=10_000_000):
        yield
    cache.clear()


def fail(times: int, email: str = "alice@example.com", **extra: object) -> None:
    for _ in range(times):
        assert sign_in(email, "wrong", **extra).status_code == 401


def test_an_unknown_address_and_a_wrong_password_look_the_same(alice: User) -> None:
    wrong, unknown = sign_in(password="wrong"), sign_in("nobody@example.com", "wrong")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert wrong.json()["error"]["code"] == "invalid_credentials"


def test_they_take_the_same_time(alice: User) -> None:
    took: dict[str, list[float]] = {"alice@example.com": [], "nobody@example.com": []}
    with override_settings(
        LOGIN_MAX_FAILURES=1000,
        LOGIN_MAX_FAILURES_PER_IP=1000,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.PBKDF2PasswordHasher"],
    ):
        alice.set_password(PASSWORD)
        alice.save()
        for _ in range(5):
            for email, times in took.items():
                began = time.process_time()
                sign_in(email, "wrong")
                times.append(time.process_time() - began)
    wrong, unknown = (statistics.median(times) for times in took.values())
    assert abs(wrong - unknown) < max(wrong, unknown) / 2


def test_deactivated_people_get_the_same_answer(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert sign_in().content == sign_in("nobody@example.com", "wrong").content


def test_too_many_failures_are_429_and_say_when_to_come_back(alice: User) -> None:
    fail(LIMIT)
    response = sign_in()  # the right password does not help now
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 10_000_000
    assert response.json()["error"]["code"] == "too_many"


def test_from_another_address_the_owner_still_comes_in(alice: User) -> None:
    fail(LIMIT)
    assert sign_in(REMOTE_ADDR="192.0.2.7").status_code == 200


def test_other_people_at_the_same_address_still_come_in(alice: User, bob: User) -> None:
    fail(LIMIT)
    assert sign_in("bob@example.com").status_code == 200


def test_the_case_of_the_address_does_not_begin_anew(alice: User) -> None:
    fail(LIMIT)
    assert sign_in("ALICE@example.com").status_code == 429


def test_a_forwarded_address_is_not_believed(alice: User) -> None:
    fail(LIMIT)
    assert sign_in(headers={"X-Forwarded-For": "192.0.2.8"}).status_code == 429


def test_one_client_cannot_try_many_people(db: None) -> None:
    with override_settings(LOGIN_MAX_FAILURES_PER_IP=3):
        for name in "abc":
            fail(1, f"{name}@example.com")
        assert sign_in("d@example.com", "wrong").status_code == 429


def test_right_passwords_count_for_nothing(alice: User) -> None:
    for _ in range(LIMIT + 2):
        assert sign_in().status_code == 200


def test_after_the_window_it_begins_anew(alice: User) -> None:
    fail(LIMIT)
    with override_settings(LOGIN_WINDOW_S=9_000_000):  # another window
        assert sign_in().status_code == 200


@pytest.mark.parametrize("page", ["/login/", "/admin/login/"])
def test_the_pages_share_the_limit(alice: User, page: str) -> None:
    fail(LIMIT)
    response = Client().post(page, {"username": "alice@example.com", "password": PASSWORD})
    assert response.status_code == 429
    assert "Retry-After" in response


@pytest.mark.parametrize("page", ["/login/", "/admin/login/"])
def test_failures_on_the_pages_count(alice: User, page: str) -> None:
    for _ in range(LIMIT):
        Client().post(page, {"username": "alice@example.com", "password": "wrong"})
    assert sign_in().status_code == 429


def test_without_its_cache_people_still_sign_in(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    nobody = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{free_port()}/0",
    }
    with override_settings(CACHES={"default": nobody}):
        assert sign_in().status_code == 200
        assert sign_in(password="wrong").status_code == 401
    assert "does not answer" in caplog.text


def test_the_cache_does_not_learn_who_tried(alice: User) -> None:
    fail(1)
    held = repr(vars(cache._cache)) if hasattr(cache, "_cache") else ""
    assert "alice" not in held


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "alice@example.com"}, "password"),
        ({"email": "alice", "password": "x"}, "email"),
        ({"email": None, "password": "x"}, "email"),
        ({"email": ["alice@example.com"], "password": "x"}, "email"),
        ({"email": "alice@example.com", "password": {}}, "password"),
        ({"email": "alice@example.com", "password": "x" * 2000}, "password"),
        ({"email": "alice@example.com", "password": "x", "is_staff": True}, "is_staff"),
    ],
)
def test_malformed_credentials_name_the_field(db: None, body: object, field: str) -> None:
    from tests.accounts.signing import post

    response = post("/api/auth/token", body)
    assert response.status_code == 400
    assert field in response.json()["error"]["fields"]

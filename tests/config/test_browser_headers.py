"""What browsers are told: which other origins may call (CORS), what a page may load, what may be kept."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import AsyncClient, Client, override_settings

from accounts.models import User
from config.middleware.security import CSP, POLICY

pytestmark = [pytest.mark.urls("tests.config.routes"), pytest.mark.django_db]

APP = "https://app.example"
PREFIXES = ["api", "v1", "trpc", "chat", "agent"]
EVIL = [
    "https://evil.example",
    "null",
    "https://app.example.evil",
    "http://app.example",
    "https://app.example:444",
    "*",
    "",
]
ERRORS = [
    "/api/users/me/",
    "/api/nowhere",
    "/api/test/door/fails/bug",
    "/api/test/door/fails/operational",
    "/v1/nowhere",
]


@pytest.fixture(autouse=True)
def one_listed_origin() -> Iterator[None]:
    with override_settings(CORS_ALLOWED_ORIGINS=[APP]):
        yield


async def fetch(path: str, method: str = "get", **headers: str) -> Any:
    client = AsyncClient(raise_request_exception=False)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await getattr(client, method)(path, headers=named)


@pytest.mark.parametrize("path", [*(f"/{prefix}/test/stream" for prefix in PREFIXES), *ERRORS])
async def test_a_listed_origin_is_echoed_on_streams_and_errors(path: str) -> None:
    response = await fetch(path, Origin=APP)
    assert response["Access-Control-Allow-Origin"] == APP
    assert "origin" in response["Vary"].lower()
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.parametrize("path", [*(f"/{prefix}/test/stream" for prefix in PREFIXES), *ERRORS])
@pytest.mark.parametrize("origin", EVIL)
async def test_any_other_is_not(path: str, origin: str) -> None:
    for method in ("get", "options"):
        response = await fetch(path, method, Origin=origin, Access_Control_Request_Method="POST")
        assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize("path", ["/api/chats/", "/v1/responses", "/api/nowhere", "/api/auth/token"])
async def test_a_preflight_says_what_may_come(path: str) -> None:
    asked = {"Origin": APP, "Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization"}
    response = await fetch(path, "options", **asked)
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == APP
    headers = response["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "idempotency-key", "last-event-id", "x-stainless-os"} <= set(headers)
    assert "cookie" not in headers
    assert int(response["Access-Control-Max-Age"]) <= 600


@pytest.mark.parametrize("path", ["/login/", "/admin/login/", "/healthz"])
async def test_pages_are_for_nobody_else(path: str) -> None:
    assert "Access-Control-Allow-Origin" not in await fetch(path, Origin=APP)


def test_no_origin_is_listed_by_default_and_none_by_pattern() -> None:
    with override_settings():
        assert not getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False)
        assert not getattr(settings, "CORS_ALLOWED_ORIGIN_REGEXES", [])
        assert settings.CORS_ALLOW_CREDENTIALS is False


# --- Content-Security-Policy and friends ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/login/", "/admin/login/", "/nowhere", "/api/users/me/", "/page/fails/bug", "/healthz"]
)
async def test_every_answer_is_fenced(path: str) -> None:
    response = await fetch(path)
    assert response["Content-Security-Policy"].startswith(CSP)  # our own pages add to it
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"  # no page of ours is named to another site
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


def test_the_fence_has_no_hole() -> None:
    assert "unsafe" not in CSP and "*" not in CSP and "http" not in CSP
    assert POLICY["default-src"] == "'none'"
    assert {"base-uri", "form-action", "frame-ancestors"} <= set(POLICY)


@pytest.mark.parametrize("path", ["/api/users/me/", "/api/organizations/", "/api/nowhere"])
def test_private_json_is_kept_nowhere(alice: User, path: str) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get(path)["Cache-Control"] == "private, no-store"


def test_the_admin_needs_no_inline_code(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(alice)
    for path in ("/admin/", "/admin/accounts/user/", f"/admin/accounts/user/{alice.pk}/change/"):
        page = client.get(path).content.decode()
        scripts = [part.partition(">")[0] for part in page.split("<script")[1:]]
        assert all("src=" in script or "application/json" in script for script in scripts)
        assert "onclick=" not in page and "<style" not in page

"""What browsers send by themselves: the cookie and the session. A page of another site must not be able to use them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import AsyncClient, Client, override_settings

from accounts.models import User
from accounts.sign_in.tokens import AccessToken, CookieToken, RefreshToken
from tests.accounts.signing import sign_in
from tests.config.routes import DONE
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.urls("tests.config.routes"), pytest.mark.django_db(transaction=True)]

OURS = settings.PARLEY_PUBLIC_URL
LISTED = "https://app.example"
VIEWS = ["/api/test/rest", "/api/test/door"]  # REST, and async as the doors are
EVIL_ORIGINS = ["https://evil.example", "null", f"{OURS}.evil.example", OURS.replace("http:", "https:"), f"{OURS}9", ""]


@pytest.fixture(autouse=True)
def nothing_done_yet() -> Iterator[None]:
    DONE.clear()
    with override_settings(CORS_ALLOWED_ORIGINS=[LISTED]):
        yield


async def send(path: str, cookies: dict[str, str], *, method: str = "POST", **extra: Any) -> int:
    """The status that the view answers to a browser with these cookies."""
    client = AsyncClient(enforce_csrf_checks=True)
    client.cookies.load(cookies)
    body: Any = {"data": "{}", "content_type": "application/json", **extra} if method == "POST" else extra
    response = await getattr(client, method.lower())(path, **body)
    return int(response.status_code)


def drop_expired(client: Client | AsyncClient) -> None:
    """What a browser does, and Django's client does not."""
    for name in [name for name, cookie in client.cookies.items() if cookie["max-age"] == 0]:
        del client.cookies[name]


def cookie_of(user: User) -> dict[str, str]:
    return {"access_token": str(CookieToken.of(user))}


# --- The cookie -------------------------------------------------------------------------------------------------------


def test_signing_in_sets_a_cookie_that_scripts_cannot_read(alice: User) -> None:
    cookie = sign_in().cookies["access_token"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
    assert cookie["max-age"] == 12 * 3600
    assert not cookie["secure"]
    with override_settings(IS_HTTPS=True):
        assert sign_in().cookies["access_token"]["secure"]


@pytest.mark.parametrize("path", VIEWS)
async def test_the_cookie_reads(alice: User, path: str) -> None:
    assert await send(path, cookie_of(alice), method="GET") == 200


@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("headers", [{"Origin": OURS}, {"Origin": LISTED}, {"Sec-Fetch-Site": "same-origin"}], ids=str)
async def test_our_own_pages_may_change_things(alice: User, path: str, headers: dict[str, str]) -> None:
    assert await send(path, cookie_of(alice), headers=headers) == 200
    assert DONE == ["alice@example.com"]


FOREIGN = [{}, *({"Origin": origin} for origin in EVIL_ORIGINS)]
FOREIGN += [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "none", "")]
FOREIGN += [{"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}]


@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_pages_of_others_may_not(alice: User, path: str, headers: dict[str, str]) -> None:
    assert await send(path, cookie_of(alice), headers=headers) == 403
    assert DONE == []


@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
async def test_whatever_form_the_body_has(alice: User, path: str, kind: str) -> None:
    assert await send(path, cookie_of(alice), content_type=kind) == 403
    assert DONE == []


@pytest.mark.parametrize("path", VIEWS)
async def test_a_page_may_put_its_bearer_token_there_itself(alice: User, path: str) -> None:
    own = {"access_token": str(AccessToken.of(alice))}
    assert await send(path, own, method="GET") == 200
    assert await send(path, own) == 403 and await send(path, own, headers={"Origin": EVIL_ORIGINS[0]}) == 403
    assert DONE == []
    assert await send(path, own, headers={"Origin": OURS}) == 200
    refresh = {"access_token": str(RefreshToken.of(alice))}
    assert await send(path, refresh, method="GET") == 401


@pytest.mark.parametrize("path", ["/api/test/rest", "/v1/models"])
async def test_a_bad_cookie_is_401_and_forgotten(alice: User, path: str) -> None:
    client = AsyncClient()
    await client.aforce_login(alice)
    client.cookies["access_token"] = "nonsense"
    response = await client.get(path)
    assert response.status_code == 401
    drop_expired(client)
    assert (await client.get(path)).status_code == 200  # the session takes over


def test_a_new_password_ends_the_cookie(alice: User) -> None:
    client = Client()
    client.cookies.load(cookie_of(alice))
    assert client.get("/api/test/rest").status_code == 200
    alice.set_password("another horse battery")
    alice.save()
    assert client.get("/api/test/rest").status_code == 401


# --- The session ------------------------------------------------------------------------------------------------------


def signed_in(user: User) -> tuple[Client, str]:
    """A browser that shows our page, and the CSRF token that is in the page."""
    client = Client(enforce_csrf_checks=True)
    client.get("/login/")
    client.force_login(user)
    return client, client.cookies["csrftoken"].value


@pytest.mark.parametrize("path", VIEWS)
def test_a_session_reads_without_more(alice: User, path: str) -> None:
    client, _ = signed_in(alice)
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", VIEWS)
def test_a_session_changes_things_with_its_csrf_token(alice: User, path: str) -> None:
    client, token = signed_in(alice)
    response = client.post(path, {}, "application/json", headers={"X-CSRFToken": token})
    assert response.status_code == 200, response.content
    assert DONE == ["alice@example.com"]


@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("token", [None, "", "x", "a" * 32, "b" * 64])
def test_a_session_changes_nothing_without_it(alice: User, path: str, token: str | None) -> None:
    client, _ = signed_in(alice)
    headers = {} if token is None else {"X-CSRFToken": token}
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        assert client.post(path, b"{}", kind, headers=headers).status_code == 403
    assert client.post(path, {"a": "b"}, headers=headers).status_code == 403
    assert DONE == []


@pytest.mark.parametrize("path", VIEWS)
def test_the_token_does_not_help_a_foreign_page(alice: User, path: str) -> None:
    client, token = signed_in(alice)
    headers = {"X-CSRFToken": token, "Origin": "https://evil.example"}
    assert client.post(path, {}, "application/json", headers=headers).status_code == 403


def test_a_deactivated_person_s_session_ends(alice: User) -> None:
    client, _ = signed_in(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get("/api/test/rest").status_code == 401


def test_signing_out_everywhere_ends_sessions(alice: User) -> None:
    client, _ = signed_in(alice)
    alice.end_sessions()
    assert client.get("/api/test/rest").status_code == 401


# --- The pages --------------------------------------------------------------------------------------------------------


def test_the_sign_in_page_signs_in_and_forgets_an_older_cookie(alice: User, bob: User) -> None:
    client = Client()
    client.cookies.load(cookie_of(bob))
    page = client.get("/login/")
    assert page.status_code == 200
    assert b"<script" not in page.content and b"style=" not in page.content
    response = client.post("/login/", {"username": "Alice@Example.com", "password": PASSWORD})
    assert response.status_code == 302
    drop_expired(client)
    assert client.get("/api/test/rest").json() == {"email": "alice@example.com"}


def test_a_session_gets_a_new_id_at_sign_in(alice: User) -> None:
    client = Client()
    client.cookies.load({"sessionid": "chosenbyanattacker0000000000000000"})
    client.post("/login/", {"username": "alice@example.com", "password": PASSWORD})
    assert client.cookies["sessionid"].value != "chosenbyanattacker0000000000000000"
    assert client.cookies["sessionid"]["httponly"]


def test_sign_out_is_a_post_and_leaves_nothing(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    client.cookies.load(cookie_of(alice))
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    drop_expired(client)
    assert client.get("/api/test/rest").status_code == 401


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_sign_in_leads_to_no_other_site(alice: User, target: str) -> None:
    response = Client().post("/login/", {"username": alice.email, "password": PASSWORD, "next": target})
    assert response["Location"] == "/"

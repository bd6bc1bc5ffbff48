"""Tickets: one use, one minute, one run or chat, one origin."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import RequestFactory, override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.authentication import authenticate
from accounts.errors import NotAuthenticated
from accounts.models import Ticket, User
from accounts.sign_in import tickets
from accounts.sign_in.tokens import AccessToken, CookieToken
from chat.models import Chat

Api = Callable[[User], APIClient]
RUN, CHAT = uuid4(), uuid4()
OURS = settings.PARLEY_PUBLIC_URL
PAGE = "https://app.example"


def attach(
    token: str, *, run_id: UUID | None = RUN, chat_id: UUID | None = None, method: str = "GET", **headers: str
) -> User | None:
    """Who comes in with the ticket, if anybody."""
    request = RequestFactory().generic(method, f"/?ticket={token}", headers=headers)
    try:
        return authenticate(request, run_id=run_id, chat_id=chat_id)
    except NotAuthenticated:
        return None


def for_run(user: User, origin: str = "") -> str:
    return tickets.make(user, origin=origin, run_id=RUN)


def test_it_is_good_once(alice: User) -> None:
    token = for_run(alice)
    assert attach(token) == alice
    assert attach(token) is None


def test_it_is_for_its_run_only(alice: User) -> None:
    token = for_run(alice)
    assert attach(token, run_id=uuid4()) is None
    assert attach(token, run_id=None, chat_id=RUN) is None
    assert attach(token, run_id=None) is None  # a route that takes no ticket
    assert attach(token) == alice  # none of these has used it up


def test_one_for_a_chat_opens_the_chat_s_runs(alice: User) -> None:
    assert attach(tickets.make(alice, origin="", chat_id=CHAT), run_id=uuid4(), chat_id=CHAT) == alice
    assert attach(tickets.make(alice, origin="", chat_id=CHAT), run_id=CHAT) is None


def test_elsewhere_a_parameter_of_that_name_is_none(alice: User) -> None:
    for token in (for_run(alice), "12"):
        request = RequestFactory().get(f"/apps/desk/comments/?ticket={token}")
        with pytest.raises(NotAuthenticated):
            authenticate(request)
        request.COOKIES["access_token"] = str(CookieToken.of(alice))
        assert authenticate(request) == alice
        with pytest.raises(NotAuthenticated):
            authenticate(request, run_id=uuid4())


def test_it_ends_after_a_minute(alice: User) -> None:
    token = for_run(alice)
    assert settings.TICKET_LIFETIME_S <= 60
    Ticket.objects.update(expires_at=timezone.now() - timedelta(milliseconds=1))
    assert attach(token) is None


def test_it_ends_with_the_person_s_tokens(alice: User) -> None:
    token = for_run(alice)
    alice.end_sessions()
    assert attach(token) is None


def test_it_ends_with_the_person(alice: User) -> None:
    token = for_run(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert attach(token) is None


@pytest.mark.parametrize("origin", ["https://evil.example", "null", OURS, None])
def test_one_of_a_listed_page_comes_back_from_that_page(alice: User, origin: str | None) -> None:
    token = for_run(alice, PAGE)
    assert attach(token, **({"Origin": origin} if origin else {})) is None
    assert attach(token, Origin=PAGE) == alice


@pytest.mark.parametrize("headers", [{}, {"Origin": OURS}, {"Origin": "http://testserver"}], ids=str)
def test_one_of_our_own_page_may_come_back_without_origin(alice: User, headers: dict[str, str]) -> None:
    # Browsers send no Origin with a GET to their own origin.
    token = for_run(alice, OURS)
    assert attach(token, Origin=PAGE) is None
    assert attach(token, **headers) == alice


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_it_only_reads(alice: User, method: str) -> None:
    assert attach(for_run(alice), method=method) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "%00", "%ff", "'%20OR%201=1", "é"])
def test_garbage_is_refused(db: None, token: str) -> None:
    assert attach(token) is None


def test_it_is_no_bearer_token_and_no_refresh_token(alice: User) -> None:
    token = for_run(alice)
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {token}"})
    with pytest.raises(NotAuthenticated):
        authenticate(request, run_id=RUN)


def test_a_bearer_token_goes_before_it_and_leaves_it_unused(alice: User, bob: User) -> None:
    token = for_run(alice)
    assert attach(token, Authorization=f"Bearer {AccessToken.of(bob)}") == bob
    assert attach(token) == alice


def test_only_its_hash_is_stored(alice: User) -> None:
    token = for_run(alice)
    assert token not in repr(list(Ticket.objects.values()))


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_one_comes_in(alice: User) -> None:
    token, barrier, came = for_run(alice), threading.Barrier(20), Counter[bool]()

    def bring_it() -> None:
        barrier.wait()
        came[attach(token) is not None] += 1
        connection.close()

    threads = [threading.Thread(target=bring_it) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert came == {True: 1, False: 19}


# --- POST /api/auth/ticket --------------------------------------------------------------------------------------------


def ask(client: APIClient, body: Any, **extra: Any) -> Any:
    return client.post("/api/auth/ticket", body, format="json", **extra)


def test_who_sees_a_chat_gets_a_ticket_for_it(api: Api, alice: User, chat: Chat) -> None:
    response = ask(api(alice), {"chat": str(chat.pk)})
    assert response.status_code == 201
    assert attach(response.json()["ticket"], run_id=None, chat_id=chat.pk) == alice


def test_it_is_bound_to_the_page_that_asked(api: Api, alice: User, chat: Chat) -> None:
    with override_settings(CORS_ALLOWED_ORIGINS=[PAGE]):
        token = ask(api(alice), {"chat": str(chat.pk)}, headers={"Origin": PAGE}).json()["ticket"]
    assert attach(token, run_id=None, chat_id=chat.pk) is None
    assert attach(token, run_id=None, chat_id=chat.pk, Origin=PAGE) == alice


def test_who_does_not_see_it_gets_none(api: Api, bob: User, charlie: User, chat: Chat) -> None:
    for user in (bob, charlie):
        for body in ({"chat": str(chat.pk)}, {"run": str(chat.pk)}):
            assert ask(api(user), body).status_code == 404
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    "body",
    [{}, {"run": "x"}, {"chat": None}, {"chat": 1}, {"run": str(RUN), "chat": str(CHAT)}, {"message": str(RUN)}, []],
)
def test_it_is_for_one_run_or_one_chat(api: Api, alice: User, body: object) -> None:
    response = ask(api(alice), body)
    assert response.status_code == 400


def test_without_signing_in_there_is_none(chat: Chat) -> None:
    assert ask(APIClient(), {"chat": str(chat.pk)}).status_code == 401

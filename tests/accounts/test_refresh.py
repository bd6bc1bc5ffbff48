"""Refresh tokens: each works once, also when many bring it at once, and one that comes again later is a theft."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.authentication import authenticate, still_valid
from accounts.errors import NotAuthenticated
from accounts.models import EndedSignIn, User
from accounts.sign_in import tickets
from accounts.sign_in.pairs import new_pair, sign_out
from accounts.sign_in.tokens import AccessToken
from tests.accounts.forging import signed
from tests.accounts.signing import post, sign_in

ME = "/api/users/me/"


def refresh(token: object) -> tuple[int, dict[str, object]]:
    response = post("/api/auth/token/refresh", {"refresh": token})
    return response.status_code, response.json()


def me(access: str) -> int:
    return Client(headers={"Authorization": f"Bearer {access}"}).get(ME).status_code


def let_the_grace_pass() -> None:
    BlacklistedToken.objects.update(blacklisted_at=timezone.now() - timedelta(seconds=11))


def test_it_gives_the_next_pair(alice: User) -> None:
    first = sign_in().json()
    status, second = refresh(first["refresh"])
    assert status == 200
    assert second["refresh"] != first["refresh"]
    assert me(str(second["access"])) == 200


def test_the_second_user_of_a_token_is_told_to_refresh_again(alice: User) -> None:
    first = sign_in().json()
    refresh(first["refresh"])
    status, body = refresh(first["refresh"])
    assert status == 409
    assert body["error"]["code"] == "refresh_again"


def test_a_used_token_that_comes_later_ends_everything(alice: User) -> None:
    elsewhere = sign_in().json()
    first = sign_in().json()
    _, second = refresh(first["refresh"])
    let_the_grace_pass()
    assert refresh(first["refresh"])[0] == 401
    assert me(str(second["access"])) == me(elsewhere["access"]) == 401
    assert refresh(second["refresh"])[0] == refresh(elsewhere["refresh"])[0] == 401


def test_it_ends_everything_once(alice: User) -> None:
    first = sign_in().json()
    refresh(first["refresh"])
    let_the_grace_pass()
    refresh(first["refresh"])
    again = sign_in().json()  # the owner is back
    assert refresh(first["refresh"])[0] == 401
    assert me(again["access"]) == 200  # and who holds the old token cannot throw them out again


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_one_gets_the_next_pair(alice: User) -> None:
    token = sign_in().json()["refresh"]
    barrier, answers = threading.Barrier(20), Counter[int]()

    def bring_it() -> None:
        barrier.wait()
        answers[refresh(token)[0]] += 1
        connection.close()

    threads = [threading.Thread(target=bring_it) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {200: 1, 409: 19}
    assert OutstandingToken.objects.count() == 2


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "." * 4000])
def test_what_is_no_refresh_token_is_refused(db: None, token: str) -> None:
    assert refresh(token)[0] in (400, 401)


@pytest.mark.parametrize("token", [None, 1, True, [], {}, "x" * 5000])
def test_what_is_no_text_is_refused_by_name(db: None, token: object) -> None:
    status, body = refresh(token)
    assert status == 400
    assert "refresh" in body["error"]["fields"]


def test_an_access_token_refreshes_nothing(alice: User) -> None:
    assert refresh(str(AccessToken.of(alice)))[0] == 401


def test_a_token_that_was_never_given_out_is_refused(alice: User) -> None:
    assert refresh(signed(alice, token_type="refresh"))[0] == 401


def test_a_deactivated_person_gets_no_more(alice: User) -> None:
    token = sign_in().json()["refresh"]
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert refresh(token)[0] == 401
    assert not BlacklistedToken.objects.exists()


def test_a_new_password_ends_refresh_tokens(alice: User) -> None:
    token = sign_in().json()["refresh"]
    alice.set_password("another horse battery")
    alice.save()
    assert refresh(token)[0] == 401


def by_cookie(raw: str) -> Client:
    client = Client()
    client.cookies.load({"access_token": raw})
    return client


def body_of(pair: dict[str, str], cookie: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"refresh": pair["refresh"]}, {}


def bearer_of(pair: dict[str, str], cookie: str) -> tuple[dict[str, str], dict[str, str]]:
    return {}, {"HTTP_AUTHORIZATION": f"Bearer {pair['access']}"}


def cookie_of(pair: dict[str, str], cookie: str) -> tuple[dict[str, str], dict[str, str]]:
    return {}, {"HTTP_COOKIE": f"access_token={cookie}"}


@pytest.mark.parametrize("by", [body_of, bearer_of, cookie_of])
def test_signing_out_ends_all_that_came_of_the_sign_in_and_no_other_device(
    alice: User, by: Callable[[dict[str, str], str], tuple[dict[str, str], dict[str, str]]]
) -> None:
    elsewhere = sign_in().json()
    signed = sign_in()
    first, cookie = signed.json(), signed.cookies["access_token"].value
    second = refresh(first["refresh"])[1]
    assert me(first["access"]) == me(str(second["access"])) == by_cookie(cookie).get(ME).status_code == 200
    body, headers = by(first, cookie)
    response = post("/api/auth/logout", body, **headers)
    assert response.status_code == 204
    assert response.cookies["access_token"]["max-age"] == 0
    assert me(first["access"]) == me(str(second["access"])) == by_cookie(cookie).get(ME).status_code == 401
    assert refresh(second["refresh"])[0] == 401
    assert me(elsewhere["access"]) == refresh(elsewhere["refresh"])[0] == 200  # nor has a late tab ended those
    assert EndedSignIn.objects.count() == 1


def test_signing_out_on_the_page_ends_a_copied_cookie(alice: User) -> None:
    cookie = sign_in().cookies["access_token"].value
    assert by_cookie(cookie).post("/logout/").status_code == 302
    assert by_cookie(cookie).get(ME).status_code == 401


def test_who_is_signed_out_uses_no_ticket_and_its_streams_end(alice: User) -> None:
    pair = new_pair(alice)
    token, run = tickets.make(pair.user, origin="", run_id=(id := uuid.uuid4())), {"run_id": id, "chat_id": None}
    late = tickets.make(pair.user, origin="", run_id=id)
    streaming = tickets.redeem(token, **run, origin="")
    assert still_valid(streaming)
    sign_out(pair.refresh)
    assert not still_valid(streaming) and not still_valid(pair.user)
    with pytest.raises(NotAuthenticated):
        tickets.redeem(late, **run, origin="")


def test_it_costs_a_request_no_query(alice: User, django_assert_num_queries: Callable[[int], Any]) -> None:
    access = sign_in().json()["access"]
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {access}"})
    with django_assert_num_queries(1):
        assert authenticate(request).pk == alice.pk


def test_a_token_from_before_sign_ins_had_ids_holds_and_one_with_a_strange_id_does_not(alice: User) -> None:
    assert me(signed(alice)) == 200
    assert [me(signed(alice, sid=sid)) for sid in ("x", 1, "", ["a"])] == [401, 401, 401, 401]


def test_signing_out_twice_or_without_a_token_is_fine(alice: User) -> None:
    mine = sign_in().json()
    for body in ({"refresh": mine["refresh"]}, {"refresh": mine["refresh"]}, {}):
        assert post("/api/auth/logout", body).status_code == 204


def test_no_refresh_token_is_stored(alice: User) -> None:
    pair = sign_in().json()
    stored = OutstandingToken.objects.get()
    assert pair["refresh"] not in (stored.token, stored.jti)
    assert stored.token == ""

"""A new password by a link: mailed or handed on, good once and soon; and nobody learns who has an account."""

import re
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Membership, Organization, Role, SignIn, User
from accounts.sign_in import mail as mailing
from accounts.sign_in import resetting
from tests.accounts.signing import post, sign_in
from tests.conftest import PASSWORD, member

Api = Callable[[User], APIClient]
NEW = "another horse battery"


@pytest.fixture(autouse=True)
def nobody_has_tried_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def mailed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail goes out (to Django's outbox), in the thread of the test: the test's rows are seen by no other."""
    settings.EMAIL_URL = "smtp://localhost"
    monkeypatch.setattr(mailing, "later", lambda job: job())


def token_in(link: str) -> str:
    return link.partition("token=")[2]


def link_of(user: User) -> str:
    return resetting.link_for(user, by=None)


def test_who_asks_is_mailed_a_link_that_works_once(mailed: None, alice: User) -> None:
    assert post("/api/auth/reset", {"email": "Alice@example.com"}).status_code == 202
    (sent,) = mail.outbox
    assert sent.to == [alice.email]
    (token,) = re.findall(r"token=(\S+)", str(sent.body))
    held = sign_in().json()
    assert post("/api/auth/reset/password", {"token": token, "password": NEW}).status_code == 204
    assert sign_in().status_code == 401 and sign_in(password=NEW).status_code == 200
    assert post("/api/auth/token/refresh", {"refresh": held["refresh"]}).status_code == 401
    again = post("/api/auth/reset/password", {"token": token, "password": "third horse battery"})
    assert (again.status_code, again.json()["error"]["code"]) == (404, "reset_unknown")


def by_other_means(user: User) -> None:
    user.set_unusable_password()
    user.save()


def deactivated(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("change", [by_other_means, deactivated, User.delete])
def test_the_answer_is_the_same_whoever_has_the_address(
    mailed: None, alice: User, change: Callable[[User], Any]
) -> None:
    known = post("/api/auth/reset", {"email": alice.email})
    mail.outbox.clear()
    Membership.objects.all().delete()
    change(alice)
    unknown = post("/api/auth/reset", {"email": "alice@example.com"})
    assert (unknown.status_code, unknown.content) == (known.status_code, known.content)
    assert not mail.outbox


@pytest.mark.django_db(transaction=True)
def test_it_takes_the_same_time_as_all_is_done_elsewhere(settings: Any, alice: User) -> None:
    settings.EMAIL_URL, settings.LOGIN_MAX_FAILURES_PER_IP = "smtp://localhost", 1000
    took: dict[str, list[float]] = {alice.email: [], "nobody@example.com": []}
    with mock.patch.object(mailing, "send", side_effect=lambda *_: time.sleep(0.2)) as sent:
        for _ in range(5):
            for email, times in took.items():
                began = time.monotonic()
                assert post("/api/auth/reset", {"email": email}).status_code == 202
                times.append(time.monotonic() - began)
        mailing.waiting().join()  # what waits is done before the rows go
    assert sent.call_count == 5
    assert max(statistics.median(times) for times in took.values()) < 0.1


def test_one_address_gets_so_many_and_one_place_asks_so_often(mailed: None, settings: Any, alice: User) -> None:
    settings.RESETS_PER_HOUR = 2
    for _ in range(4):
        assert post("/api/auth/reset", {"email": alice.email}).status_code == 202
    assert len(mail.outbox) == 2
    settings.LOGIN_MAX_FAILURES_PER_IP = 4
    refused = post("/api/auth/reset", {"email": "nobody@example.com"})
    assert refused.status_code == 429 and int(refused["Retry-After"]) > 0


def later(user: User) -> None:
    pass


def password_is_changed(user: User) -> None:
    user.set_password("third horse battery")
    user.save()


def address_is_another(user: User) -> None:
    User.objects.filter(pk=user.pk).update(email="other@example.com")


@pytest.mark.parametrize(
    "change",
    [password_is_changed, address_is_another, deactivated, User.end_sessions, later],
    ids=lambda each: each.__name__,
)
def test_a_link_that_does_not_hold_sets_nothing(
    alice: User, monkeypatch: pytest.MonkeyPatch, change: Callable[[User], Any]
) -> None:
    token, before = token_in(link_of(alice)), resetting.find
    assert before(token) == alice
    change(alice)
    if change is later:
        now = resetting._tokens._now()
        monkeypatch.setattr(resetting._tokens, "_now", lambda: now + timedelta(seconds=3601))
    kept = User.objects.get(pk=alice.pk).password
    for sent in (token, token[:-1], token.replace(".", ""), "", "x.y"):
        answered = post("/api/auth/reset/password", {"token": sent or "-", "password": NEW})
        assert answered.status_code == 404, sent
    assert User.objects.get(pk=alice.pk).password == kept


def test_a_weak_password_is_refused_and_the_link_goes_on(alice: User) -> None:
    token = token_in(link_of(alice))
    refused = post("/api/auth/reset/password", {"token": token, "password": "short"})
    assert refused.status_code == 400 and refused.json()["error"]["fields"]["password"]
    assert post("/api/auth/reset/password", {"token": token, "password": NEW}).status_code == 204


def test_the_page_does_the_same_without_a_script(settings: Any, mailed: None, alice: User) -> None:
    client = Client()
    assert "Send me a link" in client.get("/reset/").content.decode()
    shown = client.post("/reset/", {"email": alice.email}).content.decode()
    assert shown == client.post("/reset/", {"email": "nobody@example.com"}).content.decode()
    (token,) = re.findall(r"token=(\S+)", str(mail.outbox[0].body))
    address = f"/reset/?token={token}"
    assert client.post(address, {"password": NEW, "again": "x"}).status_code == 400
    assert client.post(address, {"password": "short", "again": "short"}).status_code == 400
    assert client.post(address, {"password": NEW, "again": NEW}).status_code == 200
    assert sign_in(password=NEW).status_code == 200
    assert client.get(address).status_code == 404
    settings.EMAIL_URL = ""
    assert "No mail is sent from here" in client.get("/reset/").content.decode()


# --- Links that others make -------------------------------------------------------------------------------------------


def make(api: Api, actor: User, person: User) -> Any:
    return api(actor).post(f"/api/users/{person.pk}/reset-link/", {}, format="json")


@pytest.fixture
def admins_may(settings: Any) -> None:
    settings.PEOPLE_BY = "admins"


def test_an_admin_makes_a_link_for_a_member_of_theirs(
    admins_may: None, api: Api, alice: User, bob: User, charlie: User
) -> None:
    assert (make(api, bob, alice).status_code, make(api, charlie, bob).status_code) == (403, 404)
    answered = make(api, alice, bob)
    assert answered.status_code == 200 and answered.json()["mailed"] is False
    sent = {"token": token_in(answered.json()["link"]), "password": NEW}
    assert post("/api/auth/reset/password", sent).status_code == 204
    assert sign_in(bob.email, NEW).status_code == 200


def test_where_there_is_mail_the_person_alone_gets_it(
    mailed: None,
    admins_may: None,
    api: Api,
    alice: User,
    bob: User,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.RESETS_PER_HOUR = 1
    User.objects.filter(pk=bob.pk).update(language="de")
    assert make(api, alice, bob).json() == {"mailed": True, "link": None}
    assert mail.outbox[0].to == [bob.email] and mail.outbox[0].subject == "Ein neues Passwort für Parley"
    assert str(bob.pk) in caplog.text and str(alice.pk) in caplog.text, "the log says who"
    assert make(api, alice, bob).status_code == 429 and len(mail.outbox) == 1


def test_for_a_made_up_address_the_answer_has_the_link(
    mailed: None, admins_may: None, api: Api, alice: User, bob: User
) -> None:
    User.objects.filter(pk=bob.pk).update(email="bob@shop.invalid")
    answered = make(api, alice, bob).json()
    assert answered["mailed"] is False and resetting.find(token_in(answered["link"])) == bob
    assert not mail.outbox


def staff(person: User, elsewhere: Organization) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=True)


def elsewhere_too(person: User, elsewhere: Organization) -> None:
    Membership.objects.create(user=person, organization=elsewhere, role=Role.VIEWER)


def above(person: User, elsewhere: Organization) -> None:
    Membership.objects.filter(user=person).update(role=Role.OWNER)


@pytest.mark.parametrize("change", [staff, elsewhere_too, above])
def test_an_admin_makes_none_for_whom_they_do_not_have_alone(
    admins_may: None,
    api: Api,
    organization: Organization,
    elsewhere: Organization,
    bob: User,
    change: Callable[[User, Organization], None],
) -> None:
    admin = member(organization, "ida", Role.ADMIN)
    assert make(api, admin, bob).status_code == 200
    change(bob, elsewhere)
    answered = make(api, admin, bob)
    assert answered.status_code == 403 and "link" not in answered.json()


def test_the_command_makes_one(alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("reset_link", "ALICE@example.com")
    assert resetting.find(token_in(capsys.readouterr().out.strip())) == alice
    with pytest.raises(CommandError, match="Nobody signs in"):
        call_command("reset_link", "nobody@example.com")


def test_the_admin_makes_one_and_none_of_a_superuser_for_less(alice: User, bob: User) -> None:
    root = User.objects.create_superuser("root@example.com")
    client = Client()
    client.force_login(root)
    action = {"action": "make_reset_link", "_selected_action": [str(bob.pk)]}
    shown = client.post("/admin/accounts/user/", action).content.decode()
    (token,) = re.findall(r"token=([\w.-]+)", shown)
    assert resetting.find(token) == bob
    from django.contrib.auth.models import Permission

    alice.user_permissions.add(*Permission.objects.filter(codename__in=("view_user", "change_user")))
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    client.force_login(User.objects.get(pk=alice.pk))
    refused = client.post("/admin/accounts/user/", {**action, "_selected_action": [str(root.pk)]}, follow=True)
    assert "token=" not in refused.content.decode()
    alice.user_permissions.clear()
    alice.user_permissions.add(Permission.objects.get(codename="view_user"))
    refused = client.post("/admin/accounts/user/", action, follow=True)
    assert "token=" not in refused.content.decode()
    assert SignIn.objects.exists() and PASSWORD

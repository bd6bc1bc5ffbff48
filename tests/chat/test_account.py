"""The account page: each form does what it says without a script, tells what was wrong, and shows nobody else's."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import AsyncClient, Client
from django.utils import translation
from rest_framework.test import APIClient

from accounts.models import ApiKey, Membership, Organization, Role, SignIn, User
from accounts.sign_in.keys import create_key
from accounts.sign_in.tokens import AccessToken
from chat.feedback.models import Annotation, Reaction
from chat.models import Chat, Compaction, Feedback, RunStatus, Schedule
from chat.page.account import device
from chat.page.account_words import KINDS_GOING, going
from chat.services import people
from tests.accounts.signing import sign_in
from tests.accounts.test_own_account import FIREFOX, browser
from tests.chat.rows import answer
from tests.conftest import PASSWORD, member

ACCOUNT = "/account/"
NEW = "another horse battery"


@pytest.fixture(autouse=True)
def nobody_has_tried_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def do(client: Client, what: str, **sent: Any) -> Any:
    return client.post(ACCOUNT, {"do": what, **sent}, follow=True)


def test_name_and_language_are_kept_and_said(alice: User) -> None:
    page = browser(alice)
    assert "Your name is kept." in do(page, "name", name="  Ada   Moreau ").content.decode()
    assert "Sprache ist gespeichert" in do(page, "language", language="de").content.decode()
    assert "Ihr Konto" in page.get(ACCOUNT).content.decode()
    kept = User.objects.get(pk=alice.pk)
    assert (kept.name, kept.language) == ("Ada Moreau", "de")
    assert "Ihr Konto" in browser(alice).get(ACCOUNT).content.decode()  # in another browser, too
    assert do(page, "language", language="xx").status_code == do(page, "name", name="x" * 151).status_code == 400


def test_a_password_is_changed_and_this_browser_alone_goes_on(alice: User) -> None:
    page, other, token = browser(alice), browser(alice), sign_in().json()["access"]
    sent = {"current": PASSWORD, "new": NEW, "again": NEW}
    for wrong in ({"current": "x"}, {"again": "x"}, {"new": "short", "again": "short"}):
        refused = do(page, "password", **{**sent, **wrong})
        assert refused.status_code == 400 and 'role="alert"' in refused.content.decode()
    assert other.get("/").status_code == 200
    assert "Your password is changed" in do(page, "password", **sent).content.decode()
    assert (page.get("/").status_code, other.get("/").status_code) == (200, 302)
    assert APIClient().get("/api/users/me/", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert len(SignIn.objects.live().filter(user=alice)) == 1


def test_sign_ins_are_shown_and_ended(alice: User, charlie: User) -> None:
    page, other, third = browser(alice), browser(alice), browser(alice)
    shown = page.get(ACCOUNT).content.decode()
    assert shown.count("Firefox · Linux</b>") == 3 and shown.count("this browser") == 1
    ended = SignIn.objects.get(session_key=other.cookies["sessionid"].value)
    do(browser(charlie), "end-sign-in", id=ended.pk)
    assert other.get("/").status_code == 200
    do(page, "end-sign-in", id=ended.pk)
    assert (other.get("/").status_code, third.get("/").status_code) == (302, 200)
    assert "Everywhere else" in do(page, "end-others").content.decode()
    assert (page.get("/").status_code, third.get("/").status_code) == (200, 302)


def test_a_session_of_before_is_listed_when_it_looks(alice: User) -> None:
    page = browser(alice)
    session = page.session
    del session["sign_in"]
    session.save()
    SignIn.objects.all().delete()
    page.get(ACCOUNT)
    assert "this browser" in page.get(ACCOUNT).content.decode() and SignIn.objects.count() == 1


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (FIREFOX, "Firefox · Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge · Windows"),
        ("curl/8.5", "curl"),
        ("<script>", "<script>"),
    ],
)
def test_devices_have_names(agent: str, told: str) -> None:
    assert device(agent) == told


def test_a_key_is_shown_once_and_revoked(alice: User, charlie: User, organization: Organization) -> None:
    page = browser(alice)
    sent = {"name": "CI <b>", "organization": organization.pk, "scopes": ["chat"], "days": "30"}
    shown = do(page, "key", **sent).content.decode()
    (text,) = re.findall(r'value="(pk_\w{43})"', shown)
    assert "CI &lt;b&gt;" in shown and text not in page.get(ACCOUNT).content.decode()
    key = ApiKey.objects.get()
    assert key.user == alice and key.expires_at
    do(browser(charlie), "revoke-key", id=key.pk)
    assert ApiKey.objects.live().exists()
    do(page, "revoke-key", id=key.pk)
    assert not ApiKey.objects.live().exists()


@pytest.mark.parametrize(
    "wrong", [{"scopes": []}, {"scopes": ["x"]}, {"name": ""}, {"days": "7"}, {"organization": "x"}]
)
def test_no_key_is_made_of_what_is_wrong(alice: User, organization: Organization, wrong: dict[str, Any]) -> None:
    sent = {"name": "CI", "organization": organization.pk, "scopes": ["chat"], "days": "30", **wrong}
    refused = do(browser(alice), "key", **sent)
    assert refused.status_code == 400 and 'role="alert"' in refused.content.decode()
    assert not ApiKey.objects.exists()


# --- Deletion ---------------------------------------------------------------------------------------------------------


def test_who_deletes_themselves_is_told_what_goes_and_is_gone(chat: Chat, alice: User, bob: User) -> None:
    answer(chat, alice)
    member(chat.organization, "second", Role.OWNER)
    page = browser(alice)
    shown = page.get(ACCOUNT).content.decode()
    assert "<li>1 chat</li>" in shown and "<li>2 messages</li>" in shown
    for wrong in ({"password": "x", "sure": "yes"}, {"password": PASSWORD}):
        assert do(page, "delete", **wrong).status_code == 400
    assert User.objects.filter(pk=alice.pk).exists()
    assert "is deleted" in do(page, "delete", password=PASSWORD, sure="yes").content.decode()
    assert not User.objects.filter(pk=alice.pk).exists() and not Chat.objects.exists() and not Session.objects.exists()
    assert page.get(ACCOUNT).status_code == 302


def the_last_owner(chat: Chat, alice: User) -> str:
    return "You are the last owner of: Acme"


def a_run_is_open(chat: Chat, alice: User) -> str:
    member(chat.organization, "second", Role.OWNER)
    answer(chat, alice, RunStatus.QUEUED)
    return "An answer is still being written"


def test_every_kind_that_goes_has_its_words_in_german(chat: Chat, alice: User) -> None:
    with translation.override("de"):
        assert {going(kind, 2) for kind in people.what_goes(alice)} == {"2 Chats", "2 Mitgliedschaften"}
        assert all(going(kind, 1).startswith("1 ") and " of " not in going(kind, 1) for kind in KINDS_GOING)
        assert going("messages", 1204) == "1.204 Nachrichten"


@pytest.mark.parametrize("case", [the_last_owner, a_run_is_open])
def test_why_it_cannot_be_is_said(chat: Chat, alice: User, case: Callable[[Chat, User], str]) -> None:
    told = case(chat, alice)
    refused = do(browser(alice), "delete", password=PASSWORD, sure="yes")
    assert refused.status_code == 409 and told in refused.content.decode()
    assert User.objects.filter(pk=alice.pk).exists() and Chat.objects.exists()


def test_deleting_oneself_by_rest(api: Callable[[User], APIClient], bob: User, alice: User, chat: Chat) -> None:
    path = "/api/users/me/deletion/"
    assert api(bob).get(path).json() == {"counts": {"memberships": 1}}
    refused = api(bob).post(path, {"password": "x"}, format="json")
    assert refused.status_code == 400 and "password" in refused.json()["error"]["fields"]
    last = api(alice).post(path, {"password": PASSWORD}, format="json")
    assert (last.status_code, last.json()["error"]["code"]) == (409, "last_owner")
    assert api(bob).post(path, {"password": PASSWORD}, format="json").status_code == 200
    assert not User.objects.filter(pk=bob.pk).exists()


def test_who_has_no_password_names_their_address(api: Callable[[User], APIClient], bob: User) -> None:
    bob.set_unusable_password()
    bob.save()
    path = "/api/users/me/deletion/"
    assert api(bob).post(path, {"email": "alice@example.com"}, format="json").status_code == 400
    assert api(bob).post(path, {"email": "BOB@example.com"}, format="json").status_code == 200


# --- Export -----------------------------------------------------------------------------------------------------------


async def fetch(user: User) -> tuple[int, bytes]:
    answered = await AsyncClient().get(
        "/api/users/me/export/", headers={"Authorization": f"Bearer {AccessToken.of(user)}"}
    )
    if not answered.streaming:
        return answered.status_code, answered.content
    return answered.status_code, b"".join([piece async for piece in answered.streaming_content])


def fill(chat: Chat, alice: User, bob: User) -> str:
    """A private chat of Alice's, one of Bob's that she wrote in, and a key whose text is given back."""
    run = answer(chat, alice, text="Planted words")
    Chat.objects.filter(pk=chat.pk).update(sharing="private")
    Compaction.objects.create(
        chat=chat, upto=run.question, branch_leaf=run.question.pk, run=run.pk, summary="Summed up. Planted too.",
        messages=1, tokens_before=2, tokens_after=1, model="m",
    )  # fmt: skip
    for user, said in ((alice, "Planted rating"), (bob, "His rating")):
        Feedback.objects.create(message=run.message, user=user, rating="down", reasons="slow", comment=said)
        Annotation.objects.create(message=run.message, user=user, start=0, end=7, quote="Planted", body=said)
    Reaction.objects.create(message=run.message, user=alice, emoji="🚀")
    theirs = Chat.objects.create(
        organization=chat.organization, project=chat.project, user=bob, model="m", archetype="generalist",
        sharing="project", project_access="write",
    )  # fmt: skip
    answer(theirs, alice, text="Elsewhere")
    for owner, prompt in ((alice, "Planted prompt"), (bob, "His own prompt")):
        Schedule.objects.create(
            organization=chat.organization, chat=theirs, owner=owner, prompt=prompt, cron="0 9 * * *", time_zone="UTC"
        )
    return create_key(user=alice, organization=chat.organization, scopes=["chat"], name="CI", expires_at=None)[1]


@pytest.mark.django_db(transaction=True)
async def test_all_that_is_ones_own_is_in_the_file_and_nothing_else(
    chat: Chat, alice: User, bob: User, charlie: User, settings: Any
) -> None:
    key = await sync_to_async(fill)(chat, alice, bob)
    status, body = await fetch(alice)
    archive = zipfile.ZipFile(io.BytesIO(body))
    assert status == 200 and archive.testzip() is None
    names = ["account.json", "attachments.jsonl", f"chats/{chat.pk}.jsonl", "compactions.jsonl"]
    names += ["feedback.jsonl", "messages-in-other-chats.jsonl", "schedules.jsonl"]
    assert sorted(archive.namelist()) == names and archive.read("attachments.jsonl") == b""
    assert b"Planted words" in archive.read(f"chats/{chat.pk}.jsonl")
    assert b"Summed up" in archive.read("compactions.jsonl")
    told = json.loads(archive.read("account.json"))
    assert (told["email"], told["keys"][0]["name"]) == (alice.email, "CI")
    assert key[11:] not in str(told) and "hash" not in str(told) and "password" not in str(told)
    assert archive.read("messages-in-other-chats.jsonl").count(b"\n") == 1
    assert json.loads(archive.read("schedules.jsonl"))["prompt"] == "Planted prompt"
    said = [json.loads(line) for line in archive.read("feedback.jsonl").splitlines()]
    assert [each["what"] for each in said] == ["feedback", "reaction", "annotation"] and "His" not in str(said)
    assert (said[0]["rating"], said[0]["comment"], said[1]["emoji"]) == ("down", "Planted rating", "🚀")
    status, body = await fetch(charlie)
    assert status == 200 and b"Planted" not in body
    archive = zipfile.ZipFile(io.BytesIO(body))
    assert archive.namelist()[2:] == ["schedules.jsonl", "compactions.jsonl", "feedback.jsonl", "attachments.jsonl"]
    assert {archive.read(name) for name in ("compactions.jsonl", "feedback.jsonl", "attachments.jsonl")} == {b""}
    settings.PERSON_EXPORT_MAX_BYTES = 10
    status, body = await fetch(alice)
    assert (status, json.loads(body)["error"]["code"]) == (413, "export_too_large")
    assert await Membership.objects.acount() == 3

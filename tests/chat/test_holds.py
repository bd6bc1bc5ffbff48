"""What a hold is on is kept though it is deleted, and nobody can tell: not by any answer, not by the admin."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from accounts import plans
from accounts.errors import NotFound
from accounts.models import ApiKey, Invitation, Membership, Organization, Project, User
from chat.attachments import storing
from chat.models import (
    Attachment,
    AttachmentUse,
    Chat,
    ChatAlias,
    ChatShare,
    Feedback,
    Hold,
    Kept,
    Message,
    PullRequest,
    Run,
    Schedule,
    Sharing,
)
from chat.ops.erasure import Erasure
from chat.services import holds, people, removing
from chat.services.plans import chats_without
from tests import environment
from tests.chat.rows import answer
from tests.streams import client, key
from tests.upstream import Upstream

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
SECRET = "Planted words"


def round_of_chores() -> dict[str, int]:
    erasure = Erasure()
    while erasure.step():
        pass
    return {name: count for name, count in erasure.counts.items() if count}


def hold(scope: str, row: Any) -> Hold:
    return holds.place(scope=scope, subject=row.pk, reason="A case.", by=None)


@pytest.fixture
def full(chat: Chat, alice: User, bob: User) -> Run:
    """Alice's chat, shared with Bob, with a bit of everything."""
    run = answer(chat, alice, text=SECRET)
    Chat.objects.filter(pk=chat.pk).update(title=SECRET, sharing=Sharing.PROJECT)
    ChatShare.objects.create(chat=chat, user=bob, access="write")
    ChatAlias.objects.create(chat=chat, user=alice, door="threads", external_id="mine")
    Schedule.objects.create(
        organization=chat.organization, chat=chat, owner=alice, prompt=SECRET, cron="0 9 * * *", time_zone="UTC"
    )
    PullRequest.objects.create(
        project=chat.project, chat=chat, forge="none", number=1, title=SECRET, head="1" * 40, branch="b", base="main"
    )
    file = Attachment.objects.create(
        organization=chat.organization, user=alice, type="file", name=SECRET, media_type="text/plain", bytes=5,
        state="ready",
    )  # fmt: skip
    storing.write(file.pk, b"Hello")
    AttachmentUse.objects.create(attachment=file, message=run.input)
    said = [{"type": "file", "id": str(file.pk), "name": SECRET}]
    Message.objects.filter(pk=run.input_id).update(attachments=said)
    run.refresh_from_db()
    return run


def seen(client: APIClient, chat: Chat, run: Run) -> list[str]:
    """Which of the addresses that could tell of the chat do."""
    file = Attachment.objects.values_list("pk", flat=True).first()
    paths = [
        f"/api/chats/{chat.pk}/", f"/api/chats/{chat.pk}/messages/", f"/api/messages/{run.message_id}/",
        f"/api/runs/{run.pk}/",
        f"/api/attachments/{file}/", f"/api/chats/{chat.pk}/shares/", f"/api/chats/{chat.pk}/diff/",
    ]  # fmt: skip
    lists = [
        "/api/chats/", "/api/chats/?search=Planted", "/api/runs/", "/api/pulls/", "/api/schedules/",
        "/api/attachments/", "/api/users/me/deletion/",
    ]  # fmt: skip
    told = [path for path in paths if client.get(path).status_code != 404]
    return told + [
        path for path in lists if str(chat.pk) in (text := client.get(path).content.decode()) or SECRET in text
    ]


SCOPES: dict[str, Callable[[Chat], Any]] = {
    "chat": lambda chat: chat,
    "project": lambda chat: chat.project,
    "organization": lambda chat: chat.organization,
    "user": lambda chat: chat.user,
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_held_chat_is_deleted_to_everybody_and_erased_at_release(
    api: Api, full: Run, chat: Chat, alice: User, bob: User, scope: str
) -> None:
    assert len(seen(api(alice), chat, full)) >= 10  # so the look finds it
    placed = hold(scope, SCOPES[scope](chat))
    assert api(alice).delete(f"/api/chats/{chat.pk}/").status_code == 204
    assert seen(api(alice), chat, full) == seen(api(bob), chat, full) == []
    assert api(alice).delete(f"/api/chats/{chat.pk}/").status_code == 404
    assert round_of_chores() == {}
    assert Message.objects.get(pk=full.message_id).content == SECRET and set(storing.ids())
    holds.release(placed, None)
    assert round_of_chores()["chats erased"] == 1
    assert not Chat.objects.exists() and not Run.objects.exists()


def test_one_of_two_holds_is_enough(full: Run, chat: Chat, alice: User, api: Api) -> None:
    first, second = hold("chat", chat), hold("user", alice)
    api(alice).delete(f"/api/chats/{chat.pk}/")
    holds.release(first, None)
    assert round_of_chores() == {} and Chat.objects.exists()
    holds.release(second, None)
    assert round_of_chores()["chats erased"] == 1


def test_an_owner_s_hold_on_a_person_reaches_into_no_other_organization(
    api: Api, chat: Chat, bob: User, alice: User, elsewhere: Organization
) -> None:
    Membership.objects.create(organization=elsewhere, user=bob, role="editor")
    here, there = (
        Chat.objects.create(organization=place, user=bob, model="m") for place in (chat.organization, elsewhere)
    )
    holds.place_in(user=alice, organization=chat.organization, scope="user", subject=bob.pk, reason="A case.")
    for each in (here, there):
        assert api(bob).delete(f"/api/chats/{each.pk}/").status_code == 204
    assert list(Chat.objects.filter(user=bob)) == [here]


def test_nothing_held_goes_in_passing(chat: Chat) -> None:
    hold("chat", chat)
    with pytest.raises(IntegrityError, match="kept by a hold"):
        chat.delete()


def test_messages_that_are_deleted_and_edited_are_kept_with_their_files(
    api: Api, full: Run, chat: Chat, alice: User
) -> None:
    placed = hold("chat", chat)
    Run.objects.filter(pk=full.pk).update(request={"instructions": SECRET})
    Feedback.objects.create(message=full.message, user=alice, comment="Wrong")
    calls = list(full.tool_calls.all())
    file = Attachment.objects.get()
    path = f"/api/messages/{full.input_id}/"
    assert api(alice).patch(path, {"content": "Something else"}, format="json").status_code == 200
    assert api(alice).delete(path).status_code in (200, 204)
    assert api(alice).delete(f"/api/messages/{full.message_id}/").status_code in (200, 204)
    kept = [each.data for each in Kept.objects.all()]
    assert [each["content"] for each in kept] == ["What is in here?", "Something else", SECRET]
    (asked,), (run,) = kept[1]["runs"], kept[2]["runs"]
    assert asked["request"] == {"instructions": SECRET} and "events" not in asked  # its answer's log stays
    assert run["calls"][0]["result"] == calls[0].result and SECRET in run["events"] and kept[2]["feedback"] == ["Wrong"]
    assert SECRET not in api(alice).get(f"/api/chats/{chat.pk}/messages/").content.decode()
    assert api(alice).get(f"/api/attachments/{file.pk}/").status_code == 404
    assert file.pk in set(storing.ids()) and round_of_chores() == {}
    holds.release(placed, None)
    assert round_of_chores()["kept texts erased"] == 3 and not Kept.objects.exists()
    assert not AttachmentUse.objects.exists() and file.pk not in set(storing.ids())


@pytest.mark.parametrize("kind", ["project", "organization"])
def test_a_place_with_a_held_chat_is_deleted_to_everybody(
    api: Api, full: Run, chat: Chat, alice: User, bob: User, kind: str
) -> None:
    place = getattr(chat, kind)
    placed = hold("chat", chat)
    key = ApiKey.objects.create(user=bob, organization=chat.organization, name="CI", scopes=["chat"], prefix="p")
    assert api(alice).delete(f"/api/{kind}s/{place.pk}/").status_code == 204
    for person in (alice, bob):
        assert seen(api(person), chat, full) == []
        assert api(person).get(f"/api/{kind}s/{place.pk}/").status_code == 404
        assert str(place.pk) not in api(person).get(f"/api/{kind}s/").content.decode()
    assert ApiKey.objects.filter(pk=key.pk).exists() == (kind == "project")
    assert round_of_chores() == {}
    holds.release(placed, None)
    round_of_chores()
    assert not Chat.objects.exists() and not type(place).objects.filter(pk=place.pk).exists()


def test_nobody_joins_an_organization_that_was_deleted(api: Api, chat: Chat, alice: User) -> None:
    hold("organization", chat.organization)
    invited = api(alice).post(
        f"/api/organizations/{chat.organization_id}/invitations/", {"email": "new@example.com"}, format="json"
    )
    assert invited.status_code == 201
    assert api(alice).delete(f"/api/organizations/{chat.organization_id}/").status_code == 204
    assert not Invitation.objects.exists() and not Membership.objects.exists()


def test_a_held_person_is_gone_to_everybody_and_erased_at_release(
    api: Api, full: Run, chat: Chat, alice: User, bob: User
) -> None:
    said = answer(chat, bob, text="What Bob asked for")
    own = Chat.objects.create(organization=chat.organization, user=bob, model="m", title="His")
    placed, client = hold("user", bob), api(bob)
    people.delete_oneself(bob)
    assert client.get("/api/users/me/").status_code == 401
    assert api(alice).get(f"/api/organizations/{chat.organization_id}/members/").json()["results"][0]["role"] == "owner"
    texts = api(alice).get(f"/api/chats/{chat.pk}/messages/").content.decode()
    assert "What Bob asked for" not in texts and "bob@" not in texts.lower() and "Bob" not in texts
    assert User.objects.create_user("bob@example.com").pk != bob.pk  # the address is free, as it is of who is gone
    assert round_of_chores() == {} and Chat.objects.filter(pk=own.pk).exists()
    assert {"email": "bob@example.com", "name": "Bob"} in [each.data for each in Kept.objects.all()]
    assert "What Bob asked for" in str([each.data for each in Kept.objects.filter(message=said.message_id)])
    holds.release(placed, None)
    assert round_of_chores()["people erased"] == 1
    assert not User.objects.filter(pk=bob.pk).exists() and not Chat.objects.filter(pk=own.pk).exists()
    assert not Kept.objects.exists() and Hold.objects.get().name == "bob@example.com"


WAYS: dict[str, Callable[[APIClient, Chat], Any]] = {
    "chat": lambda client, chat: client.delete(f"/api/chats/{chat.pk}/"),
    "project": lambda client, chat: client.delete(f"/api/projects/{chat.project_id}/"),
    "organization": lambda client, chat: client.delete(f"/api/organizations/{chat.organization_id}/"),
    "its owner": lambda client, chat: people.delete_person(chat.user, by=None),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_held_person_said_in_others_chats_is_kept(
    api: Api, chat: Chat, alice: User, bob: User, way: str
) -> None:
    said = answer(chat, bob, text=SECRET)
    placed = hold("user", bob)
    WAYS[way](api(alice), chat)
    assert api(alice).get(f"/api/chats/{chat.pk}/").status_code in (401, 404) and round_of_chores() == {}
    assert Message.objects.get(pk=said.message_id).content == SECRET
    holds.release(placed, None)
    round_of_chores()
    assert not Chat.objects.exists() and User.objects.filter(pk=alice.pk).exists() == (way != "its owner")


def test_a_hold_stays_on_chats_that_are_handed_over(api: Api, chat: Chat, alice: User, bob: User) -> None:
    placed = hold("user", alice)
    people.hand_over(source=alice, to=bob, by=alice)
    said = answer(chat, bob, text=SECRET)
    for id in (said.message_id, said.input_id):
        assert api(bob).delete(f"/api/messages/{id}/").status_code in (200, 204)
    assert SECRET in [each.data["content"] for each in Kept.objects.all()]
    assert api(bob).delete(f"/api/chats/{chat.pk}/").status_code == 204 and round_of_chores() == {}
    assert Chat.objects.filter(pk=chat.pk).exists() and Hold.objects.count() == 1
    holds.release(placed, None)
    assert round_of_chores()["chats erased"] == 1 and not Kept.objects.exists()


@pytest.mark.parametrize("shared", ["tombstone", "anonymise"])
def test_who_somebody_was_that_only_spoke_in_others_held_chats(
    settings: Any, chat: Chat, alice: User, bob: User, shared: str
) -> None:
    settings.ERASE_SHARED = shared
    said = answer(chat, bob, text=SECRET)
    placed = hold("organization", chat.organization)
    people.delete_oneself(bob)
    assert round_of_chores() == {} and not User.objects.filter(pk=bob.pk).exists()
    kept = Kept.objects.filter(person=bob.pk)
    assert kept.get(message=None).data == {"email": "bob@example.com", "name": "Bob"}
    assert SECRET in [each.data["content"] for each in kept.filter(message=said.message_id)]
    holds.release(placed, None)
    assert round_of_chores() == {"kept texts erased": 3} and not Kept.objects.exists()


@pytest.mark.skipif(environment.profile() != "scaled", reason="SQLite locks no rows")
@pytest.mark.parametrize("way", ["project", "oneself", "a step"])
def test_chats_are_locked_before_what_is_in_and_around_them(chat: Chat, alice: User, bob: User, way: str) -> None:
    own = Chat.objects.create(organization=chat.organization, user=bob, model="m")
    hold("project", chat.project)
    Membership.objects.filter(user=bob).update(role="owner")
    ways = {
        "project": lambda: removing.put_away(chat.project),  # type: ignore[arg-type]
        "oneself": lambda: people.delete_oneself(bob),
        "a step": people.Leaving(bob.pk).step,
    }
    with CaptureQueriesContext(connection) as done:
        ways[way]()
    locks = r'^SELECT .*?FROM "(\w+)".* FOR UPDATE|^UPDATE "(\w+)"|^DELETE FROM "(\w+)"'
    found = [re.match(locks, each["sql"]) for each in done.captured_queries]
    tables = ["".join(each.groups("")) for each in found if each]
    assert tables[0] == "chat_chat" and len(tables) > 1 and own.pk


# --- Placing and releasing --------------------------------------------------------------------------------------------


def test_owners_place_list_and_release_them(
    api: Api, chat: Chat, alice: User, bob: User, charlie: User, elsewhere: Organization
) -> None:
    path = f"/api/organizations/{chat.organization_id}/holds/"
    sent = {"scope": "user", "subject": str(bob.pk), "reason": "Case 7"}
    for person, status in ((bob, 403), (charlie, 404)):
        assert api(person).post(path, sent, format="json").status_code == status
        assert api(person).get(path).status_code == status
    made = api(alice).post(path, sent, format="json")
    assert made.status_code == 201 and made.json()["name"] == "bob@example.com"
    for row in (charlie, elsewhere):
        scope = "user" if row is charlie else "organization"
        outside = api(alice).post(path, {**sent, "scope": scope, "subject": str(row.pk)}, format="json")
        assert outside.status_code == 400 and "subject" in outside.json()["error"]["fields"]
    one = f"{path}{made.json()['id']}/"
    assert [api(person).delete(one).status_code for person in (bob, charlie)] == [403, 404]
    assert [each["reason"] for each in api(alice).get(path).json()["results"]] == ["Case 7"]
    assert api(alice).delete(one).json()["released_by"] == str(alice.pk)
    assert not Hold.objects.live().exists() and api(alice).get(one).json()["released_at"]


def test_an_owner_is_not_told_of_a_hold_on_themselves(api: Api, chat: Chat, alice: User, bob: User) -> None:
    Membership.objects.filter(user=bob).update(role="owner")
    path = f"/api/organizations/{chat.organization_id}/holds/"
    for scope, row in (("user", alice), ("chat", chat)):
        sent = {"scope": scope, "subject": str(row.pk), "reason": "A case"}
        assert api(bob).post(path, sent, format="json").status_code == 201
    hold("user", alice)
    assert api(alice).get(path).json()["results"] == [] and len(api(bob).get(path).json()["results"]) == 2


def test_the_command_places_lists_and_releases(chat: Chat, alice: User) -> None:
    def tell(*arguments: str) -> str:
        told = io.StringIO()
        call_command("hold", *arguments, stdout=told)
        return told.getvalue()

    assert "none" in tell()
    with pytest.raises(CommandError, match="reason"):
        tell("--user", alice.email)
    with pytest.raises(CommandError, match="no such chat"):
        tell("--chat", str(alice.pk), "--reason", "A case")
    tell("--user", alice.email, "--reason", "A case")
    tell("--chat", str(chat.pk), "--reason", "Another")
    assert tell().count("A case") == 1 and alice.email in tell()
    for each in Hold.objects.live():
        tell("--release", str(each.pk))
    assert "none" in tell()


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com"))
    return client


def test_an_operator_places_and_releases_them(staff: Client, chat: Chat, alice: User) -> None:
    add = "/admin/chat/hold/add/"
    sent = {"scope": "user", "subject": str(alice.pk), "reason": "A case"}
    assert staff.post(add, {**sent, "subject": str(chat.pk)}).status_code == 200 and not Hold.objects.exists()
    assert staff.post(add, sent).status_code == 302
    made = Hold.objects.get()
    assert (made.name, made.by and made.by.email) == (alice.email, "root@example.com")
    staff.post("/admin/chat/hold/", {"action": "release", "_selected_action": [str(made.pk)]})
    assert not Hold.objects.live().exists()


def test_the_admin_shows_nothing_of_what_was_deleted(
    staff: Client, full: Run, chat: Chat, alice: User, api: Api
) -> None:
    hold("chat", chat)
    api(alice).delete(f"/api/chats/{chat.pk}/")
    for table in ("chat", "message", "run", "toolcall", "runevent", "pullrequest", "schedule", "attachmentuse"):
        assert str(chat.pk) not in staff.get(f"/admin/chat/{table}/").content.decode()
    for page in (f"chat/{chat.pk}/change/", f"message/{full.message_id}/change/", f"run/{full.pk}/change/"):
        assert staff.get(f"/admin/chat/{page}").status_code in (302, 404)
    assert staff.get(f"/admin/chat/chat/{chat.pk}/content/").status_code == 404


@pytest.mark.parametrize("kind", ["project", "organization"])
def test_an_operator_who_deletes_a_place_puts_it_away(staff: Client, full: Run, chat: Chat, kind: str) -> None:
    hold("chat", chat)
    place: Project | Organization = getattr(chat, kind)
    assert staff.post(f"/admin/accounts/{kind}/{place.pk}/delete/", {"post": "yes"}).status_code == 302
    assert str(place.pk) not in staff.get(f"/admin/accounts/{kind}/").content.decode()
    assert staff.get(f"/admin/accounts/{kind}/{place.pk}/change/").status_code == 302  # there is none
    place.refresh_from_db()
    assert place.deleted_at and Chat.objects.filter(pk=chat.pk, deleted_at__isnull=False).exists()


def test_the_admin_shows_nobody_who_was_deleted(staff: Client, chat: Chat, bob: User) -> None:
    hold("user", bob)
    people.delete_oneself(bob)
    assert str(bob.pk) not in staff.get("/admin/accounts/user/").content.decode()
    for page in ("change", "delete", "hand-over"):
        assert staff.get(f"/admin/accounts/user/{bob.pk}/{page}/").status_code in (302, 404)
    with pytest.raises(NotFound):
        people.delete_person(User.objects.get(pk=bob.pk), by=None)
    assert Kept.objects.filter(person=bob.pk, message=None).count() == 1


def test_what_was_put_away_takes_no_place(settings: Any, api: Api, chat: Chat, alice: User) -> None:
    settings.PROJECTS_PER_ORGANIZATION = 1
    hold("chat", chat)
    assert api(alice).delete(f"/api/projects/{chat.project_id}/").status_code == 204
    sent = {"organization": str(chat.organization_id), "name": "Another"}
    assert api(alice).post("/api/projects/", sent, format="json").status_code == 201
    assert chats_without(chat.organization, replace(plans.named(""), models=())) == 0


# --- At the addresses that stream, and sockets ------------------------------------------------------------------------


def test_streams_and_sockets_of_a_held_chat_are_closed(new_server: Any, upstream: Upstream) -> None:
    server = new_server(ERASURE_EVERY_S="0").start()
    alice = client(server)
    chat = alice.chat()
    run = alice.wait(alice.start(chat, f"[[key={key()}]] Hello")["run"]["id"])["id"]
    server.quickly("hold", "--chat", chat, "--reason", "A case")
    paths = (f"/api/runs/{run}/events", f"/api/chats/{chat}/export/", f"/chat/threads/{chat}/messages")
    assert [server.call("GET", path, token=alice.token).status for path in paths] == [200] * 3
    socket = connect(server.url.replace("http", "ws", 1) + f"/ws/chats/{chat}/", additional_headers=bearer(alice.token))
    with socket:
        assert server.call("DELETE", f"/api/chats/{chat}/", token=alice.token).status == 204
        with pytest.raises(ConnectionClosed):
            while True:
                socket.recv(timeout=20)
    assert [server.call("GET", path, token=alice.token).status for path in paths] == [404] * 3
    sent = {"content": "Are you there?"}
    assert server.call("POST", f"/api/chats/{chat}/runs", sent, token=alice.token).status == 404
    server.manage("chores", "--run", "erasure")
    assert chat in server.manage("hold").stdout


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}

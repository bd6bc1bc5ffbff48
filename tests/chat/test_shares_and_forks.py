"""Sharing a chat with people, and forking it at a message."""

import uuid

import pytest

from accounts.models import Membership, User
from chat.models import Chat, ChatShare, Message, MessageStatus, RunStatus, Sharing
from chat.models.chats import Access
from tests.chat.rows import answer, say

pytestmark = pytest.mark.django_db


def shares(chat: Chat) -> str:
    return f"/api/chats/{chat.pk}/shares/"


def fork(chat: Chat) -> str:
    return f"/api/chats/{chat.pk}/fork/"


def test_a_shared_chat_is_seen_until_the_share_is_taken_back(api, alice, bob, chat):
    made = api(alice).post(shares(chat), {"user": str(bob.pk)}, format="json")
    assert made.status_code == 201
    assert (made.json()["user"]["name"], made.json()["access"]) == ("Bob", "read")
    assert api(bob).get(f"/api/chats/{chat.pk}/").json()["permissions"] == ["read"]
    assert api(alice).delete(f"{shares(chat)}{made.json()['id']}/").status_code == 204
    assert api(bob).get(f"/api/chats/{chat.pk}/").status_code == 404


def test_sharing_again_changes_what_the_person_may_do(api, alice, bob, chat):
    for access in ("read", "write"):
        api(alice).post(shares(chat), {"user": str(bob.pk), "access": access}, format="json")
    assert ChatShare.objects.get().access == "write"
    assert [each["access"] for each in api(bob).get(shares(chat)).json()["results"]] == ["write"]


def test_a_chat_is_shared_only_inside_its_organization(api, alice, charlie, chat, organization):
    gone = User.objects.create_user("gone@example.com", is_active=False)
    Membership.objects.create(organization=organization, user=gone)
    answers = [
        api(alice).post(shares(chat), {"user": str(person)}, format="json")
        for person in (charlie.pk, gone.pk, uuid.uuid4())
    ]
    assert {each.status_code for each in answers} == {404}
    assert len({each.content for each in answers}) == 1
    assert not ChatShare.objects.exists()


def test_sharing_with_oneself_is_refused(api, alice, chat):
    assert api(alice).post(shares(chat), {"user": str(alice.pk)}, format="json").status_code == 400


def test_only_the_owner_shares_but_anybody_gives_up_their_own(api, alice, bob, chat, organization):
    own = ChatShare.objects.create(chat=chat, user=bob, access=Access.WRITE)
    dora = User.objects.create_user("dora@example.com")
    Membership.objects.create(organization=organization, user=dora)
    other = ChatShare.objects.create(chat=chat, user=dora)
    client = api(bob)
    assert client.post(shares(chat), {"user": str(dora.pk), "access": "write"}, format="json").status_code == 403
    assert client.delete(f"{shares(chat)}{other.pk}/").status_code == 403
    assert client.delete(f"{shares(chat)}{own.pk}/").status_code == 204
    assert list(ChatShare.objects.all()) == [other]


def test_a_share_of_another_chat_is_not_found_here(api, alice, bob, chat, organization):
    other = Chat.objects.create(organization=organization, user=alice, model="gpt-4o", archetype="generalist")
    share = ChatShare.objects.create(chat=other, user=bob)
    assert api(alice).delete(f"{shares(chat)}{share.pk}/").status_code == 404
    assert ChatShare.objects.exists()


def test_the_list_of_shares_costs_no_query_per_person(api, alice, chat, organization, django_assert_max_num_queries):
    for number in range(10):
        person = User.objects.create_user(f"p{number}@example.com")
        Membership.objects.create(organization=organization, user=person)
        ChatShare.objects.create(chat=chat, user=person)
    client = api(alice)
    with django_assert_max_num_queries(3):
        assert len(client.get(shares(chat)).json()["results"]) == 10


def test_a_fork_holds_the_path_to_its_message_and_nothing_beside_it(api, alice, chat):
    first = answer(chat, alice, text="One")
    second = answer(chat, alice, RunStatus.FAILED, text="Two")
    say(chat, alice, "Later")
    Message.objects.filter(pk=first.message_id).update(status=MessageStatus.DELETED, content="", parts=[])
    made = api(alice).post(fork(chat), {"message": str(second.message_id)}, format="json")
    assert made.status_code == 201
    body = made.json()
    copies = list(Message.objects.filter(chat=body["id"]))
    originals = list(Message.objects.filter(chat=chat))[:4]
    for copy, original in zip(copies, originals, strict=True):
        same = ("position", "role", "author_id", "content", "parts", "status", "usage")
        assert [getattr(copy, name) for name in same] == [getattr(original, name) for name in same]
    assert [each.parent for each in copies] == [None, *copies[:-1]]
    assert body["leaf"] == str(copies[-1].pk)
    assert (body["title"], body["project"], body["live_run"]) == ("First steps", str(chat.project_id), None)


def test_a_fork_of_a_shared_chat_is_ones_own_and_private(api, alice, bob, chat):
    Chat.objects.update(sharing=Sharing.PROJECT)
    message = say(chat, alice)
    body = api(bob).post(fork(chat), {"message": str(message.pk), "title": "Mine"}, format="json").json()
    assert (body["user"], body["sharing"], body["title"]) == (str(bob.pk), "private", "Mine")
    assert Message.objects.get(chat=body["id"]).author == alice
    assert api(alice).get(f"/api/chats/{body['id']}/").status_code == 404


def test_a_new_message_goes_on_after_the_fork(api, alice, chat):
    message = say(chat, alice)
    body = api(alice).post(fork(chat), {"message": str(message.pk)}, format="json").json()
    said = api(alice).post(f"/api/chats/{body['id']}/messages/", {"content": "On"}, format="json").json()
    assert (said["position"], said["parent"]) == (2, body["leaf"])


def test_an_unfinished_answer_is_not_forked(api, alice, chat):
    run = answer(chat, alice, RunStatus.RUNNING)
    assert api(alice).post(fork(chat), {"message": str(run.message_id)}, format="json").status_code == 409
    assert api(alice).post(fork(chat), {"message": str(run.input_id)}, format="json").status_code == 201


def test_a_message_of_another_chat_is_not_found_here(api, alice, chat, organization):
    other = Chat.objects.create(organization=organization, user=alice, model="gpt-4o", archetype="generalist")
    for message in (say(other, alice).pk, uuid.uuid4()):
        answered = api(alice).post(fork(chat), {"message": str(message)}, format="json")
        assert answered.status_code == 404
        assert list(answered.json()["error"]["fields"]) == ["message"]
    assert Chat.objects.count() == 2

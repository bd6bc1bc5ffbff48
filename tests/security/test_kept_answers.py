"""What is kept for Idempotency-Keys: for whom it is, and that it tells nothing that was deleted."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts.models import IdempotencyKey, Membership, Organization, Project, Role, User
from accounts.sign_in import keys
from accounts.sign_in.tokens import AccessToken
from chat.models import Chat, Message

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "the secret word is plover"
KEY = "the same key"


@pytest.fixture(autouse=True)
def nobody_runs(settings: Any) -> None:
    settings.CHAT_RUN_HERE = False


def send(token: str, method: str, path: str, body: dict[str, Any] | None = None, key: str = KEY) -> tuple[int, Any]:
    """As a program does."""
    answered = Client().generic(
        method,
        path,
        json.dumps(body or {}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key},
    )
    return answered.status_code, json.loads(answered.content or b"{}")


@pytest.fixture
def token(alice: User) -> str:
    return str(AccessToken.of(alice))


@pytest.fixture
def other(alice: User) -> Organization:
    """Another organization of Alice's."""
    other = Organization.objects.create(name="Other")
    Membership.objects.create(organization=other, user=alice, role=Role.OWNER)
    return other


def api_key(user: User, organization: Organization, *scopes: str) -> str:
    return keys.create_key(user=user, organization=organization, scopes=scopes, name="x", expires_at=None)[1]


MAKING: dict[str, tuple[str, Callable[[Chat], dict[str, Any]]]] = {
    "a thread": ("/chat/threads", lambda chat: {"title": SECRET}),
    "a conversation": ("/v1/conversations", lambda chat: {"metadata": {"a": SECRET}}),
    "a session": ("/api/chat/start", lambda chat: {"modelId": "gpt-4o", "prompt": SECRET}),
    "a call": (
        "/trpc/editorChat.create",
        lambda chat: {"orgId": str(chat.organization_id), "title": SECRET},
    ),
}


@pytest.mark.parametrize(("path", "body"), MAKING.values(), ids=MAKING.keys())
def test_a_key_of_another_organization_is_not_told_what_was_made_in_this_one(
    alice: User, chat: Chat, other: Organization, path: str, body: Callable[[Chat], dict[str, Any]], token: str
) -> None:
    scopes = ("chat", "llm")
    here, there = api_key(alice, chat.organization, *scopes), api_key(alice, other, *scopes)
    count = Chat.objects.count()
    status, made = send(here, "POST", path, body(chat))
    assert status in (200, 201), made
    assert send(here, "POST", path, body(chat)) == (status, made)
    renewed = api_key(alice, chat.organization, *scopes)
    assert send(renewed, "POST", path, body(chat)) == (status, made)
    assert Chat.objects.count() == count + 1
    status, told = send(there, "POST", path, body(chat))
    assert status in (200, 201, 404) and set(ids_in(told)).isdisjoint(ids_in(made))
    status, told = send(token, "POST", path, body(chat))  # Alice herself: what she makes is hers
    assert status in (200, 201) and set(ids_in(told)).isdisjoint(ids_in(made))


def ids_in(told: Any) -> list[str]:
    text = json.dumps(told)
    return [str(each.pk) for each in Chat.objects.all() if str(each.pk) in text]


def make_chat(chat: Chat) -> tuple[str, dict[str, Any]]:
    return "/api/chats/", {"organization": str(chat.organization_id), "title": SECRET}


def make_fork(chat: Chat) -> tuple[str, dict[str, Any]]:
    return f"/api/chats/{chat.pk}/fork/", {"message": str(chat.leaf_id), "title": SECRET}


def make_message(chat: Chat) -> tuple[str, dict[str, Any]]:
    return f"/api/chats/{chat.pk}/messages/", {"content": SECRET}


def make_items(chat: Chat) -> tuple[str, dict[str, Any]]:
    return f"/v1/conversations/conv_{chat.pk}/items", {"items": [{"role": "user", "content": SECRET}]}


def make_run(chat: Chat) -> tuple[str, dict[str, Any]]:
    return f"/api/chats/{chat.pk}/runs", {"content": SECRET}


def make_thread(chat: Chat) -> tuple[str, dict[str, Any]]:
    return "/chat/threads", {"title": SECRET}


def make_conversation(chat: Chat) -> tuple[str, dict[str, Any]]:
    return "/v1/conversations", {"metadata": {"a": SECRET}, "items": [{"role": "user", "content": SECRET}]}


def make_call(chat: Chat) -> tuple[str, dict[str, Any]]:
    return "/trpc/editorChat.create", {"orgId": str(chat.organization_id), "title": SECRET}


Make = Callable[[Chat], tuple[str, dict[str, Any]]]


@pytest.mark.parametrize(
    "make", [make_chat, make_fork, make_message, make_items, make_run, make_thread, make_conversation, make_call]
)
def test_no_answer_that_is_kept_holds_what_was_said_and_none_is_told_when_it_is_gone(
    alice: User, chat: Chat, token: str, make: Make
) -> None:
    """The chat goes by another way than its own route: nothing has to remember to forget."""
    chat.leaf = Message.objects.create(chat=chat, position=1, role="user", author=alice, content="Hello")
    chat.position = 1
    chat.save()
    path, body = make(chat)
    status, made = send(token, "POST", path, body)
    assert status in (200, 201), made
    assert SECRET not in "".join(str(each) for each in IdempotencyKey.objects.values())
    again = send(token, "POST", path, body)
    if make is make_run:
        made["message"]["usage"] = again[1]["message"]["usage"]  # what has come of it by now: nothing, counted
    assert again == (status, made)
    Chat.objects.all().delete()
    status, told = send(token, "POST", path, body)
    assert status == 404, told
    assert SECRET not in json.dumps(told)


@pytest.mark.parametrize("make", [make_chat, make_fork, make_message, make_items, make_thread, make_conversation])
def test_what_an_earlier_version_kept_whole_is_told_as_it_is_now_or_not_at_all(
    alice: User, chat: Chat, token: str, make: Make
) -> None:
    chat.leaf = Message.objects.create(chat=chat, position=1, role="user", author=alice, content="Hello")
    chat.position = 1
    chat.save()
    path, body = make(chat)
    status, made = send(token, "POST", path, body)
    IdempotencyKey.objects.update(answer=made)
    assert send(token, "POST", path, body) == (status, made)
    Message.objects.update(content="Other words")
    Chat.objects.update(title="Other words", metadata={})
    status, told = send(token, "POST", path, body)
    assert status in (200, 201) and SECRET not in json.dumps(told)
    Chat.objects.all().delete()
    status, told = send(token, "POST", path, body)
    assert status == 404 and SECRET not in json.dumps(told)
    IdempotencyKey.objects.update(answer={"title": SECRET})
    assert SECRET not in json.dumps(send(token, "POST", path, body))


@pytest.mark.parametrize("make", [make_message, make_items])
def test_a_message_that_was_deleted_is_not_told_again(alice: User, chat: Chat, token: str, make: Make) -> None:
    path, body = make(chat)
    send(token, "POST", path, body)
    (message,) = Message.objects.filter(chat=chat)
    assert send(token, "DELETE", f"/api/messages/{message.pk}/", key="another")[0] == 200
    status, told = send(token, "POST", path, body)
    assert status in (200, 201) and SECRET not in json.dumps(told)


def test_a_task_and_a_project_that_are_gone_are_not_told_again(alice: User, project: Project, token: str) -> None:
    for path, body in (
        ("/api/tasks/", {"project": str(project.pk), "title": SECRET}),
        ("/api/projects/", {"organization": str(project.organization_id), "name": SECRET}),
    ):
        _, made = send(token, "POST", path, body, key=path)
        assert send(token, "POST", path, body, key=path) == (201, made)
        assert send(token, "DELETE", f"{path}{UUID(made['id'])}/", key="another")[0] == 204
        assert send(token, "POST", path, body, key=path)[0] == 404
    assert SECRET not in "".join(str(each) for each in IdempotencyKey.objects.values())

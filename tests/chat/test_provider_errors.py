"""Why a provider refused: for the operator and for admins of the organization, never for members, never with a key."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Role, User
from agents.providers.errors import from_chunk, from_status
from agents.providers.scrub import REMOVED, Scrubber
from chat.models import Chat, ChatShare, Run, RunStatus
from chat.models.chats import Access
from chat.rest.row_json import row_json
from chat.rest.serializers import RunSerializer
from tests.chat.rows import answer

KEY = "sk-proj-A1b2C3d4E5f6G7h8"
SENTENCES = {
    f"Incorrect API key provided: {KEY}. See https://example.com.": "Incorrect API key provided: [removed] See https://example.com.",
    "Incorrect API key provided: sk-proj-A1b2********G7h8.": "Incorrect API key provided: [removed]",
    "The key that ends in G7h8 has expired": "The key that ends in [removed] has expired",
    "the key begins with 'A1b2C'": "the key begins with '[removed]'",
    "Authorization: Bearer abc123def was refused": "Authorization: Bearer [removed] was refused",
    "token=abc1234 is over": "token=[removed] is over",
    "Ask for req_0123456789abcdef0123 at support": "Ask for [removed] at support",
    "cannot reach https://user:pw@host/v1": "cannot reach https://[removed]host/v1",
    "Authorization: Bearer abc.def was refused": "Authorization: Bearer [removed] was refused",
    "Bearer abc.def is no token": "Bearer [removed] is no token",
    "The token is eyJhbGciOi.eyJzdWIi.abc": "The token is eyJ[removed]",
    "Invalid token 123e4567-e89b-12d3-a456-426614174000 here": "Invalid token [removed] here",
    "Invalid token abcdefghijklmnop": "Invalid token [removed]",
    "API key provided: qWeRtYuIoP is wrong": "API key provided: [removed] is wrong",
    "Incorrect API key provided: 'x7-93jk-q2'": "Incorrect API key provided: '[removed]'",
    "sk%2Dproj%2DAb is wrong": "[removed] is wrong",
    "?u=x%26api_key%3Dhunter is wrong": "?u=x%26api_key%3D[removed] is wrong",
    '{"password": "x y z"}': '{"password": "[removed]"}',
    "Missing bearer or basic authentication in header": "",
    "Unknown key: 'frequencyPenalty', and an unexpected key response_format": "",
    "The API key has no access to the project, and the token limit is 128000 tokens": "",
    "The model gpt-4o-mini-2024-07-18 has no messages[3].content[1].image_url": "",
    "This model's maximum context length is 128000 tokens. However, your messages are 130000.": "",
    "one\n  two\ttwo": "one two two",
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_no_part_of_a_key_is_left_and_the_rest_stays(sentence: str) -> None:
    scrub = Scrubber([KEY, "Basic c2VjcmV0OnZhbHVl"])
    assert scrub(sentence) == (SENTENCES[sentence] or sentence)
    for start in range(len("A1b2C3d4E5f6G7h8") - 3):
        assert "A1b2C3d4E5f6G7h8"[start : start + 4] not in scrub(sentence)
    assert scrub("c2VjcmV0") == REMOVED


BODIES: list[tuple[Any, dict[str, Any]]] = [
    ({"error": {"message": "m", "code": "c"}}, {"message": "m", "code": "c"}),
    ({"error": "m"}, {"message": "m"}),
    ([{"error": {"message": "m"}}], {"message": "m"}),
    ({"errors": [{"message": "m", "code": "c"}]}, {"message": "m", "code": "c"}),
    ({"errors": ["m"]}, {"message": "m"}),
    ({"error": {"errors": [{"message": "m"}]}}, {"message": "m"}),
    ({"message": "m", "errors": [{"message": "other"}]}, {"message": "m"}),
    ({"error": {"error": {"message": "deep"}}}, {"message": "deep"}),
    ({"error": "invalid_grant", "error_description": "x"}, {"code": "invalid_grant", "message": "x"}),
    ({"error": {"code": "c", "error": {}}}, {"code": "c"}),
    ({"detail": [{"msg": "m"}]}, {"message": '[{"msg": "m"}]'}),
    ({"error": None, "errors": []}, {}),
    ("m", {"message": "m"}),
    ([], {}),
]


@pytest.mark.parametrize(("body", "told"), BODIES)
def test_what_a_provider_said_is_found_wherever_it_stands(body: Any, told: dict[str, Any]) -> None:
    error = from_status(400, {}, json.dumps(body).encode(), str)
    assert error.detail == {**told, "status": 400}
    if isinstance(body, dict):
        assert from_chunk(body, str).detail == told


@pytest.fixture
def failed(alice: User, chat: Chat) -> Run:
    run = answer(chat, alice, RunStatus.FAILED)
    Run.objects.filter(pk=run.pk).update(
        error_code="upstream_invalid", provider_error={"status": 400, "code": "bad_thing", "message": "It is bad."}
    )
    return run


def test_a_failed_run_is_shown_without_it_where_nobody_is_said_to_read_it(failed: Run) -> None:
    """As a stop that comes too late is answered, and a start that is repeated with its key."""
    shown = row_json(RunSerializer, Run.objects.get(pk=failed.pk))
    assert shown["status"] == "failed" and shown["provider_error"] is None


def test_members_are_not_told_and_admins_are(
    api: Callable[[User], Client], alice: User, bob: User, charlie: User, chat: Chat, failed: Run
) -> None:
    ChatShare.objects.create(chat=chat, user=bob, access=Access.WRITE)
    address = f"/api/runs/{failed.pk}/"

    def told(person: User) -> Any:
        return api(person).get(address).json()["provider_error"]

    assert told(alice) == {"status": 400, "code": "bad_thing", "message": "It is bad."}
    assert told(bob) is None
    assert "bad_thing" not in api(bob).get("/api/runs/").content.decode() + api(bob).get(address).content.decode()
    assert api(charlie).get(address).status_code == 404
    Membership.objects.filter(user=bob).update(role=Role.ADMIN)
    assert told(bob) is not None
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    assert told(User.objects.get(pk=bob.pk)) is not None


def test_a_runs_page_in_the_admin_shows_it(client: Client, alice: User, failed: Run) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get(pk=alice.pk))
    shown = client.get(reverse("admin:chat_run_change", args=[failed.pk])).content.decode()
    assert "bad_thing" in shown and "It is bad." in shown and "What the model provider said" in shown

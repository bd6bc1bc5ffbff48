"""A chat that is made by its first message: both, or neither. And a chat whose model is not offered any more."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import RequestFactory

from accounts.errors import Conflict, Invalid, NotAllowed, NotFound, QuotaExceeded, RequestError, TooMany
from accounts.models import IdempotencyKey, Membership, Organization, Project, Role, User
from accounts.sign_in.tokens import AccessToken
from chat.doors.native import views as native
from chat.doors.openai.names import resolve
from chat.models import Budget, Chat, Message, Period, Run, TitledBy
from chat.run_request import RunRequest
from chat.services.runs import start_run
from tests.chat.rows import answer

pytestmark = pytest.mark.django_db
FORGED = {"type": "file", "name": "a\nb", "content": "x"}


def begin(user: User, body: dict[str, Any], **headers: str) -> Any:
    """What the view does with its request, in the thread that does it."""
    signed = {"authorization": f"Bearer {AccessToken.of(user)}", **headers}
    request = RequestFactory().post(
        "/api/chats/runs", json.dumps(body), content_type="application/json", headers=signed
    )
    return native._begin(request)


def body(organization: Organization, project: Project | None = None, **more: Any) -> dict[str, Any]:
    place = {"organization": str(organization.pk), "project": project and str(project.pk)}
    return {"chat": place, "content": "  Where is it?\nIn the garden?", **more}


def test_it_has_the_place_and_choices_that_were_sent(alice: User, organization: Organization, project: Project) -> None:
    asked = body(organization, project)
    asked["chat"] |= {"archetype": "project_navigator", "model": "gpt-4o"}
    answered = begin(alice, asked)
    assert set(answered) == {"chat", "run", "input", "message"}
    chat = Chat.objects.get(pk=answered["chat"]["id"])
    assert (chat.project, chat.archetype, chat.model) == (project, "project_navigator", "gpt-4o")
    assert (chat.title, chat.titled_by, chat.is_listed) == ("Where is it?", TitledBy.NOBODY, True)
    assert answered["input"]["content"] == asked["content"]
    assert answered["chat"]["live_run"] == answered["run"]["id"]
    assert "write" in answered["chat"]["permissions"]


def test_without_an_organization_it_goes_to_the_projects_or_where_its_person_chose(
    alice: User, charlie: User, organization: Organization, elsewhere: Organization, project: Project
) -> None:
    Membership.objects.create(organization=elsewhere, user=alice, role=Role.OWNER)
    User.objects.filter(pk=alice.pk).update(organization=elsewhere)
    for place, where in (({}, elsewhere), ({"project": str(project.pk)}, organization), ({"project": None}, elsewhere)):
        answered = begin(alice, {"chat": place, "content": "Hello"})
        assert answered["chat"]["organization"] == str(where.pk)
    assert User.objects.get(pk=alice.pk).organization == elsewhere, "what nobody named is no choice"
    with pytest.raises(NotFound):
        begin(charlie, {"chat": {"project": str(project.pk)}, "content": "Hello"})
    User.objects.filter(pk=alice.pk).update(organization=None)
    with pytest.raises(Conflict, match="several organizations"):
        begin(alice, {"chat": {}, "content": "Hello"})


def test_sent_twice_with_one_key_it_is_made_once(alice: User, organization: Organization) -> None:
    first, second = (begin(alice, body(organization), **{"idempotency-key": "k"}) for _ in range(2))
    told = [{name: each[name]["id"] for name in ("chat", "run", "input", "message")} for each in (first, second)]
    assert told[0] == told[1] and Chat.objects.count() == 1


def no_budget(organization: Organization, settings: Any) -> None:
    Budget.objects.create(organization=organization, amount=1, period=Period.EVER)


def no_room(organization: Organization, settings: Any) -> None:
    owner = Membership.objects.get(organization=organization, role=Role.OWNER).user
    chat = Chat.objects.create(organization=organization, user=owner, model="gpt-4o", archetype="generalist")
    answer(chat, owner, "queued")  # type: ignore[arg-type]
    settings.CHAT_RUNS_PER_ORGANIZATION = 1


def nothing(organization: Organization, settings: Any) -> None:
    pass


@pytest.mark.parametrize(
    ("who", "changes", "before", "error"),
    [
        ("alice", {"content": ""}, nothing, Invalid),
        ("alice", {"content": "x" * 100_001}, nothing, Invalid),
        ("alice", {"content": "Hello", "attachments": [FORGED]}, nothing, Invalid),
        ("alice", {"model": "no-such"}, nothing, Invalid),
        ("alice", {"archetype": "no-such"}, nothing, Invalid),
        ("alice", {"if_busy": "no-such"}, nothing, Invalid),
        ("alice", {"parent": None}, nothing, Invalid),
        ("alice", {"chat": None}, nothing, Invalid),
        ("viewer", {"chat": {}}, nothing, NotAllowed),
        ("alice", {"chat": {"project": "x"}}, nothing, Invalid),
        ("alice", {"chat": {"organization": "x"}}, nothing, Invalid),
        ("alice", {}, no_budget, QuotaExceeded),
        ("alice", {}, no_room, TooMany),
        ("charlie", {}, nothing, NotFound),
        ("viewer", {}, nothing, NotAllowed),
    ],
)
def test_what_is_refused_leaves_no_chat(
    alice: User,
    charlie: User,
    bob: User,
    organization: Organization,
    settings: Any,
    who: str,
    changes: dict[str, Any],
    before: Callable[[Organization, Any], None],
    error: type[RequestError],
) -> None:
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    before(organization, settings)
    counts = [table.objects.count() for table in (Chat, Message, Run)]
    person = {"alice": alice, "charlie": charlie, "viewer": bob}[who]
    with pytest.raises(error):
        begin(person, {**body(organization), **changes}, **{"idempotency-key": "k"})
    assert [table.objects.count() for table in (Chat, Message, Run)] == counts
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("field", ["model", "archetype"])
def test_a_choice_that_is_gone_is_refused_by_name_until_another_is_made(alice: User, chat: Chat, field: str) -> None:
    Chat.objects.filter(pk=chat.pk).update(**{field: "departed"})
    chat.refresh_from_db()
    with pytest.raises(Invalid) as refused:
        start_run(user=alice, chat=chat, ask=RunRequest(content="Hello"))
    assert list(refused.value.fields) == [field] and not Message.objects.exists()
    assert "Expected one of" in refused.value.message or "departed is not offered any more" in refused.value.message
    start_run(
        user=alice, chat=chat, ask=RunRequest(content="Hello", **{field: {"model": "gpt-4o"}.get(field, "generalist")})
    )


def test_a_model_that_has_ended_is_refused_with_its_successor_everywhere(
    api: Any, alice: User, chat: Chat, organization: Organization, settings: Any
) -> None:
    settings.OPENAI_MODELS = ["gpt-6-luna"]
    Chat.objects.filter(pk=chat.pk).update(model="gpt-4o")
    chat.refresh_from_db()
    with pytest.raises(Invalid) as refused:
        start_run(user=alice, chat=chat, ask=RunRequest(content="Hello"))
    said = (
        "The chat's model gpt-4o is not offered any more. Choose another one for the chat: its successor is gpt-6-luna."
    )
    assert refused.value.fields == {"model": [said], "successor": ["gpt-6-luna"]}
    body = {"organization": str(organization.pk), "model": "gpt-4o"}
    told = api(alice).post("/api/chats/", body, format="json")
    assert (told.status_code, told.json()["error"]["code"]) == (400, "model_gone")
    assert told.json()["error"]["fields"]["successor"] == ["gpt-6-luna"]
    with pytest.raises(NotFound, match="gpt-4o is not offered any more; its successor is gpt-6-luna") as openai:
        resolve("gpt-4o")
    assert openai.value.code == "model_not_found"
    with pytest.raises(NotFound, match="There is no such model"):
        resolve("never-heard-of")

"""/api/messages/ and a chat's messages: storing, listing, editing and deleting them."""

import base64
import json
import uuid

import pytest

from accounts.models import IdempotencyKey
from chat.models import Chat, ChatShare, Message, Run, RunEvent, RunStatus, ToolCall
from chat.models.chats import Access
from tests.chat.rows import answer, say
from tests.pictures import DOT, gif, jpeg, png, webp

pytestmark = pytest.mark.django_db
SECRET = "the secret word is plover"


def of(chat: Chat) -> str:
    return f"/api/chats/{chat.pk}/messages/"


def one(message: Message) -> str:
    return f"/api/messages/{message.pk}/"


def stored_text() -> str:
    """Everything that is stored about messages and runs, as one text."""
    tables = (Chat, Message, Run, RunEvent, ToolCall, IdempotencyKey)
    return "\n".join(str(row) for table in tables for row in table.objects.values())


def test_a_message_is_stored_under_the_newest_one_and_answered_by_nobody(api, alice, chat):
    first = api(alice).post(of(chat), {"content": " Hello \n"}, format="json")
    second = api(alice).post(of(chat), {"content": "Again"}, format="json").json()
    assert first.status_code == 201
    body = first.json()
    assert (body["content"], body["role"], body["status"], body["position"]) == (" Hello \n", "user", "completed", 1)
    assert body["author"] == {"id": str(alice.pk), "name": "Alice"}
    assert (body["parent"], body["run"], second["parent"], second["position"]) == (None, None, body["id"], 2)
    assert api(alice).get(one(Message.objects.get(pk=body["id"]))).json() == body
    assert not Run.objects.exists()


def test_a_parent_is_one_of_the_chat_or_none(api, alice, chat, organization):
    first, _ = say(chat, alice), say(chat, alice)
    branch = api(alice).post(of(chat), {"content": "Branch", "parent": str(first.pk)}, format="json").json()
    root = api(alice).post(of(chat), {"content": "Root", "parent": None}, format="json").json()
    assert (branch["parent"], root["parent"]) == (str(first.pk), None)
    other = Chat.objects.create(organization=organization, user=alice, model="gpt-4o", archetype="generalist")
    for parent in (say(other, alice).pk, uuid.uuid4()):
        answered = api(alice).post(of(chat), {"content": "x", "parent": str(parent)}, format="json")
        assert answered.status_code == 404
        assert list(answered.json()["error"]["fields"]) == ["parent"]
    assert Message.objects.filter(chat=chat).count() == 4


def test_files_and_images_are_kept_with_their_message(api, alice, chat):
    attachments = [
        {"type": "file", "name": "notes.md", "content": "# Notes"},
        {"type": "image", "name": "", "url": "https://example.com/a.png"},
        {"type": "image", "name": "dot.png", "url": DOT},
    ]
    made = api(alice).post(of(chat), {"content": "See", "attachments": attachments}, format="json").json()
    assert made["attachments"] == attachments


@pytest.mark.parametrize(
    ("attachments", "field"),
    [
        ("x", "attachments"),
        (None, "attachments"),
        ({}, "attachments"),
        ([{"type": "file", "name": "a", "content": "x"}] * 11, "attachments"),
        (["x"], "attachments.0"),
        ([{}], "attachments.0.type"),
        ([{"type": "video", "content": "x"}], "attachments.0.type"),
        ([{"type": ["file"], "content": "x"}], "attachments.0.type"),
        ([{"type": "file"}], "attachments.0"),
        ([{"type": "file", "content": "x", "url": "https://a.example/"}], "attachments.0"),
        ([{"type": "file", "content": ""}], "attachments.0.content"),
        ([{"type": "file", "content": 5}], "attachments.0.content"),
        ([{"type": "file", "content": "x" * 400_001}], "attachments.0.content"),
        ([{"type": "file", "name": "a\nb", "content": "x"}], "attachments.0.name"),
        ([{"type": "file", "name": "\u202etxt.exe", "content": "x"}], "attachments.0.name"),
        ([{"type": "file", "name": "x" * 256, "content": "x"}], "attachments.0.name"),
        ([{"type": "file", "content": "x", "id": "1"}], "attachments.0.id"),
        ([{"type": "image", "content": "x"}], "attachments.0.content"),
        ([{"type": "image", "url": "http://127.0.0.1/"}], "attachments.0.url"),
        ([{"type": "image", "url": "file:///etc/passwd"}], "attachments.0.url"),
        ([{"type": "image", "url": "javascript:alert(1)"}], "attachments.0.url"),
        ([{"type": "image", "url": "https://user:password@a.example/"}], "attachments.0.url"),
        ([{"type": "image", "url": "https://"}], "attachments.0.url"),
        ([{"type": "image", "url": "https://[::1"}], "attachments.0.url"),
        ([{"type": "image", "url": "https://a.example/\r\nX: y"}], "attachments.0.url"),
        ([{"type": "image", "url": "data:image/svg+xml;base64,PHN2Zz4="}], "attachments.0.url"),
        ([{"type": "image", "url": "data:text/html,<script>"}], "attachments.0.url"),
        ([{"type": "file", "url": DOT}], "attachments.0.url"),
    ],
)
def test_an_attachment_that_is_not_right_is_refused_by_name(api, alice, chat, attachments, field):
    answered = api(alice).post(of(chat), {"content": "x", "attachments": attachments}, format="json")
    assert answered.status_code == 400
    assert list(answered.json()["error"]["fields"]) == [field]
    assert not Message.objects.exists()


def test_a_picture_that_is_too_large_is_refused_unless_it_is_marked(api, alice, chat):
    url = f"data:image/png;base64,{base64.b64encode(png(30_001, 1)).decode()}"
    image = {"type": "image", "name": "dot.png", "url": url}
    answered = api(alice).post(of(chat), {"content": "x", "attachments": [image]}, format="json")
    assert answered.status_code == 400
    (told,) = answered.json()["error"]["fields"]["attachments.0.url"]
    assert told.startswith("dot.png: this is a picture of 30001 × 1 pixels") and "Expected PNG" in told
    marked = {"content": "x", "attachments": [{**image, "unreadable": True}]}
    assert api(alice).post(of(chat), marked, format="json").status_code == 201


@pytest.mark.parametrize("make", [png, gif, jpeg, webp])
def test_a_picture_of_the_largest_size_is_taken(api, alice, chat, make):
    side = 16_383 if make is webp else 30_000
    url = f"data:image/png;base64,{base64.b64encode(make(side, 1)).decode()}"
    attachments = [{"type": "image", "name": "wide.png", "url": url}]
    answered = api(alice).post(of(chat), {"content": "x", "attachments": attachments}, format="json")
    assert answered.status_code == 201


@pytest.mark.parametrize(
    "content",
    [None, 5, True, [], {}, "", "  \n", "x" * 100_001, "a\u0000b", "\udc00"],
    ids=lambda value: repr(value)[:20],
)
def test_a_text_that_is_not_right_is_refused_by_name(api, alice, chat, content):
    message = say(chat, alice)
    for send, address in ((api(alice).post, of(chat)), (api(alice).patch, one(message))):
        answered = send(address, json.dumps({"content": content}), content_type="application/json")
        assert answered.status_code == 400
        assert list(answered.json()["error"]["fields"]) == ["content"]
    assert Message.objects.values().get()["content"] == message.content


def test_the_longest_text_is_taken(api, alice, chat):
    assert api(alice).post(of(chat), {"content": "ü" * 100_000}, format="json").status_code == 201


def test_an_archived_chat_takes_no_messages(api, alice, chat):
    Chat.objects.update(status="archived")
    assert api(alice).post(of(chat), {"content": "x"}, format="json").status_code == 409


def test_messages_come_by_position_in_pages(api, alice, chat):
    for number in range(7):
        say(chat, alice, str(number))
    client, address, texts = api(alice), f"{of(chat)}?page_size=3", []
    while address:
        page = client.get(address).json()
        texts += [each["content"] for each in page["results"]]
        address = page["next"]
    assert texts == [str(number) for number in range(7)]
    newest = client.get(of(chat), {"ordering": "-position", "page_size": 1}).json()["results"]
    assert [each["content"] for each in newest] == ["6"]


def test_filters_choose_by_role_status_and_text(api, alice, chat):
    answer(chat, alice)
    answer(chat, alice, RunStatus.FAILED)
    client = api(alice)
    assert len(client.get(of(chat), {"role": "user"}).json()["results"]) == 2
    assert len(client.get(of(chat), {"status": "failed"}).json()["results"]) == 1
    assert len(client.get(of(chat), {"search": "readme"}).json()["results"]) == 2
    assert client.get(of(chat), {"search": "%"}).json()["results"] == []


@pytest.mark.parametrize(
    "query", [{"role": "admin"}, {"status": "x"}, {"parent": "x"}, {"ordering": "content"}, {"cursor": "cD14"}]
)
def test_a_query_that_is_not_right_is_refused_by_name(api, alice, chat, query):
    answered = api(alice).get(of(chat), query)
    assert answered.status_code == 400
    assert list(answered.json()["error"]["fields"]) == list(query)


def test_an_answer_in_progress_shows_what_is_stored_of_it(api, alice, chat):
    run = answer(chat, alice, RunStatus.RUNNING, text="So far")
    body = api(alice).get(one(run.message)).json()
    assert (body["status"], body["content"], body["run"]) == ("in_progress", "So far", str(run.pk))
    assert body["parts"] == [{"type": "text", "text": "So far"}]
    assert api(alice).get(of(chat)).json()["results"][-1] == body
    assert Message.objects.get(pk=run.message_id).content == ""


def test_a_longer_list_costs_no_more_queries(api, alice, chat, django_assert_max_num_queries):
    client = api(alice)
    for _ in range(10):
        answer(chat, alice)
        answer(chat, alice, RunStatus.QUEUED)
    with django_assert_max_num_queries(
        6
    ):  # who asks, the chat, how long the page would be, the page, the events of all being written, what was said of it
        assert len(client.get(of(chat)).json()["results"]) == 40


def test_ones_own_text_is_edited_in_place(api, alice, chat):
    run = answer(chat, alice)
    edited = api(alice).patch(one(run.input), {"content": "Better"}, format="json")
    assert edited.status_code == 200
    assert (edited.json()["content"], edited.json()["position"]) == ("Better", 1)
    assert Message.objects.get(pk=run.message_id).content == "A README."


def test_only_ones_own_text_is_edited(api, alice, bob, chat):
    ChatShare.objects.create(chat=chat, user=bob, access=Access.WRITE)
    run = answer(chat, bob)
    assert api(alice).patch(one(run.input), {"content": "Mine"}, format="json").status_code == 403
    assert api(bob).patch(one(run.message), {"content": "Mine"}, format="json").status_code == 403
    assert api(bob).patch(one(run.input), {"content": "Mine"}, format="json").status_code == 200


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING])
def test_nothing_is_edited_or_deleted_while_a_run_answers_it(api, alice, chat, status):
    run = answer(chat, alice, status)
    before = stored_text()
    client = api(alice)
    for answered in (
        client.patch(one(run.input), {"content": "Better"}, format="json"),
        client.delete(one(run.input)),
        client.delete(one(run.message)),
    ):
        assert answered.status_code == 409
        assert str(run.pk) in answered.json()["error"]["message"]
    assert stored_text() == before


def test_while_a_run_answers_another_message_this_one_can_be_deleted(api, alice, chat):
    first = answer(chat, alice)
    answer(chat, alice, RunStatus.RUNNING)
    assert api(alice).delete(one(first.message)).status_code == 200


@pytest.mark.parametrize("status", [RunStatus.SUCCEEDED, RunStatus.FAILED])
def test_a_deleted_answer_leaves_a_tombstone_and_no_trace_of_what_it_said(api, alice, chat, status):
    run = answer(chat, alice, status, text=SECRET)
    after = say(chat, alice, "Thanks")
    assert SECRET in stored_text()
    tombstone = api(alice).delete(one(run.message)).json()
    assert (tombstone["status"], tombstone["content"], tombstone["parts"]) == ("deleted", "", [])
    assert SECRET not in stored_text()
    assert Message.objects.get(pk=after.pk).parent_id == run.message_id
    assert [each["status"] for each in api(alice).get(of(chat)).json()["results"]] == [
        "completed",
        "deleted",
        "completed",
    ]
    assert Run.objects.get().status == status


def test_a_deleted_question_is_forgotten_by_repeated_requests_too(api, alice, chat):
    client, key = api(alice), {"HTTP_IDEMPOTENCY_KEY": "k"}
    body = {"content": SECRET, "attachments": [{"type": "file", "name": "a", "content": SECRET}]}
    made = client.post(of(chat), body, format="json", **key).json()
    assert client.delete(f"/api/messages/{made['id']}/").status_code == 200
    assert SECRET not in stored_text()
    again = client.post(of(chat), body, format="json", **key)
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (201, made["id"], "deleted")
    assert Message.objects.count() == 1


def test_a_tombstone_is_neither_edited_nor_filled_again(api, alice, chat):
    message = say(chat, alice, SECRET)
    client = api(alice)
    assert client.delete(one(message)).status_code == client.delete(one(message)).status_code == 200
    assert client.patch(one(message), {"content": "x"}, format="json").status_code == 409


def test_the_owner_of_a_chat_deletes_any_message_and_others_their_own(api, alice, bob, chat):
    ChatShare.objects.create(chat=chat, user=bob, access=Access.WRITE)
    alices, bobs = answer(chat, alice), answer(chat, bob)
    assert api(bob).delete(one(alices.input)).status_code == 403
    assert api(bob).delete(one(alices.message)).status_code == 403
    assert api(bob).delete(one(bobs.message)).status_code == 200
    assert api(alice).delete(one(bobs.input)).status_code == 200


def test_regenerating_makes_a_second_answer_beside_the_first(api, alice, chat):
    run = answer(chat, alice)
    answered = api(alice).post(f"{one(run.message)}regenerate/", {}, format="json")
    assert answered.status_code == 201
    body = answered.json()
    assert (body["input"], body["chat"]) == (str(run.input_id), str(chat.pk))
    assert Message.objects.get(pk=body["message"]).parent_id == run.input_id


def test_a_run_is_shown_with_its_usage_and_its_end(api, alice, chat):
    run = answer(chat, alice, RunStatus.FAILED)
    Run.objects.update(error_code="internal", error_message="Sorry.", input_tokens=10, output_tokens=5)
    body = api(alice).get(f"/api/runs/{run.pk}/").json()
    assert body["error"] == {"code": "internal", "message": "Sorry."}
    assert (body["usage"]["input_tokens"], body["usage"]["total_tokens"]) == (10, 15)


def test_runs_are_found_by_chat_status_and_time(api, alice, charlie, chat, django_assert_max_num_queries):
    done, live = answer(chat, alice), answer(chat, alice, RunStatus.RUNNING)
    client = api(alice)

    def found(**query: str) -> list[str]:
        return [each["id"] for each in client.get("/api/runs/", query).json()["results"]]

    with django_assert_max_num_queries(2):
        assert found() == [str(live.pk), str(done.pk)]
    assert found(chat=str(chat.pk), status="running") == [str(live.pk)]
    assert found(created_after=done.created_at.isoformat()) == [str(live.pk)]
    assert found(created_before=live.created_at.isoformat()) == [str(done.pk)]
    assert client.get("/api/runs/", {"chat": str(uuid.uuid4())}).status_code == 404
    assert client.get("/api/runs/", {"created_after": "yesterday"}).status_code == 400
    assert api(charlie).get("/api/runs/").json()["results"] == []


def test_a_model_is_told_with_what_it_can_and_costs_and_when_it_ends(api, alice, settings):
    settings.OPENAI_API_KEY, settings.OPENAI_MODELS = "k", ["gpt-6-luna", "gpt-4o", "qwen3:8b"]
    luna, ending, local, _demo = api(alice).get("/api/models/").json()["results"]
    assert (luna["provider"], luna["tier"], luna["context_tokens"], luna["deprecated"]) == (
        "openai", "free", 1_050_000, False,
    )  # fmt: skip
    assert luna["abilities"] == ["tools", "images", "pdf", "reasoning"] and luna["efforts"][0] == "none"
    assert luna["price"] == {"input": 0.1, "cached": 0.01, "cache_write": 0.125, "output": 0.5, "currency": "USD"}
    assert (ending["deprecated"], ending["ends_at"], ending["successor"]) == (True, "2027-01-14", "gpt-6-luna")
    assert (local["price"], local["is_context_known"], local["max_output_tokens"]) == (None, False, None)


def test_models_and_archetypes_are_those_that_may_be_chosen(api, alice):
    models = api(alice).get("/api/models/").json()["results"]
    assert [each["id"] for each in models] == ["gpt-4.1-mini", "gpt-4o", "gpt-4-turbo", "demo"]
    assert [each["id"] for each in models if each["is_default"]] == ["gpt-4.1-mini"]
    archetypes = {each["name"]: each for each in api(alice).get("/api/archetypes/").json()["results"]}
    assert {"generalist", "project_navigator"} <= archetypes.keys()
    assert archetypes["generalist"]["purpose"]
    assert "search_project_files" in archetypes["project_navigator"]["tools"]

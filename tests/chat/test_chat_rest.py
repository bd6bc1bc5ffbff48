"""/api/chats/: making, listing, changing and deleting chats."""

import json
import uuid

import pytest

from accounts.models import Membership, Project, Role
from chat.models import Chat, ChatShare, Message, Run, RunEvent, RunStatus, Sharing
from tests.chat.rows import answer, say

pytestmark = pytest.mark.django_db
CHATS = "/api/chats/"


def one(chat: Chat) -> str:
    return f"{CHATS}{chat.pk}/"


def new(organization, **body):
    return {"organization": str(organization.pk), **body}


def test_a_chat_needs_only_an_organization_and_gets_the_defaults(api, alice, organization, settings):
    answered = api(alice).post(CHATS, new(organization), format="json")
    assert answered.status_code == 201
    body = answered.json()
    assert (body["model"], body["archetype"], body["temperature"]) == ("gpt-4.1-mini", "generalist", None)
    assert body["effort"] is None
    assert (body["status"], body["sharing"], body["project"], body["live_run"]) == ("active", "private", None, None)
    assert body["permissions"] == ["read", "write", "deploy", "admin"]
    assert body["tokens"] == {"input": 0, "cached": 0, "output": 0, "reasoning": 0, "total": 0}
    assert Chat.objects.get().user == alice


def test_a_chat_keeps_what_was_chosen(api, bob, organization, project):
    chosen = {
        "title": "Prices",
        "model": "gpt-4o",
        "temperature": 0,
        "effort": "xhigh",
        "archetype": "PROJECT_NAVIGATOR",
        "metadata": {"ticket": [1, {"a": None}]},
        "sharing": "project",
        "project_access": "write",
    }
    body = new(organization, project=str(project.pk), **chosen)
    made = api(bob).post(CHATS, body, format="json").json()
    assert {name: made[name] for name in chosen} == {**chosen, "archetype": "project_navigator"}
    assert api(bob).get(f"{CHATS}{made['id']}/").json() == made


def test_who_answers_where_its_model_cannot_is_said_by_chat_and_organization(api, alice, bob, charlie, organization):
    chat = api(alice).post(CHATS, new(organization, fallbacks=["gpt-4o"]), format="json").json()
    place, path = f"/api/organizations/{organization.pk}/", f"{CHATS}{chat['id']}/"
    assert chat["fallbacks"] == ["gpt-4o"]
    assert api(alice).patch(path, {"fallbacks": None}, format="json").json()["fallbacks"] is None
    assert api(alice).patch(place, {"fallbacks": []}, format="json").json()["fallbacks"] == []
    for one_of in (path, place):
        for bad in ("gpt-4o", ["gone"], [1], ["gpt-4o", "gpt-4o"], ["gpt-4o"] * 9, {}):
            refused = api(alice).patch(one_of, {"fallbacks": bad}, format="json")
            assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["fallbacks"]), bad
    for person, code in ((bob, 403), (charlie, 404)):
        assert api(person).patch(place, {"fallbacks": ["gpt-4o"]}, format="json").status_code == code
        assert api(person).patch(path, {"fallbacks": ["gpt-4o"]}, format="json").status_code == 404
    organization.refresh_from_db()
    assert (organization.fallbacks, Chat.objects.get().fallbacks) == ([], None)


def test_a_viewer_cannot_make_a_chat(api, bob, organization):
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    assert api(bob).post(CHATS, new(organization), format="json").status_code == 403
    assert not Chat.objects.exists()


def test_places_of_others_are_unknown_in_a_body(api, alice, charlie, organization, elsewhere):
    foreign = Project.objects.create(organization=elsewhere, name="Secret")
    there = api(alice).post(CHATS, new(elsewhere), format="json")
    missing = api(alice).post(CHATS, {"organization": str(uuid.uuid4())}, format="json")
    assert there.status_code == missing.status_code == 404
    assert there.json() == missing.json()
    inside = api(alice).post(CHATS, new(organization, project=str(foreign.pk)), format="json")
    assert inside.status_code == 404
    assert list(inside.json()["error"]["fields"]) == ["project"]
    assert not Chat.objects.exists()


def test_a_project_of_another_of_ones_own_organizations_does_not_fit(api, alice, organization, elsewhere):
    Membership.objects.create(organization=elsewhere, user=alice, role=Role.OWNER)
    other = Project.objects.create(organization=elsewhere, name="Other")
    assert api(alice).post(CHATS, new(organization, project=str(other.pk)), format="json").status_code == 404


def test_the_same_key_makes_one_chat_and_another_body_is_refused(api, alice, organization):
    client, key = api(alice), {"HTTP_IDEMPOTENCY_KEY": "bubble-1"}
    first = client.post(CHATS, new(organization, title="A"), format="json", **key)
    again = client.post(CHATS, new(organization, title="A"), format="json", **key)
    other = client.post(CHATS, new(organization, title="B"), format="json", **key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.json() == again.json()
    assert Chat.objects.count() == 1


@pytest.mark.parametrize("field", ["user", "id", "branch", "leaf", "tokens", "permissions", "live_run", "is_staff"])
def test_fields_that_are_not_the_callers_to_set_are_refused_by_name(api, alice, organization, chat, field):
    for answered in (
        api(alice).post(CHATS, new(organization, **{field: "x"}), format="json"),
        api(alice).patch(one(chat), {field: "x"}, format="json"),
    ):
        assert answered.status_code == 400
        assert list(answered.json()["error"]["fields"]) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", "warm"),
        ("temperature", "0.5"),
        ("temperature", True),
        ("temperature", 10**300),
        ("effort", "much"),
        ("effort", 3),
        ("effort", ["low"]),
        ("model", "gpt-nope"),
        ("model", 4),
        ("model", None),
        ("archetype", "wizard"),
        ("archetype", []),
        ("title", "x" * 201),
        ("title", 5),
        ("title", "a\u0000b"),
        ("title", "\ud800"),
        ("metadata", []),
        ("metadata", "x"),
        ("metadata", {"k": "x" * 16_001}),
        ("metadata", {"slackThread": 7}),
        ("metadata", {"slackThread": {"channel": "C024BE91L"}}),
        ("metadata", {"slackThread": {"ts": "1482960137.003543", "channel": "general"}}),
        ("metadata", {"slackThread": {"ts": "now"}}),
        ("metadata", {"slackThread": {"ts": "1482960137.003543", "url": "http://acme.slack.com/x"}}),
        ("metadata", {"slackThread": {"ts": "1482960137.003543", "url": "https://evil.example/acme.slack.com/x"}}),
        ("metadata", {"slackThread": {"ts": "1482960137.003543", "team": "T1"}}),
        ("sharing", "world"),
        ("project_access", "admin"),
        ("status", "gone"),
    ],
)
def test_a_value_that_is_not_right_is_refused_by_name_and_changes_nothing(api, alice, chat, field, value):
    before = Chat.objects.values().get()
    body = json.dumps({field: value})  # which, unlike the client's own, also spells half a character
    answered = api(alice).patch(one(chat), body, content_type="application/json")
    assert answered.status_code == 400
    assert [name.split(".")[0] for name in answered.json()["error"]["fields"]] == [field]
    assert Chat.objects.values().get() == before


@pytest.mark.parametrize(
    "thread",
    [
        None,
        "1482960137.003543",
        {"ts": "1482960137.003543"},
        {"channel": "C024BE91L", "ts": "1482960137.003543", "url": "https://acme.slack.com/archives/C024BE91L/p148"},
    ],
)
def test_a_thread_of_slack_is_kept_as_it_was_said(api, alice, chat, thread):
    said = {"slackThread": thread, "more": 1}
    assert api(alice).patch(one(chat), {"metadata": said}, format="json").json()["metadata"] == said


def test_a_patch_changes_what_it_names_and_nothing_else(api, alice, chat):
    before = api(alice).get(one(chat)).json()
    after = api(alice).patch(one(chat), {"title": " Renamed ", "temperature": 2}, format="json").json()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"title", "temperature", "updated_at"}
    assert after["title"] == "Renamed"


@pytest.mark.parametrize(("field", "value"), [("temperature", 0.2), ("effort", "low")])
def test_a_choice_can_be_taken_back(api, alice, chat, field, value):
    for chosen in (value, None):
        assert api(alice).patch(one(chat), {field: chosen}, format="json").json()[field] == chosen


def test_a_fork_has_what_its_chat_has_chosen(api, alice, chat):
    message = chat.messages.create(position=1, role="user", content="x", author=alice)
    api(alice).patch(one(chat), {"temperature": None, "effort": "high"}, format="json")
    fork = api(alice).post(f"{one(chat)}fork/", {"message": str(message.pk)}, format="json").json()
    assert (fork["temperature"], fork["effort"]) == (None, "high")


def test_an_archived_chat_is_listed_apart_and_can_come_back(api, alice, chat):
    client = api(alice)
    assert client.patch(one(chat), {"status": "archived"}, format="json").json()["status"] == "archived"
    assert client.get(CHATS, {"status": "active"}).json()["results"] == []
    assert len(client.get(CHATS, {"status": "archived"}).json()["results"]) == 1
    client.patch(one(chat), {"status": "active"}, format="json")
    assert len(client.get(CHATS, {"status": "active"}).json()["results"]) == 1


def test_only_its_owner_shares_or_deletes_a_chat(api, bob, chat):
    Chat.objects.update(sharing=Sharing.PROJECT, project_access="write")
    client = api(bob)
    assert client.patch(one(chat), {"title": "Ours"}, format="json").status_code == 200
    assert client.patch(one(chat), {"sharing": "private"}, format="json").status_code == 403
    assert client.patch(one(chat), {"project_access": "read"}, format="json").status_code == 403
    assert client.delete(one(chat)).status_code == 403
    assert Chat.objects.get().sharing == Sharing.PROJECT


def test_a_chat_of_no_project_cannot_be_shared_with_one(api, alice, chat):
    Chat.objects.update(project=None)
    answered = api(alice).patch(one(chat), {"sharing": "project"}, format="json")
    assert answered.status_code == 400
    assert list(answered.json()["error"]["fields"]) == ["sharing"]


def test_deleting_a_chat_takes_everything_in_it(api, alice, chat):
    answer(chat, alice)
    assert api(alice).delete(one(chat)).status_code == 204
    assert not any(each.objects.exists() for each in (Chat, Message, Run, RunEvent))
    assert api(alice).get(one(chat)).status_code == 404


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING])
def test_a_chat_with_an_open_run_is_not_deleted(api, alice, chat, status):
    run = answer(chat, alice, status)
    answered = api(alice).delete(one(chat))
    assert answered.status_code == 409
    assert str(run.pk) in answered.json()["error"]["message"]
    assert Chat.objects.exists()


def test_a_chat_tells_its_live_run(api, alice, chat):
    run = answer(chat, alice, RunStatus.RUNNING)
    assert api(alice).get(one(chat)).json()["live_run"] == str(run.pk)


def test_lists_hold_what_one_sees_and_no_more(api, alice, bob, charlie, chat, organization):
    assert [each["id"] for each in api(alice).get(CHATS).json()["results"]] == [str(chat.pk)]
    assert api(bob).get(CHATS).json()["results"] == []
    ChatShare.objects.create(chat=chat, user=bob)
    assert [each["id"] for each in api(bob).get(CHATS).json()["results"]] == [str(chat.pk)]
    assert api(charlie).get(CHATS).json()["results"] == []


def test_chats_that_a_door_made_for_itself_are_not_listed(api, alice, chat):
    Chat.objects.update(is_listed=False)
    assert api(alice).get(CHATS).json()["results"] == []
    assert api(alice).get(one(chat)).status_code == 200


def test_the_search_finds_parts_of_titles_literally(api, alice, chat, project, organization):
    for title in ("100% sure", "100 sure", "a_b", "ab"):
        Chat.objects.create(organization=organization, user=alice, title=title, model="gpt-4o", archetype="generalist")
    client = api(alice)

    def found(text: str) -> set[str]:
        return {each["title"] for each in client.get(CHATS, {"search": text}).json()["results"]}

    assert found("FIRST") == {"First steps"}
    assert found("0%") == {"100% sure"}
    assert found("_") == {"a_b"}
    assert found("' OR 1=1 --") == set()


def test_filters_by_place_find_that_place_only(api, alice, chat, project, organization, elsewhere):
    client = api(alice)
    assert len(client.get(CHATS, {"project": str(project.pk)}).json()["results"]) == 1
    empty = Project.objects.create(organization=organization, name="Empty")
    assert client.get(CHATS, {"project": str(empty.pk)}).json()["results"] == []
    assert client.get(CHATS, {"organization": str(elsewhere.pk)}).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"titel": "x"}, "titel"),
        ({"user__password": "x"}, "user__password"),
        ({"status": "gone"}, "status"),
        ({"ordering": "user__password"}, "ordering"),
        ({"project": "1"}, "project"),
        ({"search": "x" * 101}, "search"),
        ({"search": "a\u0000"}, "search"),
        ({"page_size": "0"}, "page_size"),
        ({"page_size": "1e3"}, "page_size"),
        ({"page_size": "9" * 10_000}, "page_size"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "cD0nJw=="}, "cursor"),
    ],
)
def test_a_query_that_is_not_right_is_refused_by_name(api, alice, chat, query, field):
    answered = api(alice).get(CHATS, query)
    assert answered.status_code == 400
    assert list(answered.json()["error"]["fields"]) == [field]


@pytest.mark.parametrize("ordering", ["-last_activity_at", "last_activity_at", "-created_at", "created_at"])
def test_pages_hold_each_chat_once_in_order(api, alice, organization, ordering):
    for number in range(7):
        Chat.objects.create(
            organization=organization, user=alice, title=str(number), model="gpt-4o", archetype="generalist"
        )
    client, titles = api(alice), []
    address = f"{CHATS}?page_size=3&ordering={ordering}"
    while address:
        page = client.get(address).json()
        titles += [each["title"] for each in page["results"]]
        address = page["next"]
    expected = [str(number) for number in range(7)]
    assert titles == (expected[::-1] if ordering.startswith("-") else expected)


def test_a_longer_list_costs_no_more_queries(api, alice, bob, chat, project, django_assert_max_num_queries):
    client = api(bob)
    for _ in range(20):
        made = Chat.objects.create(
            organization=project.organization,
            project=project,
            user=alice,
            model="gpt-4o",
            archetype="generalist",
            sharing=Sharing.PROJECT,
        )
        say(made, alice)
    with django_assert_max_num_queries(2):  # who asks, and the page
        assert len(client.get(CHATS).json()["results"]) == 20

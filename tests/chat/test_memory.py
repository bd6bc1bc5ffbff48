"""Preferences and remembered facts: whose they are, what they may be, and what a model is told of them where."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Membership, Organization, User
from accounts.sign_in.keys import create_key
from chat.models import Chat, ChatShare, Run, RunStatus, Sharing
from chat.runner.briefing import NOTHING, briefing_of
from chat.services import people
from chat.services.messages import lock_chat
from chat.transfer.person import _account
from tests.accounts.test_own_account import browser
from tests.chat.rows import answer
from tests.chat.test_account import do
from tests.conftest import member
from tests.tools.contexts import context
from tools.base import ToolContext
from tools.errors import RetryTool, ToolError
from tools.memory import keeping
from tools.memory.tool import _remember, remember
from tools.models import Memory, Preferences

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
PREFERENCES, MEMORIES = "/api/me/preferences/", "/api/me/memories/"
WISHES = {"language": "German", "tone": "brief", "about": "Runs the\nbakery.", "use_in_prompts": True, "remember": True}
NONE = {"language": "", "tone": "", "about": "", "use_in_prompts": False, "remember": False}


def put(client: APIClient, **body: Any) -> Any:
    return client.put(PREFERENCES, body, format="json")


def fact(client: APIClient, text: str) -> Any:
    return client.post(MEMORIES, {"text": text}, format="json")


def texts(client: APIClient) -> list[str]:
    return [each["text"] for each in client.get(MEMORIES).json()["results"]]


# --- REST -------------------------------------------------------------------------------------------------------------


def test_preferences_are_put_whole_read_and_deleted(api: Api, alice: User) -> None:
    hers = api(alice)
    assert hers.get(PREFERENCES).json() == NONE and not Preferences.objects.exists()
    assert put(hers, **WISHES).json() == hers.get(PREFERENCES).json() == WISHES
    assert put(hers, tone="  very \u200b brief\n").json() == {**NONE, "tone": "very brief"}
    assert hers.delete(PREFERENCES).status_code == hers.delete(PREFERENCES).status_code == 204
    assert hers.get(PREFERENCES).json() == NONE


def test_a_fact_is_added_said_in_other_words_and_forgotten(api: Api, alice: User) -> None:
    hers = api(alice)
    made = fact(hers, " Bakes\nrye \u202ebread. ")
    assert made.status_code == 201 and made.json()["text"] == "Bakes rye bread." and made.json()["chat"] is None
    one = f"{MEMORIES}{made.json()['id']}/"
    assert fact(hers, "Bakes rye bread.").json()["id"] == made.json()["id"]
    assert hers.patch(one, {"text": "Bakes wheat."}, format="json").json()["text"] == "Bakes wheat."
    fact(hers, "Lives in Ulm.")
    assert texts(hers) == ["Lives in Ulm.", "Bakes wheat."]
    assert hers.delete(one).status_code == 204 and hers.get(one).status_code == hers.delete(one).status_code == 404
    put(hers, **WISHES)
    assert hers.delete(MEMORIES).status_code == 204 and texts(hers) == []
    assert hers.get(PREFERENCES).json() == WISHES


BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("put", PREFERENCES, {"about": "x" * 1_501}, "about"),
    ("put", PREFERENCES, {"tone": "x" * 201}, "tone"),
    ("put", PREFERENCES, {"language": "x" * 41}, "language"),
    ("put", PREFERENCES, {"language": 7}, "language"),
    ("put", PREFERENCES, {"remember": "perhaps"}, "remember"),
    ("put", PREFERENCES, {"mood": "good"}, "mood"),
    ("post", MEMORIES, {"text": "x" * 301}, "text"),
    ("post", MEMORIES, {"text": " \u200b\n"}, "text"),
    ("post", MEMORIES, {}, "text"),
    ("post", MEMORIES, {"text": "x", "chat": str(uuid.uuid4())}, "chat"),
    ("patch", "one", {"text": "x" * 301}, "text"),
    ("patch", "one", {"text": None}, "text"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), BAD)
def test_what_is_wrong_is_named_and_changes_nothing(api: Api, alice: User, method, path, body, field) -> None:
    hers = api(alice)
    put(hers, **WISHES)
    one = f"{MEMORIES}{fact(hers, 'Bakes.').json()['id']}/"
    refused = getattr(hers, method)(one if path == "one" else path, body, format="json")
    assert refused.status_code == 400 and list(refused.json()["error"]["fields"]) == [field], refused.content
    assert hers.get(PREFERENCES).json() == WISHES and texts(hers) == ["Bakes."]


def test_one_person_has_so_many(api: Api, alice: User, bob: User, settings: Any) -> None:
    settings.REMEMBERED_PER_PERSON = 2
    hers = api(alice)
    assert [fact(hers, each).status_code for each in ("a", "b", "c", "a")] == [201, 201, 409, 201]
    assert fact(hers, "c").json()["error"]["code"] == "too_many_remembered_facts"
    assert fact(api(bob), "c").status_code == 201 and texts(hers) == ["b", "a"]


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_nobody_else_sees_or_changes_any_of_it(api: Api, alice: User, who: str, request: Any) -> None:
    hers, theirs = api(alice), api(request.getfixturevalue(who))
    put(hers, **WISHES)
    one = f"{MEMORIES}{fact(hers, 'Bakes.').json()['id']}/"
    assert theirs.get(PREFERENCES).json() == NONE and texts(theirs) == []
    for send in (theirs.get, theirs.delete, lambda path: theirs.patch(path, {"text": "x"}, format="json")):
        assert send(one).status_code == 404
    assert theirs.delete(PREFERENCES).status_code == theirs.delete(MEMORIES).status_code == 204
    do(browser(request.getfixturevalue(who)), "forget", id=one.rsplit("/", 2)[1])
    do(browser(request.getfixturevalue(who)), "reword", id=one.rsplit("/", 2)[1], text="x")
    assert hers.get(PREFERENCES).json() == WISHES and texts(hers) == ["Bakes."]


def test_a_key_reaches_it_by_a_scope_of_its_own(alice: User, organization: Organization) -> None:
    for scopes, status in ((["me"], 200), (["chat", "read", "llm", "apps"], 403)):
        text = create_key(user=alice, organization=organization, scopes=scopes, name="CI", expires_at=None)[1]
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        assert [client.get(path).status_code for path in (PREFERENCES, MEMORIES)] == [status] * 2


# --- What a model is told ---------------------------------------------------------------------------------------------


def known(user: User, **wishes: Any) -> None:
    keeping.put_preferences(user.pk, **{**WISHES, **wishes})
    keeping.add_memory(user.pk, f"A fact of {user.name}.")


def run_of(chat: Chat, user: User) -> Run:
    """A run of theirs, as it is loaded."""
    return Run.objects.select_related("chat", "user").get(pk=answer(chat, user, RunStatus.RUNNING).pk)


def share(chat: Chat, user: User) -> None:
    ChatShare.objects.create(chat=chat, user=user, access="write")


def in_project(chat: Chat, user: User) -> None:
    Chat.objects.filter(pk=chat.pk).update(sharing=Sharing.PROJECT, project_access="write")


OWN, ABOUT, FACT = "Language of answers: German", "bakery", "A fact of"
# who sees the chat besides Alice; who asks; their wishes; what they are told, what not; whether they are asked
TOLD: dict[str, tuple[Any, str, dict[str, Any], list[str], list[str], bool]] = {
    "in a chat of one's own": (None, "alice", {}, [OWN, "brief", ABOUT, "A fact of Alice."], [], True),
    "one that a person sees": (share, "alice", {}, [OWN, "brief"], [ABOUT, FACT], False),
    "one that its project sees": (in_project, "alice", {}, [OWN, "brief"], [ABOUT, FACT], False),
    "asked by another": (share, "bob", {"language": "Latin"}, ["answers: Latin"], [ABOUT, FACT, "German"], False),
    "only remembering": (None, "alice", {"use_in_prompts": False}, [], [OWN, ABOUT, FACT, "---"], True),
    "remembering off": (None, "alice", {"remember": False}, [OWN, ABOUT, "A fact of Alice."], [], False),
    "both off": (None, "alice", {"use_in_prompts": False, "remember": False}, [], [OWN, ABOUT, "---"], False),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_a_model_is_told_of_who_asks(name: str, chat: Chat, alice: User, bob: User, charlie: User) -> None:
    make, who, wishes, there, missing, asks = TOLD[name]
    asker = {"alice": alice, "bob": bob}[who]
    known(alice)
    known(bob, language="French")
    known(charlie, language="Welsh")
    known(asker, **wishes)
    if make:
        make(chat, bob)
    found = briefing_of(run_of(Chat.objects.get(pk=chat.pk), asker))
    assert [each for each in there if each not in found.text] == []
    assert [each for each in (*missing, "French", "Welsh", "Charlie") if each in found.text] == []
    assert found.may_remember == asks


def test_it_is_told_between_marks_that_nothing_in_it_can_end(chat: Chat, alice: User) -> None:
    known(alice)
    run = run_of(chat, alice)
    text = briefing_of(run).text
    *_, begin = (line for line in text.splitlines() if line.startswith("--- the person "))
    end = text.splitlines()[-1]
    assert begin.removeprefix("--- the person ") == end.removeprefix("--- end of the person ")
    assert text == briefing_of(run).text, "the same until something is changed: a provider's cache holds"
    keeping.add_memory(alice.pk, end)
    assert briefing_of(run).text.splitlines()[-1] != end and briefing_of(run).text.count(end) == 1


def test_who_has_no_wishes_costs_no_query(chat: Chat, alice: User, bob: User, django_assert_num_queries: Any) -> None:
    run = run_of(chat, alice)
    for is_briefed in (False, True):
        with transaction.atomic():
            run.chat = lock_chat(chat, alice)
        with django_assert_num_queries(3 if is_briefed else 0):
            assert (briefing_of(run) == NOTHING) == (not is_briefed)
        known(alice)
    run.user = bob
    with django_assert_num_queries(1):
        assert briefing_of(run) == NOTHING, "the chat was locked for somebody else"


# --- The tool ---------------------------------------------------------------------------------------------------------


def ctx(user: User, chat: Chat, call: str = "call_1", run: int = 5) -> ToolContext:
    ids = {"user_id": user.pk, "chat_id": chat.pk, "project_id": chat.project_id, "run_id": uuid.UUID(int=run)}
    return context(**ids, call_id=call)


def test_a_call_remembers_once_however_often_it_is_made(chat: Chat, alice: User) -> None:
    known(alice)
    assert remember.asks_first and remember.as_person and remember.idempotent
    assert _remember(ctx(alice, chat), "Likes\nrye.") == {"remembered": "Likes rye."}
    row = Memory.objects.get(text="Likes rye.")
    assert (row.user, row.chat) == (alice, chat.pk)
    keeping.change_memory(alice.pk, row.pk, "Likes wheat.")
    assert _remember(ctx(alice, chat), "Likes\nrye.") == {"remembered": "Likes wheat."}, "the same call"
    _remember(ctx(alice, chat, run=6), "Likes wheat.")
    assert Memory.objects.filter(user=alice).count() == 2
    _remember(ctx(alice, chat, run=6, call="call_2"), "Likes rye.")
    assert Memory.objects.filter(user=alice).count() == 3
    Chat.objects.filter(pk=chat.pk).delete()
    assert Memory.objects.filter(user=alice).count() == 3, "it is the person's, not the chat's"


def off(chat: Chat, alice: User, bob: User) -> User:
    keeping.put_preferences(alice.pk, use_in_prompts=True)
    return alice


def shared(chat: Chat, alice: User, bob: User) -> User:
    share(chat, bob)
    return alice


def of_others(chat: Chat, alice: User, bob: User) -> User:
    share(chat, bob)
    return bob


def confidential(chat: Chat, alice: User, bob: User) -> User:
    Chat.objects.filter(pk=chat.pk).update(level=2)
    return alice


def gone(chat: Chat, alice: User, bob: User) -> User:
    Chat.objects.filter(pk=chat.pk).delete()
    return alice


@pytest.mark.parametrize("make", [off, shared, of_others, confidential, gone])
def test_nothing_is_remembered_where_that_may_not_be(chat: Chat, alice: User, bob: User, make: Any) -> None:
    known(alice)
    known(bob)
    here = ctx(make(chat, alice, bob), chat)
    with pytest.raises(ToolError):
        _remember(here, "Likes rye.")
    assert not Memory.objects.filter(text="Likes rye.").exists()


def test_the_model_is_told_what_would_be_right(chat: Chat, alice: User, settings: Any) -> None:
    known(alice)
    with pytest.raises(RetryTool, match="300"):
        _remember(ctx(alice, chat), "x" * 301)
    settings.REMEMBERED_PER_PERSON = 1
    with pytest.raises(ToolError, match="as many as"):
        _remember(ctx(alice, chat), "Likes rye.")


# --- With the person --------------------------------------------------------------------------------------------------


def test_it_is_in_the_persons_export_and_goes_with_them(chat: Chat, alice: User, bob: User) -> None:
    known(alice)
    known(bob)
    told = _account(alice)
    assert told["preferences"].items() >= WISHES.items()
    assert [each["text"] for each in told["remembered"]] == ["A fact of Alice."]
    json.dumps(told, default=str)
    member(chat.organization, "second", Membership.objects.get(user=alice).role)
    assert people.what_goes(alice)["remembered facts"] == 1
    people.delete_person(alice, by=None)
    assert list(Memory.objects.values_list("user", flat=True)) == [bob.pk]
    assert list(Preferences.objects.values_list("user", flat=True)) == [bob.pk]


def test_the_account_page_shows_changes_and_forgets_it(chat: Chat, alice: User) -> None:
    page = browser(alice)
    sent = {"language": "German", "tone": "brief <b>", "about": "Bakes.\r\nRye.", "use_in_prompts": "yes"}
    shown = do(page, "preferences", **sent).content.decode()
    assert "Your preferences are kept" in shown and "brief &lt;b&gt;" in shown
    kept = Preferences.objects.get()
    assert (kept.about, kept.use_in_prompts, kept.remember) == ("Bakes.\nRye.", True, False)
    assert (
        do(page, "preferences", about="x" * 1_501).status_code == 400 and Preferences.objects.get().about == kept.about
    )
    row = keeping.add_memory(alice.pk, "Likes <i>rye</i>.", chat=chat.pk, call="a/b")
    shown = page.get("/account/").content.decode()
    assert "Likes &lt;i&gt;rye" in shown and f"/chats/{chat.pk}/" in shown and chat.title in shown
    assert do(page, "reword", id=row.pk, text=" ").status_code == 400
    assert "in these words" in do(page, "reword", id=row.pk, text="Likes wheat.").content.decode()
    assert Memory.objects.get().text == "Likes wheat."
    assert "It is forgotten." in do(page, "forget", id=row.pk).content.decode()
    assert do(page, "forget", id=row.pk).status_code == 200, "it is forgotten already"
    keeping.add_memory(alice.pk, "Likes wheat.")
    assert do(page, "forget_all").status_code == 400 and Memory.objects.exists()
    do(page, "forget_all", sure="yes")
    assert not Memory.objects.exists() and Preferences.objects.exists()
    assert do(page, "reword", id="x", text="y").status_code == 404


def test_the_admin_shows_that_there_is_some_and_never_what(alice: User, db: None) -> None:
    known(alice, language="Klingon", tone="Gruff")
    staff = Client()
    staff.force_login(User.objects.create_superuser("root@example.com", name="Root"))
    row = Memory.objects.get()
    pages = [
        f"/admin/tools/{path}"
        for path in (
            *("preferences/", f"preferences/{alice.pk}/change/", f"preferences/{alice.pk}/delete/"),
            *("memory/", f"memory/{row.pk}/change/", f"memory/{row.pk}/delete/"),
        )
    ]
    for path in pages:
        shown = staff.get(path)
        said = shown.content.decode()
        assert shown.status_code == 200, path
        assert not [each for each in ("Klingon", "Gruff", "bakery", row.text) if each in said], path
    assert '<td class="field-facts">1</td>' in staff.get(pages[0]).content.decode()
    for query in ("preferences/?language__startswith=K", "preferences/?about__contains=b", "memory/?text__contains=A"):
        assert staff.get(f"/admin/tools/{query}").status_code in (302, 400), query
    staff.post(pages[-1], {"post": "yes"})
    staff.post(pages[2], {"post": "yes"})
    assert not Memory.objects.exists() and not Preferences.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_tool_runs_as_a_tool(chat: Chat, alice: User) -> None:
    known(alice)
    assert asyncio.run(remember.function(ctx(alice, chat), text="Likes rye.")) == {"remembered": "Likes rye."}

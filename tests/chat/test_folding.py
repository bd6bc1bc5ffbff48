"""Searches find what people take for the same text, on both databases, and nothing else."""

import time
import unicodedata
from collections.abc import Callable
from typing import Any, Literal

import pytest
from django.contrib.admin import site
from django.test import RequestFactory
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.folding import folded
from accounts.models import Membership, Organization, Project, User
from chat.models import Chat, Message, Task
from chat.ops.folding import Folding
from chat.run_request import RunRequest
from chat.services import chats, messages, runs
from chat.services.chats import create_chat

NFD: Literal["NFD"] = "NFD"
FINDS = [
    ("Straße nach Süden", "STRASSE"),
    ("STRASSE", "straße"),
    ("Café crème", unicodedata.normalize(NFD, "CAFÉ CRÈME")),
    (unicodedata.normalize(NFD, "École"), "ÉCOLE"),
    ("İstanbul gezisi", "istanbul"),
    ("İstanbul gezisi", "ISTANBUL"),
    ("ISPARTA", "ısparta"),
    ("ｆｕｌｌ　ｗｉｄｔｈ", "Full Width"),
    ("ΟΔΟΣ", "οδος"),
    ("οδος", "ΟΔΟΣ"),
    ("ﬁnance", "FINANCE"),
    ("ПРИВЕТ, МИР", "привет"),
    ("Ǆungla", "ǆUNGLA"),
    ("over\u00adtime", "overtime"),
    ("mark\u200eed", "MARKED"),
    ("mark\u200fed \u202atoo\u202c", "marked too"),
    ("join\u034fed", "joined"),
    ("❤\ufe0f it", "❤ IT"),
    ("1\ufe0f\u20e3 first", "1\u20e3 FIRST"),
    ("葛\U000e0100城", "葛城"),
    ("채\u115f움", "채움"),
    ("i\u0307\u0301stanbul", "Í"),
    ("100% sure", "100%"),
    ("snake_case", "E_C"),
    ("C:\\temp", "c:\\T"),
    ("日本語のタイトル", "日本語"),
    ("ｶﾀｶﾅ", "カタカナ"),
]
NOT = [("resume", "résumé"), ("abc", "a%c"), ("abc", "a_c"), ("Straße", "strasze"), ("C:/temp", "c:\\temp")]


@pytest.mark.parametrize(("text", "search"), FINDS)
def test_what_people_take_for_the_same_is_folded_alike(text: str, search: str) -> None:
    assert folded(search) in folded(text)


@example("i\u0307\u0301")
@example("I\u0307\u0307")
@example("a\u0301\u034f\u0327")
@given(st.text())
@settings(max_examples=300, deadline=None)
def test_folding_again_changes_nothing_and_case_and_form_make_no_difference(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    assert folded(unicodedata.normalize("NFD", text)) == folded(unicodedata.normalize("NFC", text)) == once


AROUND = ("{}", "i{}", "i{}\u0307\u0301", "I\u0307{}\u0301")


def test_each_character_is_folded_once_and_for_all_and_what_nobody_sees_is_left_out() -> None:
    """Of all that has anything to fold."""
    for char in map(chr, (*range(0x3400), *range(0xF900, 0x20000), *range(0xE0000, 0xE0200))):
        category = unicodedata.category(char)
        assert category != "Cf" or folded(f"a{char}b") == "ab", ascii(char)
        if category.startswith("M") or char.casefold() != char or not unicodedata.is_normalized("NFKC", char):
            texts = [each.format(char) for each in AROUND]
            assert all(folded(folded(each)) == folded(each) for each in texts), ascii(char)


Api = Callable[[User], APIClient]


def found(client: APIClient, address: str, search: str, field: str = "title") -> list[str]:
    response = client.get(address, {"search": search})
    assert response.status_code == 200, response.content
    return [each[field] for each in response.json()["results"]]


def test_titles_of_chats_and_tasks_and_messages_are_found(
    api: Api, alice: User, chat: Chat, project: Project, charlie: User
) -> None:
    client = api(alice)
    for text, _ in FINDS:
        create_chat(user=alice, organization=project.organization_id, title=text)
        Task.objects.create(project=project, title=text)
        messages.create_message(user=alice, chat=chat, content=f"It says: {text}.")
    for text, search in FINDS:
        assert text in found(client, "/api/chats/", search)
        assert text in found(client, "/api/tasks/", search)
        assert f"It says: {text}." in found(client, f"/api/chats/{chat.pk}/messages/", search, "content")
        assert found(api(charlie), "/api/chats/", search) == found(api(charlie), "/api/tasks/", search) == []
    assert api(charlie).get(f"/api/chats/{chat.pk}/messages/", {"search": "a"}).status_code == 404
    for text, search in NOT:
        Task.objects.create(project=project, title=text)
        assert text not in found(client, "/api/tasks/", search)


def test_more_found_messages_than_a_statement_takes_are_refused(
    api: Api, alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.rest.messages.MOST_FOUND", 2)
    monkeypatch.setattr("chat.rest.messages.READ_AT_ONCE", 2)
    for number in range(5):
        messages.create_message(user=alice, chat=chat, content=f"Part {number // 3}")
    address = f"/api/chats/{chat.pk}/messages/"
    assert len(found(api(alice), address, "part 1", "content")) == 2
    refused = api(alice).get(address, {"search": "part"})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["search"])


ASK = RunRequest(content="ÉCOLE")
WRITERS: dict[str, Callable[[User, Chat], Any]] = {
    "renamed": lambda user, chat: chats.change_chat(user=user, chat=chat, title="ÉCOLE"),
    "named by its first words": lambda user, chat: runs.start_run(
        user=user, chat=chat, ask=RunRequest(content="ÉCOLE")
    ),
    "forked": lambda user, chat: chats.fork_chat(user=user, chat=chat, message=_said(chat).pk, title="ÉCOLE"),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.django_db(transaction=True)
def test_whoever_writes_a_title_writes_it_folded(alice: User, project: Project, writer: str) -> None:
    chat = create_chat(user=alice, organization=project.organization_id)
    WRITERS[writer](alice, chat)
    assert Chat.objects.filter(title="ÉCOLE").exists()
    for each in Chat.objects.all():
        assert each.title_folded == folded(each.title)


def test_no_message_makes_a_search_slow(api: Api, alice: User, chat: Chat) -> None:
    """A mark moves past all others, one by one, until a form of writing is found: of 100,000 it takes seconds."""
    messages.create_message(user=alice, chat=chat, content="a" + "\u0301\u0327" * 49_999)
    began = time.process_time()
    assert found(api(alice), f"/api/chats/{chat.pk}/messages/", "x", "content") == []
    assert time.process_time() - began < 1


def _said(chat: Chat) -> Message:
    return messages.create_message(user=chat.user, chat=chat, content="x")


def test_rows_of_an_older_version_are_found_at_once_and_filled_by_the_chore(
    api: Api, alice: User, chat: Chat, project: Project
) -> None:
    Task.objects.create(project=project, title="ÉCOLE")
    Chat.objects.update(title="Old ÉCOLE", title_folded=None)
    Task.objects.update(title_folded=None)
    assert found(api(alice), "/api/chats/", "old") == ["Old ÉCOLE"]
    chore = Folding()
    while chore.step():
        pass
    assert [count for kind, count in chore.counts.items() if "titles" in kind] == [1, 1]
    assert found(api(alice), "/api/chats/", "école") == ["Old ÉCOLE"]
    assert found(api(alice), "/api/tasks/", "école") == ["ÉCOLE"]


@pytest.mark.parametrize("search", ["éco", "ÉCO", unicodedata.normalize(NFD, "éco")])
def test_the_admin_finds_beginnings_of_names_so(organization: Organization, search: str) -> None:
    Organization.objects.filter(pk=organization.pk).update(name="École")
    page, rows = site.get_model_admin(Organization), Organization.objects.all()
    assert page.get_search_results(RequestFactory().get("/"), rows, search)[0].count() == 1


def in_admin(model: Any, search: str) -> int:
    page = site.get_model_admin(model)
    return int(page.get_search_results(RequestFactory().get("/"), model.objects.all(), search)[0].count())


def test_the_admin_finds_names_as_searches_find_titles(alice: User, project: Project) -> None:
    organization = project.organization
    for text, search in [each for each in FINDS if folded(each[0]).startswith(folded(each[1]))]:
        for each in (alice, organization, project):
            each.name = text
            each.save(update_fields=["name"])
            assert in_admin(type(each), search) == 1, (text, search)
        assert in_admin(Membership, search) == organization.memberships.count()
        assert in_admin(User, f"{search} and more") == 0


def test_so_it_does_in_the_midst_of_an_upgrade(alice: User, organization: Organization) -> None:
    names = {User: "Straße", Organization: "Große"}
    for model, name in names.items():
        model.objects.update(name=name, name_folded=None)
    assert in_admin(User, "straß") == User.objects.count() and in_admin(User, "STRASS") == 0
    chore = Folding()
    while chore.step():
        pass
    assert in_admin(User, "STRASS") == User.objects.count() and in_admin(Organization, "GROSS") == 1


def test_whoever_writes_a_name_writes_it_folded(api: Api, alice: User, organization: Organization) -> None:
    assert api(alice).patch(f"/api/organizations/{organization.pk}/", {"name": "Straße"}, "json").status_code == 200
    body = {"organization": str(organization.pk), "name": "GROẞ"}
    assert api(alice).post("/api/projects/", body, "json").status_code == 201
    for model in (User, Organization, Project):
        for each in model.objects.all():
            assert each.name_folded == folded(each.name), each

"""Who reads a chat decides what may come into it, and what came into it decides who reads it."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from accounts.errors import Conflict
from accounts.models import Membership, Project, ProjectMember, Role, User
from chat import audience
from chat.models import Chat, ChatShare, Message, Sharing
from chat.run_request import Item, RunRequest
from chat.services import people
from chat.services.items import add_items
from chat.services.runs import start_run
from chat.transfer import views
from tests.chat.rows import answer, say
from tests.tools.contexts import context
from tools.base import ToolContext
from tools.documents.tools import _patch
from tools.errors import ToolError
from tools.knowledge.levels import level_of
from tools.knowledge.searching import Found, Searched
from tools.knowledge.tool import MAX_CHARS, _drawn, draw, fitting, most_level, search_knowledge
from tools.models import Document, KnowledgeDocument

pytestmark = pytest.mark.django_db

VIEWER, EDITOR, ADMIN = (level_of(role) for role in ("viewer", "editor", "admin"))


def ctx(user: User, chat: Chat) -> ToolContext:
    return context(user_id=user.pk, organization_id=chat.organization_id, project_id=chat.project_id, chat_id=chat.pk)


def become(user: User, role: Role) -> None:
    Membership.objects.filter(user=user).update(role=role)


@dataclass(frozen=True)
class Row:
    """Alice's chat, which is read by these, and what Alice, or who else asks, may draw."""

    alice: Role = Role.ADMIN
    bob: Role = Role.VIEWER
    bob_in_project: Role | None = None
    is_shared: bool = False  # with its project
    is_named: bool = False  # Bob is, in a share
    asks: str = "alice"
    most: int = ADMIN


READERS: dict[str, Row] = {
    "a private chat of an admin": Row(),
    "of an editor": Row(alice=Role.EDITOR, most=EDITOR),
    "of a viewer": Row(alice=Role.VIEWER, most=VIEWER),
    "its project has a viewer": Row(is_shared=True, most=VIEWER),
    "its project has an editor": Row(bob=Role.EDITOR, is_shared=True, most=EDITOR),
    "its project has nobody below an admin": Row(bob=Role.ADMIN, is_shared=True),
    "a viewer who is an admin in this project": Row(bob_in_project=Role.ADMIN, is_shared=True),
    "an admin who is a viewer in this project": Row(bob=Role.ADMIN, bob_in_project=Role.VIEWER, is_shared=True, most=1),
    "a viewer is named": Row(is_named=True, most=VIEWER),
    "an editor is named": Row(bob=Role.EDITOR, is_named=True, most=EDITOR),
    "a viewer asks in an admin's chat": Row(is_named=True, asks="bob", most=VIEWER),
    "an admin asks in an editor's chat": Row(Role.EDITOR, Role.ADMIN, is_named=True, asks="bob", most=EDITOR),
}


@pytest.mark.parametrize("name", READERS)
def test_what_may_come_in_is_the_least_that_a_reader_or_who_asks_may_read(name, alice, bob, chat, charlie) -> None:
    row = READERS[name]
    become(alice, row.alice)
    become(bob, row.bob)
    if row.bob_in_project:
        ProjectMember.objects.create(project=chat.project, user=bob, role=row.bob_in_project)
    if row.is_named:
        ChatShare.objects.create(chat=chat, user=bob, access="write")
    Chat.objects.update(sharing=Sharing.PROJECT if row.is_shared else Sharing.PRIVATE)
    asker = {"alice": alice, "bob": bob}[row.asks]
    assert most_level(ctx(asker, chat)) == row.most
    assert draw(ctx(asker, chat), lambda: [0, 3, 1, 2]) == row.most
    chat.refresh_from_db()
    assert chat.level == row.most
    draw(ctx(asker, chat), lambda: [0])
    chat.refresh_from_db()
    assert chat.level == row.most  # it never goes down


def test_nothing_comes_in_for_who_is_outside_or_where_no_chat_is(alice, charlie, chat, elsewhere) -> None:
    gone = User.objects.create_user("gone@example.com", is_active=False)
    assert most_level(ctx(charlie, chat)) < 0
    assert draw(ctx(charlie, chat), lambda: [0, 1, 2, 3]) < 0
    other = Project.objects.create(organization=elsewhere, name="Theirs")
    for wrong in (
        context(user_id=gone.pk, project_id=chat.project_id, chat_id=chat.pk),
        context(user_id=alice.pk, project_id=other.pk, chat_id=chat.pk),
        context(user_id=alice.pk, project_id=chat.project_id, chat_id=uuid4()),
        context(user_id=alice.pk, project_id=chat.project_id, chat_id=None),
        context(user_id=alice.pk, project_id=None, chat_id=chat.pk),
    ):
        with pytest.raises(ToolError):
            draw(wrong, lambda: [0])
    chat.refresh_from_db()
    assert chat.level == 0


def found(level: int, text: str = "x") -> Found:
    return Found(level + 1, UUID(int=level), f"Title {level}", "", text, level, 1.0, None, "")


async def test_a_passage_that_may_not_come_in_any_more_when_it_is_drawn_is_left_out(monkeypatch) -> None:
    """The search has looked before a viewer was let in; the second look is what counts."""
    from tools.knowledge import tool as module

    told: list[Any] = []
    project = type("Project", (), {"pk": uuid4()})()
    monkeypatch.setattr(module, "project_of", lambda ctx, needs: project)

    async def find(*asked: Any) -> Searched:
        told.append(asked)
        return Searched([found(3), found(1)])

    monkeypatch.setattr(module, "find", find)
    monkeypatch.setattr(module, "most_level", lambda ctx: 3)
    monkeypatch.setattr(module, "draw", lambda ctx, levels: 1 if levels() else -1)
    monkeypatch.setattr(module, "_levels", lambda ctx, found: {each.document: each.level for each in found})
    result = await module.search_knowledge.function(context(), "q", 8)
    assert [each["title"] for each in result["passages"]] == ["Title 1"]
    assert "level" not in json.dumps(result) and "score" not in json.dumps(result)
    assert told == [(project.pk, "q", 3, 8)]


def test_the_documents_of_what_was_found_are_looked_at_again(alice, bob, chat, charlie, elsewhere) -> None:
    """Since the search one was raised, one was deleted, one is of another project."""
    become(alice, Role.EDITOR)
    other = Project.objects.create(organization=elsewhere, name="Theirs")
    rows = {"stays": (chat.project, 1), "lower": (chat.project, 0), "raised": (chat.project, 3), "theirs": (other, 0)}
    documents = {
        title: KnowledgeDocument.objects.create(project=project, title=title, level=level, sha256="0" * 64)
        for title, (project, level) in rows.items()
    }
    before = [replace(found(1), document=each.pk, title=title) for title, each in documents.items()]
    told = _drawn(ctx(alice, chat), [*before, replace(found(1), title="gone")])
    assert [each["title"] for each in told["passages"]] == ["stays", "lower"]
    chat.refresh_from_db()
    assert chat.level == 1
    KnowledgeDocument.objects.filter(title="stays").update(level=2)
    _drawn(ctx(alice, chat), before)
    chat.refresh_from_db()
    assert chat.level == 2  # as it is now, not as the search said


@pytest.mark.parametrize(("are_up", "most"), [(True, VIEWER), (False, ADMIN)])
def test_processes_that_know_no_levels_are_shown_nothing_above_a_viewer(
    alice, chat, monkeypatch, are_up: bool, most: int
) -> None:
    become(alice, Role.ADMIN)
    monkeypatch.setattr(audience, "are_older_up", lambda: are_up)
    assert most_level(ctx(alice, chat)) == most
    assert draw(ctx(alice, chat), lambda: [3, 2, 1]) == most
    chat.refresh_from_db()
    assert chat.level == most


@pytest.mark.parametrize("by_run", [True, False])
@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("level", range(4))
def test_what_is_taken_from_a_chat_brings_its_level(alice, bob, chat, by_run, is_shared, level) -> None:
    become(alice, Role.ADMIN)
    become(bob, Role.EDITOR)
    Chat.objects.update(sharing=Sharing.PROJECT if is_shared else Sharing.PRIVATE)
    items = (Item("user", "Old", level=level), Item("user", "New"))

    def bring() -> Any:
        if by_run:
            return start_run(user=alice, chat=chat, ask=RunRequest(items=items))
        return add_items(user=alice, chat=chat, items=items)

    if is_shared and level > EDITOR:
        with pytest.raises(Conflict) as refused, transaction.atomic():
            bring()
        assert refused.value.code == "holds_confidential"
        assert not chat.messages.exists()
        level = 0
    else:
        bring()
    chat.refresh_from_db()
    assert chat.level == level


@pytest.mark.parametrize("level", range(4))
def test_the_projects_document_is_not_told_what_not_every_member_may_read(alice, chat, level) -> None:
    become(alice, Role.ADMIN)
    Chat.objects.update(level=level)
    patch = [{"op": "add", "path": "/a", "value": "canary"}]
    if level <= VIEWER:
        assert _patch(ctx(alice, chat), patch, None)["version"] == 1
    else:
        with pytest.raises(ToolError, match="everybody in the project reads its document"):
            _patch(ctx(alice, chat), patch, None)
    assert Document.objects.exists() is (level <= VIEWER)


def test_passages_have_one_room_together() -> None:
    assert [len(each.text) for each in fitting([found(0, "a" * 7_000), found(1, "b" * 5_000), found(2)])] == [
        7_000,
        5_000,
    ]
    assert [len(each.text) for each in fitting([found(0, "a" * 20_000)])] == [MAX_CHARS]
    assert fitting([]) == []


@pytest.mark.parametrize(("query", "limit"), [("", 8), (" ", 8), ("q" * 1_001, 8), ("q", 0), ("q", 21)])
async def test_a_question_that_is_none_is_refused(query: str, limit: int) -> None:
    from tools.executor import execute

    ctx = context(capabilities=frozenset({"knowledge"}))
    done = await execute(search_knowledge, ctx, {"query": query, "limit": limit})
    assert done.result is None and done.error and done.error.startswith(("query:", "limit:"))


# --- Who sees it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("is_by_project", [False, True])
def test_who_may_not_read_what_a_chat_holds_does_not_see_it(alice, bob, api, chat, level, role, is_by_project) -> None:
    Chat.objects.update(level=level, sharing=Sharing.PROJECT)
    become(bob, Role.VIEWER if is_by_project else role)
    if is_by_project:
        ProjectMember.objects.create(project=chat.project, user=bob, role=role)
    message = say(chat, alice, "canary")
    may = level <= level_of(role)
    assert Chat.objects.visible_to(bob).exists() is may
    client = api(bob)
    for path in (f"/api/chats/{chat.pk}/", f"/api/messages/{message.pk}/", f"/api/chats/{chat.pk}/shares/"):
        assert client.get(path).status_code == (200 if may else 404), path
    assert bool(client.get("/api/chats/").json()["results"]) is may


def test_a_role_in_another_project_opens_nothing(bob, chat, organization) -> None:
    become(bob, Role.VIEWER)
    other = Project.objects.create(organization=organization, name="Other")
    ProjectMember.objects.create(project=other, user=bob, role=Role.ADMIN)
    Chat.objects.update(level=2, sharing=Sharing.PROJECT)
    assert not Chat.objects.visible_to(bob).exists()


def test_whose_role_is_lowered_sees_it_no_more(alice, api, chat) -> None:
    Chat.objects.update(level=3)
    become(alice, Role.ADMIN)
    assert api(alice).get(f"/api/chats/{chat.pk}/").status_code == 200
    become(alice, Role.EDITOR)
    assert api(alice).get(f"/api/chats/{chat.pk}/").status_code == 404


Act = Callable[[Any, Chat, User, Message], Any]
ACTS: dict[str, Act] = {
    "share": lambda api, chat, bob, message: api.post(
        f"/api/chats/{chat.pk}/shares/", {"user": str(bob.pk)}, format="json"
    ),
    "share with the project": lambda api, chat, bob, message: api.patch(
        f"/api/chats/{chat.pk}/", {"sharing": "project"}, format="json"
    ),
    "export": lambda api, chat, bob, message: api.get(f"/api/chats/{chat.pk}/export/"),
}


@pytest.mark.parametrize("act", ["share", "share with the project"])
@pytest.mark.parametrize("level", range(4))
def test_a_chat_is_not_shared_with_who_may_not_read_it(alice, bob, api, chat, act, level) -> None:
    become(alice, Role.ADMIN)
    become(bob, Role.VIEWER)
    Chat.objects.update(level=level)
    said = ACTS[act](api(alice), chat, bob, say(chat, alice))
    if level <= VIEWER:
        assert said.status_code in (200, 201)
        return
    assert (said.status_code, said.json()["error"]["code"]) == (409, "holds_confidential")
    chat.refresh_from_db()
    assert (chat.sharing, ChatShare.objects.exists()) == (Sharing.PRIVATE, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"sharing": "private"},
        {"project_access": "read"},
        {"sharing": "project"},  # as it is
        {"sharing": "private", "project_access": "read"},
    ],
)
def test_a_chat_is_narrowed_whoever_reads_it(alice, bob, api, chat, changes) -> None:
    """One who is named is a viewer since: they do not see it, and what is not widened is not refused."""
    become(alice, Role.ADMIN)
    become(bob, Role.VIEWER)
    ChatShare.objects.create(chat=chat, user=bob, access="read")
    Chat.objects.update(level=3, sharing=Sharing.PROJECT, project_access="write")
    assert api(alice).patch(f"/api/chats/{chat.pk}/", changes, format="json").status_code == 200
    chat.refresh_from_db()
    assert {name: getattr(chat, name) for name in changes} == changes


def test_a_fork_holds_what_its_chat_held(alice, api, chat) -> None:
    become(alice, Role.ADMIN)
    Chat.objects.update(level=3)
    message = say(chat, alice)
    made = api(alice).post(f"/api/chats/{chat.pk}/fork/", {"message": str(message.pk)}, format="json")
    assert made.status_code == 201
    assert Chat.objects.get(pk=made.json()["id"]).level == 3


def test_chats_are_not_handed_to_who_may_not_read_them(alice, bob, chat) -> None:
    become(bob, Role.EDITOR)
    Chat.objects.update(level=3)
    with pytest.raises(Conflict) as refused, transaction.atomic():
        people.hand_over(source=alice, to=bob, by=None)
    assert refused.value.code == "holds_confidential"
    assert Chat.objects.get().user == alice
    become(bob, Role.ADMIN)
    assert people.hand_over(source=alice, to=bob, by=None) == 1


def test_a_file_of_it_keeps_its_level_and_opens_to_nobody_below(alice, bob, chat, organization) -> None:
    from chat.transfer.reading import read
    from chat.transfer.storing import Place, store
    from chat.transfer.writing import written

    answer(chat, alice)
    Chat.objects.update(level=3)
    chat.refresh_from_db()
    package = read(io.BytesIO(b"".join(written(chat))))
    become(bob, Role.EDITOR)
    with pytest.raises(Conflict) as refused, transaction.atomic():
        store(package, Place(bob, organization, chat.project, is_copy=True))
    assert refused.value.code == "holds_confidential"
    become(bob, Role.ADMIN)
    assert store(package, Place(bob, organization, chat.project, is_copy=True)).level == 3


def test_what_is_for_every_member_is_exported_and_nothing_else(alice, chat) -> None:
    for level in range(4):
        chat.level = level
        if level <= VIEWER:
            audience.require_exportable(chat)
        else:
            with pytest.raises(Conflict, match="cannot be had as a file"):
                audience.require_exportable(chat)


def test_what_came_in_while_an_export_waited_is_not_in_a_file(alice, chat, monkeypatch) -> None:
    monkeypatch.setattr(views, "close_old_connections", lambda: None)  # it has a thread of its own otherwise
    answer(chat, alice)
    Chat.objects.update(level=2)
    assert chat.level == 0  # as it was looked at
    with pytest.raises(Conflict, match="cannot be had as a file"):
        views._file(chat, False)
    Chat.objects.update(level=1)
    with views._file(chat, False)[0] as file:
        assert file.read()

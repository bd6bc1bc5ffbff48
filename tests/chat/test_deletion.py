"""What was deleted is nowhere: a canary in every store that docs/deletion.md lists, and then a look at the disk."""

import uuid
from typing import Any

import psycopg
import pygit2
import pytest

from accounts.models import Organization, Project, User
from chat.models import Chat
from chat.ops.erasure import Erasure
from chat.services import people
from tests import environment
from tests.conftest import FILES
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall
from tools.git import removal
from tools.git.bare import open_bare
from tools.git.repository import Repository

ALICE = {"author_name": "Alice", "author_email": "alice@example.com"}


def holders(server: Server, canary: str) -> list[str]:
    """Where the text is on disk, in the files of the server's folder, in git's objects and in PostgreSQL's tables."""
    found = [str(each) for each in server.data.rglob("*") if each.is_file() and canary.encode() in each.read_bytes()]
    for head in server.data.glob("repositories/*/HEAD"):
        raw = open_bare(head.parent)
        found += [f"{head.parent} {id}" for id in raw if canary in _text(raw[id])]
    if environment.profile() == "scaled":
        found += _in_tables(server.settings["DATABASE_URL"].replace("postgres://", "postgresql://"), canary)
    return found


def _text(thing: pygit2.Object) -> str:
    return thing.read_raw().decode(errors="replace")


def _in_tables(address: str, canary: str) -> list[str]:
    with psycopg.connect(address) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return [
            name
            for (name,) in tables
            if connection.execute(f'SELECT 1 FROM "{name}" t WHERE t::text LIKE %s', [f"%{canary}%"]).fetchone()  # type: ignore[arg-type]
        ]


def say(person: Client, chat: str, upstream: Upstream, canary: str, path: str) -> None:
    """Canaries in what is asked, reasoned, written to a file, answered; waits for the answer."""
    mark = key()
    call = ScriptedCall(name="write_file", arguments={"path": path, "content": f"{canary}\n"})
    upstream.script(Turn(tool_calls=[call]), Turn(text=[f"Written: {canary}"]), key=mark)
    sent = {"content": f"[[key={mark}]] {canary}", "enableStreaming": False}
    person.post(f"/api/editorChat/stream/{chat}", sent)


@pytest.fixture
def own(new_server: Any) -> Server:
    """A server of one's own, whose chores are done by command alone."""
    made: Server = new_server(ERASURE_EVERY_S="0").start()
    return made


def test_a_deleted_chat_is_in_no_store(own: Server, upstream: Upstream) -> None:
    alice, canary = client(own), f"canary{uuid.uuid4().hex}"
    gone, stays = alice.chat(), alice.chat()
    own.call("PATCH", f"/api/chats/{gone}/", {"title": canary, "metadata": {"note": canary}}, token=alice.token)
    say(alice, gone, upstream, canary, f"{canary}.txt")
    say(alice, stays, upstream, "another chat's", "mine.txt")
    alice.post(f"/api/editorChat/{gone}/create-pr", {"title": canary})
    assert len(holders(own, canary)) >= 4  # so the look finds it
    assert own.call("DELETE", f"/api/chats/{gone}/", token=alice.token).status == 204
    own.manage("chores", "--run", "erasure")
    assert holders(own, canary) == []
    assert alice.post(f"/api/editorChat/{stays}/get-diff", {})["files"][0]["path"] == "mine.txt"


def test_a_deleted_project_s_folder_is_gone_at_once(own: Server, upstream: Upstream) -> None:
    alice, canary = client(own), f"canary{uuid.uuid4().hex}"
    place = alice.get("/api/organizations/")["results"][0]["id"]
    named = {"name": "What the ledger goes on to say", "description": canary}
    project = alice.post("/api/projects/", {"organization": place, **named})["id"]
    sent = {"organization": place, "project": project, "title": canary}
    say(alice, alice.post("/api/chats/", sent)["id"], upstream, canary, "secret.txt")
    alice.post("/api/tasks/", {"project": project, "title": canary})
    assert list(own.data.glob(f"repositories/{project}.*"))
    assert own.call("DELETE", f"/api/projects/{project}/", token=alice.token).status == 204
    assert list(own.data.glob(f"repositories/{project}.*")) == []
    own.manage("chores", "--run", "erasure")
    assert holders(own, canary) == []


# --- In this process --------------------------------------------------------------------------------------------------


def branches(project: Project) -> set[str]:
    return set(open_bare(Repository(project.pk).path).branches.local)


def delete_chat(chat: Chat) -> None:
    chat.delete()


def delete_owner(chat: Chat) -> None:
    people.delete_person(chat.user, by=None)


def delete_by_query(chat: Chat) -> None:
    Chat.objects.filter(pk=chat.pk).delete()


@pytest.mark.parametrize("delete", [delete_chat, delete_owner, delete_by_query])
def test_however_a_chat_is_deleted_its_branch_goes_with_it(
    chat: Chat, delete: Any, django_capture_on_commit_callbacks: Any
) -> None:
    assert chat.project
    Repository(chat.project.pk).write(chat.branch_name(), "a.txt", "a", **ALICE)
    with django_capture_on_commit_callbacks(execute=True):
        delete(chat)
    assert branches(chat.project) == {"main"}


def test_a_deletion_that_is_undone_takes_no_file(chat: Chat, django_capture_on_commit_callbacks: Any) -> None:
    assert chat.project
    Repository(chat.project.pk).write(chat.branch_name(), "a.txt", "a", **ALICE)
    branch = chat.branch_name()
    with django_capture_on_commit_callbacks() as planned:
        chat.delete()
    assert len(planned) == 1 and branch in branches(chat.project)


def test_an_organization_takes_its_projects_folders_along(
    project: Project, django_capture_on_commit_callbacks: Any
) -> None:
    left = project.pk
    with django_capture_on_commit_callbacks(execute=True):
        project.organization.delete()
    assert left not in removal.known_projects()


def test_what_a_crash_left_is_found(
    chat: Chat, project: Project, elsewhere: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Project.objects.create(organization=elsewhere, name="Kept")
    Repository(kept.pk).create(FILES, **ALICE)
    other = Chat.objects.create(**{name: getattr(chat, name) for name in ("organization", "project", "user", "model")})
    for one in (chat, other):
        Repository(project.pk).write(one.branch_name(), "a.txt", str(one.pk), **ALICE)
    gone = chat.branch_name()
    chat.delete()  # no commit comes in a test, as none of our process would after a crash
    round_of_chores()
    assert {other.branch_name(), gone} < branches(project)  # too young to tell
    monkeypatch.setattr(removal, "LEFT_FOR_S", -1)
    assert round_of_chores()["branches removed"] == 1
    assert branches(project) == {"main", other.branch_name()}
    left = kept.pk
    kept.delete()
    assert round_of_chores()["repositories removed"] >= 1
    assert left not in removal.known_projects() and project.pk in removal.known_projects()


def round_of_chores() -> dict[str, int]:
    erasure = Erasure()
    while erasure.step():
        pass
    return erasure.counts


def test_who_may_not_delete_takes_no_branch(api: Any, chat: Chat, bob: User, charlie: User) -> None:
    assert chat.project
    Repository(chat.project.pk).write(chat.branch_name(), "a.txt", "a", **ALICE)
    for person in (bob, charlie):
        assert api(person).delete(f"/api/chats/{chat.pk}/").status_code == 404
    assert chat.branch_name() in branches(chat.project)

"""Pull requests by REST: opened at each forge and here, renewed, merged, closed; and who may not."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership, Organization, Project, Role, User
from accounts.secrets import seal
from accounts.sign_in.keys import create_key
from chat.models import Chat, ChatStatus, PullRequest, PullState, Sharing
from chat.models.chats import Access
from chat.rest.pull_requests import PullFileSerializer
from chat.services import pull_requests
from chat.services.pull_requests import _by_tool
from tests.conftest import member
from tests.forges import Forge, give
from tests.tools.contexts import context
from tests.tools.git_http import READS_ONLY, TOKEN, GitServer
from tests.tools.gits import fsck, git, heads
from tools.errors import ToolError
from tools.git.diffs import FileDiff
from tools.git.repository import Repository
from tools.models import ProjectRepository

pytestmark = pytest.mark.django_db(transaction=True)
ALICE = {"author_name": "Alice", "author_email": "alice@example.com"}
Api = Callable[[User], APIClient]


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[GitServer]:
    made = GitServer(tmp_path / "server")
    settings.OUTWARD_ALLOW = [made.host]
    yield made
    made.close()


@pytest.fixture
def repository(project: Project) -> Repository:
    return Repository(project.pk)


@pytest.fixture
def place(server: GitServer, repository: Repository) -> Path:
    return server.repository(of=repository.path)


@pytest.fixture
def forge(server: GitServer, place: Path, project: Project) -> Forge:
    at(project, server, "github")
    return Forge("github", server)


def at(project: Project, server: GitServer, kind: str, token: str = TOKEN) -> None:
    """Give the project a remote at the server."""
    said = {"remote_url": f"{server.url}/acme/website.git", "forge": kind, "token": seal(token) if token else ""}
    path = "" if kind == "none" else "acme/website"
    ProjectRepository.objects.update_or_create(project=project, defaults={**said, "state": "ready", "forge_path": path})


def write(chat: Chat, path: str = "a.txt", text: str = "1\n", branch: str = "") -> str:
    assert chat.project_id is not None
    return Repository(chat.project_id).write(branch or chat.branch_name(), path, text, **ALICE).commit


def asked(client: APIClient, chat: Chat, **body: Any) -> Any:
    return client.post(f"/api/chats/{chat.pk}/pull-request/", body, format="json")


def code(answered: Any) -> tuple[int, str]:
    return answered.status_code, answered.json()["error"]["code"]


@pytest.mark.parametrize(("old", "told"), [("a.txt", None), ("b.txt", "b.txt")])
def test_a_file_says_where_it_was_only_if_it_was_moved(old: str, told: str | None) -> None:
    file = FileDiff("a.txt", old, "R", 1, 0, "", is_binary=False, is_truncated=False)
    assert PullFileSerializer(file).data["oldPath"] == told


@pytest.mark.parametrize("kind", ["github", "gitlab", "forgejo"])
def test_it_is_opened_at_the_forge_and_asking_again_renews_it(
    kind: str, chat: Chat, alice: User, api: Api, server: GitServer, place: Path, repository: Repository
) -> None:
    at(chat.project, server, kind)  # type: ignore[arg-type]
    forge, first = Forge(kind, server), write(chat)
    answered = asked(api(alice), chat, title="Cheaper coffee", body="Because.")
    made = answered.json()
    assert answered.status_code == 201, made
    assert (made["title"], made["state"], made["forge"], made["head"]) == ("Cheaper coffee", "open", kind, first)
    assert (made["base"], made["mergeable"], made["conflicts"], made["pushed"]) == ("main", True, [], True)
    assert made["url"].startswith(f"{server.url}/acme/website/") and made["files"][0]["path"] == "a.txt"
    assert heads(place)[chat.branch_name()] == first
    forge.pulls[0]["title"] = "Renamed there"
    second = write(chat, text="2\n")
    again = asked(api(alice), chat)
    assert again.status_code == 200
    assert (again.json()["id"], again.json()["number"], again.json()["head"]) == (made["id"], made["number"], second)
    assert (forge.created, forge.pulls[0]["title"]) == (1, "Renamed there"), "what was not said is left as it is"
    assert asked(api(alice), chat, body="More.").json()["body"] == "More."
    assert (forge.pulls[0]["title"], forge.pulls[0]["body"]) == ("Renamed there", "More.")
    assert api(alice).get(f"/api/pulls/{made['id']}/").json()["head"] == second
    fsck(place)
    fsck(repository.path)


def test_one_that_was_merged_there_is_followed_by_another(chat: Chat, alice: User, api: Api, forge: Forge) -> None:
    write(chat)
    first = asked(api(alice), chat).json()
    forge.merge(first["number"])
    write(chat, text="2\n")
    answered = asked(api(alice), chat)
    assert answered.status_code == 201 and answered.json()["number"] != first["number"]
    assert PullRequest.objects.get(pk=first["id"]).state == PullState.MERGED


def test_after_the_push_a_refusal_says_so_and_how_to_go_on(
    chat: Chat, alice: User, api: Api, forge: Forge, server: GitServer, place: Path
) -> None:
    commit = write(chat)
    forge.fault = lambda asked: give(403, {"message": "no"}, **{"Retry-After": "9"}) if asked.method == "POST" else None
    answered = asked(api(alice), chat)
    error = answered.json()["error"]
    assert code(answered) == (502, "forge_rate_limited") and answered["Retry-After"] == "9"
    assert error["fields"]["pushed"] == ["true"] and "/compare/main..." in error["fields"]["compare_url"][0]
    assert heads(place)[chat.branch_name()] == commit and not PullRequest.objects.exists()
    forge.fault = lambda asked: None
    assert asked(api(alice), chat).status_code == 201, "the same again goes on from there"


REMOTE_FAULTS = [("nonsense", "forge_auth"), (READS_ONLY, "forge_forbidden"), ("", "forge_auth")]


@pytest.mark.parametrize(("token", "expected"), REMOTE_FAULTS)
def test_a_push_that_is_refused_opens_nothing(
    token: str, expected: str, chat: Chat, alice: User, api: Api, forge: Forge, server: GitServer
) -> None:
    at(chat.project, server, "github", token)  # type: ignore[arg-type]
    write(chat)
    for answered in (asked(api(alice), chat), api(alice).post(f"/api/chats/{chat.pk}/push")):
        assert code(answered) == (502, expected)
        assert "pushed" not in answered.json()["error"]["fields"]
        assert TOKEN not in answered.content.decode() and READS_ONLY not in answered.content.decode()
    assert forge.calls == [] and not PullRequest.objects.exists()


def test_conflicts_of_the_branches_are_409(
    chat: Chat, alice: User, api: Api, forge: Forge, server: GitServer, place: Path
) -> None:
    write(chat)
    git(place, "update-ref", f"refs/heads/{chat.branch_name()}", _other(place))
    assert code(asked(api(alice), chat)) == (409, "branch_moved")
    git(place, "update-ref", "-d", f"refs/heads/{chat.branch_name()}")
    server.protect(place)
    assert code(api(alice).post(f"/api/chats/{chat.pk}/push")) == (409, "branch_protected")


def _other(place: Path) -> str:
    return git(place, "commit-tree", "main^{tree}", "-p", "main", "-m", "Theirs").strip()


def test_a_chat_is_pushed(chat: Chat, alice: User, api: Api, forge: Forge, place: Path, server: GitServer) -> None:
    client = api(alice)
    assert code(client.post(f"/api/chats/{chat.pk}/push")) == (409, "nothing_to_push")
    commit = write(chat)
    for _ in range(2):
        told = client.post(f"/api/chats/{chat.pk}/push").json()
        assert told == {"branch": chat.branch_name(), "commit": commit, "remote": f"{server.url}/acme/website.git"}
    ProjectRepository.objects.all().delete()
    assert code(client.post(f"/api/chats/{chat.pk}/push")) == (409, "no_remote")


def test_what_cannot_be_put_forward(chat: Chat, alice: User, api: Api, settings: Any) -> None:
    assert code(asked(api(alice), chat)) == (409, "nothing_to_propose")
    write(chat)
    settings.PULL_REQUEST_BODY_MAX_CHARS = 10
    for field, value in (("title", "x" * 201), ("title", 5), ("body", "x" * 11), ("draft", "yes"), ("nonsense", 1)):
        refused = asked(api(alice), chat, **{field: value})
        assert refused.status_code == 400 and list(refused.json()["error"]["fields"]) == [field]
    Chat.objects.filter(pk=chat.pk).update(status=ChatStatus.ARCHIVED)
    assert code(asked(api(alice), chat)) == (409, "chat_archived")
    assert code(api(alice).post(f"/api/chats/{chat.pk}/push")) == (409, "chat_archived")
    assert not PullRequest.objects.exists()


def test_without_a_forge_it_is_here_and_is_merged_here(
    chat: Chat, alice: User, api: Api, repository: Repository
) -> None:
    head = write(chat)
    made = asked(api(alice), chat, title="A note").json()
    assert (made["number"], made["forge"], made["pushed"], made["mergeable"]) == (1, "none", False, True)
    assert made["url"].endswith(f"/projects/{chat.project_id}/pulls/1/")
    merge = f"/api/pulls/{made['id']}/merge"
    assert code(api(alice).post(merge, {"head": "0" * 40}, format="json")) == (409, "head_moved")
    done = api(alice).post(merge, {"head": head}, format="json")
    assert done.status_code == 200 and done.json()["state"] == "merged"
    assert git(repository.path, "log", "-1", "--format=%H %s", "main").startswith(
        f"{done.json()['merged_as']} Merge pull request #1: A note"
    )
    assert [each["path"] for each in done.json()["files"]] == ["a.txt"], "what it brought can still be seen"
    assert code(api(alice).post(merge)) == (409, "not_open")
    assert code(api(alice).post(f"/api/pulls/{made['id']}/close")) == (409, "not_open")
    assert code(asked(api(alice), chat)) == (409, "nothing_to_propose")
    write(chat, text="2\n")
    assert asked(api(alice), chat).json()["number"] == 2
    fsck(repository.path)


def test_a_conflict_is_told_and_not_merged(chat: Chat, alice: User, api: Api, repository: Repository) -> None:
    write(chat, "README.md", "ours\n")
    write(chat, "README.md", "theirs\n", "other")
    git(repository.path, "update-ref", "refs/heads/main", "refs/heads/other")
    before = heads(repository.path)
    made = asked(api(alice), chat).json()
    assert (made["mergeable"], made["conflicts"]) == (False, ["README.md"])
    refused = api(alice).post(f"/api/pulls/{made['id']}/merge")
    assert code(refused) == (409, "conflicts") and refused.json()["error"]["fields"]["conflicts"] == ["README.md"]
    assert heads(repository.path) == before


def test_a_base_that_moves_meanwhile_is_not_overwritten(
    chat: Chat, alice: User, api: Api, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(chat)
    other = write(chat, "other.txt", "x\n", "other")
    made = asked(api(alice), chat).json()
    real = pull_requests.finish_merge

    def late(*arguments: Any) -> None:
        git(repository.path, "update-ref", "refs/heads/main", "refs/heads/other")
        real(*arguments)

    monkeypatch.setattr(pull_requests, "finish_merge", late)
    assert code(api(alice).post(f"/api/pulls/{made['id']}/merge")) == (409, "base_moved")
    assert heads(repository.path)["main"] == other
    monkeypatch.setattr(pull_requests, "finish_merge", real)
    assert api(alice).post(f"/api/pulls/{made['id']}/merge").status_code == 200


@pytest.mark.parametrize("by", ["merge", "pull-request"])
def test_a_merge_whose_process_died_is_finished(
    by: str, chat: Chat, alice: User, api: Api, repository: Repository
) -> None:
    """The branch has it, and the row does not know."""
    write(chat)
    made = asked(api(alice), chat).json()
    merged = api(alice).post(f"/api/pulls/{made['id']}/merge").json()["merged_as"]
    PullRequest.objects.update(state="open", merged_as="", closed_at=None)
    if by == "merge":
        assert api(alice).post(f"/api/pulls/{made['id']}/merge").status_code == 200
    else:
        assert code(asked(api(alice), chat)) == (409, "nothing_to_propose")
    kept = PullRequest.objects.get()
    assert (kept.state, kept.merged_as) == (PullState.MERGED, merged) and heads(repository.path)["main"] == merged


@pytest.mark.parametrize("meanwhile", ["closed", "renewed", "renewed and closed"])
def test_what_happens_to_it_while_it_is_merged(
    meanwhile: str, chat: Chat, alice: User, api: Api, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The merge counts for what was merged, and for nothing else."""
    head = write(chat)
    made = asked(api(alice), chat).json()
    real = pull_requests.finish_merge

    def late(*arguments: Any) -> None:
        if "renewed" in meanwhile:
            write(chat, text="2\n")
            assert asked(api(alice), chat).json()["id"] == made["id"]
        if "closed" in meanwhile:
            assert api(alice).post(f"/api/pulls/{made['id']}/close").status_code == 200
        real(*arguments)

    monkeypatch.setattr(pull_requests, "finish_merge", late)
    done = api(alice).post(f"/api/pulls/{made['id']}/merge")
    kept, main = PullRequest.objects.get(pk=made["id"]), heads(repository.path)["main"]
    assert git(repository.path, "merge-base", "main", head).strip() == head
    if meanwhile == "closed":
        assert done.status_code == 200 and (kept.state, kept.merged_as) == ("merged", main)
    else:
        assert code(done) == (409, "head_moved") and done.json()["error"]["fields"]["merged_as"] == [main]
        assert kept.head != head and (kept.state, kept.merged_as) == ("closed" if "and" in meanwhile else "open", "")


def test_another_remote_at_the_same_forge_has_numbers_of_its_own(
    chat: Chat, alice: User, api: Api, forge: Forge, server: GitServer, repository: Repository
) -> None:
    first_head = write(chat)
    first = asked(api(alice), chat).json()
    server.repository("acme/other", of=repository.path)
    ProjectRepository.objects.update(remote_url=f"{server.url}/acme/other.git", forge_path="acme/other")
    forge.pulls.clear()
    forge.path, forge.calls = "acme/other", []
    answered = asked(api(alice), chat)
    second = answered.json()
    assert answered.status_code == 201 and second["number"] == first["number"], second
    assert "/acme/other/" in second["url"] and second["id"] != first["id"]
    kept = PullRequest.objects.get(pk=first["id"])
    assert (kept.state, kept.url, kept.head) == ("closed", first["url"], first_head)
    assert asked(api(alice), chat).json()["id"] == second["id"]


def test_a_push_that_is_too_large_is_413(chat: Chat, alice: User, api: Api, forge: Forge, settings: Any) -> None:
    settings.PUSH_MAX_BYTES = 100
    write(chat)
    assert code(api(alice).post(f"/api/chats/{chat.pk}/push")) == (413, "push_too_large")
    assert code(asked(api(alice), chat)) == (413, "push_too_large")


def test_what_is_too_large_to_merge_is_put_forward_and_not_merged(
    chat: Chat, alice: User, api: Api, repository: Repository
) -> None:
    write(chat, "big.txt", "a\nb\n" * 30_000)
    write(chat, "big.txt", "b\nc\n" * 30_000, "other")
    git(repository.path, "update-ref", "refs/heads/main", "refs/heads/other")
    made = asked(api(alice), chat).json()
    assert (made["state"], made["mergeable"], made["conflicts"]) == ("open", None, [])
    assert code(api(alice).post(f"/api/pulls/{made['id']}/merge")) == (409, "too_large_to_merge")


@pytest.mark.parametrize("what", ["merge", "close"])
def test_one_of_an_archived_chat_can_be_merged_and_closed(what: str, chat: Chat, alice: User, api: Api) -> None:
    write(chat)
    made = asked(api(alice), chat).json()
    Chat.objects.filter(pk=chat.pk).update(status=ChatStatus.ARCHIVED)
    assert api(alice).post(f"/api/pulls/{made['id']}/{what}").status_code == 200


def test_at_a_remote_without_a_forge_the_merge_is_pushed_first(
    chat: Chat, alice: User, api: Api, server: GitServer, place: Path, repository: Repository
) -> None:
    at(chat.project, server, "none")  # type: ignore[arg-type]
    write(chat)
    made = asked(api(alice), chat).json()
    assert (made["forge"], made["pushed"]) == ("none", True)
    before = heads(repository.path)["main"]
    theirs = _other(place)
    git(place, "update-ref", "refs/heads/main", theirs)
    assert code(api(alice).post(f"/api/pulls/{made['id']}/merge")) == (409, "base_moved")
    assert (heads(place)["main"], heads(repository.path)["main"]) == (theirs, before)
    git(place, "update-ref", "refs/heads/main", before)
    done = api(alice).post(f"/api/pulls/{made['id']}/merge").json()
    assert heads(place)["main"] == heads(repository.path)["main"] == done["merged_as"]
    fsck(place)


def test_one_at_a_forge_is_merged_and_closed_there(chat: Chat, alice: User, api: Api, forge: Forge) -> None:
    write(chat)
    made = asked(api(alice), chat).json()
    for name in ("merge", "close"):
        assert code(api(alice).post(f"/api/pulls/{made['id']}/{name}")) == (409, "at_forge")


def test_closing_leaves_the_branch_and_the_next_is_another(
    chat: Chat, alice: User, api: Api, repository: Repository
) -> None:
    write(chat)
    made = asked(api(alice), chat).json()
    closed = api(alice).post(f"/api/pulls/{made['id']}/close").json()
    assert (closed["state"], closed["closed_by"]) == ("closed", str(alice.pk))
    assert chat.branch_name() in heads(repository.path)
    assert asked(api(alice), chat).json()["number"] == 2
    listed = api(alice).get("/api/pulls/", {"project": str(chat.project_id), "state": "open"}).json()["results"]
    assert [each["number"] for each in listed] == [2]


def test_a_deleted_chat_takes_along_what_was_not_merged(chat: Chat, alice: User, api: Api) -> None:
    write(chat)
    first = asked(api(alice), chat, title="A note", body="Because.").json()
    api(alice).post(f"/api/pulls/{first['id']}/merge")
    write(chat, text="2\n")
    second = asked(api(alice), chat).json()
    assert api(alice).delete(f"/api/chats/{chat.pk}/").status_code == 204
    assert api(alice).get(f"/api/pulls/{second['id']}/").status_code == 404
    told = api(alice).get(f"/api/pulls/{first['id']}/").json()
    assert (told["chat"], told["title"], told["body"], told["state"]) == (None, "A note", "", "merged")
    assert [each["path"] for each in told["files"]] == ["a.txt"], "it is on the default branch"


def test_where_its_commits_are_gone_it_says_so(chat: Chat, alice: User, api: Api, repository: Repository) -> None:
    write(chat)
    made = asked(api(alice), chat).json()
    shutil.rmtree(repository.path)  # as where the repository is replaced
    told = api(alice).get(f"/api/pulls/{made['id']}/").json()
    assert (told["mergeable"], told["files"]) == (None, [])
    assert code(api(alice).post(f"/api/pulls/{made['id']}/merge")) == (409, "branch_gone")
    assert api(alice).post(f"/api/pulls/{made['id']}/close").status_code == 200


# --- Who may ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def shared(chat: Chat) -> Chat:
    """Alice's chat, in which her project may write."""
    chat.sharing, chat.project_access = Sharing.PROJECT, Access.WRITE
    chat.save()
    return chat


def calls(client: APIClient, chat: Chat, pull: str) -> dict[str, Any]:
    return {
        "open": asked(client, chat),
        "push": client.post(f"/api/chats/{chat.pk}/push"),
        "door": client.post(f"/api/editorChat/{chat.pk}/create-pr", {}, format="json"),
        "merge": client.post(f"/api/pulls/{pull}/merge"),
        "close": client.post(f"/api/pulls/{pull}/close"),
        "read": client.get(f"/api/pulls/{pull}/"),
        "list": client.get("/api/pulls/", {"project": str(chat.project_id)}),
    }


def test_charlie_finds_nothing_and_a_viewer_only_reads(
    shared: Chat, alice: User, charlie: User, organization: Organization, api: Api, forge: Forge
) -> None:
    write(shared)
    made = asked(api(alice), shared).json()
    before, asked_before = list(PullRequest.objects.values()), len(forge.server.asked)
    assert {each.status_code for each in calls(api(charlie), shared, made["id"]).values()} == {404}
    assert api(charlie).get("/api/pulls/").json()["results"] == []
    viewer = member(organization, "victor", Role.VIEWER)
    statuses = {name: each.status_code for name, each in calls(api(viewer), shared, made["id"]).items()}
    assert statuses == {**dict.fromkeys(("open", "push", "door", "merge", "close"), 403), "read": 200, "list": 200}
    assert list(PullRequest.objects.values()) == before and len(forge.server.asked) == asked_before


def test_an_editor_opens_and_closes_and_does_not_merge(shared: Chat, alice: User, bob: User, api: Api) -> None:
    write(shared)
    made = asked(api(bob), shared).json()
    assert made["author"] == str(bob.pk)
    assert api(bob).post(f"/api/pulls/{made['id']}/merge").status_code == 403
    assert api(bob).post(f"/api/pulls/{made['id']}/close").status_code == 200
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    assert asked(api(bob), shared).status_code == 403, "by rights as of now"


def test_no_api_key_merges(shared: Chat, alice: User, organization: Organization, api: Api) -> None:
    write(shared)
    made = asked(api(alice), shared).json()
    _, text = create_key(user=alice, organization=organization, scopes=["chat"], name="CI", expires_at=None)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    assert client.get(f"/api/pulls/{made['id']}/").status_code == 200
    assert code(client.post(f"/api/pulls/{made['id']}/merge")) == (403, "key_scope")


# --- The tool, and the old door ---------------------------------------------------------------------------------------


async def test_the_tool_opens_it_as_the_person_and_again_the_same(chat: Chat, alice: User, charlie: User) -> None:
    from asgiref.sync import sync_to_async

    await sync_to_async(write)(chat)
    ctx = context(user_id=alice.pk, project_id=chat.project_id, chat_id=chat.pk, branch=chat.branch_name())
    first, second = await _by_tool(ctx, "A note", "Because."), await _by_tool(ctx, "A note", "")
    assert (first["done"], second["done"], first["number"], second["number"]) == ("opened", "renewed", 1, 1)
    assert first["files"] == ["a.txt"] and "/pulls/1/" in first["url"]
    with pytest.raises(ToolError, match="no such thing"):
        await _by_tool(context(user_id=charlie.pk, project_id=chat.project_id, chat_id=chat.pk), "A note", "")


def test_the_old_door_has_its_old_fields_and_three_more(chat: Chat, alice: User, api: Api, forge: Forge) -> None:
    head = write(chat)
    told = api(alice).post(f"/api/editorChat/{chat.pk}/create-pr", {"title": "T", "body": "B"}, format="json").json()
    made = told["pullRequest"]
    assert told["success"] and made["head"] == {"ref": f"refs/pull/{chat.pk.hex[:12]}/head", "commit": head}
    assert (made["id"], made["title"], made["base"]) == (chat.pk.hex[:12], "T", "main")
    assert made["mergeable"] and made["merge"]["ref"] == f"refs/pull/{chat.pk.hex[:12]}/merge"
    assert made["files"] == [{"path": "a.txt", "status": "A", "additions": 1, "deletions": 0}]
    assert (made["number"], made["branch"], made["url"]) == (
        7,
        chat.branch_name(),
        f"{forge.server.url}/acme/website/pull/7",
    )
    assert forge.pulls[0]["body"] == "B"

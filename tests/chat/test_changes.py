"""What a chat changed and what its branch holds: REST, the front door and the pages, for whom it is and nobody else."""

import io
import time
import zipfile
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from pygit2.enums import FileMode

from accounts.models import User
from accounts.sign_in.tokens import AccessToken
from chat.models import Chat, Message, PullRequest, Sharing
from chat.page import diffs
from chat.page.made import made
from tests.chat.rows import answer
from tests.chat.test_page_views import signed_in
from tests.tools.branches import put
from tools.git.repository import Repository

HOSTILE = ("a\u202egnp.exe", "<img src=x onerror=alert(1)>.txt", "esc\x1b[31m.txt", "new\nline.txt")
ROUTES = (
    *("/api/chats/{}/diff/", "/api/chats/{}/files/", "/api/chats/{}/files/content/?path=README.md"),
    *("/api/chats/{}/files/archive/", "/chats/{}/changes/", "/chats/{}/files/", "/chats/{}/files/?path=README.md"),
)


@pytest.fixture
def files(settings: Any, tmp_path: Any, chat: Chat) -> Repository:
    """The repository of the chat's project, with something changed by the chat."""
    settings.TOOLS_REPOSITORIES = tmp_path / "repositories"
    assert chat.project_id
    repository = Repository(chat.project_id)
    first = {"README.md": "# Website\n", "src/app.py": "print('hello')\n", "old.txt": "the same\n" * 20}
    repository.create(first, author_name="Alice", author_email="alice@example.com")
    put(repository, chat.branch_name(), {"README.md": b"# Webshop\n", "old.txt": None, "new.txt": b"the same\n" * 20})
    return repository


def get(user: User, path: str, **headers: str) -> Any:
    if path.startswith("/api/"):
        return Client(headers={"Authorization": f"Bearer {AccessToken.of(user)}", **headers}).get(path)
    client = Client()
    client.force_login(user)
    return client.get(path)


async def whole(answered: Any) -> bytes:
    return b"".join([piece async for piece in answered.streaming_content])


def test_the_diff_has_its_files_and_its_patch(chat: Chat, files: Repository) -> None:
    told = get(chat.user, f"/api/chats/{chat.pk}/diff/").json()
    assert (told["branch"], told["base"], told["fileCount"], told["truncated"]) == (
        chat.branch_name(),
        "main",
        2,
        False,
    )
    assert [(each["path"], each["oldPath"], each["status"], each["additions"]) for each in told["files"]] == [
        ("README.md", None, "M", 1),
        ("new.txt", "old.txt", "R", 0),
    ]
    assert told["diff"] == "".join(each["patch"] for each in told["files"])
    assert len(told["baseCommit"]) == len(told["commit"]) == 40
    alone = get(chat.user, f"/api/chats/{chat.pk}/diff/?path=new.txt&context=0").json()
    assert [each["path"] for each in alone["files"]] == ["new.txt"]


def test_the_patch_alone_is_to_be_kept(chat: Chat, files: Repository) -> None:
    address = f"/api/chats/{chat.pk}/diff/"
    whole = get(chat.user, address).json()["diff"]
    for answered in (get(chat.user, address, Accept="text/x-diff"), get(chat.user, f"{address}?patch=true")):
        assert answered["Content-Type"] == "text/x-diff; charset=utf-8"
        assert answered["Content-Disposition"].startswith("attachment") and answered.content.decode() == whole


@pytest.mark.parametrize(
    ("query", "field"),
    [("path=../x", "path"), ("context=21", "context"), ("context=x", "context"), ("color=red", "color")],
)
def test_what_cannot_be_asked_is_named(chat: Chat, files: Repository, query: str, field: str) -> None:
    refused = get(chat.user, f"/api/chats/{chat.pk}/diff/?{query}")
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, [field])


@pytest.mark.django_db(transaction=True)
def test_the_door_tells_what_it_told_and_the_new_beside_it(chat: Chat, files: Repository) -> None:
    rest = get(chat.user, f"/api/chats/{chat.pk}/diff/").json()
    client = Client(headers={"Authorization": f"Bearer {AccessToken.of(chat.user)}"})
    told = client.post(f"/api/editorChat/{chat.pk}/get-diff", {}, content_type="application/json").json()
    assert told == {**rest, "success": True, "base": rest["baseCommit"], "baseBranch": "main"}


def test_the_files_of_the_branch_come_in_pages(chat: Chat, files: Repository, settings: Any) -> None:
    settings.TOOLS_FILES_LISTED_MAX = 2
    address = f"/api/chats/{chat.pk}/files/"
    first = get(chat.user, address).json()
    assert [each["path"] for each in first["results"]] == ["README.md", "new.txt"]
    second = get(chat.user, first["next"].removeprefix("http://testserver")).json()
    assert (second["results"], second["next"]) == ([{"path": "src/app.py", "kind": "file", "bytes": 15}], None)
    flat = get(chat.user, f"{address}?recursive=false&after=new.txt").json()
    assert flat["results"] == [{"path": "src", "kind": "folder", "bytes": 0}]
    assert get(chat.user, f"{address}?path=README.md").status_code == 400
    assert get(chat.user, f"{address}?path=no").status_code == 404


def test_a_file_is_sent_to_be_kept_and_never_to_be_shown(chat: Chat, files: Repository, settings: Any) -> None:
    put(files, chat.branch_name(), {"evil.html": b"<script>alert(1)</script>", "a.bin": b"\0", "ü.txt": b"x"})
    address = f"/api/chats/{chat.pk}/files/content/?path="
    for path, kind in (("evil.html", "text/plain; charset=utf-8"), ("a.bin", "application/octet-stream")):
        answered = get(chat.user, address + path)
        assert answered["Content-Type"] == kind and answered["X-Content-Type-Options"] == "nosniff"
        assert answered["Content-Disposition"] == f'attachment; filename="{path}"'
        assert "sandbox" in answered["Content-Security-Policy"]
    assert "filename*=utf-8''" in get(chat.user, f"{address}%C3%BC.txt")["Content-Disposition"]
    assert [get(chat.user, address + each).status_code for each in ("", "src", "../x", "no")] == [400, 400, 400, 404]
    settings.TOOLS_DOWNLOAD_MAX_BYTES = 3
    assert get(chat.user, f"{address}README.md").status_code == 413


@pytest.mark.django_db(transaction=True)
def test_all_files_come_as_a_zip_without_harmful_names(chat: Chat, files: Repository, settings: Any) -> None:
    more: Any = {"run.sh": (b"#!/bin/sh\n", FileMode.BLOB_EXECUTABLE), "link": (b"/etc/passwd", FileMode.LINK)}
    put(files, chat.branch_name(), {**more, HOSTILE[0]: b"x", "a\\..\\b": b"x"})
    address = f"/api/chats/{chat.pk}/files/archive/"
    answered = get(chat.user, address)
    found = zipfile.ZipFile(io.BytesIO(async_to_sync(whole)(answered)))
    assert found.testzip() is None and answered["Content-Type"] == "application/zip"
    assert sorted(found.namelist()) == ["README.md", "link", "new.txt", "run.sh", "src/app.py"]
    assert found.read("link") == b"/etc/passwd" and found.getinfo("link").external_attr >> 16 == 0o100644
    assert found.getinfo("run.sh").external_attr >> 16 == 0o100755
    assert found.comment == b"Left out, because their names do harm on some systems: 2"
    settings.TOOLS_DOWNLOAD_MAX_BYTES = 100
    assert get(chat.user, address).status_code == 413


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", ROUTES)
def test_bob_and_charlie_find_nothing_until_it_is_shared(
    route: str, chat: Chat, files: Repository, bob: User, charlie: User
) -> None:
    address = route.format(chat.pk)
    assert get(chat.user, address).status_code == 200
    for user in (bob, charlie):
        refused = get(user, address)
        assert refused.status_code == 404 and "Website" not in refused.content.decode()
    chat.sharing = Sharing.PROJECT
    chat.save()
    assert [get(user, address).status_code for user in (bob, charlie)] == [200, 404]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", ROUTES)
def test_a_chat_of_no_project_has_no_files(route: str, chat: Chat) -> None:
    Chat.objects.filter(pk=chat.pk).update(project=None)
    answered = get(chat.user, route.format(chat.pk))
    if route.startswith("/api/"):
        assert (answered.status_code, answered.json()["error"]["code"]) == (409, "no_project")
    else:
        assert "in no project" in answered.content.decode()


def test_the_pages_escape_everything_and_show_what_is_hidden(chat: Chat, files: Repository) -> None:
    put(files, chat.branch_name(), dict.fromkeys(HOSTILE, "<script>alert(1)</script>\u202e\x1b\n".encode()))
    told = get(chat.user, f"/api/chats/{chat.pk}/diff/").json()
    assert {each["path"] for each in told["files"]} >= set(HOSTILE)
    for path in ("changes/", "changes/?view=split", "files/"):
        page = get(chat.user, f"/chats/{chat.pk}/{path}").content.decode()
        assert "<img" not in page and "<script" not in page and "\u202e" not in page and "\x1b" not in page
        assert "U+202E" in page and "&lt;img src=x" in page


def test_what_a_page_shows_of_a_file(chat: Chat, files: Repository) -> None:
    put(files, chat.branch_name(), {"a.bin": b"\0", "link": (b"x", FileMode.LINK), "empty": b""})
    for path, said in (
        ("README.md", "# Webshop"),
        ("a.bin", "It can be downloaded"),
        ("link", "not followed"),
        ("empty", "empty"),
    ):
        assert said in get(chat.user, f"/chats/{chat.pk}/files/?path={path}").content.decode()
    changed = get(chat.user, f"/chats/{chat.pk}/changes/").content.decode()
    assert "<bdi>old.txt</bdi> → <bdi>new.txt</bdi>" in changed and "A binary file" in changed


def test_the_page_says_where_to_see_what_an_answer_changed(chat: Chat, files: Repository) -> None:
    link = f"/chats/{chat.pk}/changes/"
    message = answer(chat, chat.user).message
    call = {"type": "tool_call", "call": "1", "name": "edit_file", "arguments": {}}
    result = {"type": "tool_result", "call": "1", "name": "edit_file", "result": {}, "is_error": False}
    for parts, is_said in (([call, result], True), ([call, {**result, "is_error": True, "error": "no"}], False)):
        message.parts = parts
        message.save()
        assert (link in get(chat.user, f"/chats/{chat.pk}/").content.decode()) == is_said


@pytest.mark.django_db(transaction=True)
def test_a_button_opens_a_pull_request_for_who_may(
    chat: Chat, files: Repository, alice: User, bob: User, charlie: User
) -> None:
    page, action = f"/chats/{chat.pk}/changes/", f"/chats/{chat.pk}/changes/pull/"
    assert action in get(alice, page).content.decode()
    Chat.objects.filter(pk=chat.pk).update(sharing=Sharing.PROJECT, project_access="read")
    assert action not in get(bob, page).content.decode()  # reads only
    for person, status in ((bob, 403), (charlie, 404)):
        assert signed_in(person).post(action).status_code == status
    assert Client().post(action).status_code == 302 and not PullRequest.objects.exists()
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(alice)
    assert guarded.post(action).status_code == 403
    led = signed_in(alice).post(action)
    pull = PullRequest.objects.get()
    assert (led.status_code, led["Location"]) == (302, f"/projects/{chat.project_id}/pulls/{pull.number}/")


@pytest.mark.django_db(transaction=True)
def test_why_there_is_no_pull_request_is_said_on_the_page(chat: Chat, files: Repository) -> None:
    Chat.objects.filter(pk=chat.pk).update(status="archived")
    led = signed_in(chat.user).post(f"/chats/{chat.pk}/changes/pull/")
    assert led["Location"] == f"/chats/{chat.pk}/changes/?said=chat_archived"
    page = get(chat.user, led["Location"]).content.decode()
    assert "The chat is archived." in page and "changes/pull/" not in page


def test_the_projects_pages_lead_to_one_another(chat: Chat, files: Repository) -> None:
    project = f"/projects/{chat.project_id}/"
    names = ("document", "repository", "pulls")
    for path in (f"/chats/{chat.pk}/", f"/chats/{chat.pk}/changes/", *(f"{project}{name}/" for name in names)):
        page = get(chat.user, path).content.decode()
        assert all(f'href="{project}{name}/"' in page for name in names), path


def test_an_answer_says_what_its_tools_have_made(chat: Chat, files: Repository, settings: Any) -> None:
    """Whatever the answer's kind: one that patched and then built has both."""
    project = f"/projects/{chat.project_id}/"
    own = f"{settings.PARLEY_PUBLIC_URL}{project}pulls/3/"
    cases: list[tuple[str, Any, bool, str]] = [
        ("patch_document", {"changed": ["/a", "/b"], "version": 2}, False, f"{project}document/"),
        ("open_pull_request", {"url": own, "number": 3, "done": "opened"}, False, f"{project}pulls/3/"),
        ("open_pull_request", {"url": "https://forge.example/9", "number": 9}, False, f"{project}pulls/"),
        ("open_pull_request", {"url": "javascript:alert(1)", "number": 9}, False, f"{project}pulls/"),
        ("open_pull_request", {"url": f"{own}../../x", "number": 9}, False, f"{project}pulls/"),
        ("open_pull_request", None, True, ""), ("open_pull_request", "cut", False, ""),
        ("other", {"url": own, "number": 3}, False, ""),
    ]  # fmt: skip
    for name, result, is_error, address in cases:
        part = {"type": "tool_result", "call": "1", "name": name, "result": result, "is_error": is_error}
        found = made(Message(kind="build", parts=[{"type": "text", "text": "x"}, part]), chat)
        assert [each["address"] for each in found] == ([address] if address else []), (name, result)


PATCH = (
    "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -10,3 +10,3 @@ def f():\n same\n-gone\n+come\n+more\n"
    "\\ No newline at end of file\n"
)


def test_a_patch_becomes_rows_with_their_numbers() -> None:
    (hunk,) = diffs.hunks_of(PATCH)
    assert (hunk.skipped, hunk.heading) == (9, "def f():")
    assert [(line.sign, line.old, line.new, line.text, line.has_end) for line in hunk.lines] == [
        (" ", 10, 10, "same", True),
        ("-", 11, 11, "gone", True),
        ("+", 12, 11, "come", True),
        ("+", 12, 12, "more", False),
    ]
    beside = diffs.rows_of([hunk], is_split=True)
    assert beside.count("<tr") == 4 and 'class="none"' in beside
    assert diffs.hunks_of(PATCH[:66])[0].lines[0].text == "sam" and diffs.hunks_of("Binary files differ\n") == []


def test_a_thousand_lines_are_rendered_soon(chat: Chat, files: Repository) -> None:
    put(files, chat.branch_name(), {"long.py": "".join(f"value_{n} = {n}\n" for n in range(1_000)).encode()})
    get(chat.user, f"/chats/{chat.pk}/changes/")
    began = time.process_time()
    page = get(chat.user, f"/chats/{chat.pk}/changes/").content.decode()
    assert page.count('<tr class="add">') > 1_000 and time.process_time() - began < 1.5

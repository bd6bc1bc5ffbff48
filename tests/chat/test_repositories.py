"""A project's repository by REST: who may, what is refused, uploads, and what is never told."""

import io
import stat
import threading
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization, Project, User
from accounts.secrets import opened
from accounts.sign_in.keys import create_key
from chat.models import Run
from chat.ops.erasure import Erasure
from chat.runner import runner
from chat.services import repositories
from tests.tools.gits import fsck, git
from tools.git import arriving, bare, removal
from tools.git.repository import Repository
from tools.models import ProjectRepository

pytestmark = pytest.mark.django_db
Api = Callable[[User], Client]
TOKEN = "ghp_swordfish_0123456789"


@pytest.fixture(autouse=True)
def nothing_runs_here(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    settings.TOOLS_REPOSITORIES = tmp_path / "repositories"
    monkeypatch.setattr(runner, "owner_here", lambda: None)
    monkeypatch.setattr(runner, "wake", lambda *_: None)


@pytest.fixture
def empty(organization: Organization) -> Project:
    """A project that nobody has put anything into."""
    return Project.objects.create(organization=organization, name="Empty")


def place(project: Project, what: str = "") -> str:
    return f"/api/projects/{project.pk}/repository/{what}"


def send(client: Any, project: Project, what: str, **body: Any) -> Any:
    return client.post(place(project, what), body, format="json")


def upload(client: Any, project: Project, data: bytes, query: str = "") -> Any:
    return client.generic("POST", place(project, f"upload{query}"), data, content_type="application/zip")


def zipped(files: dict[str, str | bytes], **options: Any) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


# --- Who ----------------------------------------------------------------------------------------------------------


def test_bob_reads_and_changes_nothing_and_to_charlie_it_is_not_there(
    api: Api, alice: User, bob: User, charlie: User, empty: Project
) -> None:
    acts: list[Callable[[Any], Any]] = [
        lambda client: send(client, empty, "clone", url="https://github.com/a/b"),
        lambda client: send(client, empty, "fetch"),
        lambda client: upload(client, empty, zipped({"a": "b"})),
        lambda client: client.patch(place(empty), {"forge": "github"}, format="json"),
    ]
    assert api(bob).get(place(empty)).json()["state"] == "empty"
    assert api(charlie).get(place(empty)).status_code == 404
    for act in acts:
        assert act(api(bob)).status_code == 403
        assert act(api(charlie)).status_code == 404
    _, key = create_key(user=alice, organization=empty.organization, scopes=["chat"], name="CI", expires_at=None)
    by_key = Client(headers={"Authorization": f"Bearer {key}"})
    assert by_key.get(place(empty)).status_code == 200
    refused = by_key.post(place(empty, "clone"), {"url": "https://github.com/a/b"}, content_type="application/json")
    assert refused.status_code == 403 and not Run.objects.exists() and not ProjectRepository.objects.exists()


def test_a_project_that_agents_wrote_in_says_what_it_holds(api: Api, bob: User, project: Project) -> None:
    told = api(bob).get(place(project)).json()
    assert (told["state"], told["default_branch"], told["files"]) == ("ready", "main", 3)
    assert told["bytes"] > 0 and told["token"] == {"set": False, "hint": ""} and told["run"] is None


# --- Clone and fetch, as far as they are begun ------------------------------------------------------------------------


def test_a_clone_is_begun_once_and_its_token_is_told_nowhere(api: Api, alice: User, empty: Project) -> None:
    body = {"url": "https://github.com/acme/site.git", "token": TOKEN, "depth": 1}
    begun = send(api(alice), empty, "clone", **body)
    assert begun.status_code == 202, begun.content
    run = Run.objects.get(pk=begun.json()["run"])
    assert (run.kind, run.project_id, run.subject) == ("clone", empty.pk, str(empty.pk))
    assert run.request["forge"] == "github" and run.request["forge_path"] == "acme/site"
    assert TOKEN not in str(run.request) and opened(run.request["token"]) == TOKEN
    told = api(alice).get(place(empty)).json()
    assert (told["state"], told["run"]) == ("cloning", str(run.pk))
    again = send(api(alice), empty, "clone", **body)
    assert again.status_code == 409 and again.json()["error"]["code"] == "work_under_way"
    assert upload(api(alice), empty, zipped({"a": "b"})).json()["error"]["code"] == "work_under_way"
    for path in (f"/api/runs/{run.pk}/", place(empty), "/api/runs/"):
        shown = api(alice).get(path).content.decode()
        assert TOKEN not in shown and run.request["token"] not in shown


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://github.com/a/b"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "ext::sh -c id"}, "url"),
        ({"url": "git@github.com:a/b.git"}, "url"),
        ({"url": f"https://me:{TOKEN}@github.com/a/b"}, "url"),
        ({"url": "https://127.0.0.1/a/b"}, "url"),
        ({"url": "https://[::1]:443/a/b"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://github.com/a/b?x=1"}, "url"),
        ({"url": "https://github.com/"}, "url"),
        ({"url": "https://github.com:99999/a"}, "url"),
        ({"url": "https://github.com/a/b", "branch": "../x"}, "branch"),
        ({"url": "https://github.com/a/b", "depth": -1}, "depth"),
        ({"url": "https://github.com/a/b", "token": "a\nb"}, "token"),
        ({"url": "https://github.com/a/b", "token_user": "a:b"}, "token_user"),
        ({"url": "https://github.com/a/b", "forge": "sourceforge"}, "forge"),
        ({"url": "https://github.com/a/b", "forge_path": "../b"}, "forge_path"),
        ({"url": "https://github.com/a/b", "force": True}, "force"),
    ],
)
def test_what_cannot_be_cloned_is_said_by_its_field(
    api: Api, alice: User, empty: Project, body: dict[str, Any], field: str
) -> None:
    answered = send(api(alice), empty, "clone", **body)
    assert answered.status_code == 400 and list(answered.json()["error"]["fields"]) == [field], answered.content
    assert TOKEN not in answered.content.decode()
    assert not Run.objects.exists() and not ProjectRepository.objects.exists()


def test_what_is_there_is_replaced_only_when_that_is_said(api: Api, alice: User, project: Project) -> None:
    refused = send(api(alice), project, "clone", url="https://github.com/a/b")
    assert refused.status_code == 409 and refused.json()["error"]["code"] == "not_empty"
    assert send(api(alice), project, "clone", url="https://github.com/a/b", replace=True).status_code == 202


def test_where_it_comes_from_can_be_changed_and_a_token_stays_with_its_server(
    api: Api, alice: User, bob: User, project: Project
) -> None:
    assert send(api(alice), project, "fetch").json()["error"]["code"] == "no_remote"
    body = {"remote_url": "https://gitlab.com/group/sub/site", "token": TOKEN}
    told = api(alice).patch(place(project), body, format="json").json()
    assert (told["forge"], told["forge_path"]) == ("gitlab", "group/sub/site")
    assert told["token"] == {"set": True, "hint": "...6789"} and told["state"] == "ready"
    assert api(bob).get(place(project)).json()["token"] == {"set": True, "hint": ""}
    assert send(api(alice), project, "fetch").status_code == 202
    elsewhere = {"remote_url": "https://example.com/a/b"}
    refused = api(alice).patch(place(project), elsewhere, format="json")
    assert refused.status_code == 409 and refused.json()["error"]["code"] == "work_under_way"
    assert api(bob).get(place(project)).json()["remote_url"] == body["remote_url"]
    Run.objects.all().delete()
    told = api(alice).patch(place(project), elsewhere, format="json").json()
    assert (told["forge"], told["forge_path"], told["token"]["set"]) == ("none", "", False)
    refused = api(alice).patch(place(project), {"remote_url": "https://10.0.0.1/a/b"}, format="json")
    assert refused.status_code == 400


STORED = "https://git.example.com/acme/site.git"


@pytest.mark.parametrize(
    ("url", "more", "stays"),
    [
        ("https://git.example.com/acme/site.git", {}, True),
        ("https://GIT.example.com:443/acme/site/", {}, True),
        ("https://git.example.com/acme/site", {"token": ""}, False),
        ("https://git.example.com/acme/other", {}, False),
        ("https://git.example.com/Acme/site", {}, False),
        ("https://git.example.com:8443/acme/site", {}, False),
        ("https://git.example.net/acme/site", {}, False),
    ],
)
def test_a_token_stays_with_its_repository_and_goes_to_no_other(
    api: Api,
    alice: User,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    more: dict[str, str],
    stays: bool,
) -> None:
    monkeypatch.setattr("chat.services.repositories.check_url", lambda url: None)
    known = {"token": TOKEN, "token_user": "alice", "forge": "gitlab", "forge_path": "acme/site"}
    assert api(alice).patch(place(project), {"remote_url": STORED, **known}, format="json").status_code == 200
    told = api(alice).patch(place(project), {"remote_url": url, **more}, format="json").json()
    assert told["token"]["set"] == stays
    api(alice).patch(place(project), {"remote_url": STORED, **known}, format="json")
    begun = send(api(alice), project, "clone", url=url, replace=True, **more)
    assert begun.status_code == 202, begun.content
    asked = Run.objects.get(pk=begun.json()["run"]).request
    assert (opened(asked["token"]) if asked["token"] else "") == (TOKEN if stays else "")
    is_same = stays or bool(more)
    assert (asked["token_user"], asked["forge"], asked["forge_path"]) == (
        ("alice", "gitlab", "acme/site") if is_same else ("", "none", "")
    )


# --- Uploads ----------------------------------------------------------------------------------------------------------


def test_a_zip_becomes_the_first_commit_by_who_sent_it(api: Api, alice: User, empty: Project) -> None:
    data = zipped(
        {"site-main/": b"", "site-main/README.md": "# Site", "site-main/src/app.py": "x", "__MACOSX/._a": "x"}
    )
    answered = upload(api(alice), empty, data)
    assert answered.status_code == 201, answered.content
    told = answered.json()
    assert (told["state"], told["default_branch"], told["files"], told["remote_url"]) == ("ready", "main", 2, "")
    path = Repository(empty.pk).path
    assert git(path, "ls-tree", "-r", "--name-only", "main").split() == ["README.md", "src/app.py"]
    assert git(path, "log", "--format=%an %ae", "main").strip() == "Alice alice@example.com"
    fsck(path)
    assert upload(api(alice), empty, data).json()["error"]["code"] == "not_empty"
    assert upload(api(alice), empty, zipped({"other.txt": "x"}), "?replace=true").json()["files"] == 1
    fsck(path)
    assert sorted(each.suffix for each in path.parent.iterdir()) == [".before", ".git", ".lock"]


@pytest.mark.parametrize(("query", "status", "code"), [("", 429, "too_many"), ("?replace=true", 409, "work_under_way")])
def test_of_uploads_to_a_project_one_comes_at_a_time(
    api: Api, alice: User, empty: Project, settings: Any, query: str, status: int, code: str
) -> None:
    with arriving.uploading(empty.pk, replaces=bool(query)):
        answered = upload(api(alice), empty, zipped({"a": "b"}), "?replace=true")
        assert (answered.status_code, answered.json()["error"]["code"]) == (status, code)
        assert status != 429 or int(answered["Retry-After"]) > 0
    left = Repository(empty.pk).path.with_suffix(".uploading") / "of-a-process-that-died"
    left.mkdir(parents=True)
    assert upload(api(alice), empty, zipped({"a": "b"})).status_code == 201 and not left.exists()


def test_of_uploads_a_process_takes_a_few(
    api: Api, alice: User, empty: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "_places", threading.BoundedSemaphore(1))
    with repositories._uploading(empty, False):
        other = Project.objects.create(organization=empty.organization, name="Other")
        assert upload(api(alice), other, zipped({"a": "b"})).status_code == 429
    assert upload(api(alice), empty, b"none").status_code == 400
    assert upload(api(alice), empty, zipped({"a": "b"})).status_code == 201


def test_a_busy_repository_may_be_tried_again(
    api: Api, alice: User, empty: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bare, "LOCK_TIMEOUT_S", 0.05)
    with bare.locked(Repository(empty.pk).path):
        answered = upload(api(alice), empty, zipped({"a": "b"}))
    assert answered.status_code == 503 and int(answered["Retry-After"]) > 0


def link() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return made.getvalue()


def twice() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", "1")
        with pytest.warns(UserWarning):
            archive.writestr("a.txt", "2")
    return made.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "slip": lambda: zipped({"a.txt": "x", "../../etc/cron.d/x": "x"}),
    "absolute": lambda: zipped({"a.txt": "x", "/etc/passwd": "x"}),
    "drive": lambda: zipped({"a.txt": "x", "C:/x": "x"}),
    "backslash": lambda: zipped({"a.txt": "x", "a\\..\\b": "x"}),
    "hidden": lambda: zipped({"a.txt": "x", "a\u202eb": "x"}),
    "case twins": lambda: zipped({"src/Name.txt": "x", "src/name.txt": "x", "top": "x"}),
    "folder and file": lambda: zipped({"top": "x", "a": "x", "a/b": "x"}),
    "link": link,
    "twice": twice,
    "no zip": lambda: b"PK\x03\x04 this is none",
    "cut": lambda: zipped({"a.txt": "x" * 1000, "b.txt": uuid.uuid4().hex * 99})[:-200],
    "damaged": lambda: (
        zipped({"a.txt": uuid.uuid4().hex * 99, "b": "x"}).replace(b"a.txt", b"c.txt", 1)[:80] + b"\0" * 900
    ),
    "nothing": lambda: zipped({"folder/": ""}),
    "bomb": lambda: zipped({"zeros": b"\0" * 3_000_000}, compresslevel=9),
    "many": lambda: zipped({str(number): "" for number in range(300)}),
}
TOO_LARGE = {"bomb", "many"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_zip_is_refused_and_nothing_is_left(
    api: Api, alice: User, empty: Project, settings: Any, name: str
) -> None:
    settings.UPLOAD_MAX_UNPACKED_BYTES, settings.UPLOAD_MAX_ENTRIES = 1_000_000, 200
    answered = upload(api(alice), empty, HOSTILE[name]())
    assert answered.status_code == (413 if name in TOO_LARGE else 400), answered.content
    assert answered.json()["error"]["code"] == ("upload_too_large" if name in TOO_LARGE else "upload_invalid")
    assert not Repository(empty.pk).exists() and not ProjectRepository.objects.exists()
    assert list(Path(settings.TOOLS_REPOSITORIES).iterdir()) == []


def test_a_zip_that_says_it_is_small_is_counted_all_the_same(
    api: Api, alice: User, empty: Project, settings: Any
) -> None:
    settings.UPLOAD_MAX_UNPACKED_BYTES = 100_000
    honest = zipped({"zeros": b"\0" * 3_000_000})
    small = honest.replace((3_000_000).to_bytes(4, "little"), (3).to_bytes(4, "little"))
    assert small != honest and upload(api(alice), empty, small).status_code in (400, 413)
    assert not Repository(empty.pk).exists()


def test_it_takes_a_zip_alone(api: Api, alice: User, empty: Project) -> None:
    assert api(alice).post(place(empty, "upload"), {"a": "b"}, format="json").status_code == 415
    assert upload(api(alice), empty, b"").status_code == 400
    assert upload(api(alice), empty, zipped({"a": "b"}), "?force=1").status_code == 400


# --- Erasing ----------------------------------------------------------------------------------------------------------


def test_with_the_project_everything_of_it_goes(api: Api, alice: User, empty: Project, settings: Any) -> None:
    upload(api(alice), empty, zipped({"a": "b"}))
    arriving.waiting_room(empty.pk).mkdir()
    id = empty.pk
    empty.delete()
    removal.remove_repository(id)
    assert list(Path(settings.TOOLS_REPOSITORIES).iterdir()) == []
    round_of = Erasure()
    while round_of.step():
        pass
    assert not ProjectRepository.objects.exists()


# --- The page ---------------------------------------------------------------------------------------------------------


def browser(user: User, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client


def test_the_page_shows_it_and_brings_another_one(alice: User, bob: User, charlie: User, empty: Project) -> None:
    page = f"/projects/{empty.pk}/repository/"
    assert page in browser(alice).get("/account/").content.decode()
    assert "There is nothing in it yet." in browser(bob).get(page).content.decode()
    assert "Clone from a git server" not in browser(bob).get(page).content.decode()
    for act in ({"do": "clone", "url": "https://github.com/a/b"}, {"do": "fetch"}, {"do": "upload"}):
        assert browser(bob).post(page, act).status_code == 403
        assert browser(charlie).post(page, act).status_code == 404
    refused = browser(alice).post(page, {"do": "clone", "url": "http://github.com/a/b", "token": TOKEN})
    assert refused.status_code == 400 and TOKEN not in refused.content.decode()
    assert "Expected an https:// URL" in refused.content.decode()
    file = io.BytesIO(zipped({"a.txt": "b"}))
    assert browser(alice).post(page, {"do": "upload", "zip": file}).status_code == 302
    shown = browser(alice).get(page).content.decode()
    assert "1 file on main" in shown and "Upload a zip" in shown
    begun = browser(alice).post(page, {"do": "clone", "url": "https://github.com/a/b", "replace": "on"})
    assert begun.status_code == 302
    shown = browser(alice, "de").get(page).content.decode()
    assert 'http-equiv="refresh"' in shown and "Diese Seite sieht von selbst wieder nach" in shown

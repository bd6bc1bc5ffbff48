"""An operator brings a history in; nothing but its objects comes along, and nothing of it runs."""

import uuid
from io import StringIO
from pathlib import Path

import pygit2
import pytest
from django.core.management import CommandError, call_command
from pygit2.enums import FileMode

from accounts.models import Project
from tests.tools.gits import fsck, git, heads
from tools.git.repository import Repository
from tools.models import ProjectRepository, RepositoryState

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with a work tree, three commits, two branches."""
    folder = tmp_path / "source"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "trunk")
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"{number}\n")
        git(folder, "add", ".")
        git(folder, "commit", "-qm", f"Add {number}")
    git(folder, "branch", "topic", "HEAD~1")
    return folder


def import_repository(project: Project, path: Path, *options: str) -> str:
    told = StringIO()
    call_command("import_repository", str(project.pk), str(path), *options, stdout=told)
    return told.getvalue()


def test_the_history_comes_in_whole(source: Path, project: Project, repositories: Path) -> None:
    told = import_repository(project, source)
    repository = Repository(project.pk)
    assert heads(repository.path) == heads(source)
    assert git(repository.path, "rev-list", "--count", "HEAD") == "3\n"
    assert [entry.path for entry in repository.at("parley/chat-1").list()] == ["0.txt", "1.txt", "2.txt"]
    assert repository.at("parley/chat-1").branch == "trunk"
    assert told.startswith("Website: 9 objects, branches trunk, topic.")
    repository.write("parley/chat-1", "new.txt", "x", author_name="A", author_email="a@b")
    fsck(repository.path)


def test_a_bare_or_detached_one_comes_in_too(
    source: Path, project: Project, repositories: Path, tmp_path: Path
) -> None:
    git(source, "checkout", "-q", "--detach", "HEAD~2")
    import_repository(project, source)
    assert git(Repository(project.pk).path, "rev-list", "--count", "main") == "1\n"
    git(tmp_path, "clone", "-q", "--bare", str(source), "bare.git")
    import_repository(project, tmp_path / "bare.git", "--replace")


def test_nothing_of_it_runs_and_none_of_its_settings_come_along(
    source: Path, project: Project, repositories: Path, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    for hook in (source / ".git/hooks").parent.joinpath("hooks").glob("*.sample"):
        target = hook.with_suffix("")
        target.write_text(f"#!/bin/sh\ntouch {marker}\n")
        target.chmod(0o755)
    with (source / ".git/config").open("a") as config:
        config.write(f'[core]\n\tfsmonitor = "touch {marker}"\n\thooksPath = {source}/.git/hooks\n')
        config.write(
            f'[filter "x"]\n\tsmudge = touch {marker}\n\tclean = touch {marker}\n[remote "o"]\n\turl = ext::sh\n'
        )
    (source / ".git/info/attributes").write_text("* filter=x\n")
    import_repository(project, source)
    path = Repository(project.pk).path
    assert not marker.exists()
    assert "filter" not in (path / "config").read_text() and "remote" not in (path / "config").read_text()
    assert not (path / "hooks").exists()
    assert not any(each.is_symlink() for each in path.rglob("*"))


def test_borrowed_objects_are_copied_not_borrowed(
    source: Path, project: Project, repositories: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--shared", str(source), "borrower")
    assert (tmp_path / "borrower/.git/objects/info/alternates").exists()
    import_repository(project, tmp_path / "borrower")
    path = Repository(project.pk).path
    assert not (path / "objects/info/alternates").exists()
    (source / ".git/objects").rename(tmp_path / "gone")
    fsck(path)


def test_a_project_that_has_one_keeps_it_unless_told(source: Path, project: Project, repositories: Path) -> None:
    repository = Repository(project.pk)
    repository.create({"old.txt": "old"}, author_name="A", author_email="a@b")
    before = heads(repository.path)
    with pytest.raises(CommandError, match="--replace"):
        import_repository(project, source)
    assert heads(repository.path) == before
    told = import_repository(project, source, "--replace")
    assert heads(repository.path) == heads(source)
    aside = Path(told.strip().rpartition(" ")[2].rstrip("."))
    assert heads(aside) == before


@pytest.mark.parametrize("name", [b".git", b".GIT", b"git~1", b"..", b"."])
def test_a_hostile_name_in_the_history_is_refused(
    name: bytes, project: Project, repositories: Path, tmp_path: Path
) -> None:
    hostile = pygit2.init_repository(str(tmp_path / "hostile"), initial_head="main")
    blob = hostile.create_blob(b"x")
    tree = hostile.odb.write(pygit2.enums.ObjectType.TREE, b"100644 " + name + b"\0" + blob.raw)
    author = pygit2.Signature("Eve", "eve@example.com")
    commit = hostile.create_commit(None, author, author, "Harm", tree, [])
    clean = hostile.TreeBuilder()
    clean.insert("fine.txt", blob, FileMode.BLOB)
    hostile.create_commit("refs/heads/main", author, author, "Hide", clean.write(), [commit])
    with pytest.raises(CommandError, match="named"):
        import_repository(project, tmp_path / "hostile")
    assert list(repositories.iterdir()) == [Repository(project.pk).path.with_suffix(".lock")]


def test_what_cannot_be_read_is_refused(project: Project, repositories: Path, source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match="cannot be read"):
        import_repository(project, tmp_path / "empty")
    git(tmp_path, "init", "-q", "unborn")
    with pytest.raises(CommandError, match="no commit"):
        import_repository(project, tmp_path / "unborn")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{source}", "shallow")
    with pytest.raises(CommandError, match="part of its history"):
        import_repository(project, tmp_path / "shallow")
    with pytest.raises(CommandError, match="no project"):
        call_command("import_repository", str(uuid.uuid4()), str(source))


def test_a_history_with_a_hole_is_refused(source: Path, project: Project, repositories: Path) -> None:
    blob = git(source, "rev-parse", "HEAD~1:0.txt").strip()
    (source / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(CommandError):
        import_repository(project, source)
    assert not Repository(project.pk).exists()


def test_what_comes_by_an_import_comes_from_no_server(source: Path, project: Project, repositories: Path) -> None:
    import_repository(project, source)
    was = {"remote_url": "https://git.example.com/a/b", "token": "sealed", "token_user": "a", "forge": "gitlab"}
    ProjectRepository.objects.update(**was, forge_path="a/b", state=RepositoryState.CLONING)
    with pytest.raises(CommandError, match="under way"):
        import_repository(project, source, "--replace")
    ProjectRepository.objects.update(state=RepositoryState.READY)
    import_repository(project, source, "--replace")
    row = ProjectRepository.objects.get(project=project)
    assert (row.remote_url, row.token, row.token_user, row.forge, row.forge_path) == ("", "", "", "none", "")
    assert (row.state, row.default_branch, row.files) == ("ready", "trunk", 3)


def test_a_branch_in_the_way_of_chats_is_left_out_or_refused(
    source: Path, project: Project, repositories: Path
) -> None:
    git(source, "branch", "parley")
    assert "Left out for their names: parley." in import_repository(project, source)
    Repository(project.pk).write("parley/chat-1", "new.txt", "x", author_name="A", author_email="a@b")
    git(source, "checkout", "-q", "parley")
    with pytest.raises(CommandError, match="plainer name"):
        import_repository(project, source, "--replace")


def test_a_branch_with_a_strange_name_is_left_out_and_named(source: Path, project: Project, repositories: Path) -> None:
    git(source, "branch", "with+plus")
    assert "Left out for their names: with+plus." in import_repository(project, source)
    assert "with+plus" not in heads(Repository(project.pk).path)

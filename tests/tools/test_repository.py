"""Reads come from the chat's branch, writes become commits on it, and nothing else ever changes."""

import resource
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pygit2
import pytest
from pygit2.enums import FileMode

from tests.tools.conftest import FILES
from tests.tools.gits import fsck, git, heads
from tests.tools.test_paths import REFUSED
from tools.errors import PathRefused, RetryTool, ToolError, ToolFault
from tools.git.bare import BranchMoved, move_branch, open_bare
from tools.git.repository import Repository, Written

ALICE = {"author_name": "Alice", "author_email": "alice@example.com"}
BRANCH = "parley/chat-1"


def write(repository: Repository, path: str, content: str, branch: str = BRANCH) -> Written:
    return repository.write(branch, path, content, **ALICE)


def listed(repository: Repository, branch: str = BRANCH) -> dict[str, int]:
    return {entry.path: entry.bytes for entry in repository.at(branch).list()}


def add_entry(repository: Repository, name: str, data: bytes, mode: FileMode) -> None:
    """A commit on main with one more entry, of any kind."""
    raw = open_bare(repository.path)
    tip = raw.lookup_reference("refs/heads/main").peel(pygit2.Commit)
    builder = raw.TreeBuilder(tip.tree)
    builder.insert(name, raw.create_blob(data) if mode != FileMode.COMMIT else tip.id, mode)
    author = pygit2.Signature("Dev", "dev@example.com")
    raw.create_commit("refs/heads/main", author, author, "Add", builder.write(), [tip.id])


def test_a_new_repository_holds_its_files_in_one_commit(repository: Repository) -> None:
    assert listed(repository) == {path: len(text) for path, text in FILES.items()}
    assert {path: repository.at(BRANCH).read(path) for path in FILES} == FILES
    assert list(heads(repository.path)) == ["main"]
    assert git(repository.path, "rev-list", "--count", "main") == "1\n"
    fsck(repository.path)


def test_nothing_of_a_repository_is_open_to_others(repository: Repository) -> None:
    assert repository.path.parent.stat().st_mode & 0o077 == 0
    assert not (repository.path / "hooks").exists()


def test_one_that_is_not_there_yet_is_made_empty_at_its_first_use(repositories: Path) -> None:
    repository = Repository(uuid.uuid4())
    assert not repository.exists()
    assert listed(repository) == {}
    assert repository.exists()
    assert write(Repository(uuid.uuid4()), "a.txt", "a").is_new
    fsck(repository.path)


def test_it_is_made_once(repository: Repository) -> None:
    before = heads(repository.path)
    with pytest.raises(ToolError):
        repository.create({"other.txt": ""}, **ALICE)
    repository.ensure()
    assert heads(repository.path) == before


def test_what_a_dead_process_left_half_made_is_no_repository(repositories: Path) -> None:
    repository = Repository(uuid.uuid4())
    left = repository.path.with_suffix(".new")
    (left / "objects").mkdir(parents=True)
    assert listed(repository) == {}
    assert not left.exists()


def test_a_write_is_one_commit_on_the_chats_branch_and_nowhere_else(repository: Repository) -> None:
    main = heads(repository.path)["main"]
    done = write(repository, "src/new/file.txt", "hello\n")
    assert heads(repository.path) == {"main": main, BRANCH: done.commit}
    assert git(repository.path, "rev-list", f"main..{BRANCH}") == f"{done.commit}\n"
    changed = git(repository.path, "diff", "--name-status", "main", BRANCH)
    assert changed == "A\tsrc/new/file.txt\n"
    who = git(repository.path, "log", "-1", "--format=%an <%ae> / %cn / %s", BRANCH)
    assert who == "Alice <alice@example.com> / Parley / Write src/new/file.txt\n"
    assert repository.at(BRANCH).read("src/new/file.txt") == "hello\n"
    assert repository.at("parley/chat-2").branch == "main"
    with pytest.raises(RetryTool):
        repository.at("parley/chat-2").read("src/new/file.txt")
    fsck(repository.path)


def test_writing_the_same_again_makes_no_commit(repository: Repository) -> None:
    first = write(repository, "a.txt", "a")
    again = write(repository, "a.txt", "a")
    assert (first.is_new, first.is_changed) == (True, True)
    assert (again.is_new, again.is_changed, again.commit) == (False, False, first.commit)
    changed = write(repository, "a.txt", "b")
    assert (changed.is_new, changed.is_changed) == (False, True)


@pytest.mark.parametrize("branch", ["main", "Main", "--output=x", "a..b", "refs/../x", "", "x\ny"])
def test_no_write_reaches_the_default_branch_or_a_strange_one(repository: Repository, branch: str) -> None:
    before = heads(repository.path)
    with pytest.raises(ToolFault):
        write(repository, "a.txt", "a", branch)
    assert heads(repository.path) == before


@pytest.mark.parametrize("path", [*REFUSED, "", "src/", ".gitmodules", "a/.gitattributes"])
def test_a_refused_path_changes_nothing(repository: Repository, path: str) -> None:
    before = (heads(repository.path), git(repository.path, "count-objects", "-v"))
    with pytest.raises(PathRefused):
        write(repository, path, "x")
    assert (heads(repository.path), git(repository.path, "count-objects", "-v")) == before


@pytest.mark.parametrize("path", REFUSED)
def test_a_refused_path_is_not_read_or_listed(repository: Repository, path: str) -> None:
    with pytest.raises(PathRefused):
        repository.at(BRANCH).read(path)
    with pytest.raises(PathRefused):
        list(repository.at(BRANCH).list(path))


@pytest.mark.parametrize("path", ["readme.md", "SRC/x.py", "src/Prices.py"])
def test_a_twin_of_a_name_that_is_there_is_refused(repository: Repository, path: str) -> None:
    with pytest.raises(PathRefused, match="same name"):
        write(repository, path, "x")


@pytest.mark.parametrize("path", ["README.md/x", "src", "src/deep"])
def test_a_file_is_no_folder_and_a_folder_no_file(repository: Repository, path: str) -> None:
    with pytest.raises(RetryTool):
        write(repository, path, "x")


def test_a_symbolic_link_is_a_file_that_leads_nowhere(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    add_entry(repository, "link", str(tmp_path / "secret").encode(), FileMode.LINK)
    add_entry(repository, "folder", b"/etc", FileMode.LINK)
    snapshot = repository.at(BRANCH)
    assert snapshot.read("link") == str(tmp_path / "secret")
    assert [entry.path for entry in snapshot.list() if entry.is_link] == ["folder", "link"]
    for path in ("folder/passwd", "link/x"):
        with pytest.raises(RetryTool):
            snapshot.read(path)
        with pytest.raises(RetryTool):
            write(repository, path, "x")
    with pytest.raises(RetryTool, match="symbolic link"):
        write(repository, "link", "x")
    assert (tmp_path / "secret").read_text() == "canary"


def test_a_submodule_is_neither_read_nor_written(repository: Repository) -> None:
    add_entry(repository, "module", b"", FileMode.COMMIT)
    assert "module" not in listed(repository)
    for path in ("module", "module/x"):
        with pytest.raises(RetryTool):
            repository.at(BRANCH).read(path)
        with pytest.raises(RetryTool):
            write(repository, path, "x")


def test_an_executable_file_stays_one(repository: Repository) -> None:
    add_entry(repository, "run.sh", b"#!/bin/sh\n", FileMode.BLOB_EXECUTABLE)
    write(repository, "run.sh", "#!/bin/sh\nexit\n")
    assert git(repository.path, "ls-tree", BRANCH, "run.sh").startswith("100755 ")


def test_a_binary_or_large_file_is_named_but_not_read(repository: Repository, settings: object) -> None:
    add_entry(repository, "logo.png", b"\x89PNG\x00\x01", FileMode.BLOB)
    add_entry(repository, "latin.txt", "caf\u00e9".encode("latin-1"), FileMode.BLOB)
    assert listed(repository)["logo.png"] == 6
    with pytest.raises(ToolError, match="binary"):
        repository.at(BRANCH).read("logo.png")
    assert repository.at(BRANCH).read("latin.txt") == "caf\ufffd"
    settings.TOOLS_FILE_MAX_BYTES = 5  # type: ignore[attr-defined]
    with pytest.raises(ToolError, match="at most 5"):
        repository.at(BRANCH).read("README.md")
    with pytest.raises(ToolError, match="a file may have 5"):
        write(repository, "b.txt", "123456")


def test_a_full_project_takes_no_more(repository: Repository, settings: object) -> None:
    settings.TOOLS_REPOSITORY_MAX_FILES = 3  # type: ignore[attr-defined]
    with pytest.raises(ToolError, match="3 files"):
        write(repository, "fourth.txt", "x")
    assert write(repository, "README.md", "x").is_changed
    settings.TOOLS_REPOSITORY_MAX_BYTES = 1_000  # type: ignore[attr-defined]
    with pytest.raises(ToolError, match="1,000 bytes"):
        write(repository, "README.md", "y")


def test_a_name_cannot_add_lines_to_a_commit(repository: Repository) -> None:
    done = repository.write(
        BRANCH,
        "a.txt",
        "a",
        author_name="Eve\nparent 0000000000000000000000000000000000000000\n<root>",
        author_email="<>\n",
    )
    raw = git(repository.path, "cat-file", "-p", done.commit)
    assert raw.count("\nparent ") == 1 and raw.count("\nauthor ") == 1
    assert "author Eve parent 0000000000000000000000000000000000000000 root <unknown@localhost>" in raw
    fsck(repository.path)


def test_the_diff_is_what_the_branch_changed_since_it_left(repository: Repository, settings: Any) -> None:
    assert repository.diff(BRANCH).files == ()
    write(repository, "src/prices.py", "COFFEE = 300\nTEA = 240\n")
    write(repository, "new.txt", "new\n")
    add_entry(repository, "meanwhile.txt", b"on main\n", FileMode.BLOB)
    diff = repository.diff(BRANCH)
    assert [(each.path, each.status, each.additions, each.deletions) for each in diff.files] == [
        ("new.txt", "A", 1, 0),
        ("src/prices.py", "M", 1, 1),
    ]
    assert "-COFFEE = 280\n+COFFEE = 300\n" in diff.text and "meanwhile" not in diff.text
    assert not diff.truncated
    assert (diff.base, diff.base_commit) == ("main", git(repository.path, "merge-base", "main", BRANCH).strip())
    settings.TOOLS_DIFF_MAX_BYTES = 50
    cut = repository.diff(BRANCH)
    assert cut.truncated and cut.text.endswith("[cut]\n") and len(cut.files) == 2


def test_a_branch_is_moved_only_from_where_it_was_read(repository: Repository) -> None:
    raw = open_bare(repository.path)
    tip = raw.lookup_reference("refs/heads/main").peel(pygit2.Commit)
    first, second = write(repository, "a", "1"), write(repository, "a", "2")
    with pytest.raises(BranchMoved):
        move_branch(raw, BRANCH, to=tip.id, expected=pygit2.Oid(hex=first.commit))
    with pytest.raises(BranchMoved):
        move_branch(raw, BRANCH, to=tip.id, expected=None)
    assert heads(repository.path)[BRANCH] == second.commit


def test_a_branch_that_cannot_be_written_is_not_called_moved(repository: Repository) -> None:
    raw = open_bare(repository.path)
    first, second = write(repository, "a", "1"), write(repository, "a", "2")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises((OSError, pygit2.GitError), match="Too many open files"):
            move_branch(raw, BRANCH, to=pygit2.Oid(hex=first.commit), expected=pygit2.Oid(hex=second.commit))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert heads(repository.path)[BRANCH] == second.commit


def test_writes_at_once_all_arrive(repository: Repository) -> None:
    def each(number: int) -> Written:
        return write(repository, f"many/{number}.txt", f"{number}\n", f"parley/chat-{number % 3}")

    with ThreadPoolExecutor(12) as threads:
        done = list(threads.map(each, range(36)))
    assert len({written.commit for written in done}) == 36
    for chat in range(3):
        names = [path for path in listed(repository, f"parley/chat-{chat}") if path.startswith("many/")]
        assert len(names) == 12
        assert git(repository.path, "rev-list", "--count", f"main..parley/chat-{chat}") == "12\n"
    fsck(repository.path)


def test_two_projects_share_nothing(repositories: Path) -> None:
    first, second = Repository(uuid.uuid4()), Repository(uuid.uuid4())
    secret = write(first, "secret.txt", "canary")
    second.ensure()
    assert secret.commit not in open_bare(second.path)
    assert not (second.path / "objects" / "info" / "alternates").exists()
    assert listed(second) == {}

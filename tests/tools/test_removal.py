"""What was a chat's is gone from its project's repository, and nothing else is: also while others write."""

import os
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pygit2
import pytest

from tests.tools.conftest import FILES
from tests.tools.gits import fsck, git, heads
from tools.git import removal
from tools.git.bare import open_bare
from tools.git.importing import import_history
from tools.git.proposals import propose
from tools.git.repository import Repository

ALICE = {"author_name": "Alice", "author_email": "alice@example.com"}
CANARY = "the canary that must not be found"


def branch(chat: uuid.UUID) -> str:
    return f"parley/chat-{chat.hex[:12]}"


def project_of(repository: Repository) -> uuid.UUID:
    return uuid.UUID(repository.path.stem)


def stored(folder: Path) -> bool:
    """Whether the canary is in any object below, reachable or not."""
    for path in folder.glob("*/HEAD"):
        raw = open_bare(path.parent)
        for id in raw:
            if isinstance(found := raw[id], pygit2.Blob) and CANARY.encode() in found.data:
                return True
    return any(CANARY.encode() in each.read_bytes() for each in folder.rglob("*") if each.is_file())


@pytest.fixture
def chats(repository: Repository) -> tuple[uuid.UUID, uuid.UUID]:
    """One with the canary in a file of its branch, put forward too, and one with a file of its own."""
    gone, stays = uuid.uuid4(), uuid.uuid4()
    repository.write(branch(gone), "secret.txt", CANARY, **ALICE)
    repository.write(branch(stays), "mine.txt", "mine", **ALICE)
    propose(repository, branch(gone), gone.hex[:12], title=CANARY, **ALICE)
    return gone, stays


def test_a_chat_s_refs_go_at_once_and_its_objects_when_it_is_rewritten(
    repository: Repository, chats: tuple[uuid.UUID, uuid.UUID]
) -> None:
    gone, stays = chats
    assert removal.forget_chats(project_of(repository), {removal.short_id(gone)}) == 3
    assert "refs/pull" not in git(repository.path, "for-each-ref")
    assert set(heads(repository.path)) == {"main", branch(stays)}
    assert stored(repository.path.parent)
    assert removal.rewrite(project_of(repository))
    assert not stored(repository.path.parent)
    fsck(repository.path)
    assert {path: repository.at("main").read(path) for path in FILES} == FILES
    assert repository.at(branch(stays)).read("mine.txt") == "mine"
    assert repository.write(branch(stays), "more.txt", "more", **ALICE).is_new
    assert not removal.rewrite(project_of(repository))  # there is nothing more to do


def test_one_that_was_rewritten_is_rewritten_again(repository: Repository, chats: tuple[uuid.UUID, uuid.UUID]) -> None:
    for gone in chats:
        removal.forget_chats(project_of(repository), {removal.short_id(gone)})
        assert removal.rewrite(project_of(repository))
        fsck(repository.path)
    assert list(heads(repository.path)) == ["main"]
    assert len(list((repository.path / "objects/pack").glob("*.pack"))) == 1


def test_nothing_that_is_written_meanwhile_is_lost(repository: Repository) -> None:
    project, writer, end = project_of(repository), uuid.uuid4(), threading.Event()
    written: list[str] = []
    failed: list[BaseException] = []

    def write() -> None:
        try:
            while not end.is_set():
                path = f"file-{len(written)}.txt"
                repository.write(branch(writer), path, path, **ALICE)
                written.append(path)
                assert repository.at(branch(writer)).read(path) == path
        except BaseException as error:
            failed.append(error)

    def delete() -> None:
        try:
            while not end.is_set():
                other = uuid.uuid4()
                repository.write(branch(other), "secret.txt", CANARY, **ALICE)
                removal.forget_chats(project, {removal.short_id(other)})
                end.wait(0.2)  # each makes a rewriting begin again
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=target) for target in (write, delete)]
    for thread in threads:
        thread.start()
    rewritten = 0
    deadline = time.monotonic() + 60
    while (rewritten < 3 or len(written) < 30) and time.monotonic() < deadline and not failed:
        rewritten += removal.rewrite(project)
    end.set()
    for thread in threads:
        thread.join()
    assert not failed
    assert rewritten >= 3
    removal.rewrite(project)
    assert not stored(repository.path.parent)
    fsck(repository.path)
    now = repository.at(branch(writer))
    assert {entry.path for entry in now.list()} == {*FILES, *written}


@pytest.mark.parametrize("at", range(3))
def test_who_dies_in_the_midst_loses_nothing(
    repository: Repository, chats: tuple[uuid.UUID, uuid.UUID], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    gone, stays = chats
    removal.forget_chats(project_of(repository), {removal.short_id(gone)})
    unlink, left = Path.unlink, [at]

    def dies(self: Path, *args: Any, **kwargs: Any) -> None:
        if repository.path in self.parents and not left[0]:
            raise KeyboardInterrupt
        left[0] -= repository.path in self.parents
        unlink(self, *args, **kwargs)

    (repository.path / "objects/pack").mkdir(exist_ok=True)
    for number in range(3):
        (repository.path / f"objects/pack/old-{number}").touch()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", dies)
        with pytest.raises(KeyboardInterrupt):
            removal.rewrite(project_of(repository))
    fsck(repository.path)
    assert repository.at(branch(stays)).read("mine.txt") == "mine"
    assert removal.rewrite(project_of(repository))
    assert not stored(repository.path.parent)


def test_what_an_import_has_put_aside_is_cleaned_too(
    repository: Repository, chats: tuple[uuid.UUID, uuid.UUID], tmp_path: Path
) -> None:
    source = tmp_path / "source"
    git(tmp_path, "init", "-q", "-b", "main", str(source))
    (source / "a.txt").write_text("a")
    git(source, "add", ".")
    git(source, "commit", "-qm", "A")
    import_history(repository, source, replace=True)
    removal.forget_chats(project_of(repository), {removal.short_id(chats[0])})
    assert removal.rewrite(project_of(repository))
    assert not stored(repository.path.parent)
    aside = next(each for each in repository.path.parent.glob("*") if each.suffix[1:].isdigit())
    fsck(aside)


def test_a_repository_goes_whole(repository: Repository, chats: tuple[uuid.UUID, uuid.UUID]) -> None:
    removal.forget_chats(project_of(repository), {removal.short_id(chats[1])})
    other = Repository(uuid.uuid4())
    other.ensure()
    removal.remove_repository(project_of(repository))
    assert removal.known_projects() == [project_of(other)]
    assert [each for each in os.listdir(repository.path.parent) if repository.path.stem in each] == []
    removal.remove_repository(project_of(repository))  # again changes nothing
    fsck(other.path)

"""One repository in the place of another: whoever dies at any step, and whoever rewrites meanwhile, loses nothing."""

import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygit2
import pytest

from tests.tools.conftest import FILES
from tests.tools.gits import fsck, git, heads
from tools.git import arriving, removal, swapping
from tools.git.bare import BranchMoved, locked, move_branch, open_bare
from tools.git.repository import Repository

ALICE = {"author_name": "Alice", "author_email": "alice@example.com"}
NEW = {"new.txt": "new"}


def project_of(repository: Repository) -> uuid.UUID:
    return uuid.UUID(repository.path.stem)


def came(repository: Repository) -> Path:
    """Another repository, where it waits."""
    other = Repository(uuid.uuid4())
    other.create(NEW, **ALICE)
    place = arriving.waiting_room(project_of(repository))
    other.path.rename(place)
    return place


def replace(repository: Repository) -> None:
    place = came(repository)
    arriving.take_place(project_of(repository), place, work="w", replace=True)
    arriving.leave(place)


def names(repository: Repository) -> set[str]:
    return {each.path for each in repository.at("main").list()}


@pytest.fixture(params=[True, False], ids=["at once", "step by step"])
def stepwise(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(swapping, "_renameat2", lambda: None)


@pytest.mark.usefixtures("stepwise")
@pytest.mark.parametrize("step", range(6))
def test_whoever_dies_at_any_step_leaves_the_one_or_the_other_whole(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    project, place, rename, left = project_of(repository), came(repository), Path.rename, [step]

    def dies(self: Path, target: Path) -> Any:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", dies)
        try:
            arriving.take_place(project, place, work="w", replace=True)
        except KeyboardInterrupt:
            assert step < 4
    assert names(repository) in (set(FILES), set(NEW))  # whoever reads next: no empty one is made
    replace(repository)  # whoever takes it over, or asks again
    assert names(repository) == set(NEW)
    fsck(repository.path)


def test_what_was_put_aside_stays_while_nothing_is_in_the_one_that_took_its_place(repository: Repository) -> None:
    project = project_of(repository)
    before = repository.path.with_suffix(".before")
    repository.path.rename(before)
    Repository(project).ensure()
    assert names(repository) == set(FILES) and not before.exists()
    repository.path.rename(before)
    other = Repository(uuid.uuid4())
    other.ensure()
    other.path.rename(repository.path)
    replace(repository)
    assert names(repository) == set(NEW)
    assert "README.md" in git(before, "ls-tree", "main")


def lost(repository: Repository) -> None:
    """A chat's branch that is gone, its objects not yet."""
    chat = uuid.uuid4()
    repository.write(f"parley/chat-{chat.hex[:12]}", "secret.txt", "canary", **ALICE)
    removal.forget_chats(project_of(repository), {removal.short_id(chat)})


@pytest.mark.usefixtures("stepwise")
def test_one_that_takes_its_place_while_the_old_one_is_rewritten_stays_whole(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(repository)
    happens: list[Callable[[], None]] = [lambda: replace(repository)]
    pack = removal._Packing._pack

    def packs(self: Any) -> None:
        pack(self)
        if happens:
            happens.pop()()

    monkeypatch.setattr(removal._Packing, "_pack", packs)
    assert removal.rewrite(project_of(repository))
    for path in (repository.path, repository.path.with_suffix(".before")):
        fsck(path)
        raw = open_bare(path)
        assert not any(isinstance(raw[id], pygit2.Blob) and raw[id].data == b"canary" for id in raw)
    assert names(repository) == set(NEW)


def test_the_same_mark_does_not_lead_into_another_folder(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(repository)
    monkeypatch.setattr(swapping, "_renew_mark", lambda _: None)
    packing = removal._Packing(repository.path)
    packing.pack()
    replace(repository)
    assert not packing.is_there
    packing.give_up()
    fsck(repository.path)


@pytest.mark.parametrize(("age_s", "stays"), [(0, True), (2 * removal.LEFT_FOR_S, False)])
def test_a_push_that_is_being_packed_is_left_alone(repository: Repository, age_s: int, stays: bool) -> None:
    lost(repository)
    folder = repository.path / "objects" / "parley-push-1"
    folder.mkdir()
    os.utime(folder, (time.time() - age_s,) * 2)
    assert removal.rewrite(project_of(repository))
    assert folder.exists() == stays


def test_a_commit_that_was_removed_before_its_branch_is_told_as_a_branch_that_moved(repository: Repository) -> None:
    lost(repository)
    tip = heads(repository.path)["main"]
    made = git(repository.path, "commit-tree", "-p", tip, "-m", "prepared", f"{tip}^{{tree}}").strip()
    assert removal.rewrite(project_of(repository))
    raw = open_bare(repository.path)
    with locked(repository.path), pytest.raises(BranchMoved):
        move_branch(raw, "main", to=pygit2.Oid(hex=made), expected=raw[tip].id)

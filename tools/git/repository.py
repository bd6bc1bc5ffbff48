"""A project's git repository: files are read from a chat's branch and written as commits on it, and nowhere else."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from uuid import UUID

import pygit2
from django.conf import settings

from tools.errors import RepositoryBusy, ToolError
from tools.git.bare import (
    MAIN,
    BranchMoved,
    create_bare,
    default_branch,
    locked,
    move_branch,
    open_bare,
    size_on_disk,
    tip_of,
)
from tools.git.changes import Change, Effect, applied, data_of, effect_of, ids_in, ids_of, written
from tools.git.diffs import CONTEXT_LINES, Diff, compared
from tools.git.paths import check_branch, file_parts, parts_of
from tools.git.snapshot import Snapshot
from tools.git.swapping import is_away
from tools.git.trees import tree_of

COMMITTER = (settings.PARLEY_NAME, "parley@localhost")
WRITE_ATTEMPTS = 20
REMEMBERED_COMMITS = 500  # among which a repeated write looks for its own; a run makes far fewer
RETRY_PAUSE_S = 0.05
UNFIT_FOR_A_NAME = re.compile(r"[\x00-\x1f\x7f<>\ud800-\udfff]+")


@dataclass(frozen=True)
class Written:
    """What a write did."""

    commit: str  # the branch's newest, hex
    is_new: bool  # the file was not there before
    is_changed: bool  # False: it held this already, and there is no new commit


@dataclass(frozen=True)
class Committed:
    """What a change did."""

    commit: str  # the branch's newest, hex
    effect: Effect  # empty: the files were so already, and there is no new commit


class Repository:
    """The bare repository of one project. Who may use it is for the caller to decide.

    One that does not exist yet is made, empty, at its first use.
    """

    def __init__(self, project_id: UUID) -> None:
        self.path = Path(settings.TOOLS_REPOSITORIES) / f"{UUID(str(project_id))}.git"

    def exists(self) -> bool:
        """Whether it was made already. Raises RepositoryBusy."""
        if is_away(self.path):
            with locked(self.path):
                pass  # it is put right by that
        return (self.path / "HEAD").is_file()

    def ensure(self) -> None:
        """Make it, with an empty first commit, unless it is there."""
        if not self.exists():
            with locked(self.path):
                if not self.exists():
                    create_bare(self.path, lambda made: _commit_first(made, {}, COMMITTER))

    def create(self, files: Mapping[str, str], *, author_name: str, author_email: str) -> None:
        """Make it with these files, path to text, in its first commit. Raises ToolError if there is one already."""
        author = (author_name, author_email)
        with locked(self.path):
            if self.exists():
                raise ToolError("The project has a repository already.")
            create_bare(self.path, lambda made: _commit_first(made, files, author))

    def at(self, branch: str) -> Snapshot:
        """What the branch holds now; the default branch where there is none of that name yet."""
        repository = self._open()
        own = tip_of(repository, check_branch(branch))
        if own is not None:
            return Snapshot(repository, branch, own)
        return Snapshot(repository, default_branch(repository), _newest_of_default(repository))

    def default_branch(self) -> str:
        """The name of the branch that others start from."""
        return default_branch(self._open())

    def at_commit(self, commit: str) -> Snapshot:
        """What the project was at that commit, hex. Raises ToolError where it is not there."""
        repository = self._open()
        try:
            found = repository[pygit2.Oid(hex=commit)].peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise ToolError("There is no such commit in the project.") from error
        return Snapshot(repository, "", found)

    def write(
        self,
        branch: str,
        path: str,
        content: str,
        *,
        author_name: str,
        author_email: str,
        note: str = "",
        once: str = "",
    ) -> Written:
        """Put the file as one commit on the branch: as `commit` does it."""
        done = self.commit(
            branch,
            written([(path, content)]),
            author_name=author_name,
            author_email=author_email,
            note=note,
            once=once,
        )
        return Written(done.commit, is_new=bool(done.effect.created), is_changed=bool(done.effect))

    def commit(
        self, branch: str, change: Change, *, author_name: str, author_email: str, note: str = "", once: str = ""
    ) -> Committed:
        """Make the change as one commit on the branch, which is made from the default branch if need be.

        Raises PathRefused, RetryTool or ToolError; then the branch is as it was. `note` goes into the commit's message,
        and `once` behind it: where a commit of the branch carries that line already, it is what this change did.
        """
        check_branch(branch)
        trailer = "\n".join(filter(None, (note, once)))
        message = f"{change.title}\n" + (f"\n{trailer}\n" if trailer else "")
        self.ensure()
        with locked(self.path):
            for _ in range(WRITE_ATTEMPTS):
                try:
                    done = self._done(branch, change, once) if once else None
                    return done or self._commit(branch, change, (author_name, author_email), message)
                except BranchMoved:
                    time.sleep(RETRY_PAUSE_S)
        raise RepositoryBusy("The project's repository is busy. Try again in a moment.")

    def carrying(self, branch: str, once: str) -> str | None:
        """The commit, hex, whose message carries this line; None where it is not among the branch's newest."""
        found = _carrying(self._open(), check_branch(branch), once)
        return str(found.id) if found else None

    def diff(self, branch: str, *, path: str = "", context: int = CONTEXT_LINES) -> Diff:
        """What the branch changed since it left the default branch; empty where there is no such branch.

        `path`: only this file, or what is in this folder. Raises PathRefused.
        """
        parts = parts_of(path)
        repository = self._open()
        main = _newest_of_default(repository)
        tip = tip_of(repository, check_branch(branch)) or main
        base = repository.merge_base(main.id, tip.id) or main.id
        found = compared(repository, base, tip.id, path="/".join(parts), context=context)
        return Diff(branch, default_branch(repository), str(base), str(tip.id), *found)

    def _open(self) -> pygit2.Repository:
        self.ensure()
        return open_bare(self.path)

    def _done(self, branch: str, change: Change, once: str) -> Committed | None:
        """What the change did that carries this line; None where it is not among the branch's newest commits."""
        commit = _carrying(open_bare(self.path), branch, once)
        if commit is None:
            return None
        after = ids_in(commit.tree, change.parts)
        return Committed(str(commit.id), effect_of(commit.parents[0].tree, after))

    def _commit(self, branch: str, change: Change, author: tuple[str, str], message: str) -> Committed:
        repository = open_bare(self.path)
        if branch.casefold() == default_branch(repository).casefold():
            raise ToolError("A tool may write on the chat's own branch only, not on the default branch.")
        own = tip_of(repository, branch)
        tip = own or _newest_of_default(repository)
        plan = change.plan(repository, tip.tree)
        effect = effect_of(tip.tree, ids_of(plan))
        if not effect:
            return Committed(str(tip.id), effect)
        self._check_room(Snapshot(repository, branch, tip), more=len(effect.created) - len(effect.removed))
        tree = applied(repository, tip.tree, plan)
        commit = repository.create_commit(None, signature(author), signature(COMMITTER), message, tree, [tip.id])
        move_branch(repository, branch, to=commit, expected=own.id if own else None)
        return Committed(str(commit), effect)

    def _check_room(self, snapshot: Snapshot, *, more: int) -> None:
        max_files, max_bytes = settings.TOOLS_REPOSITORY_MAX_FILES, settings.TOOLS_REPOSITORY_MAX_BYTES
        if more > 0 and sum(1 for _ in snapshot.list()) + more > max_files:
            raise ToolError(f"The project is full: it may have {max_files:,} files.")
        if size_on_disk(self.path) >= max_bytes:
            raise ToolError(f"The project's repository is full: it may take {max_bytes:,} bytes.")


def _carrying(repository: pygit2.Repository, branch: str, once: str) -> pygit2.Commit | None:
    tip = tip_of(repository, branch)
    if tip is None:
        return None
    newest = repository.walk(tip.id)
    newest.hide(_newest_of_default(repository).id)
    own = islice(newest, REMEMBERED_COMMITS)
    return next((commit for commit in own if once in commit.message.split("\n")), None)


def _newest_of_default(repository: pygit2.Repository) -> pygit2.Commit:
    tip = tip_of(repository, default_branch(repository))
    if tip is None:
        raise ToolError("The project's repository has no default branch.")
    return tip


def _commit_first(repository: pygit2.Repository, files: Mapping[str, str], author: tuple[str, str]) -> None:
    tree = tree_of(repository, {file_parts(path): data_of(content) for path, content in files.items()})
    commit = repository.create_commit(None, signature(author), signature(COMMITTER), "Begin the project\n", tree, [])
    move_branch(repository, MAIN, to=commit, expected=None)


def signature(person: tuple[str, str]) -> pygit2.Signature:
    """Who and when, in UTC. A line break or bracket in a name would add lines to the commit; they become spaces."""
    name, email = (UNFIT_FOR_A_NAME.sub(" ", text).strip() for text in person)
    return pygit2.Signature(name or "Unknown", email or "unknown@localhost", int(time.time()), 0)

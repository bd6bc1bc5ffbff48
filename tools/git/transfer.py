"""What a chat's branch changed in its project's files: taken out, and put on a branch of another installation."""

from collections.abc import Mapping
from uuid import UUID

import pygit2
from pygit2.enums import DeltaStatus, FileMode

from tools.errors import ToolError
from tools.git.bare import default_branch, locked, move_branch, open_bare, tip_of
from tools.git.paths import check_branch, check_writable, file_parts
from tools.git.repository import COMMITTER, Repository, signature
from tools.git.trees import Parts, blob_at, with_blob, without_blob

Files = Mapping[str, bytes | None]  # by path; None: removed
PLAIN = (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)


def changed_files(project_id: UUID, branch: str) -> dict[str, bytes | None]:
    """The files that differ since the branch left the default branch; none where there is no such branch."""
    place = Repository(project_id)
    if not place.exists():
        return {}
    repository = open_bare(place.path)
    tip, main = tip_of(repository, check_branch(branch)), tip_of(repository, default_branch(repository))
    if tip is None or main is None:
        return {}
    base = repository.merge_base(main.id, tip.id) or main.id
    found: dict[str, bytes | None] = {}
    for patch in repository.diff(str(base), str(tip.id)):
        if patch is None:
            continue
        delta = patch.delta
        path = delta.new_file.raw_path.decode(errors="replace")
        if delta.status == DeltaStatus.DELETED:
            found[path] = None
        elif delta.new_file.mode in PLAIN:
            found[path] = repository[delta.new_file.id].peel(pygit2.Blob).data
    return found


def check_files(files: Files) -> dict[Parts, bytes | None]:
    """The files by the parts of their paths. Raises PathRefused for a path that no branch may hold."""
    found: dict[Parts, bytes | None] = {}
    for path, data in files.items():
        parts = file_parts(path)
        check_writable(parts)
        found[parts] = data
    return found


def put_files(project_id: UUID, branch: str, files: Files, *, author: tuple[str, str], message: str) -> str:
    """Begin the branch with one commit of these files upon the default branch: its id, in hex.

    Raises PathRefused or ToolError, also where the branch is there already; then nothing has changed.
    """
    wanted = check_files(files)
    place = Repository(project_id)
    place.ensure()
    with locked(place.path):
        repository = open_bare(place.path)
        if tip_of(repository, check_branch(branch)) is not None:
            raise ToolError(f"There is a branch {branch} in the project already.")
        main = tip_of(repository, default_branch(repository))
        if main is None:
            raise ToolError("The project's repository has no default branch.")
        tree = main.tree.id
        for parts, data in wanted.items():
            tree = _with_file(repository, repository[tree].peel(pygit2.Tree), parts, data)
        commit = repository.create_commit(None, signature(author), signature(COMMITTER), message, tree, [main.id])
        move_branch(repository, branch, to=commit, expected=None)
        return str(commit)


def _with_file(repository: pygit2.Repository, tree: pygit2.Tree, parts: Parts, data: bytes | None) -> pygit2.Oid:
    is_there = blob_at(tree, parts) is not None
    if data is None:
        return without_blob(repository, tree, parts) if is_there else tree.id
    return with_blob(repository, tree, parts, repository.create_blob(data))

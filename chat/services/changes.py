"""What a chat's branch holds and changed in its project's files, for those who may read the chat."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.conf import settings

from accounts.errors import Conflict, NotFound, RequestError, Unavailable, refuse
from chat.models import Chat
from tools.errors import PathRefused, RepositoryBusy, ToolFault
from tools.git.diffs import CONTEXT_LINES, CONTEXT_LINES_MAX, Diff, FileDiff
from tools.git.repository import Repository
from tools.git.snapshot import Entry, Snapshot


class TooLarge(RequestError):
    """More than one answer may hold."""

    status = 413
    code = "too_large"


def repository_of(chat: Chat) -> Repository:
    """The repository of the chat's project. Raises Conflict for a chat of none."""
    if chat.project_id is None:
        raise Conflict("The chat is in no project, so it has no files.", code="no_project")
    return Repository(chat.project_id)


def diff_of(chat: Chat, path: str = "", context: int = CONTEXT_LINES) -> Diff:
    """What the chat's branch changed. Raises Invalid for a path or a number of lines that cannot be."""
    if not 0 <= context <= CONTEXT_LINES_MAX:
        raise refuse("context", f"Expected a number of lines from 0 to {CONTEXT_LINES_MAX}.")
    with told():
        return repository_of(chat).diff(chat.branch_name(), path=path, context=context)


def snapshot_of(chat: Chat) -> Snapshot:
    """What the chat's branch holds now; the default branch, where the chat has changed nothing."""
    with told():
        return repository_of(chat).at(chat.branch_name())


def entry_of(snapshot: Snapshot, path: str) -> Entry:
    """The file or folder at this path. Raises Invalid for what is no path, NotFound."""
    with told():
        found = snapshot.entry(path)
    if found is None:
        raise NotFound
    return found


def entries_of(snapshot: Snapshot, path: str, *, recursive: bool, after: str = "") -> tuple[list[Entry], bool]:
    """What lies in this folder behind the place `after`, as much as one page shows, and whether there is more."""
    if not entry_of(snapshot, path).is_folder:
        raise refuse("path", "Expected a folder, or nothing for the whole project.")
    behind = after.encode(errors="replace")
    entries = (each for each in snapshot.list(path, recursive=recursive) if not after or place_of(each) > behind)
    found = list(islice(entries, settings.TOOLS_FILES_LISTED_MAX + 1))
    return found[: settings.TOOLS_FILES_LISTED_MAX], len(found) > settings.TOOLS_FILES_LISTED_MAX


def place_of(entry: Entry) -> bytes:
    """An entry's place in the order of git, which takes a folder's name with its slash."""
    return f"{entry.path}{'/' if entry.is_folder else ''}".encode(errors="replace")


def file_of(snapshot: Snapshot, path: str) -> tuple[Entry, bytes]:
    """A file and what is in it; of a symbolic link, where it leads. Raises Invalid, NotFound or TooLarge."""
    found = entry_of(snapshot, path)
    if found.is_folder:
        raise refuse("path", "Expected the path of a file: this is a folder.")
    if found.bytes > settings.TOOLS_DOWNLOAD_MAX_BYTES:
        raise TooLarge(f"The file has {found.bytes:,} bytes; at most {settings.TOOLS_DOWNLOAD_MAX_BYTES:,} are sent.")
    return found, snapshot.data(found)


def diff_json(diff: Diff) -> dict[str, Any]:
    """A diff as REST shows it."""
    return {
        "branch": diff.branch,
        "base": diff.base,
        "baseCommit": diff.base_commit,
        "commit": diff.commit,
        "fileCount": diff.file_count,
        "files": [_file_json(each) for each in diff.files],
        "diff": diff.text,
        "truncated": diff.truncated,
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """A file or folder as REST shows it."""
    kind = "folder" if entry.is_folder else "link" if entry.is_link else "file"
    return {"path": entry.path, "kind": kind, "bytes": entry.bytes}


def _file_json(file: FileDiff) -> dict[str, Any]:
    return {
        "path": file.path,
        "oldPath": file.old_path if file.old_path != file.path else None,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "patch": file.patch,
        "binary": file.is_binary,
        "truncated": file.is_truncated,
    }


@contextmanager
def told() -> Iterator[None]:
    """What a repository refuses, as what a request is answered."""
    try:
        yield
    except RepositoryBusy as error:
        raise Unavailable(str(error), retry_after_s=2) from None
    except PathRefused as error:
        said = str(error).removeprefix("path: ")
        raise refuse("path", f"{said[:1].upper()}{said[1:]}") from None
    except ToolFault as error:
        raise Conflict(str(error)) from None

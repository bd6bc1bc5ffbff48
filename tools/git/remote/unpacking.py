"""A zip as a repository of one commit, in the child. No Django.

What a zip says of itself is not believed: sizes are counted while they are read, and nothing is ever put on disk by a
name of its own, as every file becomes an object of git.
"""

import shutil
import stat
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import FileMode

from tools.errors import PathRefused, RemoteError
from tools.git.paths import file_parts, is_gits_own, twin_key
from tools.git.remote.job import Job, Tell
from tools.git.trees import Parts

PIECE_BYTES = 65_536
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
PASSED_OVER = ("__MACOSX", ".DS_Store")  # what macOS puts beside the files
BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError)
Tree = dict[str, Any]  # name to the blob's id and mode, or to another of these


def unpack(job: Job, tell: Tell) -> dict[str, Any]:
    """The repository, whose one commit on main holds the files. Raises RemoteError."""
    scratch = pygit2.init_repository(f"{job.folder}.scratch", bare=True, mode=0o700)
    pygit2.settings.enable_fsync_gitdir(False)  # here nothing needs to last; what is packed below does
    tree, files = _read(job, scratch, tell)
    author, committer = (_signature(each) for each in (job.author, job.committer))
    root = _written(scratch, tree)
    commit = scratch.create_commit(None, author, committer, "Begin the project\n", root, [])
    pygit2.settings.enable_fsync_gitdir(True)
    _pack(job, scratch, commit)
    shutil.rmtree(f"{job.folder}.scratch")
    return {"branch": "main", "commit": str(commit), "files": files}


def _pack(job: Job, scratch: pygit2.Repository, commit: pygit2.Oid) -> None:
    made = pygit2.init_repository(job.folder, bare=True, mode=0o700, initial_head="main")
    shutil.rmtree(Path(job.folder) / "hooks", ignore_errors=True)
    scratch.pack(Path(job.folder) / "objects" / "pack", lambda builder: _add_all(builder, scratch))
    made.references.create("refs/heads/main", commit)


def _add_all(builder: pygit2.PackBuilder, scratch: pygit2.Repository) -> None:
    for id in scratch:
        builder.add(id)


def _read(job: Job, scratch: pygit2.Repository, tell: Tell) -> tuple[Tree, int]:
    try:
        with zipfile.ZipFile(job.zip) as archive:
            entries = _entries(job, archive)
            return _files(job, scratch, archive, entries, tell), len(entries)
    except RemoteError:
        raise
    except BROKEN as error:
        raise RemoteError("remote_invalid", "This is no zip file, or a damaged one.") from error


def _entries(job: Job, archive: zipfile.ZipFile) -> list[tuple[Parts, zipfile.ZipInfo]]:
    """The files, each by the parts of its path, without the one folder that all may lie in. Raises RemoteError."""
    found = archive.infolist()
    if len(found) > job.max_entries:
        raise RemoteError("remote_too_large", f"The zip has {len(found):,} entries; {job.max_entries:,} are taken.")
    wanted = [each for each in found if not each.is_dir() and not _is_passed_over(each.filename)]
    for each in wanted:
        _check(each)
    named = [(_parts(each.filename), each) for each in wanted]
    top = {parts[0] for parts, _ in named}
    if len(top) == 1 and all(len(parts) > 1 for parts, _ in named):
        named = [(parts[1:], each) for parts, each in named]
    if not named:
        raise RemoteError("remote_invalid", "The zip holds no file.")
    if len(named) > job.max_files:
        raise RemoteError(
            "remote_too_large", f"The zip has {len(named):,} files; a project may have {job.max_files:,}."
        )
    return named


def _is_passed_over(name: str) -> bool:
    """What macOS adds, and a repository of git's own with its settings: its files come, its history does not."""
    parts = name.split("/")
    return any(each in PASSED_OVER or is_gits_own(each) for each in parts)


def _check(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise RemoteError("remote_invalid", f"{_shown(entry)} is a link or a device: only files are taken.")
    if entry.flag_bits & 0x1:
        raise RemoteError("remote_invalid", f"{_shown(entry)} is encrypted. Send a zip without a password.")
    if entry.compress_type not in METHODS:
        raise RemoteError("remote_invalid", f"{_shown(entry)} is packed in a way that is not read. Send a plain zip.")


def _parts(name: str) -> Parts:
    try:
        return file_parts(name)
    except PathRefused as error:
        raise RemoteError("remote_invalid", f"The zip has a file whose name is not taken. {error}") from error


def _files(
    job: Job,
    scratch: pygit2.Repository,
    archive: zipfile.ZipFile,
    entries: list[tuple[Parts, zipfile.ZipInfo]],
    tell: Tell,
) -> Tree:
    tree: Tree = {}
    left = job.max_unpacked_bytes
    for number, (parts, entry) in enumerate(entries):
        data = b"".join(_pieces(archive, entry, left, job))
        left -= len(data)
        mode = FileMode.BLOB_EXECUTABLE if (entry.external_attr >> 16) & 0o100 else FileMode.BLOB
        _put(tree, parts, (scratch.create_blob(data), mode))
        if number % 500 == 0:
            tell({"text": "unpacks files", "done": number, "total": len(entries)})
    _check_twins(tree, "")
    return tree


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, job: Job) -> Iterator[bytes]:
    with archive.open(entry) as file:
        while data := file.read(PIECE_BYTES):
            left -= len(data)
            if left < 0:
                most = f"{job.max_unpacked_bytes:,} bytes are taken"
                raise RemoteError("remote_too_large", f"The zip holds more than it may: unpacked, {most}.")
            yield data


def _put(tree: Tree, parts: Parts, blob: tuple[pygit2.Oid, FileMode]) -> None:
    for depth, folder in enumerate(parts[:-1], 1):
        below = tree.setdefault(folder, {})
        if not isinstance(below, dict):
            raise RemoteError("remote_invalid", f"{'/'.join(parts[:depth])} is a file and a folder in the zip.")
        tree = below
    if parts[-1] in tree:
        raise RemoteError("remote_invalid", f"{'/'.join(parts)} comes twice in the zip.")
    tree[parts[-1]] = blob


def _check_twins(tree: Tree, folder: str) -> None:
    """Raise RemoteError for two names that some file systems take for one."""
    keys: dict[str, str] = {}
    for name, what in tree.items():
        key = twin_key(name)
        if key in keys:
            raise RemoteError(
                "remote_invalid", f"Some systems take {folder}{keys[key]} and {folder}{name} for the same name."
            )
        keys[key] = name
        if isinstance(what, dict):
            _check_twins(what, f"{folder}{name}/")


def _written(scratch: pygit2.Repository, tree: Tree) -> pygit2.Oid:
    builder = scratch.TreeBuilder()
    for name, what in tree.items():
        if isinstance(what, dict):
            builder.insert(name, _written(scratch, what), FileMode.TREE)
        else:
            builder.insert(name, *what)
    return builder.write()


def _signature(person: tuple[str, str]) -> pygit2.Signature:
    return pygit2.Signature(*person, int(time.time()), 0)


def _shown(entry: zipfile.ZipInfo) -> str:
    return repr(entry.filename[:200])

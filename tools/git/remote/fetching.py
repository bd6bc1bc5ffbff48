"""Clone and fetch of one branch, in the child. No Django.

libgit2 follows a redirect to another host and would hand our credentials over there; it asks again and again for those
that were refused; and it takes any kind of address. So: https alone, credentials for the very origin that was asked and
once for a connection. A `certificate_check` is never defined: one that says True takes every certificate.
"""

import os
import shutil
import ssl
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pygit2
from pygit2.enums import CredentialType, ObjectType

from tools.errors import PathRefused, RemoteError
from tools.git.checking import HistoryRefused, check_default_branch, objects_of
from tools.git.remote.counting import Counted, counted
from tools.git.remote.job import Job, Tell

TELL_EVERY_S = 0.5
HEADS = "refs/heads/"
PERHAPS = "Perhaps it redirects to another host, which is not followed: then give that one's URL."


def clone(job: Job, tell: Tell) -> dict[str, Any]:
    """One branch with its history, in a new bare repository. Raises RemoteError."""
    made = _new(job)
    remote, callbacks = _remote(job, made, tell)
    branch = _branch(job, _heads(job, remote, callbacks))
    made.set_head(f"{HEADS}{branch}")
    _fetch(job, remote, callbacks, branch)
    return _looked_through(job, made, branch, tell)


def fetch(job: Job, tell: Tell) -> dict[str, Any]:
    """What the branch has got since, in a bare repository that borrows the rest from the known one. Raises RemoteError:
    `diverged` where the branch has commits here that it has not there, and the other way round."""
    made = _borrowing(job)
    made.references.create("refs/known/tip", job.tip)
    remote, callbacks = _remote(job, made, tell)
    _branch(job, _heads(job, remote, callbacks))
    _fetch(job, remote, callbacks, job.branch)
    return _forward(job, made, tell)


def _borrowing(job: Job) -> pygit2.Repository:
    """A new repository that finds the known one's objects too, where that one's history ends as well."""
    _new(job).free()
    known, made = Path(job.known), Path(job.folder)
    (made / "objects" / "info").mkdir(exist_ok=True)
    (made / "objects" / "info" / "alternates").write_text(f"{known / 'objects'}\n")
    if (known / "shallow").exists():
        shutil.copyfile(known / "shallow", made / "shallow")
    return pygit2.Repository(job.folder)


def _forward(job: Job, made: pygit2.Repository, tell: Tell) -> dict[str, Any]:
    new, old = made.references[f"{HEADS}{job.branch}"].peel(pygit2.Commit).id, pygit2.Oid(hex=job.tip)
    if new != old and not made.descendant_of(new, old):
        if made.descendant_of(old, new):
            return {"branch": job.branch, "commit": job.tip, "files": _count(job, made, job.tip).files}
        raise RemoteError(
            "diverged",
            f"{job.branch} has commits here that it has not there, and the other way round. Nothing was changed: "
            f"push what is here and merge it there, or clone anew.",
        )
    return _looked_through(job, made, job.branch, tell, without=job.tip)


def _new(job: Job) -> pygit2.Repository:
    made = pygit2.init_repository(job.folder, bare=True, mode=0o700, initial_head="main")
    shutil.rmtree(Path(job.folder) / "hooks", ignore_errors=True)
    return made


def _remote(job: Job, made: pygit2.Repository, tell: Tell) -> tuple[pygit2.Remote, "_Callbacks"]:
    pygit2.settings.server_connect_timeout = job.connect_s * 1000
    pygit2.settings.server_timeout = job.idle_s * 1000
    pygit2.settings.pack_max_objects = job.max_objects
    _trust(job.ca)
    return made.remotes.create_anonymous(job.url), _Callbacks(job, tell)


def _trust(ca: str) -> None:
    """The operator's own certificates, or those of the machine as Python finds them: libgit2 looks in fewer places."""
    paths = ssl.get_default_verify_paths()
    file = ca or os.environ.get("SSL_CERT_FILE") or paths.cafile
    if file or paths.capath:
        pygit2.settings.set_ssl_cert_locations(file, None if ca else paths.capath)


def _heads(job: Job, remote: pygit2.Remote, callbacks: "_Callbacks") -> dict[str, str]:
    """The server's branches, each with its newest commit, and what its HEAD names at ""."""
    with_head: dict[str, str] = {}
    for each in _told(job, callbacks, lambda: remote.list_heads(callbacks=callbacks, proxy=job.proxy)):
        if each.name == "HEAD":
            with_head[""] = (each.symref_target or "").removeprefix(HEADS)
        elif each.name.startswith(HEADS):
            with_head[each.name.removeprefix(HEADS)] = str(each.oid)
    return with_head


def _branch(job: Job, heads: dict[str, str]) -> str:
    """The branch that is fetched. Raises RemoteError for one that is not there."""
    head = heads.pop("", "")
    wanted = job.branch or head or ("main" if "main" in heads else next(iter(heads), ""))
    if not heads:
        raise RemoteError("remote_invalid", "The repository has no commit yet.")
    if wanted not in heads:
        raise RemoteError("remote_not_found", f"The repository has no branch {wanted!r}.")
    try:
        return check_default_branch(wanted)
    except PathRefused as error:
        raise RemoteError("remote_invalid", f"The branch {wanted!r} cannot be taken. {error}") from error


def _fetch(job: Job, remote: pygit2.Remote, callbacks: "_Callbacks", branch: str) -> None:
    spec = f"+{HEADS}{branch}:{HEADS}{branch}"
    callbacks.begin()
    _told(job, callbacks, lambda: remote.fetch([spec], callbacks=callbacks, proxy=job.proxy, depth=job.depth))


def _looked_through(job: Job, made: pygit2.Repository, branch: str, tell: Tell, without: str = "") -> dict[str, Any]:
    """What came: its history is whole and harmless, and no larger than a project's may be. Raises RemoteError."""
    tell({"text": "looks through the history", "done": 0, "total": 0})
    tip = made.references[f"{HEADS}{branch}"].peel(pygit2.Commit).id
    try:
        for id in objects_of(made, [tip]) if str(tip) != without else ():
            _check_size(job, made, id)
    except HistoryRefused as error:
        raise RemoteError("remote_invalid", str(error)) from error
    files = _count(job, made, str(tip)).files
    (Path(job.folder) / "FETCH_HEAD").unlink(missing_ok=True)
    return {"branch": branch, "commit": str(tip), "files": files}


def _check_size(job: Job, made: pygit2.Repository, id: pygit2.Oid) -> None:
    """By its header: a file of zeros is small in a pack, and as large as it likes in memory. Raises RemoteError."""
    try:
        kind, size = made.odb.read_header(id)
    except (KeyError, pygit2.GitError) as error:
        raise RemoteError("remote_invalid", f"The history is not whole: {id} is missing.") from error
    if kind == ObjectType.BLOB and size > job.max_file_bytes:
        most = f"{job.max_file_bytes:,} are taken"
        raise RemoteError("remote_too_large", f"The history has a file of {size:,} bytes; {most}.")


def _count(job: Job, made: pygit2.Repository, commit: str) -> Counted:
    """What the commit holds. Raises RemoteError where that is more than a project may have."""
    found = counted(made, made[commit].peel(pygit2.Tree).id, most=job.max_files + 1)
    if max(found.files, found.folders) > job.max_files:
        told = f"The branch has more than the {job.max_files:,} files, or folders, that a project may have."
        raise RemoteError("remote_too_large", told)
    return found


class _Callbacks(pygit2.RemoteCallbacks):
    """What libgit2 asks while it fetches. What one of these raises is raised by the call."""

    def __init__(self, job: Job, tell: Tell) -> None:
        super().__init__()
        self.job = job
        self.tell = tell
        self.told_at = 0.0
        self.is_asked = False

    def begin(self) -> None:
        """A connection of its own: it is given the credentials once more."""
        self.is_asked = False

    def credentials(self, url: str, username_from_url: str | None, allowed_types: CredentialType) -> pygit2.UserPass:
        """The token, once, and for the place that was asked alone."""
        if _origin(url) != _origin(self.job.url):
            raise RemoteError("remote_refused", "The server redirects to another one, which is not followed.")
        if self.is_asked:
            raise RemoteError("remote_auth", "The server does not take this token: it may be wrong, or past its end.")
        if not self.job.token:
            raise RemoteError(
                "remote_auth", "The server asks for a token: there is no such repository, or it is private."
            )
        self.is_asked = True
        return pygit2.UserPass(self.job.token_user, self.job.token)

    def transfer_progress(self, stats: Any) -> None:
        """Tell how far it is, a few times a second at most."""
        if stats.total_objects > self.job.max_objects:
            most = f"{self.job.max_objects:,} objects are taken"
            raise RemoteError("remote_too_large", f"The history has {stats.total_objects:,} objects; {most}.")
        if time.monotonic() - self.told_at < TELL_EVERY_S:
            return
        self.told_at = time.monotonic()
        if stats.received_objects < stats.total_objects:
            text, done, total = "receives objects", stats.received_objects, stats.total_objects
        else:
            text, done, total = "puts changes together", stats.indexed_deltas, stats.total_deltas
        self.tell({"text": text, "done": done, "total": total})


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or 443


def _told(job: Job, callbacks: _Callbacks, call: Any) -> Any:
    """What the call gives. Whatever goes wrong in it as a RemoteError."""
    try:
        return call()
    except RemoteError:
        raise
    except (pygit2.GitError, KeyError, ValueError, OSError, MemoryError) as error:
        raise _meant(str(error), callbacks) from error


def _meant(text: str, callbacks: _Callbacks) -> RemoteError:
    """By libgit2's sentence, since it has no codes for these. The sentence itself may hold what the server said."""
    low = text.lower()
    status = next((word for word in low.split() if word.isdigit() and len(word) == 3), "")
    if "too many redirects or authentication replays" in low or status in ("401", "403"):
        told = "does not take this token" if callbacks.job.token else "asks for a token"
        return RemoteError("remote_auth", f"The server {told}, or nobody may read the repository by it.")
    if status in ("404", "410"):
        return RemoteError("remote_not_found", "The server has no repository at this URL.")
    if status:
        return RemoteError("remote_unavailable", f"The server answered with the status {status}. Try again later.")
    if "certificate" in low:
        return RemoteError("remote_refused", "The server's certificate is not one to be trusted.")
    if "timed out" in low or "timeout" in low:
        return RemoteError("remote_unavailable", "The server did not answer in time.")
    if any(each in low for each in ("memory", "mmap", "alloc", "too large")) or not low:
        return RemoteError("remote_too_large", "It needs more memory or disk than may be used for it.")
    if "too many objects" in low:
        return RemoteError("remote_too_large", f"The history has more than {callbacks.job.max_objects:,} objects.")
    if "redirect" in low:
        return RemoteError("remote_refused", "The server redirects to another one, which is not followed.")
    if any(each in low for each in ("connect", "socket", "ssl", "eof", "closed")):
        return RemoteError("remote_unavailable", f"The connection to the server broke off. {PERHAPS}")
    return RemoteError("remote_invalid", "The server did not answer as a git server does, or sent a damaged history.")

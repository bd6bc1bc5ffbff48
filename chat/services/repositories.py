"""A project's repository: where it comes from, cloning, fetching, uploading. Sync.

Whoever reads the project sees it; all else needs admin in the project, and a person: no API key changes it, as its
token opens other people's servers.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction

from accounts.errors import Conflict, NotAllowed, NotFound, RequestError, TooMany, Unavailable, refuse
from accounts.models import Project, User
from accounts.permissions import permissions_in, require
from chat.models import OPEN, Run
from chat.runner.beginning import WorkOrder
from chat.runner.kinds import clone
from chat.services.work import start_work
from tools.errors import OutwardError, PathRefused, RemoteError, RepositoryBusy
from tools.git import arriving
from tools.git.paths import check_branch
from tools.git.recording import record_arrival, take_figures
from tools.git.remote.process import from_zip, job
from tools.git.repository import COMMITTER, signature
from tools.models import Forge, ProjectRepository, RepositoryState
from tools.outward.checking import check_url

FORGES = {"github.com": Forge.GITHUB, "gitlab.com": Forge.GITLAB, "codeberg.org": Forge.FORGEJO}
FORGE_PATH = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
PIECE_BYTES = 1_000_000
STATUSES = {"remote_too_large": 413}
RETRY_S = 5
_places = threading.BoundedSemaphore(settings.UPLOADS_AT_ONCE)  # of uploads in this process


@dataclass(frozen=True)
class Shown:
    """A project's repository, and the run that is bringing it."""

    row: ProjectRepository
    run: UUID | None


class Refused(RequestError):
    """A file that is not taken."""

    def __init__(self, error: RemoteError) -> None:
        super().__init__(str(error), code=error.code.replace("remote_", "upload_"))
        self.status = STATUSES.get(error.code, 400)


def find_project(user: User, id: UUID) -> Project:
    """The project, if the user sees it. Raises NotFound."""
    found = Project.objects.visible_to(user).select_related("organization").filter(pk=id).first()
    if found is None:
        raise NotFound
    return found


def shown(project: Project) -> Shown:
    """The repository as it is: where nobody has brought one, what agents have made of it."""
    row = ProjectRepository.objects.filter(project=project).first() or ProjectRepository(project=project)
    if row.state == RepositoryState.EMPTY and (found := arriving.figures(project.pk)):
        take_figures(row, found)
    return Shown(row, _under_way(project))


def may_change(user: User, project: Project) -> bool:
    """Whether they may bring another one."""
    return user.key is None and "admin" in _permissions(user, project)


def start_clone(
    *,
    user: User,
    project: Project,
    url: str,
    branch: str = "",
    depth: int = 0,
    replace: bool = False,
    **given: str,
) -> Run:
    """Begin to clone. The row says how it ends. Raises Conflict where there is a repository with something in it,
    unless it may be replaced.

    `given`: `token` (sealed), `token_user`, `forge` and `forge_path`. Of these, what is not given stays as it is where
    the repository comes from there already.
    """
    require_admin(user, project)
    check_remote(url)  # a name is looked up: not within the transaction
    _check_branch(branch)
    _require_room(project, replace)
    _checked_path(given.get("forge_path", ""))
    asked = clone.Asked(
        does="clone",
        url=url,
        forge="",
        forge_path="",
        token="",
        token_user="",
        state=RepositoryState.EMPTY,
        branch=branch,
        depth=depth,
        replace=replace,
    )
    return _begin_clone(user, project, asked, given)


@transaction.atomic
def _begin_clone(user: User, project: Project, asked: clone.Asked, given: dict[str, str]) -> Run:
    row = _locked(project)
    asked = msgspec.structs.replace(asked, **_access(row, asked.url, given))
    # One that says it is being cloned, and has no run any more, has failed.
    was = RepositoryState.FAILED if row.state == RepositoryState.CLONING else row.state
    run = _start(user, project, msgspec.structs.replace(asked, state=was))
    row.state = RepositoryState.CLONING
    row.save(update_fields=["state", "updated_at"])
    return run


def _access(row: ProjectRepository, url: str, given: dict[str, str]) -> dict[str, str]:
    """How the repository there is opened, and which forge keeps it: as given, else as is known of it, else guessed."""
    forge, path = guess(url)
    known = {"token": "", "token_user": "", "forge": forge, "forge_path": path}
    if is_same_place(url, row.remote_url):
        known |= {"token": row.token, "token_user": row.token_user}
        if given.get("forge", row.forge) == row.forge:
            known |= {"forge": row.forge, "forge_path": row.forge_path}
    return {**known, **given, "forge_path": given.get("forge_path") or known["forge_path"]}


@transaction.atomic
def start_fetch(*, user: User, project: Project) -> Run:
    """Begin to fetch the default branch. Raises Conflict where there is nothing to fetch from."""
    require_admin(user, project)
    row = _locked(project)
    if not row.remote_url:
        raise Conflict("The repository comes from nowhere yet: clone it, or set its remote_url.", code="no_remote")
    _require_idle(project)
    if row.state != RepositoryState.READY:
        raise Conflict("The repository is not ready: clone it first.", code="not_ready")
    asked = clone.Asked(
        does="fetch",
        url=row.remote_url,
        forge=row.forge,
        forge_path=row.forge_path,
        token=row.token,
        token_user=row.token_user,
        state=row.state,
    )
    return _start(user, project, asked)


def change(*, user: User, project: Project, **changes: Any) -> Shown:
    """Set where it is fetched from and pushed to; `token` is sealed, empty takes it away, and so does another place.
    Raises Conflict while a clone or fetch is under way."""
    require_admin(user, project)
    url = changes.get("remote_url")
    if url:
        check_remote(url, "remote_url")
    if url is not None:
        guessed, path = guess(url)
        changes = {"forge": guessed, "forge_path": path, **changes}
    _checked_path(changes.get("forge_path", ""))
    return _changed(project, changes, arriving.figures(project.pk))


@transaction.atomic
def _changed(project: Project, changes: dict[str, Any], found: arriving.Figures | None) -> Shown:
    row = _locked(project)
    _require_idle(project)
    if "remote_url" in changes and not is_same_place(changes["remote_url"], row.remote_url):
        # They were for the other repository. One may open more than that, so it is never taken along unasked.
        changes = {"token": "", "token_user": "", **changes}
    if row.state == RepositoryState.EMPTY and found:
        take_figures(row, found)
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()
    return Shown(row, _under_way(project))


def upload(*, user: User, project: Project, body: IO[bytes], replace: bool = False) -> Shown:
    """Make the files of a zip the project's repository: one commit, by this person. Raises Refused, Conflict, TooMany,
    Unavailable."""
    require_admin(user, project)
    _require_room(project, replace)
    _require_idle(project)
    with _uploading(project, replace) as place:
        file = _stored(body, place.with_name("upload.zip"))
        from_zip(
            job(
                does="unpack",
                folder=str(place),
                zip=str(file),
                author=_person(user.name, user.email),
                committer=_person(*COMMITTER),
                timeout_s=settings.UPLOAD_TIMEOUT_S + 1,
            )
        )
        _require_idle(project)
        arriving.take_place(project.pk, place, work=str(user.pk), replace=replace)
        return _has_come(project, arriving.figures(project.pk))


@contextmanager
def _uploading(project: Project, replace: bool) -> Iterator[Path]:
    """Where it comes to: one at a time for a project, and a few in this process."""
    if not _places.acquire(blocking=False):
        raise TooMany("Too many uploads are under way. Try again in a moment.", retry_after_s=RETRY_S)
    try:
        with arriving.uploading(project.pk, replaces=replace) as place:
            yield place
    except arriving.UploadUnderWay as error:
        raise _under_way_already(error.replaces) from None
    except RemoteError as error:
        raise Refused(error) from error
    except RepositoryBusy as error:
        raise Unavailable(str(error), retry_after_s=2) from error
    finally:
        _places.release()


def _under_way_already(replaces: bool) -> RequestError:
    if replaces:
        told = "Another upload is replacing the repository. Look at what is there when it has ended."
        return Conflict(told, code="work_under_way")
    return TooMany("Another upload to the project is under way. Try again in a moment.", retry_after_s=RETRY_S)


def check_remote(url: str, field: str = "url") -> None:
    """Raise Invalid for a URL that is not cloned from."""
    parts = _split(url, field)
    if parts.scheme != "https" or not parts.hostname:
        raise refuse(field, "Expected an https:// URL, such as https://github.com/owner/name.")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise refuse(field, "Leave the name and the secret out of the URL, and send the secret as `token`.")
    if parts.query or parts.fragment or not parts.path.strip("/"):
        raise refuse(field, "Expected the URL of a repository, without ? and #.")
    try:
        check_url(url)
    except OutwardError as error:
        if error.code != "unreachable":  # that may pass, and the clone will tell
            raise refuse(field, str(error)) from error


def guess(url: str) -> tuple[str, str]:
    """Which forge keeps it, and its path there; none and empty where the host does not say."""
    parts = _split(url)
    forge = FORGES.get((parts.hostname or "").rstrip("."), Forge.NONE)
    path = parts.path.strip("/").removesuffix(".git")
    return forge, path if forge != Forge.NONE and FORGE_PATH.fullmatch(path) else ""


def _split(url: str, field: str = "url") -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise refuse(field, "Expected an https:// URL, such as https://github.com/owner/name.") from None
    return parts


def is_same_place(one: str, other: str) -> bool:
    """Whether both are the URL of one repository."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    path = parts.path.strip("/").removesuffix(".git")
    return parts.scheme, parts.netloc.lower().removesuffix(":443"), path


def _checked_path(path: str) -> str:
    if path and (not FORGE_PATH.fullmatch(path) or ".." in path):
        raise refuse("forge_path", "Expected owner/name, as the forge has it.")
    return path


def _check_branch(branch: str) -> None:
    try:
        check_branch(branch or "main")
    except PathRefused as error:
        raise refuse("branch", str(error).removeprefix("branch: ").capitalize()) from error


def _start(user: User, project: Project, asked: clone.Asked) -> Run:
    order = WorkOrder(user_id=user.pk, project=project, subject=str(project.pk), asked=msgspec.to_builtins(asked))
    return start_work(user=user, kind=clone.NAME, order=order, needs="admin")


def _locked(project: Project) -> ProjectRepository:
    ProjectRepository.objects.get_or_create(project=project)
    return ProjectRepository.objects.select_for_update().get(project=project)


def _permissions(user: User, project: Project) -> Any:
    return permissions_in(user, organization=project.organization_id, project=project)


def require_admin(user: User, project: Project) -> None:
    """Raise NotAllowed unless they may bring another repository."""
    require(_permissions(user, project), "admin")
    if user.key is not None:
        raise NotAllowed("A project's repository is changed by a person's token, not by an API key.", code="key_scope")


def _require_room(project: Project, replace: bool) -> None:
    if not replace and arriving.has_content(project.pk):
        told = "The project has files already. Send `replace: true` to put another repository in their place."
        raise Conflict(told, code="not_empty", fields={"replace": ["Expected true, where there is something already."]})


def _under_way(project: Project) -> UUID | None:
    """The run that is bringing something."""
    open_runs = Run.objects.filter(kind=clone.NAME, subject=str(project.pk), status__in=OPEN)
    return open_runs.values_list("pk", flat=True).first()


def _require_idle(project: Project) -> None:
    if run := _under_way(project):
        raise Conflict(
            f"Run {run} is bringing a repository already.", code="work_under_way", fields={"run": [str(run)]}
        )


def _stored(body: IO[bytes], path: Path) -> Path:
    with path.open("wb") as file:
        while data := body.read(PIECE_BYTES):
            file.write(data)
    return path


def _person(name: str, email: str) -> tuple[str, str]:
    made = signature((name, email))
    return made.name, made.email


@transaction.atomic
def _has_come(project: Project, found: arriving.Figures | None) -> Shown:
    """The row of what lies there now, which comes from no server."""
    row = _locked(project)
    record_arrival(row, found)
    return Shown(row, None)

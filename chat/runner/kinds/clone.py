"""Clones and fetches: a project's repository comes from a git server, or what is new there."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone

from accounts.db import db
from accounts.permissions import Permissions
from accounts.secrets import SecretUnreadable, opened
from agents import events as ev
from agents.errors import WorkFailed
from agents.events import AnyEvent
from chat.eventlog.projection import Fold
from chat.models import Run
from chat.models.facts import RunFacts
from chat.runner.kinds.base import Kind
from tools.errors import RemoteError, ToolFault
from tools.git import arriving
from tools.git.arriving import Figures
from tools.git.remote.process import Progress, Received, from_remote, job
from tools.models import Forge, ProjectRepository, RepositoryState

NAME = "clone"
TELL_EVERY_S = 1.0
AGAIN = frozenset({"remote_unavailable"})  # these may go better at another time
USERS = {Forge.GITHUB: "x-access-token", Forge.GITLAB: "oauth2"}  # whom a token is for, where nobody is said


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a clone or a fetch was asked to do: its run's request. `token` is sealed, and taken out when it ends."""

    does: Literal["clone", "fetch"]
    url: str
    forge: str
    forge_path: str
    token: str
    token_user: str
    state: str  # of the repository before
    branch: str = ""
    depth: int = 0
    replace: bool = False


class CloneWork:
    """One clone or fetch. Whoever takes it over begins anew, unless it had taken its place already."""

    input_tokens = 0
    read_from = None
    reason = "stop"

    def __init__(self, run: Run) -> None:
        assert run.project_id is not None, "a clone is for a project"
        self.timeout_s = float(settings.CLONE_TIMEOUT_S)
        self.id = str(run.pk)
        self.project: UUID = run.project_id
        self.asked = msgspec.convert(run.request, Asked)
        self.result: Any = None
        self._told_at = 0.0

    def goes_on_from(self, fold: Fold) -> None:
        """It begins anew."""

    def taken_back(self, at: float) -> list[AnyEvent]:
        """Nothing."""
        return []

    async def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        """How far it is. Raises WorkFailed; then the repository is as it was."""
        try:
            if not await db(arriving.came_by, self.project, self.id):
                async for events in self._bring():
                    yield events
            found = await db(arriving.figures, self.project)
            self.result = asdict(found) if found else None
        except RemoteError as error:
            raise WorkFailed(error.code, str(error), retryable=error.code in AGAIN) from error
        except SecretUnreadable as error:
            raise WorkFailed("remote_auth", "The token that is stored cannot be read. Give it anew.") from error
        except ToolFault as error:  # the repository is busy, or has no branch
            raise WorkFailed("remote_unavailable", str(error), retryable=True) from error

    async def _bring(self) -> AsyncGenerator[list[AnyEvent], None]:
        yield [_progress("connects")]
        old = await db(arriving.figures, self.project) if self.asked.does == "fetch" else None
        if old is None and self.asked.does == "fetch":
            raise RemoteError("remote_invalid", "The repository here is gone: clone it anew.")
        place = await db(self._waiting_room)
        try:
            received = None
            async with aclosing(from_remote(self._job(str(place), old))) as said:
                async for each in said:
                    received = each if isinstance(each, Received) else None
                    if isinstance(each, Progress) and self._is_time():
                        yield [_progress(each.text, each.done, each.total)]
            assert received is not None, "from_remote says what came, or raises"
            yield [_progress("puts it in its place")]  # stored, and the lease is looked at: nobody else does it now
            await db(self._arrive, place, old, received)
        finally:
            arriving.leave(place)  # short, and cancelled or not

    def _job(self, folder: str, old: Figures | None) -> Any:
        asked = self.asked
        known = {} if old is None else {"known": str(arriving.path_of(self.project)), "tip": old.commit}
        return job(
            does=asked.does,
            folder=folder,
            url=asked.url,
            token=opened(asked.token) if asked.token else "",
            token_user=asked.token_user or USERS.get(Forge(asked.forge), "git"),
            branch=old.branch if old else asked.branch,
            depth=asked.depth,
            **known,
        )

    def _waiting_room(self) -> Path:
        return arriving.waiting_room(self.project)

    def _is_time(self) -> bool:
        """Whether people are told again."""
        now = time.monotonic()
        if now - self._told_at < TELL_EVERY_S:
            return False
        self._told_at = now
        return True

    def _arrive(self, place: Path, old: Figures | None, received: Received) -> None:
        if old is None:
            arriving.take_place(self.project, place, work=self.id, replace=self.asked.replace)
        elif received.commit != old.commit:
            arriving.take_over(self.project, place, branch=old.branch, old=old.commit, new=received.commit)


def _progress(text: str, done: int = 0, total: int = 0) -> ev.WorkProgressed:
    return ev.WorkProgressed(at=time.time(), text=text, done=done, total=total)


def load(run: Run, events: list[AnyEvent], permissions: Permissions) -> CloneWork:
    """The work, from what was asked."""
    return CloneWork(run)


def end(run: RunFacts, fold: Fold) -> None:
    """Write to the project's row what has become of it, and take the token out of what was asked."""
    asked = msgspec.convert(run.asked, Asked)
    Run.objects.filter(pk=run.id).update(request={**run.asked, "token": ""})
    changes = _changes(asked, fold)
    ProjectRepository.objects.filter(project=run.project_id).update(**changes, updated_at=timezone.now())


def _changes(asked: Asked, fold: Fold) -> dict[str, Any]:
    terminal = fold.terminal
    if isinstance(terminal, ev.RunCompleted) and terminal.result:
        found = {"default_branch": terminal.result["branch"], "files": terminal.result["files"]}
        done = {"state": RepositoryState.READY, "error": None, "fetched_at": timezone.now()}
        return {**done, **found, "bytes": terminal.result["bytes"], **_remote(asked)}
    was_ready = asked.state == RepositoryState.READY
    error = _error(terminal)
    if was_ready:
        return {"state": RepositoryState.READY, "error": error}  # and where it came from is what it was
    return {"state": RepositoryState.FAILED if error else asked.state, "error": error, **_remote(asked)}


def _remote(asked: Asked) -> dict[str, Any]:
    """Where it comes from; a fetch has changed nothing of that."""
    if asked.does == "fetch":
        return {}
    return {
        "remote_url": asked.url,
        "forge": asked.forge,
        "forge_path": asked.forge_path,
        "token": asked.token,
        "token_user": asked.token_user,
    }


def _error(terminal: Any) -> dict[str, str] | None:
    if isinstance(terminal, ev.RunFailed):
        return {"code": terminal.code, "message": terminal.message}
    if isinstance(terminal, ev.RunCompleted):  # with nothing to show for it
        return {"code": "remote_invalid", "message": "Nothing came."}
    return None  # somebody stopped it


KIND = Kind(NAME, load, end, asks_model=False, needs="admin")

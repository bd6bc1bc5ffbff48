"""A project's remote repository: pushing a chat's branch there, and what its server's refusals are to a caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from uuid import UUID

from accounts.db import db
from accounts.errors import BadGateway, Conflict, RequestError, TooMany, Unavailable
from accounts.models import User
from accounts.secrets import SecretUnreadable
from chat.access import get_chat
from chat.models import Chat, ChatStatus
from chat.services.changes import TooLarge
from tools.errors import ForgeError, OutwardError, RepositoryBusy
from tools.git.bare import open_bare, tip_of
from tools.git.push import Pushed, push
from tools.git.remote.address import Remote, remote_of
from tools.git.repository import Repository
from tools.models import ProjectRepository

AT_ONCE = 4  # pushes of a process: each holds a pack in memory
_places = BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class PushedTo:
    """What a push did, and where."""

    pushed: Pushed
    remote: Remote


async def push_chat(*, user: User, chat_id: UUID) -> PushedTo:
    """Push the chat's branch to its project's remote. Needs deploy. Raises Conflict, BadGateway, TooMany."""
    repository, branch, head, remote = await db(_to_push, user, chat_id)
    with elsewhere():
        return PushedTo(await push_once(repository, remote, branch, head), remote)


async def push_once(repository: Repository, remote: Remote, branch: str, commit: str, *, onto: str = "") -> Pushed:
    """A push that waits for no other. Raises TooMany, ForgeError, OutwardError."""
    if not _places.acquire(blocking=False):
        raise TooMany("Too many pushes are under way. Try again in a moment.", retry_after_s=5)
    try:
        return await push(repository, remote, branch, commit, onto=onto)
    finally:
        _places.release()


def repository_of(chat: Chat) -> Repository:
    """The repository of the chat's project. Raises Conflict where it is in none."""
    if chat.project_id is None:
        raise Conflict("The chat is in no project, so it has no files.", code="no_project")
    return Repository(chat.project_id)


def remote_in(project_id: UUID) -> Remote | None:
    """The project's remote; None where it has none. Raises BadGateway for a token that cannot be read any more."""
    row = ProjectRepository.objects.filter(project=project_id).first()
    try:
        return remote_of(row) if row else None
    except SecretUnreadable:
        raise BadGateway("The project's token cannot be read any more. Set it again.", code="forge_auth") from None


def require_active(chat: Chat) -> None:
    """Raise Conflict for a chat that was put away."""
    if chat.status == ChatStatus.ARCHIVED:
        raise Conflict("The chat is archived. Make it active to write in it.", code="chat_archived")


@contextmanager
def elsewhere(*, is_pushed: bool = False, compare_url: str = "") -> Iterator[None]:
    """What goes wrong at the remote's server inside is told to the caller, with what was done before."""
    try:
        yield
    except ForgeError as error:
        raise _told(error.code, str(error), error.retry_after_s, is_pushed, compare_url) from error
    except OutwardError as error:
        raise _told("forge_unavailable", str(error), None, is_pushed, compare_url) from error
    except RepositoryBusy as error:
        raise Unavailable(str(error), retry_after_s=2) from error


def _told(code: str, text: str, retry_after_s: int | None, is_pushed: bool, compare_url: str) -> RequestError:
    kind: type[RequestError] = BadGateway if code.startswith("forge_") else Conflict
    if code == "push_too_large":
        kind = TooLarge
    done = {"pushed": ["true"]} if is_pushed else {}
    by_hand = {"compare_url": [compare_url]} if is_pushed and compare_url else {}
    return kind(text, code=code, fields={**done, **by_hand}, retry_after_s=retry_after_s)


def _to_push(user: User, chat_id: UUID) -> tuple[Repository, str, str, Remote]:
    chat = get_chat(user, chat_id, "deploy")
    require_active(chat)
    repository, branch = repository_of(chat), chat.branch_name()
    tip = tip_of(open_bare(repository.path), branch) if repository.exists() else None
    if tip is None:
        raise Conflict("The chat has changed nothing, so it has no branch to push.", code="nothing_to_push")
    assert chat.project_id is not None  # repository_of
    remote = remote_in(chat.project_id)
    if remote is None:
        raise Conflict("The project has no remote repository. Its admin can set one.", code="no_remote")
    return repository, branch, str(tip.id), remote

"""What system 1 asks of a chat's branch: its diff, and a pull request.

No git host is involved. A pull request is a pair of refs in the project's own repository (tools.git.proposals),
ready to be fetched and merged; the answer says so, and that it has no page of its own (`url` is null).
"""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from accounts.authentication import authenticate
from accounts.errors import Conflict, Unavailable
from accounts.http.parsing import read_json
from accounts.models import User
from chat.access import get_chat
from chat.doors.base import known_only
from chat.doors.views import door
from chat.doors.whole import whole
from chat.models import Chat
from chat.services.rules import check_title
from tools.errors import RepositoryBusy, ToolError
from tools.git.proposals import propose
from tools.git.repository import Diff, Repository


@door("POST")
async def get_diff(request: HttpRequest, chat_id: UUID) -> HttpResponse:
    """What the chat's branch changed since it left the default branch."""
    return await whole(_diff, request, chat_id)


@door("POST")
async def create_pr(request: HttpRequest, chat_id: UUID) -> HttpResponse:
    """Put the chat's branch forward for merging. Needs deploy."""
    return await whole(_pull_request, request, chat_id)


def _diff(request: HttpRequest, chat_id: UUID) -> dict[str, Any]:
    chat = get_chat(authenticate(request), chat_id)
    known_only(_body(request), ())
    return {"success": True, **_shown(_repository(chat).diff(chat.branch_name()))}


def _pull_request(request: HttpRequest, chat_id: UUID) -> dict[str, Any]:
    user = authenticate(request)
    chat = get_chat(user, chat_id, "deploy")
    body = _body(request)
    known_only(body, ("title",))
    title = check_title(body["title"]) if body.get("title") is not None else chat.title
    repository = _repository(chat)
    try:
        return {"success": True, "pullRequest": _proposed(chat, user, repository, title or f"Chat {chat.pk}")}
    except RepositoryBusy as error:
        raise Unavailable(str(error), retry_after_s=2) from None
    except ToolError as error:
        raise Conflict(str(error), code="nothing_to_propose") from None


def _proposed(chat: Chat, user: User, repository: Repository, title: str) -> dict[str, Any]:
    branch, name = chat.branch_name(), chat.pk.hex[:12]
    made = propose(repository, branch, name, title=title, author_name=user.display_name, author_email=user.email)
    diff = _shown(repository.diff(branch))
    return {
        "id": name,
        "url": None,
        "title": title,
        "branch": branch,
        "base": made.base,
        "mergeable": made.merge is not None,
        "conflicts": list(made.conflicts),
        "head": {"ref": made.head_ref, "commit": made.head},
        "merge": made.merge and {"ref": made.merge_ref, "commit": made.merge},
        "files": diff["files"],
    }


def _repository(chat: Chat) -> Repository:
    if chat.project_id is None:
        raise Conflict("The chat is in no project, so it has no files.", code="no_project")
    return Repository(chat.project_id)


def _shown(diff: Diff) -> dict[str, Any]:
    return {
        "branch": diff.branch,
        "base": diff.base,
        "commit": diff.commit,
        "files": [asdict(each) for each in diff.files],
        "diff": diff.patch,
        "truncated": diff.truncated,
    }


def _body(request: HttpRequest) -> dict[str, Any]:
    """Its clients may send none."""
    return read_json(request) if request.body.strip() else {}

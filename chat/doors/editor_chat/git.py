"""What system 1 asks of a chat's branch: its diff, and a pull request.

A pull request is opened at the forge of the project's remote, or on our own page where there is none. In any case it is
a pair of refs in the project's own repository (tools.git.proposals), ready to be fetched and merged.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from accounts.authentication import authenticate
from accounts.db import db
from accounts.http.parsing import read_json
from accounts.models import User
from chat.access import get_chat
from chat.doors.base import known_only
from chat.doors.views import door
from chat.doors.whole import whole
from chat.services.changes import diff_json, diff_of
from chat.services.pull_requests import Opened, Wish, open_pull_request, page_of, wish_of
from tools.git.diffs import Diff, FileDiff


@door("POST")
async def get_diff(request: HttpRequest, chat_id: UUID) -> HttpResponse:
    """What the chat's branch changed since it left the default branch."""
    return await whole(_diff, request, chat_id)


@door("POST")
async def create_pr(request: HttpRequest, chat_id: UUID) -> HttpResponse:
    """Put the chat's branch forward for merging. Needs deploy."""
    user, wish = await db(_wished, request, chat_id)
    opened = await open_pull_request(user=user, chat_id=chat_id, wish=wish)
    return await whole(lambda: {"success": True, "pullRequest": _opened(opened)})


def _diff(request: HttpRequest, chat_id: UUID) -> dict[str, Any]:
    chat = get_chat(authenticate(request), chat_id)
    known_only(_body(request), ())
    return {"success": True, **_shown(diff_of(chat))}


def _wished(request: HttpRequest, chat_id: UUID) -> tuple[User, Wish]:
    user = authenticate(request)
    get_chat(user, chat_id, "deploy")
    body = _body(request)
    known_only(body, ("title", "body"))
    return user, wish_of(body.get("title"), body.get("body"))


def _opened(opened: Opened) -> dict[str, Any]:
    pull, made, seen = opened.pull, opened.proposal, opened.review
    return {
        "id": made.head_ref.split("/")[2],
        "url": page_of(pull),
        "number": pull.number,
        "title": pull.title,
        "branch": pull.branch,
        "base": made.base,
        "mergeable": made.merge is not None,
        "conflicts": list(made.conflicts),
        "head": {"ref": made.head_ref, "commit": made.head},
        "merge": made.merge and {"ref": made.merge_ref, "commit": made.merge},
        "files": [_file(each) for each in seen.files],
    }


def _file(file: FileDiff) -> dict[str, Any]:
    return {name: getattr(file, name) for name in ("path", "status", "additions", "deletions")}


def _shown(diff: Diff) -> dict[str, Any]:
    """The diff as REST has it, but that `base` is the commit: it was that before REST had one."""
    return {**diff_json(diff), "base": diff.base_commit, "baseBranch": diff.base}


def _body(request: HttpRequest) -> dict[str, Any]:
    """Its clients may send none."""
    return read_json(request) if request.body.strip() else {}

"""`POST` to push a chat's branch, to open its pull request and to merge one.

Async, because a forge may take a minute to answer: neither a thread nor a database connection waits with the caller.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.authentication import authenticate
from accounts.db import db
from accounts.errors import refuse
from accounts.http.parsing import read_json
from accounts.models import User
from chat.access import get_chat
from chat.doors.base import known_only
from chat.rest.pull_requests import detail_json
from chat.rest.row_json import plain
from chat.services.pull_requests import (
    Opened,
    Wish,
    get_pull_request,
    merge_pull_request,
    open_pull_request,
    review_of,
    wish_of,
)
from chat.services.remotes import push_chat


@csrf_exempt
@require_POST
async def push(request: HttpRequest, id: UUID) -> HttpResponse:
    """Push the chat's branch to its project's remote: 200, also where it was there already."""
    user, _ = await db(_push_asked, request, id)
    done = await push_chat(user=user, chat_id=id)
    return JsonResponse({"branch": done.pushed.branch, "commit": done.pushed.commit, "remote": done.remote.url})


@csrf_exempt
@require_POST
async def open_one(request: HttpRequest, id: UUID) -> HttpResponse:
    """Put the chat's branch forward: 201 with the new pull request, or 200 with the one that is open, renewed."""
    user, wish = await db(_open_asked, request, id)
    opened = await open_pull_request(user=user, chat_id=id, wish=wish)
    return JsonResponse(await db(_opened_json, opened), status=201 if opened.is_new else 200)


@csrf_exempt
@require_POST
async def merge(request: HttpRequest, id: UUID) -> HttpResponse:
    """Merge it into the default branch: 200 with the pull request."""
    user, head = await db(_merge_asked, request, id)
    pull = await merge_pull_request(user=user, pull_id=id, head=head)
    return JsonResponse(await db(lambda: plain(detail_json(pull, review_of(pull)))))


def _push_asked(request: HttpRequest, id: UUID) -> tuple[User, dict[str, Any]]:
    user = authenticate(request)
    get_chat(user, id, "deploy")
    return user, _body(request, ())


def _open_asked(request: HttpRequest, id: UUID) -> tuple[User, Wish]:
    user = authenticate(request)
    get_chat(user, id, "deploy")
    return user, wish_of(**_body(request, ("title", "body", "draft")))


def _merge_asked(request: HttpRequest, id: UUID) -> tuple[User, str]:
    user = authenticate(request)
    get_pull_request(user, id)
    head = _body(request, ("head",)).get("head", "")
    if not isinstance(head, str):
        raise refuse("head", "Expected the commit that was looked at, as the pull request has it.")
    return user, head


def _opened_json(opened: Opened) -> dict[str, Any]:
    return {**plain(detail_json(opened.pull, opened.review)), "pushed": opened.is_pushed}


def _body(request: HttpRequest, fields: tuple[str, ...]) -> dict[str, Any]:
    """Callers may send none."""
    body = read_json(request) if request.body.strip() else {}
    known_only(body, fields)
    return body

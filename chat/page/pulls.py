"""The pages of pull requests that are at no forge: a project's list of them, and one with what it changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from accounts.errors import NotFound
from accounts.http.queries import whole_number
from accounts.models import Project, User
from accounts.permissions import permissions_in
from chat.access import find_project
from chat.markdown import html as markdown
from chat.models import PullRequest, PullState
from chat.page import diffs
from chat.page.words import REFUSALS
from chat.services.pull_requests import page_of, review_of
from tools.git.diffs import FileDiff
from tools.models import Forge

LISTED = 50  # at once
SHOWN_LINES = 10_000  # of all files together; the rest is named, and can be fetched by git
STATES: dict[str, Any] = {
    PullState.OPEN: _("Open"),
    PullState.MERGED: _("Merged"),
    PullState.CLOSED: _("Closed"),
}

fresh = cache_control(private=True, no_cache=True)


@dataclass(frozen=True)
class ShownFile:
    """A file's differences, as `pull.html` shows them."""

    file: FileDiff
    name: SafeString
    old_name: SafeString | str  # "" unless it was moved
    rows: SafeString | str  # "" where there was no room for them


@require_GET
@login_required
@fresh
def pulls(request: HttpRequest, project: UUID) -> HttpResponse:
    """A project's pull requests, newest first."""
    place = _project(_user(request), project)
    rows = PullRequest.objects.filter(project=place).select_related("author")
    pages = Paginator(rows, LISTED).get_page(whole_number(request.GET.get("page")) or 1)
    listed = [{"pull": each, "page": page_of(each), "state": STATES[each.state]} for each in pages]
    return render(request, "chat/pulls.html", {"project": place, "listed": listed, "pages": pages})


@require_GET
@login_required
@fresh
@ensure_csrf_cookie
def pull(request: HttpRequest, project: UUID, number: int) -> HttpResponse:
    """One of them. `?said` is the code of why it was not merged or closed."""
    user = _user(request)
    place = _project(user, project)
    rows = PullRequest.objects.filter(project=place, number=number).select_related("author", "closed_by", "chat")
    found = rows.filter(forge=Forge.NONE).first()
    if found is None:
        raise NotFound
    return render(request, "chat/pull.html", {**_shown(found), **_may(user, found), "said": _said(request)})


def _shown(pull: PullRequest) -> dict[str, Any]:
    seen = review_of(pull, has_patches=True)
    commits = [
        {
            "short": each.id[:8],
            "title": diffs.shown(each.title),
            "author": diffs.shown(each.author),
            "at": datetime.fromtimestamp(each.at, UTC),
        }
        for each in (seen.commits if seen else ())
    ]
    return {
        "pull": pull,
        "project": pull.project,
        "state": STATES[pull.state],
        "body": markdown.render(pull.body) if pull.body else "",
        "review": seen,
        "title": diffs.shown(pull.title),
        "conflicts": [diffs.shown(each) for each in seen.conflicts] if seen else [],
        "commits": commits,
        "files": list(_files(seen.files if seen else ())),
        "is_open": pull.state == PullState.OPEN,
    }


def _files(files: tuple[FileDiff, ...]) -> Iterator[ShownFile]:
    room = SHOWN_LINES
    for each in files:
        hunks = diffs.hunks_of(each.patch)
        room -= diffs.count_of(hunks)
        old_name = diffs.shown(each.old_path) if each.old_path != each.path else ""
        rows = diffs.rows_of(hunks, is_split=False) if room >= 0 else ""
        yield ShownFile(each, diffs.shown(each.path), old_name, rows)


def _may(user: User, pull: PullRequest) -> dict[str, bool]:
    """What of its buttons is offered: what the server would refuse is not."""
    has = permissions_in(user, organization=pull.project.organization_id, project=pull.project_id)
    is_open = pull.state == PullState.OPEN
    return {"can_merge": is_open and "admin" in has, "can_close": is_open and "deploy" in has}


def _said(request: HttpRequest) -> Any:
    code = request.GET.get("said", "")
    return REFUSALS.get(code, REFUSALS["conflict"]) if code and code != "invalid" else ""


def _project(user: User, id: UUID) -> Project:
    found = find_project(user, id)
    if found is None:
        raise NotFound
    return found


def _user(request: HttpRequest) -> User:
    """The one who signed in; `login_required` let nobody else through."""
    assert isinstance(request.user, User)
    return request.user

"""The page of a project's repository: where it comes from, how it is, and forms that bring another one.

The forms need no script. While something comes, the page looks again by itself.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import ValidationError

from accounts.errors import RequestError, refuse
from accounts.http.rest import read
from accounts.models import Project, User
from chat.page.words import failure, fault
from chat.rest.repositories import CloneBody
from chat.services import repositories
from tools.models import RepositoryState

PAGE = "chat/repository.html"
LOOKS_AGAIN_S = 3


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@sensitive_post_parameters("token")
def repository(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /projects/ID/repository/, and POST with `do` saying what: an error is told above the forms."""
    user = request.user
    assert isinstance(user, User)  # login_required let nobody else through
    project = repositories.find_project(user, id)
    if request.method != "POST":
        return _page(request, user, project)
    do = DOES.get(request.POST.get("do", ""))
    if do is None:
        return _page(request, user, project, status=400)
    try:
        repositories.require_admin(user, project)
        do(request, user, project)
    except RequestError as error:
        told = next((each for texts in error.fields.values() for each in texts), error.message)
        return _page(request, user, project, status=error.status, told=fault(told))
    except ValidationError as error:
        return _page(request, user, project, status=400, told=fault(_first(error.detail)))
    return HttpResponseRedirect(reverse("page-repository", args=[project.pk]))


repository.body_bounds = ("UPLOAD_MAX_BYTES", "UPLOAD_TIMEOUT_S")  # type: ignore[attr-defined]  # for config.body


def _page(request: HttpRequest, user: User, project: Project, status: int = 200, told: str = "") -> HttpResponse:
    found = repositories.shown(project)
    error = found.row.error
    shown = {
        "project": project,
        "row": found.row,
        "run": found.run,
        "looks_again_s": LOOKS_AGAIN_S if found.run else 0,
        "told": told,
        "error": failure(error["code"], error["message"]) if error else "",
        "may_change": repositories.may_change(user, project),
        "has_something": found.row.state == RepositoryState.READY,
        "url": request.POST.get("url", found.row.remote_url),
    }
    return render(request, PAGE, shown, status=status)


def _clone(request: HttpRequest, user: User, project: Project) -> None:
    url, *more = (request.POST.get(name, "").strip() for name in ("url", "token", "token_user", "branch"))
    said = {name: text for name, text in zip(("token", "token_user", "branch"), more, strict=True) if text}
    body = read(CloneBody, {**said, "url": url, "replace": "replace" in request.POST})
    repositories.start_clone(user=user, project=project, **body)


def _fetch(request: HttpRequest, user: User, project: Project) -> None:
    repositories.start_fetch(user=user, project=project)


def _upload(request: HttpRequest, user: User, project: Project) -> None:
    file = request.FILES.get("zip")
    if file is None:
        raise refuse("zip", "Choose a zip file.")
    repositories.upload(user=user, project=project, body=file, replace="replace" in request.POST)


def _first(detail: Any) -> str:
    """The first sentence of what DRF found wrong."""
    while not isinstance(detail, str):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")
    return detail


DOES: dict[str, Callable[[HttpRequest, User, Project], None]] = {"clone": _clone, "fetch": _fetch, "upload": _upload}

"""The page of a project's knowledge: its documents, forms that add and delete some, and the search in them.

The forms need no script. While something is indexed, the page looks again by itself.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import ValidationError

from accounts.errors import RequestError, refuse
from accounts.http.rest import read
from accounts.models import User
from accounts.permissions import permissions_in, require
from chat.page.words import failure, fault
from chat.rest.knowledge import QUERY_MAX_CHARS, About, FileBody, TextBody
from chat.services import knowledge
from chat.services.knowledge import Place
from tools.knowledge.reading import endings
from tools.knowledge.searching import LIMIT
from tools.models import KnowledgeDocument, KnowledgeLevel, KnowledgeState

PAGE = "chat/knowledge.html"
SHOWN = 200  # documents, the newest first
LOOKS_AGAIN_S = 3
LEVELS: dict[int, Any] = {
    KnowledgeLevel.PUBLIC: _("public"),
    KnowledgeLevel.INTERNAL: _("internal"),
    KnowledgeLevel.CONFIDENTIAL: _("confidential"),
    KnowledgeLevel.RESTRICTED: _("restricted"),
}
STATES: dict[str, Any] = {
    KnowledgeState.PENDING: _("waits to be indexed"),
    KnowledgeState.INDEXING: _("is being indexed"),
    KnowledgeState.READY: _("is found"),
    KnowledgeState.FAILED: _("could not be indexed"),
}
UNDER_WAY = (KnowledgeState.PENDING, KnowledgeState.INDEXING)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def knowledge_page(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /projects/ID/knowledge/, and POST with `do` saying what: an error is told above the forms."""
    user = request.user
    assert isinstance(user, User)  # login_required let nobody else through
    place = knowledge.place_of(user, id)
    if request.method != "POST":
        return _page(request, place)
    do = DOES.get(request.POST.get("do", ""))
    if do is None:
        return _page(request, place, status=400)
    try:
        require(permissions_in(user, organization=place.project.organization_id, project=place.project), "write")
        do(request, place)
    except RequestError as error:
        told = next((each for texts in error.fields.values() for each in texts), error.message)
        return _page(request, place, status=error.status, told=fault(told))
    except ValidationError as error:
        return _page(request, place, status=400, told=fault(_first(error.detail)))
    return HttpResponseRedirect(reverse("page-knowledge", args=[place.project.pk]))


knowledge_page.body_bounds = ("KNOWLEDGE_FILE_MAX_BYTES", "KNOWLEDGE_FILE_TIMEOUT_S")  # type: ignore[attr-defined]


def _page(request: HttpRequest, place: Place, status: int = 200, told: str = "") -> HttpResponse:
    rows = list(place.documents.order_by("-created_at", "-pk")[: SHOWN + 1])
    question = request.GET.get("q", "").strip()[:QUERY_MAX_CHARS]
    under_way = any(each.state in UNDER_WAY for each in rows)
    shown = {
        "project": place.project,
        "documents": [_row(each) for each in rows[:SHOWN]],
        "has_more": len(rows) > SHOWN,
        "shown": SHOWN,
        "looks_again_s": LOOKS_AGAIN_S if under_way and not question and not told else 0,
        "told": told,
        "may_write": place.may_write,
        "levels": [(level, name) for level, name in LEVELS.items() if level <= place.level],
        "internal": KnowledgeLevel.INTERNAL,
        "endings": endings().replace(" ", ""),
        "question": question,
        "searched": knowledge.search(place, question, LIMIT) if question else None,
    }
    return render(request, PAGE, shown, status=status)


def _row(document: KnowledgeDocument) -> dict[str, Any]:
    error = document.error
    return {
        "document": document,
        "level": LEVELS[document.level],
        "state": STATES[document.state],
        "error": failure(error["code"], error["message"]) if error else "",
    }


def _add_text(request: HttpRequest, place: Place) -> None:
    knowledge.add_text(place, **read(TextBody, _said(request, "title", "text", "level", "language", "source")))


def _add_file(request: HttpRequest, place: Place) -> None:
    file = request.FILES.get("file")
    if file is None or not file.name:
        raise refuse("file", "Choose a file.")
    said = read(About, _said(request, "title", "level", "language"))
    read(FileBody, {"file": file})
    knowledge.add_file(place, name=file.name, data=file.read(), **said)


def _said(request: HttpRequest, *names: str) -> dict[str, str]:
    """What was written into these fields; of a text area with the line ends that everybody else has."""
    found = {name: request.POST.get(name, "").replace("\r\n", "\n") for name in names}
    return {name: text for name, text in found.items() if text.strip()}


def _delete(request: HttpRequest, place: Place) -> None:
    knowledge.delete(place, _asked(request))


def _reindex(request: HttpRequest, place: Place) -> None:
    knowledge.reindex(place, _asked(request))


def _asked(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("id", ""))
    except ValueError:
        raise refuse("id", "Must be a valid UUID.") from None


def _first(detail: Any) -> str:
    """The first sentence of what DRF found wrong."""
    while not isinstance(detail, str):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")
    return detail


DOES: dict[str, Callable[[HttpRequest, Place], None]] = {
    "text": _add_text,
    "file": _add_file,
    "delete": _delete,
    "reindex": _reindex,
}

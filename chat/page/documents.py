"""The page of a project's document: what it is now; reading, changing and going back are its scripts' (static/chat)."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.permissions import permissions_in
from chat.page.modules import modules
from chat.page.words import for_scripts
from chat.services import documents
from tools.documents import storing

FIRST = "chat/document.js"


@require_GET
@login_required
@cache_control(private=True, no_cache=True)
@ensure_csrf_cookie
def document(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /projects/ID/document/, for whoever may read the project."""
    user = request.user
    assert isinstance(user, User)  # login_required let nobody else through
    project = documents.project_of(user, id, "read")
    found = storing.read(project.pk)
    can_write = "write" in permissions_in(user, organization=project.organization_id, project=project)
    context = {
        "project": project,
        "can_write": can_write,
        "content": found.content,
        "for_script": {"project": str(project.pk), "version": found.version, "canWrite": can_write},
        "modules": modules(FIRST),
        "words": for_scripts(),
    }
    return render(request, "chat/document.html", context)

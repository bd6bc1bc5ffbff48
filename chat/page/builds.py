"""The builds that an answer has begun, as cards under it, and the code that they have written."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.safestring import mark_safe
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from accounts.models import User
from agents import events as ev
from chat.eventlog import newest
from chat.markdown.highlight import highlight
from chat.models import Message, Run, RunStatus
from chat.page.words import failure, say
from chat.services.components import Component, get_component, result_of
from tools.components.kinds import FORMS
from tools.components.tool import KIND
from tools.hidden import visible

SHOWN_CHARS = 200_000
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"  # of the file, should a browser show it after all
LINES = {RunStatus.QUEUED: "buildWaits", RunStatus.SUCCEEDED: "buildDone", RunStatus.CANCELLED: "buildStopped"}


def builds_of(messages: Sequence[Message]) -> dict[UUID, list[dict[str, Any]]]:
    """The cards under each message, by its id, in the order in which its answer has begun them. One query; one more for
    each that is under way."""
    began = {each.run.pk: each.pk for each in messages if each.job is not None and hasattr(each, "run")}
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    if began:
        for run in Run.objects.filter(parent__in=began, kind=KIND).order_by("created_at", "pk"):
            if run.parent_id is not None and "path" in run.request:  # else it was erased with its message
                found[began[run.parent_id]].append(_card(run))
    return found


def _card(run: Run) -> dict[str, Any]:
    return {
        "run": run.pk,
        "name": str(run.request["path"]).rsplit("/", 1)[-1],
        "path": run.request["path"],
        "line": _line(run),
        "is_open": run.is_open,
        "is_done": result_of(run) is not None,
        "why": failure(run.error_code, run.error_message) if run.status == RunStatus.FAILED else "",
    }


def _line(run: Run) -> str:
    """How it stands, in a sentence."""
    name = str(run.request["path"]).rsplit("/", 1)[-1]
    if run.status == RunStatus.FAILED:
        return say("buildFailed", name=name)
    if run.status in LINES:
        return say(LINES[RunStatus(run.status)], name=name)
    attempt, most = _attempt(run)
    if attempt < 2:
        return say("buildGoesOn", name=name)
    return say("buildTries", name=name, attempt=attempt, most=most)


def _attempt(run: Run) -> tuple[int, int]:
    """Which attempt it is at, of how many; 0 where it has not begun the first."""
    step = next(newest(run.pk, ev.WorkProgressed), None)
    return (step.done + 1, step.total) if step else (0, 0)


@require_GET
@login_required
@cache_control(private=True, no_cache=True)
def component(request: HttpRequest, id: UUID) -> HttpResponse:
    """The code of a build as a piece of the page; with `?file=yes` as a file to be kept, which no browser runs."""
    user = request.user
    assert isinstance(user, User)
    found = get_component(user, id)
    if request.GET.get("file"):
        return _file(found)
    language = FORMS[found.kind].language
    context = {"language": language, "code": mark_safe(visible(highlight(found.code[:SHOWN_CHARS], language)))}
    return render(request, "chat/_component.html", context)


def _file(found: Component) -> HttpResponse:
    response = HttpResponse(found.code, content_type="text/plain; charset=utf-8")
    name = found.path.rsplit("/", 1)[-1]
    response["Content-Disposition"] = str(content_disposition_header(as_attachment=True, filename=name))
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = POLICY
    return response

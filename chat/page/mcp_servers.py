"""The pages of a project's MCP servers: all of them, and one with its tools. Forms that need no script.

While a server is asked for its tools, its page looks again by itself.
"""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, Q, QuerySet, When
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import ValidationError

from accounts.errors import RequestError, refuse
from accounts.http.queries import whole_number
from accounts.http.rest import read
from accounts.models import Project, User
from accounts.secrets import hint
from chat.page.mcp_words import ASKED_NOW, DONE, POLICIES, SERVERS, TOOLS, WHY, faults
from chat.page.words import failure
from chat.rest.mcp_servers import McpServerBody, NewMcpServerBody
from chat.services import mcp_servers as mcp
from chat.services.mcp_sign_ins import tell_sign_ins
from tools.hidden import on_one_line
from tools.mcp.oauth.clients import redirect_uri
from tools.models import McpAuth, McpServer, McpTool, McpToolState
from tools.models.mcp import NAME_MAX_CHARS, URL_MAX_CHARS

LISTED_SERVERS = 20  # at once
LISTED_TOOLS = 50
SAYS_CHARS = 200  # of a description, in the list
BREAKS = re.compile(r"[ \t\n]+")
LOOKS_AGAIN_S = 3
WAITING = (McpToolState.NEW, McpToolState.CHANGED)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@sensitive_post_parameters("token", "client_secret")
def servers(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /projects/ID/mcp-servers/, and POST with `do=add`: an error is told at its field."""
    user = request.user
    assert isinstance(user, User)  # login_required let nobody else through
    project = mcp.project_of(user, id)
    if request.method != "POST":
        return _all(request, user, project)
    if request.POST.get("do") != "add":
        return _all(request, user, project, status=400)
    try:
        mcp.require_admin(user, project)
        server = mcp.add(user=user, project=project, **read(NewMcpServerBody, _new(request)))
    except RequestError as error:
        return _all(request, user, project, status=error.status, faults=faults(error))
    except ValidationError as error:
        return _all(request, user, project, status=400, faults=faults(error))
    return HttpResponseRedirect(f"{address_of(server)}?done=add")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@sensitive_post_parameters("token", "client_secret")
def server(request: HttpRequest, project: UUID, id: UUID) -> HttpResponse:
    """GET /projects/PROJECT/mcp-servers/ID/, and POST with `do` saying what."""
    user = request.user
    assert isinstance(user, User)
    place = mcp.project_of(user, project)
    row = mcp.server_in(place, id)
    if request.method != "POST":
        return _one(request, user, row)
    do = DOES.get(request.POST.get("do", ""))
    if do is None:
        return _one(request, user, row, status=400)
    try:
        mcp.require_admin(user, place)
        return HttpResponseRedirect(do(request, user, row))
    except RequestError as error:
        return _one(request, user, row, status=error.status, faults=faults(error))
    except ValidationError as error:
        return _one(request, user, row, status=400, faults=faults(error))


def address_of(row: McpServer) -> str:
    """Where its page is."""
    return reverse("page-mcp-server", args=[row.project_id, row.pk])


def page_of(request: HttpRequest, rows: QuerySet[Any], size: int) -> Page[Any]:
    """The part of the rows that `?page` asks for."""
    return Paginator(rows, size).get_page(whole_number(request.GET.get("page")) or 1)


# --- What is shown ----------------------------------------------------------------------------------------------------


def _all(request: HttpRequest, user: User, project: Project, status: int = 200, **more: Any) -> HttpResponse:
    pages = page_of(request, _counted(mcp.servers_in(project)), LISTED_SERVERS)
    may_change = mcp.may_change(user, project)
    shown = {
        "project": project,
        "pages": pages,
        "servers": _shown(user, list(pages), may_change),
        "may_change": may_change,
        "given": _said(request, "name", "url", "auth", "client_id"),
        "most_name": NAME_MAX_CHARS,
        **_told(request),
        **more,
    }
    return render(request, "chat/mcp_servers.html", shown, status=status)


def _one(request: HttpRequest, user: User, row: McpServer, status: int = 200, **more: Any) -> HttpResponse:
    row = _counted(mcp.servers_in(row.project)).get(pk=row.pk)
    pages, may_change = page_of(request, _tools(row), LISTED_TOOLS), mcp.may_change(user, row.project)
    (each,) = _shown(user, [row], may_change)
    shown = {
        "project": row.project,
        "each": each,
        "pages": pages,
        "tools": [_line(tool) for tool in pages],
        "may_change": may_change,
        "looks_again_s": LOOKS_AGAIN_S if row.run and not more else 0,
        "given": {**_as_it_is(row), **_said(request, "url", "auth", "client_id")},
        "callback": redirect_uri(row.pk),
        "most_url": URL_MAX_CHARS,
        **_told(request),
        **more,
    }
    return render(request, "chat/mcp_server.html", shown, status=status)


def _counted(rows: QuerySet[McpServer]) -> QuerySet[McpServer, Any]:
    """With how many of their tools wait to be read."""
    return rows.annotate(waiting=Count("tools", filter=Q(tools__state__in=WAITING))).order_by("-created_at", "-pk")


def _as_it_is(row: McpServer) -> dict[str, str]:
    return {"url": row.url, "auth": "oauth" if row.auth == McpAuth.OAUTH else "", "client_id": row.client_id}


def _shown(user: User, rows: list[Any], may_change: bool) -> list[dict[str, Any]]:
    mcp.tell_runs(rows)
    tell_sign_ins(user, rows)
    return [_server(row, may_change) for row in rows]


def _server(row: McpServer, may_change: bool) -> dict[str, Any]:
    error = row.error
    return {
        "row": row,
        "state": ASKED_NOW if row.run else SERVERS.get(row.state, row.state),
        "error": failure(error["code"], error["message"]) if error and not row.run else "",
        "hint": hint(row.token) if row.token and may_change else "",
        "url": on_one_line(row.url),
    }


def _tools(row: McpServer) -> QuerySet[McpTool, Any]:
    """What waits to be read, then what is approved, then what is gone."""
    order = Case(When(state__in=WAITING, then=0), When(state=McpToolState.APPROVED, then=1), default=2)
    rows = mcp.tools_of(row).defer("description", "schema", "annotations", "approved")
    return rows.annotate(says=Left("description", SAYS_CHARS)).order_by(order, "name", "pk")


def _line(tool: Any) -> dict[str, Any]:
    has_policy = tool.state == McpToolState.APPROVED
    return {
        "row": tool,
        "title": on_one_line(tool.title or tool.name),
        "state": TOOLS.get(tool.state, tool.state),
        "policy": POLICIES.get(tool.policy, tool.policy) if has_policy else "",
        "says": on_one_line(BREAKS.sub(" ", tool.says)) + ("…" if len(tool.says) == SAYS_CHARS else ""),
    }


def _told(request: HttpRequest) -> dict[str, Any]:
    return {"told": DONE.get(request.GET.get("done", ""), "") if request.method != "POST" else ""}


# --- What the forms do: each gives where to go on ---------------------------------------------------------------------


def _refresh(request: HttpRequest, user: User, row: McpServer) -> str:
    mcp.refresh(user=user, project=row.project, id=row.pk)
    return address_of(row)


def _change(request: HttpRequest, user: User, row: McpServer) -> str:
    said = {name: text for name, text in _said(request, "url", "token").items() if text and text != row.url}
    if not said:
        return address_of(row)
    body = read(McpServerBody, said, partial=True)
    mcp.change(user=user, project=row.project, id=row.pk, **body)
    return f"{address_of(row)}?done=change"


def _opening(request: HttpRequest, user: User, row: McpServer) -> str:
    """Sign-ins by everybody, or none any more; a secret that is not written anew stays with its client."""
    said = _said(request, "client_id", "client_secret") if "auth" in request.POST else {}
    is_same = row.client_id and said.get("client_id") == row.client_id and not said.get("client_secret")
    said = {"auth": request.POST.get("auth", "none"), **({} if is_same and row.auth == McpAuth.OAUTH else said)}
    mcp.change(user=user, project=row.project, id=row.pk, **read(McpServerBody, said, partial=True))
    return f"{address_of(row)}?done=change"


def _untoken(request: HttpRequest, user: User, row: McpServer) -> str:
    mcp.change(user=user, project=row.project, id=row.pk, token="")
    return f"{address_of(row)}?done=untoken"


def _forget(request: HttpRequest, user: User, row: McpServer) -> str:
    if request.POST.get("sure") != "yes":
        raise refuse("sure", str(WHY["sure"]))
    mcp.remove(user=user, project=row.project, id=row.pk)
    return f"{reverse('page-mcp-servers', args=[row.project_id])}?done=forget"


def _new(request: HttpRequest) -> dict[str, str]:
    """A new one's, without the fields that were left empty for how it is opened."""
    said = _said(request, "name", "url", "auth", "token", "client_id", "client_secret")
    return {name: text for name, text in said.items() if text or name in ("name", "url")}


def _said(request: HttpRequest, *names: str) -> dict[str, str]:
    """What was written into these fields; nothing of those that were not sent."""
    return {name: request.POST[name].strip() for name in names if name in request.POST}


DOES: dict[str, Callable[[HttpRequest, User, McpServer], str]] = {
    "refresh": _refresh,
    "change": _change,
    "opening": _opening,
    "untoken": _untoken,
    "forget": _forget,
}

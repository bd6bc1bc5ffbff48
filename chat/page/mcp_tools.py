"""The page of one tool of an MCP server: what its server says of it, and the form that approves it as it was read."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import ValidationError

from accounts.errors import RequestError
from accounts.http.rest import read
from accounts.models import User
from chat.page import mcp_reading as reading
from chat.page.mcp_servers import WAITING
from chat.page.mcp_words import DONE, POLICIES, TOOLS, faults
from chat.rest.mcp_servers import McpApprovalBody
from chat.services import mcp_servers as mcp
from tools.mcp.approving import Terms
from tools.models import McpServer, McpTool, McpToolPolicy, McpToolState

BELIEFS = {"read_only_is_believed": "readOnlyHint", "idempotent_is_believed": "idempotentHint"}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def tool(request: HttpRequest, project: UUID, server: UUID, id: UUID) -> HttpResponse:
    """GET /projects/PROJECT/mcp-servers/SERVER/tools/ID/, and POST with `do=approve` and the digest that was read."""
    user = request.user
    assert isinstance(user, User)  # login_required let nobody else through
    place = mcp.server_in(mcp.project_of(user, project), server)
    row = mcp.tool_in(place, id)
    if request.method != "POST":
        return _page(request, user, row)
    if request.POST.get("do") != "approve":
        return _page(request, user, row, status=400)
    try:
        mcp.require_admin(user, place.project)
        _approve(request, user, row)
    except RequestError as error:
        return _page(request, user, mcp.tool_in(place, id), status=error.status, faults=faults(error))
    except ValidationError as error:
        return _page(request, user, row, status=400, faults=faults(error))
    return HttpResponseRedirect(f"{address_of(row)}?done=approve")


def address_of(row: McpTool) -> str:
    """Where its page is."""
    return reverse("page-mcp-tool", args=[row.server.project_id, row.server_id, row.pk])


def _approve(request: HttpRequest, user: User, row: McpTool) -> None:
    sent = request.POST
    body = read(
        McpApprovalBody,
        {
            "digest": sent.get("digest", ""),
            "policy": sent.get("policy", ""),
            **{name: name in sent for name in BELIEFS},
        },
    )
    digest, project = body.pop("digest"), row.server.project
    mcp.approve(user=user, project=project, server=row.server_id, id=row.pk, digest=digest, terms=Terms(**body))


def _page(request: HttpRequest, user: User, row: McpTool, status: int = 200, **more: Any) -> HttpResponse:
    may_change = mcp.may_change(user, row.server.project)
    shown = {
        "project": row.server.project,
        "row": row,
        "title": reading.title_of(row),
        "state": TOOLS.get(row.state, row.state),
        "policy": POLICIES.get(row.policy, row.policy) if row.state == McpToolState.APPROVED else "",
        "waits": row.state in WAITING,
        "differences": list(reading.differences_of(row)),
        "description": reading.description_of(row),
        "arguments": reading.arguments_of(row),
        "schema": reading.schema_of(row),
        "claims": reading.claims_of(row),
        "may_approve": may_change and row.state != McpToolState.GONE,
        "terms": _terms(row),
        "told": DONE.get(request.GET.get("done", ""), "") if request.method != "POST" else "",
        "next": _next(row.server, row) if may_change else None,
        **more,
    }
    return render(request, "chat/mcp_tool.html", shown, status=status)


def _terms(row: McpTool) -> dict[str, Any]:
    """What the form offers, and what is chosen in it: the strictest, but for a tool that is as it was approved."""
    holds = row.state == McpToolState.APPROVED
    return {
        "policies": list(POLICIES.items()),
        "policy": row.policy if holds else McpToolPolicy.ASK,
        "believed": {name: holds and getattr(row, name) for name in BELIEFS},
        "claimed": {name: row.annotations.get(hint) is True for name, hint in BELIEFS.items()},
    }


def _next(server: McpServer, row: McpTool) -> dict[str, Any] | None:
    """Another tool that waits to be read."""
    waiting = mcp.tools_of(server).filter(state__in=WAITING).exclude(pk=row.pk).order_by("name").first()
    return {"title": reading.title_of(waiting), "address": address_of(waiting)} if waiting else None

"""Servers of other houses whose tools a project's agents may be offered. Sync.

Whoever reads the project sees them and their tools; all else needs admin in the project, and a person: no API key says
where a project's words go, nor that somebody has read what a server says.
"""

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.counts import require_room
from accounts.errors import Conflict, NotAllowed, NotFound, refuse
from accounts.models import Project, User
from accounts.permissions import permissions_in, require
from chat.models import OPEN, Run
from chat.runner.beginning import WorkOrder
from chat.runner.kinds import discover
from chat.services.mcp_opening import set_opening
from chat.services.repositories import find_project
from chat.services.work import start_work, under_way
from tools.errors import OutwardError
from tools.mcp import approving
from tools.mcp.approving import Change, Terms
from tools.mcp.naming import SERVER
from tools.models import McpAuth, McpServer, McpServerState, McpTool
from tools.outward.checking import check_url

log = logging.getLogger(__name__)

NOT_BY_KEY = "A project's MCP servers are changed by a person's token, not by an API key."
NAME = "Expected lower case letters and digits, a letter first."
URL = "Expected the https:// URL of an MCP server, such as https://mcp.example.com/mcp."


@dataclass(frozen=True)
class Approved:
    """A tool that was approved, and what of it is not as it was approved before."""

    tool: McpTool
    changes: list[Change]


def servers_in(project: Project) -> QuerySet[McpServer]:
    """The project's."""
    return McpServer.objects.filter(project=project).defer("discovered")


def server_in(project: Project, id: UUID) -> McpServer:
    """One of them. Raises NotFound."""
    found = servers_in(project).filter(pk=id).first()
    if found is None:
        raise NotFound
    return found


def tools_of(server: McpServer) -> QuerySet[McpTool]:
    """The server's tools, also those that are gone."""
    return McpTool.objects.filter(server=server).select_related("server")


def tool_in(server: McpServer, id: UUID) -> McpTool:
    """One of them. Raises NotFound."""
    found = tools_of(server).filter(pk=id).first()
    if found is None:
        raise NotFound
    return found


def tell_runs(servers: list[McpServer]) -> None:
    """Write to each the run that refreshes it now, as `run`."""
    subjects = [str(each.pk) for each in servers]
    rows = Run.objects.filter(kind=discover.NAME, subject__in=subjects, status__in=OPEN)
    found = dict(rows.values_list("subject", "pk"))
    for each in servers:
        each.run = found.get(str(each.pk))


def may_change(user: User, project: Project) -> bool:
    """Whether they may add, change, refresh and approve."""
    return user.key is None and "admin" in permissions_in(user, organization=project.organization_id, project=project)


def add(*, user: User, project: Project, name: str, url: str, **opens: str) -> McpServer:
    """Add a server, which nobody asks yet. `opens`: `auth`, and `token` or `client_id` and `client_secret`, sealed.

    Raises Conflict, Invalid, NotAllowed.
    """
    require_admin(user, project)
    if not SERVER.fullmatch(name):
        raise refuse("name", NAME)
    check(url)  # a name is looked up: not within the transaction
    require_room(servers_in(project), "MCP_SERVERS_PER_PROJECT", "MCP servers", "project")
    server = McpServer(project=project, name=name, url=url)
    set_opening(server, **opens)
    try:
        with transaction.atomic():
            server.save()
            _note("mcp.added", user, server)
            return server
    except IntegrityError:
        raise Conflict("The project has an MCP server of this name.", code="mcp_server_exists") from None


def change(*, user: User, project: Project, id: UUID, url: str | None = None, **opens: str) -> McpServer:
    """Set where it is and how it is opened; an empty token takes it away, and so does another address.

    At another address it is another server: nothing of it is approved any more. Whoever was signed in at another
    address, or by another client, is so no more. Raises Conflict while it is refreshed.
    """
    require_admin(user, project)
    if url is not None:
        check(url)
    with transaction.atomic():
        server = _idle(project, id)
        if url is not None and url != server.url:
            _move(server, url)
        set_opening(server, **opens)
        server.save()
        if server.authority is None:
            server.sign_ins.all().delete()
        _note("mcp.changed", user, server, fields=sorted([*opens, *(["url"] if url is not None else [])]))
    return server


def _move(server: McpServer, url: str) -> None:
    server.url, server.state, server.error, server.token = url, McpServerState.NEW, None, ""
    server.client_id, server.client_secret, server.authority = "", "", None
    server.protocol, server.discovered, server.left_out = "", None, ""
    server.auth = server.auth if server.auth == McpAuth.OAUTH else McpAuth.NONE
    approving.forget_approval(server.tools.all())


@transaction.atomic
def remove(*, user: User, project: Project, id: UUID) -> None:
    """Forget it with its tools: no call of them goes out from now on. Raises Conflict while it is refreshed."""
    require_admin(user, project)
    server = _idle(project, id)
    _note("mcp.removed", user, server)
    server.delete()


@transaction.atomic
def refresh(*, user: User, project: Project, id: UUID) -> Run:
    """Begin to ask it for its tools. The row says how it ends. Raises Conflict, TooMany."""
    require_admin(user, project)
    server = _idle(project, id)
    order = WorkOrder(user_id=user.pk, project=project, subject=str(server.pk), asked={"server": str(server.pk)})
    return start_work(user=user, kind=discover.NAME, order=order, needs="admin")


@transaction.atomic
def approve(*, user: User, project: Project, server: UUID, id: UUID, digest: str, terms: Terms) -> Approved:
    """Approve a tool as it was read: its `digest` says what that was. Raises NotFound, Conflict, Invalid."""
    require_admin(user, project)
    row = McpTool.objects.select_for_update(of=("self",)).filter(pk=id, server=server, server__project=project).first()
    if row is None:
        raise NotFound
    return approved_by(user, row, digest, terms)


def approved_by(
    user: User, row: McpTool, digest: str, terms: Terms, by: audit.Actor | None = None
) -> Approved:  # fmt: skip
    """The same of a row that is locked, by somebody who may. `by`: as what they do it, if not as themselves."""
    changes = approving.approve(row, user, digest, terms)
    log.info("MCP tool %s approved by %s: %s, digest %s", row.pk, user.pk, row.policy, digest[:12])
    place, detail = row.server.project.organization_id, {"server": row.server_id, "policy": row.policy}
    audit.record(
        "mcp.approved", actor=by or user, organization_id=place, object_type="mcp_tool", object_id=row.pk,
        detail={"project": row.server.project_id, "digest": digest[:12], **detail},
    )  # fmt: skip
    return Approved(row, changes)


def _note(action: str, by: User, server: McpServer, **detail: Any) -> None:
    audit.record(
        action, actor=by, organization_id=server.project.organization_id, object_type="mcp_server",
        object_id=server.pk, detail={"project": server.project_id, **detail},
    )  # fmt: skip


def require_admin(user: User, project: Project) -> None:
    """Raise NotAllowed unless they may change the project's servers."""
    require(permissions_in(user, organization=project.organization_id, project=project), "admin")
    if user.key is not None:
        raise NotAllowed(NOT_BY_KEY, code="key_scope")


def project_of(user: User, id: UUID) -> Project:
    """The project, if the user sees it. Raises NotFound."""
    return find_project(user, id)


def check(url: str) -> None:
    """Raise Invalid for a URL that is not asked. What opens the server is no part of it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise refuse("url", URL) from None
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise refuse("url", "Leave names, secrets and all behind ? and # out of the URL; a secret is sent as `token`.")
    try:
        check_url(url)
    except OutwardError as error:
        if error.code != "unreachable":  # that may pass, and the refresh will tell
            raise refuse("url", str(error)) from error


def _idle(project: Project, id: UUID) -> McpServer:
    """The server, locked, while nobody refreshes it. Raises NotFound, Conflict."""
    server = McpServer.objects.select_for_update().filter(project=project, pk=id).first()
    if server is None:
        raise NotFound
    if run := under_way(discover.NAME, str(id)):
        raise Conflict(f"Run {run} is refreshing it.", code="work_under_way", fields={"run": [str(run)]})
    return server

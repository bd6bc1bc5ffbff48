"""A person's own sign-in at an MCP server: whoever sees the project may, as themselves, in a browser. Async.

Guests have nobody's name, and by an API key nobody opens a browser: both may not.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction

from accounts import audit
from accounts.errors import NotAllowed, NotFound
from accounts.models import User
from accounts.secrets import SecretUnreadable, opened
from tools.mcp.acting import sign_in_url
from tools.mcp.oauth import flow, keeping, tokens
from tools.mcp.oauth.authority import Kept
from tools.mcp.oauth.errors import SignInError
from tools.mcp.oauth.flow import Begun
from tools.models import McpAuth, McpServer, McpSignIn

log = logging.getLogger(__name__)

NOT_BY_KEY = "People sign in and out at MCP servers themselves, not by an API key."


async def server_for(user: User, id: UUID) -> McpServer:
    """The server at which the user may sign in, with its project. Raises NotFound, NotAllowed."""
    if user.key is not None or user.is_guest:
        raise NotAllowed(NOT_BY_KEY, code="key_scope")
    rows = McpServer.objects.visible_to(user).filter(pk=id, auth=McpAuth.OAUTH).select_related("project")
    server: McpServer | None = await sync_to_async(rows.first)()
    if server is None:
        raise NotFound
    return server


async def begin(user: User, server: McpServer) -> tuple[Kept, Begun, str]:
    """Where they sign in, what their browser keeps meanwhile, and the address to go to. Raises SignInError."""
    kept = await keeping.ready(server.pk)
    before = await sync_to_async(_sign_in)(user.pk, server.pk)
    more = f"{before.scope} {before.wanted}" if before and before.wanted else ""
    return kept, *await asyncio.to_thread(flow.begin, server.pk, user.pk, kept, more)


async def end(user: User, server: McpServer, cookie: str, answer: Mapping[str, str]) -> None:
    """Take what the browser has brought back, and keep what it is good for. Raises SignInError."""
    begun = Begun.of(cookie, server.pk, user.pk, answer.get("state", ""))
    kept = await keeping.ready(server.pk)
    found = await flow.exchanged(server.pk, begun, kept, flow.code_of(begun, kept, answer))
    await sync_to_async(_keep)(user, server, begun, found)


async def sign_out(user: User, id: UUID) -> None:
    """Forget the user's tokens, and tell who gave them. Raises NotFound, NotAllowed."""
    if user.key is not None:
        raise NotAllowed(NOT_BY_KEY, code="key_scope")
    row = await sync_to_async(_taken_away)(user, id)
    kept = Kept.of(row.server.authority)
    if kept is None or (kept.authority.issuer, kept.client.id) != (row.issuer, row.client_id):
        return
    try:
        await flow.revoked(kept, opened(row.refresh_token or row.access_token))
    except (SignInError, SecretUnreadable) as error:
        log.warning("The sign-in at MCP server %s is forgotten here and was not ended there: %s", id, error)


def tell_sign_ins(user: User, servers: list[McpServer]) -> None:
    """Write to each where people sign in themselves `sign_in`: whether the user is, since when, and where to. Sync."""
    theirs = McpSignIn.objects.filter(user=user.pk, server__in=[each.pk for each in servers])
    since = {each.server_id: each.created_at for each in theirs}
    for each in servers:
        if each.auth == McpAuth.OAUTH:
            each.sign_in = {"url": sign_in_url(each.pk), "since": since.get(each.pk)}


def _sign_in(user: UUID, server: UUID) -> McpSignIn | None:
    return McpSignIn.objects.filter(user=user, server=server).first()


@transaction.atomic
def _keep(user: User, server: McpServer, begun: Begun, found: flow.Tokens) -> None:
    tokens.keep(server.pk, user.pk, begun, found)
    _note("mcp.signed_in", user, server)


@transaction.atomic
def _taken_away(user: User, id: UUID) -> McpSignIn:
    """The row, which is gone. It is theirs, whatever they see of the server by now."""
    row = McpSignIn.objects.filter(user=user.pk, server=id).select_related("server__project").first()
    if row is None:
        raise NotFound
    McpSignIn.objects.filter(pk=row.pk).delete()
    _note("mcp.signed_out", user, row.server)
    return row


def _note(action: str, user: User, server: McpServer, **detail: Any) -> None:
    audit.record(
        action, actor=user, organization_id=server.project.organization_id, object_type="mcp_server",
        object_id=server.pk, detail={"project": server.project_id, **detail},
    )  # fmt: skip

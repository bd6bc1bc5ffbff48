"""An MCP server's authorization server and our client there, found once and kept in its row for all processes."""

import asyncio
import importlib
import time
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction

from tools.mcp.oauth import clients
from tools.mcp.oauth.authority import Authority, Client, Kept
from tools.mcp.oauth.errors import SignInError
from tools.models import McpServer

FRESH_S = 86_400.0  # what was found is used so long without asking again
SPARE_S = 3_600.0  # a client's secret that ends within this is not begun with


async def ready(id: UUID) -> Kept:
    """What somebody can be signed in by now, found anew where it is old. Raises SignInError, McpServer.DoesNotExist."""
    server = await sync_to_async(McpServer.objects.get)(pk=id)
    kept = Kept.of(server.authority)
    if kept is not None and _is_fresh(kept):
        return kept
    found = await _found(server, kept)
    return await sync_to_async(_keep)(server, found)


def _is_fresh(kept: Kept) -> bool:
    now = time.time()
    return now - kept.at < FRESH_S and not (kept.client.until and kept.client.until < now + SPARE_S)


async def _found(server: McpServer, before: Kept | None) -> Kept:
    finding = await asyncio.to_thread(importlib.import_module, "tools.mcp.oauth.finding")
    authority = await finding.find(server.url)
    return Kept(authority, await _client(server, authority, before), time.time())


async def _client(server: McpServer, authority: Authority, before: Kept | None) -> Client:
    """The one there was, of the same authorization server; a secret that somebody gave for one goes to no other."""
    is_same = before is not None and before.authority.issuer == authority.issuer
    if server.client_id:
        if before is not None and not is_same:
            raise SignInError("issuer_changed", authority.host)
        return clients.given(server.client_id, server.client_secret, authority.ways)
    if before is not None and is_same and _is_fresh(Kept(authority, before.client, time.time())):
        return before.client
    return await clients.made(server.pk, authority)


@transaction.atomic
def _keep(asked: McpServer, found: Kept) -> Kept:
    """Write it down, unless somebody else has meanwhile: then theirs counts. Raises SignInError where it is in vain."""
    server = McpServer.objects.select_for_update().get(pk=asked.pk)
    before = (asked.url, asked.client_id, asked.client_secret, asked.authority)
    if (server.url, server.client_id, server.client_secret, server.authority) == before:
        McpServer.objects.filter(pk=server.pk).update(authority=found.stored())
        return found
    kept = Kept.of(server.authority)
    if kept is None:
        raise SignInError("state")
    return kept

"""What a server was found to have, compared with what is known of it, and written down. Sync.

A tool is approved by what it says, so what it says decides: as it was approved it is approved, and else withdrawn until
somebody has read it again.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tools.cleaning import clean, clean_json
from tools.mcp.arguments import written_out
from tools.mcp.naming import digest_of, offered_name
from tools.mcp.spec import Found, FoundTool
from tools.models import McpServer, McpServerState, McpTool, McpToolState

CLAIMS = ("title", "description", "schema", "annotations")
NAME_MAX_CHARS, TITLE_MAX_CHARS = 128, 200
LEFT_OUT_MAX_CHARS = 500
KNOWN = 1_000  # tools of one server; beyond it no new ones are taken


class ServerChanged(Exception):
    """The server is gone, or at another address than was asked."""


@dataclass
class Changes:
    """How many tools a refresh found to be so."""

    new: int = 0
    changed: int = 0
    gone: int = 0
    approved: int = 0

    def count(self, state: str) -> None:
        """One more."""
        setattr(self, state, getattr(self, state) + 1)


@transaction.atomic
def take(server_id: UUID, url: str, found: Found) -> Changes:
    """Write down what the server at this address has. Raises ServerChanged."""
    server = McpServer.objects.select_for_update().filter(pk=server_id, url=url).first()
    if server is None:
        raise ServerChanged
    known = {row.name: row for row in server.tools.select_for_update()}
    left_out = _take_tools(server, known, found.tools)
    changes = Changes()
    for row in known.values():
        changes.count(row.state)
    server.state, server.error, server.refreshed_at = McpServerState.READY, None, timezone.now()
    server.protocol, server.discovered = found.protocol[:40], clean_json(found.discovered)
    server.left_out = " ".join(filter(None, (clean(found.truncated), left_out)))[:LEFT_OUT_MAX_CHARS]
    server.save()
    return changes


def _take_tools(server: McpServer, known: dict[str, McpTool], tools: tuple[FoundTool, ...]) -> str:
    """Bring the rows up to date; what could not be taken, in a sentence."""
    seen: set[str] = set()
    left_out = 0
    for tool in tools:
        name = clean(tool.name)
        row, claims = known.get(name) or _new(server, name, known), _claims(tool)
        if row is None or claims is None or name in seen:
            left_out += 1
            continue
        seen.add(name)
        known[name] = row
        _take_claims(row, claims)
    for name in known.keys() - seen:
        _lose(known, name)
    return (
        f"{left_out} tools were left out: their names are too long or taken, or their schemas too deep."
        if left_out
        else ""
    )


def _new(server: McpServer, name: str, known: dict[str, McpTool]) -> McpTool | None:
    taken = {row.offered_as for row in known.values()}
    offered_as = offered_name(server.name, name, taken)
    if not name or len(name) > NAME_MAX_CHARS or offered_as in taken or len(known) >= KNOWN:
        return None
    return McpTool(server=server, name=name, offered_as=offered_as)


def _claims(tool: FoundTool) -> dict[str, Any] | None:
    """What the tool says of itself, fit to be stored; None where it is nested too deeply for that."""
    try:
        claims = {
            "title": clean(tool.title)[:TITLE_MAX_CHARS],
            "description": clean(tool.description),
            "schema": clean_json(tool.schema),
            "annotations": clean_json(tool.annotations),
        }
        digest_of("", claims)
    except RecursionError:
        return None
    return claims


def _take_claims(row: McpTool, claims: dict[str, Any]) -> None:
    digest = digest_of(row.name, claims)
    state = state_of(row, digest)
    if (row.digest, row.state) == (digest, state):
        return
    for name, value in claims.items():
        setattr(row, name, value)
    row.digest, row.state = digest, state
    row.arguments, row.fault = written_out(row.schema)
    row.save()


def state_of(row: McpTool, digest: str) -> McpToolState:
    """What a tool that says this is: approved, where this very digest was."""
    if not row.approved_digest:
        return McpToolState.NEW
    return McpToolState.APPROVED if digest == row.approved_digest else McpToolState.CHANGED


def _lose(known: dict[str, McpTool], name: str) -> None:
    """The server has it no more. One that nobody has approved leaves nothing behind."""
    row = known[name]
    if not row.approved_digest:
        row.delete()
        del known[name]
    elif row.state != McpToolState.GONE:
        row.state = McpToolState.GONE
        row.save(update_fields=["state", "updated_at"])

"""What a server was found to have, compared with what is known of it, and written down. Sync.

A tool is approved by what it says, so what it says decides: as it was approved it is approved, and else withdrawn until
somebody has read it again.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from tools.cleaning import clean, clean_json
from tools.mcp.naming import digest_of, offered_name
from tools.mcp.spec import Found, FoundTool, ServerSpec
from tools.mcp.specs import mask_of
from tools.models import McpServer, McpServerState, McpTool, McpToolState

CLAIMS = ("title", "description", "schema", "annotations")
LEFT_OUT_MAX_CHARS = 500
KNOWN = 1_000  # tools of one server; beyond it no new ones are taken


class ServerChanged(Exception):
    """The server is gone, or at another address than was asked."""


@dataclass
class Changes:
    """How many of a server's tools are so, once it was asked."""

    new: int = 0
    changed: int = 0
    gone: int = 0
    approved: int = 0

    def count(self, state: str) -> None:
        """One more."""
        setattr(self, state, getattr(self, state) + 1)


@transaction.atomic
def take(asked: ServerSpec, found: Found) -> Changes:
    """Write down what the server that was asked has. Raises ServerChanged."""
    server = McpServer.objects.select_for_update().filter(pk=asked.id, url=asked.url).first()
    if server is None:
        raise ServerChanged
    masked = mask_of(asked)
    known = {row.name: row for row in server.tools.select_for_update()}
    told = _take_tools(server, known, {each.name: _claims(masked, each) for each in found.tools})
    changes = Changes()
    for row in known.values():
        changes.count(row.state)
    server.state, server.error, server.refreshed_at = McpServerState.READY, None, timezone.now()
    server.protocol, server.discovered = found.protocol[:40], masked(clean_json(found.discovered))
    server.left_out = masked(clean(" ".join(filter(None, (found.truncated, told)))))[:LEFT_OUT_MAX_CHARS]
    server.save()
    return changes


def _claims(masked: Any, tool: FoundTool) -> dict[str, Any]:
    """What the tool says of itself. A server that repeats its token there does not make it known."""
    return {name: masked(getattr(tool, name)) for name in CLAIMS}


def _take_tools(server: McpServer, known: dict[str, McpTool], tools: dict[str, dict[str, Any]]) -> str:
    """Bring the rows up to date; what could not be taken, in a sentence."""
    left_out = 0
    for name, claims in tools.items():
        row = known.get(name) or _new(server, name, known)
        if row is None:
            left_out += 1
        else:
            known[name] = row
            _take_claims(row, claims)
    for name in known.keys() - tools.keys():
        _lose(known, name)
    return f"{left_out} tools are left out: their names are taken, or too many are known." if left_out else ""


def _new(server: McpServer, name: str, known: dict[str, McpTool]) -> McpTool | None:
    taken = {row.offered_as for row in known.values()}
    offered_as = offered_name(server.name, name, taken)
    if offered_as in taken or len(known) >= KNOWN:
        return None
    return McpTool(server=server, name=name, offered_as=offered_as)


def _take_claims(row: McpTool, claims: dict[str, Any]) -> None:
    digest = digest_of(row.name, claims)
    state = state_of(row, digest)
    if (row.digest, row.state) == (digest, state):
        return
    for name, value in claims.items():
        setattr(row, name, value)
    row.digest, row.state = digest, state
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

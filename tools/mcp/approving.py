"""Approving a foreign tool: what somebody has read is what is offered, and nothing else. Sync."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.errors import Conflict, refuse
from accounts.models import User
from tools.hidden import visible
from tools.mcp.rows import CLAIMS
from tools.models import McpTool, McpToolPolicy, McpToolState

CHANGED = "The tool is not what you have read any more. Read it again."
GONE = "Its server has the tool no more."
READS = "Expected a tool that says of itself that it only reads (readOnlyHint)."
TWICE = "Expected a tool that says of itself that a second call changes nothing more (idempotentHint)."
ASKS = "Expected ask or deny, unless you believe that the tool only reads: all else a person allows, call by call."


@dataclass(frozen=True)
class Terms:
    """On what terms a tool is approved. Each approval says them anew."""

    policy: str = McpToolPolicy.ASK
    read_only_is_believed: bool = False
    idempotent_is_believed: bool = False


@dataclass(frozen=True)
class Change:
    """One thing that a tool says of itself, as it was approved and as it is; what cannot be seen is written out."""

    field: str
    before: str  # empty: it was never approved
    after: str


def approve(tool: McpTool, by: User, digest: str, terms: Terms) -> list[Change]:
    """Approve the tool as it was read, and give what differs from what was approved before. The row is locked.

    Raises Conflict where it says something else by now or is gone; Invalid for terms that its own
    words do not bear out.
    """
    if digest != tool.digest:
        raise Conflict(CHANGED, code="changed", fields={"digest": [CHANGED]})
    if tool.state == McpToolState.GONE:
        raise Conflict(GONE, code="tool_gone")
    _check(tool.annotations, terms)
    changes = changes_of(tool)
    tool.state, tool.policy = McpToolState.APPROVED, terms.policy
    tool.read_only_is_believed, tool.idempotent_is_believed = terms.read_only_is_believed, terms.idempotent_is_believed
    tool.approved, tool.approved_digest = {name: getattr(tool, name) for name in CLAIMS}, tool.digest
    tool.approved_by, tool.approved_at = by, timezone.now()
    tool.save()
    return changes


def forget_approval(tools: Any) -> None:
    """What was approved was another server's: read all of it again."""
    tools.exclude(state=McpToolState.GONE).update(state=McpToolState.NEW)
    tools.update(
        approved=None,
        approved_digest="",
        approved_by=None,
        approved_at=None,
        policy=McpToolPolicy.ASK,
        read_only_is_believed=False,
        idempotent_is_believed=False,
    )


def changes_of(tool: McpTool) -> list[Change]:
    """What the tool says of itself now and did not say when it was approved."""
    before, found = tool.approved or {}, []
    for name in CLAIMS:
        old, new = before.get(name), getattr(tool, name)
        if old != new and (old or new):
            found.append(Change(name, _shown(old), _shown(new)))
    return found


def _shown(value: Any) -> str:
    if not value:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    return visible(text)


def _check(annotations: dict[str, Any], terms: Terms) -> None:
    if terms.read_only_is_believed and annotations.get("readOnlyHint") is not True:
        raise refuse("read_only_is_believed", READS)
    if terms.idempotent_is_believed and annotations.get("idempotentHint") is not True:
        raise refuse("idempotent_is_believed", TWICE)
    if terms.policy == McpToolPolicy.ALLOW and not terms.read_only_is_believed:
        raise refuse("policy", ASKS)

"""What the pages of MCP servers and their tools say, and why something was not done, in the reader's language."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError

from accounts.errors import RequestError
from chat.page.words import fault
from tools.models import McpServerState, McpToolPolicy, McpToolState

PAGE = "page"  # where a fault is told that is of no field
FIELDS = (
    "name",
    "url",
    "token",
    "client_id",
    "client_secret",
    "sure",
    "policy",
    "read_only_is_believed",
    "idempotent_is_believed",
)
ASKED_NOW = _("is being asked now")
SERVERS: dict[str, Any] = {
    McpServerState.NEW: _("not asked yet"),
    McpServerState.READY: _("ready"),
    McpServerState.FAILED: _("could not be asked"),
}
TOOLS: dict[str, Any] = {
    McpToolState.NEW: _("new: nobody has read it yet"),
    McpToolState.APPROVED: _("approved"),
    McpToolState.CHANGED: _("changed since it was approved, so it is withdrawn"),
    McpToolState.GONE: _("gone: its server has it no more"),
}
POLICIES: dict[str, Any] = {
    McpToolPolicy.ASK: _("a person allows each call"),
    McpToolPolicy.ALLOW: _("called unasked"),
    McpToolPolicy.DENY: _("never offered"),
}
DONE: dict[str, Any] = {
    "add": _("The server is added. Nobody has asked it yet: ask it for its tools."),
    "change": _("The server is changed."),
    "untoken": _("Its token is taken away."),
    "forget": _("The server is forgotten, with its tools."),
    "approve": _("The tool is approved as it was read."),
}
# What a server says of its tool, by the name of the hint and what it says.
CLAIMS: dict[tuple[str, bool], Any] = {
    ("readOnlyHint", True): _("It only reads, and changes nothing."),
    ("readOnlyHint", False): _("It changes something."),
    ("destructiveHint", True): _("It may delete or overwrite something."),
    ("destructiveHint", False): _("It deletes and overwrites nothing."),
    ("idempotentHint", True): _("A second call with the same arguments changes nothing more."),
    ("idempotentHint", False): _("A second call does it once more."),
    ("openWorldHint", True): _("It reaches things outside of its server."),
    ("openWorldHint", False): _("It stays with what its server has."),
}
# What a tool says of itself, by the name of the field.
PARTS: dict[str, Any] = {
    "title": _("Title"),
    "description": _("Description"),
    "schema": _("Arguments"),
    "annotations": _("Claims"),
}
# Why it was not done, by the code or the field that the API names.
WHY: dict[str, Any] = {
    "name": _("Expected lower case letters and digits, a letter first, at most 24."),
    "url": _(
        "This address cannot be used. Expected https:// and a host at a public address, "
        "without ? or # and without names or secrets."
    ),
    "token": _(
        "Expected letters, digits and signs of ASCII, on one line, at most 4,000; none where everybody signs in there."
    ),
    "client_id": _("Expected the id of a client that is registered there, if everybody signs in there."),
    "client_secret": _("Expected letters, digits and signs of ASCII, on one line, and a client id."),
    "sure": _("Say that you are sure."),
    "policy": _("Choose who is asked: only a tool that you believe to read and change nothing may be called unasked."),
    "read_only_is_believed": _("The server does not say of the tool that it only reads."),
    "idempotent_is_believed": _("The server does not say of the tool that a second call changes nothing more."),
    "not_allowed": _("Your role does not include this."),
    "mcp_server_exists": _("The project has a server of this name already."),
    "too_many_mcp_servers": _("The project has as many MCP servers as it may have. Forget one first."),
    "work_under_way": _("The server is being asked for its tools. Try again when that is over."),
    "changed": _("The tool has changed since you read it, and is not approved. Read it again: this is how it is now."),
    "tool_gone": _("Its server has the tool no more."),
}


def faults(error: RequestError | ValidationError) -> dict[str, str]:
    """What to say at which field; at `PAGE` what is of none that has a place."""
    code = error.code if isinstance(error, RequestError) else ""
    if code in WHY:
        return {PAGE: str(WHY[code])}
    told = error.fields if isinstance(error, RequestError) else error.detail
    found = {name: str(WHY[name]) for name in FIELDS if isinstance(told, dict) and name in told}
    return found or {PAGE: fault(error.message) if isinstance(error, RequestError) else fault(_first(error.detail))}


def _first(detail: Any) -> str:
    """The first sentence of what DRF found wrong."""
    while not isinstance(detail, str):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")
    return detail

"""The tool that puts forward what a chat changed. Pull requests belong to chat, which hands down how one is opened."""

from collections.abc import Awaitable
from typing import Any

from tools.base import ToolContext
from tools.capabilities import REPOSITORY
from tools.decorator import tool
from tools.handed_down import HandedDown

# Opens the chat's pull request with this title and body, or renews the one that is open. Raises ToolFault.
open_here: HandedDown[[ToolContext, str, str], Awaitable[dict[str, Any]]] = HandedDown("open pull requests")


@tool(
    permission="deploy",
    capability=REPOSITORY,
    idempotent=True,
    asks_first=True,
    outward=True,
    timeout_s=150,
)
async def open_pull_request(ctx: ToolContext, title: str, body: str = "") -> dict[str, Any]:
    """Put what this chat changed in the project's files forward for review, as a pull request.

    The chat's branch is pushed where the project has a remote repository. Called again, the same pull request is
    renewed with what was changed since. The answer has its address.

    Arguments:
        title: what it changes, in one line
        body: why, and what a reviewer should look at, in Markdown; empty leaves the description as it is
    """
    return await open_here(ctx, title, body)

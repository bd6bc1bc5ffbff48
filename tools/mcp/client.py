"""The two things that are asked of a server of other houses."""

from typing import Any

from tools.mcp.spec import Called, Found, ServerSpec


async def discover(spec: ServerSpec) -> Found:
    """What the server has, asked anew over a connection of its own. Raises McpError."""
    raise NotImplementedError


async def call(
    spec: ServerSpec,
    tool: str,
    arguments: dict[str, Any],
    *,
    answers: dict[str, dict[str, Any]] | None = None,
    state: str | None = None,
) -> Called:
    """What one call of a tool came to, over a connection that is kept. Raises McpError.

    `answers` by `Asked.key` (the values of the form) and `state` are for a call that needed input. Cancelled, it cancels
    this call alone.
    """
    raise NotImplementedError


async def close() -> None:
    """End all connections of this loop: the process ends."""
    raise NotImplementedError

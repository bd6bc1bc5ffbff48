"""The two things that are asked of a server of other houses."""

import asyncio
import importlib
from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import Any

from django.conf import settings

from tools.mcp import resting
from tools.mcp.errors import McpError
from tools.mcp.exchange import Exchange
from tools.mcp.spec import Called, Found, ServerSpec

_modules: dict[str, ModuleType] = {}


async def discover(spec: ServerSpec) -> Found:
    """What the server has, asked anew over a connection of its own. Raises McpError."""
    connections, listing = await _loaded("connection"), await _loaded("listing")
    connection = connections.Connection(spec, is_found_anew=True)
    exchange = Exchange.within(settings.MCP_LIST_TIMEOUT_S)
    try:
        found: Found = await connection.ask(lambda session, _: listing.find(session), exchange)
    finally:
        await connection.close()
    resting.came_back(spec)
    return found


async def call(
    spec: ServerSpec,
    tool: str,
    arguments: dict[str, Any],
    *,
    answers: Mapping[str, dict[str, Any] | None] | None = None,
    state: str | None = None,
) -> Called:
    """What one call of a tool came to, over a connection that is kept. Raises McpError.

    `answers` by `Form.key` (the form's values, None of a page) and `state` are for a call that needed input. Cancelled,
    it cancels this call alone.
    """
    resting.check(spec)
    pools, calling = await _loaded("pool"), await _loaded("calling")
    work = partial(calling.call, tool=tool, arguments=arguments, answers=answers, state=state)
    try:
        called = await _asked(pools.pool(), spec, work)
    except McpError as fault:
        resting.failed(spec, fault)
        raise
    resting.came_back(spec)
    return called


async def _asked(pool: Any, spec: ServerSpec, work: Any) -> Called:
    """By the connection that is there; by a new one where the server has forgotten it and so has done nothing."""
    connection, exchange = pool.connection(spec), Exchange.within(settings.MCP_CALL_TIMEOUT_S)
    try:
        return await connection.ask(work, exchange)  # type: ignore[no-any-return]
    except McpError as fault:
        if not exchange.asks_anew:
            if fault.code not in resting.HARMLESS:
                pool.retire(connection)  # an older server's broken answers would else be waited for within the SDK
            raise
    return await pool.anew(spec, connection).ask(work, Exchange(exchange.until))  # type: ignore[no-any-return]


async def close() -> None:
    """End all connections of this loop: the process ends. Without it they end with the loop."""
    if "pool" in _modules:
        await _modules["pool"].pool().close()


async def _loaded(module: str) -> ModuleType:
    """A module that imports the SDK: two seconds of a thread, the first time."""
    if module not in _modules:
        _modules[module] = await asyncio.to_thread(importlib.import_module, f"tools.mcp.{module}")
    return _modules[module]

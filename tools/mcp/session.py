"""A session of the SDK over our transport, and which protocol is spoken. Importing this imports the SDK: 2 s, 50 MB."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import mcp_types as types
from django.conf import settings
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from tools.mcp.asking import asked_of
from tools.mcp.exchange import EXCHANGE
from tools.mcp.spec import ServerSpec
from tools.mcp.transport import Transport

# They write what a server said, at length and for each answer; what there is to say, we say once (resting.py).
for _name in ("mcp", "client", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

MAX_REDIRECTS = 2  # within the server's own origin
WE = types.Implementation(name="Parley", version="1")


@asynccontextmanager
async def opened(spec: ServerSpec) -> AsyncIterator[ClientSession]:
    """A session that nothing was asked by yet. Enter and leave it in one task. Raises OutwardError."""
    transport, most = Transport(spec), settings.MCP_MAX_BYTES + 1  # ours ends before
    client = httpx2.AsyncClient(transport=transport, max_redirects=MAX_REDIRECTS, timeout=None, trust_env=False)
    async with (
        client,
        streamable_http_client(spec.url, http_client=client, max_sse_event_size=most) as (reading, writing),
        ClientSession(reading, writing, client_info=WE, elicitation_callback=_nobody_answers) as session,
    ):
        yield session


async def agree(session: ClientSession, spec: ServerSpec) -> None:
    """Agree with the server on a protocol: the one that was found before, else the newest that both speak."""
    if spec.protocol in MODERN_PROTOCOL_VERSIONS:
        session.adopt(_known(spec))
    elif spec.protocol:
        await session.initialize()
    else:
        await _find_out(session)


async def _find_out(session: ClientSession) -> None:
    try:
        await session.discover()
    except (MCPError, ValidationError, RuntimeError):
        # An older server says so in many ways. One that is away fails again, and that is told.
        await session.initialize()


def _known(spec: ServerSpec) -> types.DiscoverResult:
    """What the server said when it was asked last."""
    known = spec.discovered or {"capabilities": {}, "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    return types.DiscoverResult.model_validate({**known, "supportedVersions": [spec.protocol]})


async def _nobody_answers(context: object, params: types.ElicitRequestParams) -> types.ElicitResult | types.ErrorData:
    """An older server asks while its call is under way, and cannot wait for a person: it learns that nobody answers."""
    exchange = EXCHANGE.get()
    if exchange is not None:
        exchange.asked.append(asked_of(str(len(exchange.asked)), params))
    return types.ElicitResult(action="cancel")

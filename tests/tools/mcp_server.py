"""A well-behaved server of other houses: the SDK's own, in a process of its own. It speaks the protocol of 2026-07-28
and, by sessions, the older ones. `python -m tests.tools.mcp_server` prints its port; its end is that of its input."""

import os
import socket
import sys
import threading
from collections import Counter
from typing import Any

import anyio
import uvicorn
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import (
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    InputRequiredResult,
    ResourceLink,
    ToolAnnotations,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel

from tests.pictures import png

server = MCPServer("Shop")
COUNTS: Counter[str] = Counter()


class Name(BaseModel):
    """The form of an older server."""

    name: str


@server.tool(title="Find an order", annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
async def find_order(number: int) -> str:
    """Find an order by its number."""
    if number == 0:
        raise ToolError("There is no order 0.")
    return f"Order {number}: one coffee"


@server.tool()
async def wait(seconds: float) -> str:
    """Wait, and count who went before its end."""
    COUNTS["waiting"] += 1
    try:
        await anyio.sleep(seconds)
    except anyio.get_cancelled_exc_class():
        COUNTS["cancelled"] += 1
        raise
    return "waited"


@server.tool()
async def counts() -> dict[str, int]:
    """What was counted."""
    return dict(COUNTS)


@server.tool()
async def who(ctx: Context) -> str:
    """What came with the request."""
    headers = dict(ctx.headers or {})
    return f"{os.getpid()} {headers.get('authorization')} {headers.get('accept-encoding')} {ctx.protocol_version}"


@server.tool(structured_output=False)
async def pictures(many: int) -> list[Any]:
    """Pictures, and one that is none."""
    return ["Here:", *(Image(data=png(4, 3), format="png") for _ in range(many)), Image(data=b"<svg/>", format="png")]


@server.tool(structured_output=False)
async def link() -> ResourceLink:
    """A link that nobody should follow."""
    return ResourceLink(type="resource_link", name="secret", uri="http://169.254.169.254/latest/meta-data")


@server.tool(structured_output=False)
async def much(size: int) -> str:
    """A long text."""
    return "ö" * size


@server.tool(structured_output=False)
async def book(ctx: Context, page: bool = False) -> str | InputRequiredResult:
    """Book a table: it needs a name first."""
    if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        return f"not booked: {(await ctx.elicit('Which name?', Name)).action}"
    if ctx.input_responses:
        return f"booked: {ctx.request_state} {ctx.input_responses['who'].content}"  # type: ignore[union-attr]
    form: ElicitRequestFormParams | ElicitRequestURLParams = ElicitRequestFormParams(
        message="Which name?", requested_schema={"type": "object", "properties": {"name": {"type": "string"}}}
    )
    if page:
        form = ElicitRequestURLParams(message="Sign in", url="https://shop.example/sign-in")
    return InputRequiredResult(input_requests={"who": ElicitRequest(params=form)}, request_state="table 7")


def main() -> None:
    """Serve until whoever began this is gone."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    serving = uvicorn.Server(uvicorn.Config(server.streamable_http_app(), log_level="error"))
    serving.run(sockets=[listener])


if __name__ == "__main__":
    main()

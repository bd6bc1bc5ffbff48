"""The bare copy: an ASGI application that passes a provider's bytes on. It stores, numbers and resumes nothing.

What Parley is measured against. `BENCH_UPSTREAM` is the base URL it asks.
"""

import os
from typing import Any

import aiohttp
import msgspec

HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
URL = os.environ.get("BENCH_UPSTREAM", "") + "/chat/completions"
_sessions: list[aiohttp.ClientSession] = []


def _session() -> aiohttp.ClientSession:
    if not _sessions:
        waits = aiohttp.ClientTimeout(total=None)
        _sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=waits))
    return _sessions[0]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """POST {"content": ...}: what the model streams, as it comes."""
    if scope["type"] == "lifespan":
        return await _live(receive, send)
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    content = msgspec.json.decode(body + message["body"])["content"]
    asked = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": content}]}
    async with _session().post(URL, data=msgspec.json.encode(asked)) as answer:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        async for data in answer.content.iter_any():
            await send({"type": "http.response.body", "body": data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _live(receive: Any, send: Any) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return

"""One request to a server that takes part in a sign-in: by the one way out, bounded, and read as the SDK reads it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.conf import settings

from tools.errors import OutwardError
from tools.mcp.oauth.authority import host_of
from tools.mcp.oauth.errors import SignInCode, SignInError
from tools.outward.fetching import fetch

if TYPE_CHECKING:
    import httpx2

MAX_BYTES = 64_000  # of an answer
CODES: dict[str, SignInCode] = {
    "refused_url": "not_allowed",
    "refused_address": "not_allowed",
    "too_large": "unreadable",
    "bad_answer": "unreadable",
}


async def asked(
    url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> "httpx2.Response":
    """The answer, whatever its status; redirects are not followed. Raises SignInError."""
    import httpx2

    sent = {"Accept": "application/json", **(headers or {})}
    limits = {"max_bytes": MAX_BYTES, "timeout_s": settings.MCP_CONNECT_TIMEOUT_S}
    try:
        answer = await fetch(url, method=method, headers=sent, body=body, has_secret=bool(body), **limits)  # type: ignore[arg-type]
    except OutwardError as error:
        raise SignInError(CODES.get(error.code, "down"), host_of(url)) from error
    return httpx2.Response(answer.status, headers=list(answer.headers.items()), content=answer.body)

"""As which client people are sent to an authorization server: one that was given, our own document, or one that the
server registers for us."""

import json
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from accounts import look
from accounts.secrets import seal
from tools.mcp.oauth.asking import asked
from tools.mcp.oauth.authority import Authority, Client, Way
from tools.mcp.oauth.errors import SignInError

BASIC: Way = "client_secret_basic"
POST: Way = "client_secret_post"
ID_MAX_CHARS = 1_000
SECRET_MAX_CHARS = 4_000


def redirect_uri(server: UUID) -> str:
    """Where browsers come back to: one for each server, so that an answer of one is never taken for another's."""
    return f"{settings.PARLEY_PUBLIC_URL}/servers/mcp/{server}/callback"


def document_url(server: UUID) -> str:
    """Where we are described, for authorization servers that read it there."""
    return f"{settings.PARLEY_PUBLIC_URL}/servers/mcp/{server}/client.json"


def document(server: UUID) -> dict[str, object]:
    """The client that we are for one server (RFC 7591, and as its own document at `document_url`)."""
    return {"client_id": document_url(server), **_described(server, "none")}


def given(client_id: str, sealed_secret: str, ways: tuple[str, ...]) -> Client:
    """One that somebody has registered by hand."""
    return Client(client_id, sealed_secret, _way(ways) if sealed_secret else "none")


async def made(server: UUID, authority: Authority) -> Client:
    """One of which nobody has to know. Raises SignInError where the server has no way for that."""
    if authority.takes_documents and settings.IS_HTTPS:
        return Client(document_url(server))
    if not authority.registration_endpoint:
        raise SignInError("no_client", authority.host)
    way: Way = _way(authority.ways) if not authority.ways or {BASIC, POST} & set(authority.ways) else "none"
    wanted = {"scope": authority.scope} if authority.scope else {}
    body = json.dumps({**_described(server, way), **wanted}).encode()
    answer = await asked(
        authority.registration_endpoint, method="POST", headers={"Content-Type": "application/json"}, body=body
    )
    return await _registered(answer, authority)


async def _registered(answer: object, authority: Authority) -> Client:
    from mcp.client.auth import OAuthRegistrationError
    from mcp.client.auth.utils import handle_registration_response

    try:
        told = await handle_registration_response(answer)  # type: ignore[arg-type]
    except OAuthRegistrationError:
        raise SignInError("no_client", authority.host) from None
    secret = told.client_secret or ""
    way = told.token_endpoint_auth_method or (BASIC if secret else "none")
    is_known = way in ("none", BASIC, POST) and bool(secret) == (way != "none")
    if not is_known or not _fits(told.client_id, ID_MAX_CHARS) or len(secret) > SECRET_MAX_CHARS:
        raise SignInError("no_client", authority.host)
    return Client(told.client_id, seal(secret) if secret else "", way, float(told.client_secret_expires_at or 0))  # type: ignore[arg-type]


def _described(server: UUID, way: Way) -> dict[str, object]:
    return {
        "client_name": f"{look.name()} ({urlsplit(settings.PARLEY_PUBLIC_URL).netloc})",
        "client_uri": settings.PARLEY_PUBLIC_URL,
        "redirect_uris": [redirect_uri(server)],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": way,
        "application_type": "web",
    }


def _way(ways: tuple[str, ...]) -> Way:
    return POST if POST in ways else BASIC


def _fits(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isascii() and text.isprintable()

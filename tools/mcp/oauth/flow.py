"""A person's way to the authorization server and back: code, PKCE, state, issuer. Authlib writes the requests.

What the way back needs is in a sealed cookie of the browser that went, and names the person: a link that somebody else
has begun signs nobody in.
"""

import hmac
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Self
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from accounts.secrets import SecretUnreadable, opened, seal
from tools.mcp.oauth.asking import asked
from tools.mcp.oauth.authority import Client, Kept, host_of
from tools.mcp.oauth.clients import redirect_uri
from tools.mcp.oauth.errors import SignInError

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger(__name__)

PURPOSE = "mcp sign-in"  # of what the cookie is sealed for
LIFETIME_S = 600  # from the way there to the way back
CODE_MAX_CHARS = 4_096
TOKEN_MAX_CHARS = 16_000
SCOPE_MAX_CHARS = 1_000
LONGEST_S = 10 * 365 * 86_400  # that a token may say it lasts
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Tokens(msgspec.Struct, frozen=True):
    """What a token endpoint gives (RFC 6749, section 5.1), as far as it is used."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: float | None = None
    refresh_token: str | None = None
    scope: str | None = None


class _Refusal(msgspec.Struct):
    error: Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,40}$")]


@dataclass(frozen=True)
class Begun:
    """A sign-in under way."""

    server: str
    user: str
    issuer: str
    client: str
    state: str
    verifier: str
    scope: str
    until: int

    def sealed(self) -> str:
        """As the cookie has it."""
        return seal(json.dumps(asdict(self)), PURPOSE)

    @classmethod
    def of(cls, cookie: str, server: UUID, user: UUID, state: str) -> Self:
        """That of this browser, person and server that the state is of. Raises SignInError."""
        try:
            begun = cls(**json.loads(opened(cookie, PURPOSE)))
        except (SecretUnreadable, ValueError, TypeError):
            raise SignInError("state") from None
        is_its = (begun.server, begun.user) == (str(server), str(user)) and begun.until >= time.time()
        if not is_its or not hmac.compare_digest(begun.state.encode(), state.encode()):
            raise SignInError("state")
        return begun


def begin(server: UUID, user: UUID, kept: Kept, more_scope: str = "") -> tuple[Begun, str]:
    """A new sign-in, and the address that it goes on at. `more_scope`: what a call was refused for before."""
    from authlib.common.security import generate_token
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    authority, client = kept.authority, kept.client
    scope = _union(authority.scope, more_scope)
    begun = Begun(
        *(str(server), str(user), authority.issuer, client.id),
        *(generate_token(48), generate_token(64), scope, int(time.time()) + LIFETIME_S),
    )
    address = prepare_grant_uri(
        authority.authorization_endpoint,
        client_id=client.id,
        response_type="code",
        redirect_uri=redirect_uri(server),
        scope=scope or None,
        state=begun.state,
        code_challenge=create_s256_code_challenge(begun.verifier),
        code_challenge_method="S256",
        resource=authority.resource,
    )
    return begun, str(address)


def _union(*scopes: str) -> str:
    """Each once, as many as a cookie has room for."""
    found = ""
    for each in dict.fromkeys(" ".join(scopes).split()):
        longer = f"{found} {each}".strip()
        found = longer if len(longer) <= SCOPE_MAX_CHARS else found
    return found


def code_of(begun: Begun, kept: Kept, answer: Mapping[str, str]) -> str:
    """The code in what the browser has brought back. Raises SignInError."""
    authority = kept.authority
    if begun.issuer != authority.issuer or begun.client != kept.client.id:
        raise SignInError("state")
    said = answer.get("iss")  # RFC 9207: looked at before anything else of the answer
    if said != authority.issuer and (said is not None or authority.tells_issuer):
        raise SignInError("wrong_issuer", authority.host)
    if "error" in answer:
        log.warning("%s refused a sign-in: %s", authority.host, _code(json.dumps({"error": answer["error"]}).encode()))
        raise SignInError("declined" if answer["error"] == "access_denied" else "refused", authority.host)
    code = answer.get("code", "")
    if not 0 < len(code) <= CODE_MAX_CHARS:
        raise SignInError("refused", authority.host)
    return code


async def exchanged(server: UUID, begun: Begun, kept: Kept, code: str) -> Tokens:
    """The tokens for the code. Raises SignInError."""
    return await _tokens(
        kept, "authorization_code", code=code, redirect_uri=redirect_uri(server), code_verifier=begun.verifier
    )


async def renewed(kept: Kept, refresh_token: str) -> Tokens:
    """New tokens for the refresh token. Raises SignInError; "refused" where it holds no more."""
    return await _tokens(kept, "refresh_token", refresh_token=refresh_token)


async def revoked(kept: Kept, token: str) -> None:
    """Tell the authorization server that the token is needed no more, where it wants to know. Raises SignInError."""
    if kept.authority.revocation_endpoint:
        await _sent(kept.client, kept.authority.revocation_endpoint, urlencode({"token": token}))


async def _tokens(kept: Kept, grant: str, **told: str) -> Tokens:
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    authority = kept.authority
    body = prepare_token_request(grant, resource=authority.resource, **told)
    answer = await _sent(kept.client, authority.token_endpoint, body)
    if answer.status_code >= 500 or answer.status_code in (408, 429):
        raise SignInError("down", authority.host)
    if answer.status_code != 200:
        log.warning("%s refused a %s: %s", authority.host, grant, _code(answer.content))
        raise SignInError("refused", authority.host)
    return _read(answer.content, authority.host)


async def _sent(client: Client, url: str, body: str) -> "httpx2.Response":
    from authlib.oauth2.auth import ClientAuth

    try:
        secret = opened(client.secret) if client.secret else None
    except SecretUnreadable:
        raise SignInError("no_client", host_of(url)) from None
    url, headers, body = ClientAuth(client.id, secret, client.way).prepare("POST", url, dict(FORM), body)
    return await asked(url, method="POST", headers=headers, body=body.encode())


def _code(content: bytes) -> str:
    """The error that it names (RFC 6749, section 5.2), for the log."""
    try:
        return msgspec.json.decode(content, type=_Refusal).error
    except (msgspec.DecodeError, RecursionError):
        return "no error is named"


def _read(content: bytes, host: str) -> Tokens:
    try:
        found = msgspec.json.decode(content, type=Tokens, strict=False)
    except (msgspec.DecodeError, RecursionError):
        raise SignInError("unreadable", host) from None
    texts = (found.access_token, found.refresh_token or "-")
    are_sound = all(0 < len(each) <= TOKEN_MAX_CHARS and each.isascii() and each.isprintable() for each in texts)
    lasts = found.expires_in is None or 0 <= found.expires_in <= LONGEST_S
    if not are_sound or not lasts or found.token_type.lower() != "bearer":
        raise SignInError("unreadable", host)
    return found


def scope_of(tokens: Tokens, asked_for: str) -> str:
    """What they are good for: as it is said, else what was asked for."""
    return (asked_for if tokens.scope is None else tokens.scope)[:SCOPE_MAX_CHARS]

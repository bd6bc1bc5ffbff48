"""Sign-in by OpenID Connect: code, PKCE, state and nonce. Authlib makes the requests and checks the ID token's claims;
what is sent goes by the one way out (docs/decisions/0074).

Authlib is imported at the first sign-in: it takes half a second, which no other process needs to wait.

What a sign-in needs to end where it began is in a sealed cookie of the browser that began it: nothing is stored for who
only begins.
"""

import hmac
import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import jwt
from django.conf import settings

from accounts.models import IdentityProvider
from accounts.secrets import SecretUnreadable, opened, seal
from accounts.sso import keys, once, reading
from accounts.sso.errors import ProviderDown, Refused, TokenRefused
from accounts.sso.outgoing import asked

PURPOSE = "sso"  # of what the cookie is sealed for
LIFETIME_S = 600  # from the first page to the last
SCOPE = "openid email profile"
CODE_MAX_CHARS = 4_096


@dataclass(frozen=True)
class Begun:
    """A sign-in under way."""

    slug: str
    state: str
    nonce: str
    verifier: str
    next: str  # where it leads
    until: int

    def sealed(self) -> str:
        """As the cookie has it."""
        return seal(json.dumps(asdict(self)), PURPOSE)


def begin(provider: IdentityProvider, next: str) -> tuple[Begun, str]:
    """A new sign-in, and the provider's address that it goes on at. Raises ProviderDown."""
    from authlib.common.security import generate_token
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    until = int(time.time()) + LIFETIME_S
    begun = Begun(provider.slug, generate_token(48), generate_token(48), generate_token(64), next, until)
    address = prepare_grant_uri(
        keys.endpoint(provider, "authorization_endpoint"),
        client_id=provider.client_id,
        response_type="code",
        redirect_uri=redirect_uri(provider),
        scope=SCOPE,
        state=begun.state,
        nonce=begun.nonce,
        code_challenge=create_s256_code_challenge(begun.verifier),
        code_challenge_method="S256",
    )
    return begun, str(address)


def redirect_uri(provider: IdentityProvider) -> str:
    """Where the provider sends browsers back to; it is registered there."""
    return f"{settings.PARLEY_PUBLIC_URL}/sso/{provider.slug}/callback"


def resumed(provider: IdentityProvider, cookie: str, state: str) -> Begun:
    """The sign-in of this browser that the state is of; it is used up. Raises Refused."""
    try:
        begun = Begun(**json.loads(opened(cookie, PURPOSE)))
    except (SecretUnreadable, ValueError, TypeError):
        raise Refused("sso_state") from None
    is_its = begun.slug == provider.slug and hmac.compare_digest(begun.state.encode(), state.encode())
    if not is_its or begun.until < time.time() or not once.use(provider, f"state {begun.state}", begun.until):
        raise Refused("sso_state")
    return begun


def claims_for(provider: IdentityProvider, begun: Begun, code: str) -> dict[str, Any]:
    """The claims of the ID token that the provider gives for the code. Raises TokenRefused, ProviderDown."""
    answer = _token_answer(provider, begun, code)
    raw = answer.get("id_token")
    if not isinstance(raw, str):
        raise TokenRefused("The provider gave no ID token.")
    claims = reading.claims_of(provider, raw, audience=provider.client_id, most=reading.MAX_ID_TOKEN_CHARS)
    _check_id_token(provider, begun, claims, raw, answer.get("access_token"))
    return claims


def _check_id_token(
    provider: IdentityProvider, begun: Begun, claims: dict[str, Any], raw: str, access_token: Any
) -> None:
    """Raise TokenRefused unless it is of this very sign-in: nonce, authorized party, hash of the access token."""
    from authlib.oidc.core import CodeIDToken
    from joserfc.errors import JoseError

    expected = {"nonce": begun.nonce, "client_id": provider.client_id, "access_token": access_token}
    try:
        CodeIDToken(claims, jwt.get_unverified_header(raw), None, expected).validate(leeway=reading.LEEWAY_S)
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise TokenRefused(f"The ID token does not hold: {getattr(error, 'description', '') or error}") from None


def _token_answer(provider: IdentityProvider, begun: Begun, code: str) -> dict[str, Any]:
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    address = keys.endpoint(provider, "token_endpoint")
    body = prepare_token_request(
        "authorization_code", code=code, redirect_uri=redirect_uri(provider), code_verifier=begun.verifier
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    address, headers, body = _client(provider).prepare("POST", address, headers, body)
    try:
        return dict(asked(address, method="POST", headers=headers, body=body.encode()))
    except ProviderDown as error:
        if "answered 4" in error.detail:  # RFC 6749, section 5.2: the code is used, old or not ours
            raise TokenRefused(f"The token endpoint: {error.detail}") from None
        raise


def _client(provider: IdentityProvider) -> Any:
    """How this server shows the token endpoint who it is."""
    from authlib.oauth2.auth import ClientAuth

    if not provider.secret:
        return ClientAuth(provider.client_id, None, "none")
    basic, post = keys.SENT
    way = post if post in provider.metadata.get(keys.WAYS, ()) else basic
    return ClientAuth(provider.client_id, reading.secret_in(provider.secret), way)

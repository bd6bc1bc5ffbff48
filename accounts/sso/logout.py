"""Back-channel logout (OpenID Connect): what the provider ends, ends here too, at once."""

from accounts import audit
from accounts.models import ExternalIdentity, IdentityProvider
from accounts.sign_in import noting
from accounts.sso import once, reading
from accounts.sso.errors import TokenRefused

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def sign_out(provider: IdentityProvider, token: str) -> None:
    """End all sessions and tokens of the person whom the logout token names. Raises TokenRefused, ProviderDown.

    It names a person (`sub`): sessions of the provider (`sid`) are not kept here.
    """
    claims = reading.claims_of(
        provider, token, audience=provider.client_id, required=("iat", "jti", "sub", "events"),
        most=reading.MAX_ID_TOKEN_CHARS,
    )  # fmt: skip
    if not isinstance(claims["events"], dict) or EVENT not in claims["events"] or "nonce" in claims:
        raise TokenRefused("It is no logout token.")
    made = once.issued_at(claims)
    once.use_token(provider, claims, made + once.longest_s())
    identity = ExternalIdentity.objects.select_related("user").filter(provider=provider, subject=claims["sub"]).first()
    if identity is None:
        return  # nobody came in: nothing to end, and nothing to tell
    noting.sign_out_everywhere(identity.user, by=audit.provider(provider.pk), by_provider=True)

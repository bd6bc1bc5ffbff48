"""Which providers there are: for an address, on the sign-in page, for a token. Nothing here tells of people."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.errors import NotFound
from accounts.models import IdentityProvider, User
from accounts.sso import reading
from accounts.sso.errors import ProviderDown, Refused, TokenRefused

SAME_MAX = 5  # rows of one issuer and audience that are tried for one token
Claims = dict[str, Any]


def by_slug(slug: str) -> IdentityProvider:
    """The provider that people sign in with by browser. Raises NotFound."""
    found = IdentityProvider.objects.filter(slug=slug, is_active=True).exclude(client_id="").first()
    if found is None:
        raise NotFound()
    return found


def verified(
    raw: str, read: Callable[[IdentityProvider, str], Claims], **wanted: bool
) -> tuple[IdentityProvider, Claims]:
    """The provider that has signed the token, the oldest of them, and the token's claims.

    Others of the same issuer are asked only as long as it does not hold: what comes of it is this one's to say.
    Raises TokenRefused; ProviderDown where one who might have signed it is not to be asked.
    """
    refusal: Refused | None = None
    for provider in _of_token(raw, **wanted):
        try:
            return provider, read(provider, raw)
        except Refused as error:
            refusal = refusal if isinstance(refusal, ProviderDown) else error
    raise refusal or TokenRefused("It is for another audience (`aud`).")


def _of_token(raw: str, **wanted: bool) -> list[IdentityProvider]:
    """Those whose token it may be by its issuer and audience: large directories have one issuer for all customers."""
    rows = IdentityProvider.objects.filter(issuer=reading.issuer_of(raw), is_active=True, **wanted)
    audiences = reading.audiences_of(raw)
    is_its = Q(audience__in=[each for each in audiences if each])
    if settings.PARLEY_PUBLIC_URL in audiences:
        is_its |= Q(audience="")
    found = list(rows.filter(is_its).order_by("created_at", "id")[:SAME_MAX])
    if not found and not rows.exists():
        raise TokenRefused("No provider is registered here for such a token of this issuer (`iss`).")
    return found


def shown() -> list[IdentityProvider]:
    """Those with a button on the sign-in page."""
    return list(_by_browser().filter(is_shown=True)[: settings.SSO_BUTTONS_MAX])


def buttons() -> list[dict[str, str]]:
    """What the sign-in page has of them."""
    return [{"name": each.name, "start": start_of(each)} for each in shown()]


def for_email(email: str) -> list[IdentityProvider]:
    """Those of the address's domain."""
    return [each for each in _by_browser() if domain_of(email) in each.domains]


def takes_password(email: str) -> bool:
    """Whether addresses of this domain may sign in by password."""
    closed = IdentityProvider.objects.filter(is_active=True, closes_passwords=True)
    return not any(domain_of(email) in domains for domains in closed.values_list("domains", flat=True))


def may_use_password(user: User) -> bool:
    """Whether this person may: operators always, so that a provider that fails locks nobody out who can mend it."""
    return user.is_staff or user.is_superuser or takes_password(user.email)


def domain_of(email: str) -> str:
    """What is behind its @, in lower case."""
    return email.rpartition("@")[2].lower()


def start_of(provider: IdentityProvider, next: str = "") -> str:
    """Where a sign-in with it begins."""
    return f"/sso/{provider.slug}/start" + (f"?next={quote(next, safe='/')}" if next else "")


def _by_browser() -> QuerySet[IdentityProvider]:
    return IdentityProvider.objects.filter(is_active=True).exclude(client_id="")

"""The person whom a provider's claims name: known by (provider, subject), else joined or made, once.

An address alone names nobody: it joins an account where the provider proves it, its domain is the provider's, and the
account is neither an operator's, nor an owner's elsewhere, nor already somebody whom the provider knows by another
subject: addresses are given to the next person. Who had the account before, without being of the organization, has no
way in any more. Whose address is not proven gets a made-up one, so that nobody takes a place that is not theirs.
"""

import logging
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.errors import Invalid
from accounts.models import ExternalIdentity, IdentityProvider, Membership, Provision, Role, User
from accounts.organizations.noting import made_person
from accounts.sign_in import keys, noting
from accounts.sign_in.new_people import checked_email
from accounts.sso import groups
from accounts.sso.errors import Refused, TokenRefused
from accounts.sso.providers import domain_of

NAME_MAX_CHARS = 150
log = logging.getLogger(__name__)


def person_of(
    provider: IdentityProvider, claims: dict[str, Any], *, needs_email: bool = False, is_id_token: bool = False
) -> User:
    """The person, with the membership that their groups give now. `needs_email`: who is new needs a proven address.
    `is_id_token`: claims without groups say that there are none.

    Raises Refused, and then nothing was made.
    """
    named = groups.named(provider, claims, is_id_token=is_id_token)
    try:
        with transaction.atomic():
            return _person(provider, claims, named, needs_email)
    except IntegrityError:  # another request brought the same person a moment before
        with transaction.atomic():
            return _person(provider, claims, named, needs_email)


def _person(provider: IdentityProvider, claims: dict[str, Any], named: list[str] | None, needs_email: bool) -> User:
    found = provider.identities.select_related("user").filter(subject=claims["sub"]).first()
    identity = found or _first(provider, claims, needs_email)
    if not identity.user.is_active:
        raise Refused("sso_deactivated")
    if is_operator(identity.user):  # they became one since: whoever signs at the provider would run the installation
        raise Refused("sso_account")
    if identity.signed_out_at and at(claims["iat"]) <= identity.signed_out_at:
        raise TokenRefused("This person was signed out since it was made.")
    groups.apply(provider, identity.user, named, is_new=found is None)
    ExternalIdentity.objects.filter(pk=identity.pk).update(last_sign_in_at=timezone.now())
    identity.user.refresh_from_db()  # a first membership says where their chats go
    return identity.user


def _first(provider: IdentityProvider, claims: dict[str, Any], needs_email: bool) -> ExternalIdentity:
    email = proven_email(provider, claims)
    if needs_email and not email:
        raise Refused("sso_email")
    user = User.objects.filter(email=email).first() if email else None
    if user is not None and not _may_join(provider, user):
        raise Refused("sso_account")
    if user is None and provider.provision == Provision.OFF:
        raise Refused("sso_nobody")
    if user is None:
        user = _new(provider, claims, email)
    elif not Membership.objects.filter(user=user, organization=provider.organization_id).exists():
        _hand_over(provider, user)
    return ExternalIdentity.objects.create(provider=provider, subject=claims["sub"], user=user)


def proven_email(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """The address in lower case, if the provider proves it and its domain is the provider's; else empty."""
    email, is_proven = claims.get("email"), claims.get("email_verified", provider.trusts_email)
    if not isinstance(email, str) or is_proven not in (True, "true"):
        return ""
    try:
        email = checked_email(email.strip())
    except Invalid:
        return ""
    return email if domain_of(email) in provider.domains else ""


def is_operator(user: User) -> bool:
    """Whether they run the installation, or part of it: they sign in by password alone."""
    return user.is_staff or user.is_superuser


def _may_join(provider: IdentityProvider, user: User) -> bool:
    if is_operator(user) or user.is_guest:
        return False
    if provider.identities.filter(user=user).exists():  # somebody else had the address, or the subjects were changed
        return False
    owned = Membership.objects.filter(user=user, role=Role.OWNER).exclude(organization=provider.organization_id)
    return not owned.exists()


def _hand_over(provider: IdentityProvider, user: User) -> None:
    """Nobody in the organization knows whose account this was: it may have been made, in another one, by who has its
    password. It is the proven person's from now on, and every other way in ends."""
    log.warning("User %s was joined by identity provider %s: other ways in have ended", user.pk, provider.slug)
    user.set_unusable_password()
    user.organization_id = provider.organization_id  # where their chats go: never where a stranger put them
    user.save(update_fields=["password", "organization"])
    by = audit.provider(provider.pk)
    noting.sign_out_everywhere(user, by=by, by_provider=True)
    keys.revoke(list(user.keys.all()), by=by)
    user.external_identities.all().delete()


def _new(provider: IdentityProvider, claims: dict[str, Any], email: str) -> User:
    id = uuid4()
    name = claims.get("name") or claims.get("preferred_username")
    is_name = isinstance(name, str) and name.isprintable()
    fields = {"name": str(name).strip()[:NAME_MAX_CHARS] if is_name else ""}
    user = User.objects.create_user(email or f"{id}@{provider.slug}.invalid", id=id, **fields)
    made_person(user, by=audit.provider(provider.pk), organization_id=provider.organization_id)
    return user


def at(seconds: float) -> datetime:
    """The time that a token gives in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)

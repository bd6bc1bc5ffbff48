"""What a person's groups make of their membership: given, changed and taken here alone, and only what came from here.

A membership that a person gave stays as it is. The last owner stays too. An ID token without the groups claim names
none, where the row has groups: Keycloak leaves out a claim that is empty. Not so where it says that there are too many
to name (Entra's overage). Other tokens without the claim change nothing: they are not about the person's groups.
"""

from typing import Any

from accounts import audit
from accounts.models import IdentityProvider, Membership, Organization, Provision, Role, User
from accounts.organizations.noting import joined
from accounts.organizations.services import end_membership, is_last_owner, set_role
from accounts.permissions import RANK
from accounts.sso.errors import Refused


def apply(provider: IdentityProvider, user: User, groups: list[str] | None, *, is_new: bool) -> None:
    """Make the membership what the groups say; None: they say nothing. Within the caller's transaction.

    Raises Refused for a new person whom nothing gives a role.
    """
    if provider.provision != Provision.MEMBERS:
        return
    Organization.objects.select_for_update().get(pk=provider.organization_id)
    current = Membership.objects.filter(organization=provider.organization_id, user=user).first()
    if groups is None and (current or not is_new):
        return
    role = role_of(provider, groups or [])
    if current is None:
        _join(provider, user, role, is_new)
    elif current.source == provider.pk:
        _change(current, role, by=audit.provider(provider.pk))


def named(provider: IdentityProvider, claims: dict[str, Any], *, is_id_token: bool) -> list[str] | None:
    """The groups that the claims name; None: they say nothing of groups."""
    found = _claim(claims, provider.groups_claim)
    if isinstance(found, str):
        return [found]
    if isinstance(found, list):
        return [each for each in found if isinstance(each, str)]
    names_none = found is None and is_id_token and provider.groups and not _has_too_many(claims)
    return [] if names_none else None


def _claim(claims: dict[str, Any], name: str) -> Any:
    """`groups`, or `realm_access.roles` for one in an object."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    return found


def _has_too_many(claims: dict[str, Any]) -> bool:
    return "_claim_names" in claims or bool(claims.get("hasgroups"))


def role_of(provider: IdentityProvider, groups: list[str]) -> Role | None:
    """The highest role that one of the groups gives, else what everybody has; None: no role."""
    given = [Role(provider.groups[each]) for each in groups if each in provider.groups]
    given += [Role(provider.default_role)] if provider.default_role else []
    return max(given, key=lambda role: RANK[role], default=None)


def _join(provider: IdentityProvider, user: User, role: Role | None, is_new: bool) -> None:
    if role is None and is_new:
        raise Refused("sso_no_group")
    if role is not None:
        place, by = provider.organization_id, provider.pk
        membership = Membership.objects.create(organization_id=place, user=user, role=role, source=by)
        joined(membership, by=audit.provider(by))


def _change(current: Membership, role: Role | None, *, by: audit.Actor) -> None:
    if role == current.role or is_last_owner(current):
        return
    if role is None:
        end_membership(current, by=by)
    else:
        set_role(current, role, source=current.source, by=by)

"""People whom servers and admins make, look at and deactivate. Never operators: those are the admin's.

An operator may all of it within reach. Where PEOPLE_BY=admins, an organization's admin may it for people of their own
organizations alone: whom another organization shares, they can only invite and remove. By an API key nobody's password
is replaced: a key that is lost must not be a way to sign in as others.
"""

import logging
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts.errors import Conflict, NotAllowed, refuse
from accounts.models import Membership, Organization, Role, User
from accounts.organizations import noting
from accounts.organizations.services import require_admin, require_other_owner, require_reach
from accounts.permissions import PERMISSIONS, RANK
from accounts.sign_in import tries
from accounts.sign_in.noting import home_of

HOUR_S = 3600
log = logging.getLogger(__name__)
ADMINS = [role for role, has in PERMISSIONS.items() if "admin" in has]
MAY_ADD, MAY_CHANGE = "accounts.add_user", "accounts.change_user"


def is_operator(actor: User, permission: str) -> bool:
    """Whether they run the installation, with this permission of the admin's."""
    return actor.is_staff and actor.has_perm(permission)


@transaction.atomic
def make_person(
    *, actor: User, email: str, organization: Organization | None, role: Role, **fields: str
) -> tuple[User, bool]:
    """The person of that address, and whether they are new. A new one has no password and joins the organization.

    Whoever is there already keeps name and role. Only operators add somebody who is there to an organization without
    asking: else Conflict `invite_instead`. Raises NotAllowed, TooMany, Invalid.
    """
    by_operator = is_operator(actor, MAY_ADD)
    _require_may_make(actor, organization, role, by_operator)
    person = User.objects.filter(email=email).first()
    is_new = person is None
    if person is None:
        tries.take("people", str(actor.pk), limit=settings.PEOPLE_PER_HOUR, window_s=HOUR_S)
        person, is_new = _made(email, fields)
        if is_new:
            noting.made_person(person, by=actor, organization_id=organization.pk if organization else None)
    if person.is_guest:
        raise refuse("email", "Expected the address of a person: this one is a guest's.")
    if organization is not None:
        _join(actor, person, organization, role, may_add=is_new or by_operator)
    return person, is_new


def _require_may_make(actor: User, organization: Organization | None, role: Role, by_operator: bool) -> None:
    if organization is not None:
        require_admin(actor, organization)
        own = Membership.objects.get(user=actor.pk, organization=organization)
        require_reach(Role(own.role), role)
    if by_operator:
        return
    if settings.PEOPLE_BY != "admins":
        told = "People are made by operators here (PEOPLE_BY): invite them instead, or ask an operator."
        raise NotAllowed(told, code="people_by")
    if organization is None:
        raise refuse("organization", "Expected an organization that you administer.")


def _made(email: str, fields: dict[str, str]) -> tuple[User, bool]:
    try:
        with transaction.atomic():
            return User.objects.create_user(email, None, **fields), True
    except IntegrityError:  # somebody was quicker
        return User.objects.get(email=email), False


def _join(actor: User, person: User, organization: Organization, role: Role, *, may_add: bool) -> None:
    if Membership.objects.filter(user=person, organization=organization).exists():
        return
    if not may_add:
        told = "Somebody signs in with this address and is no member: POST to the organization's invitations/ instead."
        raise Conflict(told, code="invite_instead")
    membership, is_new = Membership.objects.get_or_create(
        user=person, organization=organization, defaults={"role": role}
    )
    if is_new:
        noting.joined(membership, by=actor)


def people_seen_by(actor: User) -> QuerySet[User]:
    """People of the actor's organizations; for operators those of none too. By an API key, of its organization."""
    people = User.objects.filter(is_guest=False)
    if actor.is_superuser and actor.key is None:
        return people
    seen = Q(pk__in=Membership.objects.visible_to(actor).values("user"))
    return people.filter(seen | Q(memberships=None) if is_operator(actor, MAY_CHANGE) else seen)


def require_may_look(actor: User, person: User) -> None:
    """Raise NotAllowed for who administers no organization of the person's."""
    if not is_operator(actor, MAY_CHANGE) and not _administered(actor).filter(memberships__user=person).exists():
        raise NotAllowed("Your role does not include this: it needs an admin of an organization of theirs.")


def require_may_manage(actor: User, person: User) -> None:
    """Raise NotAllowed for who may not decide what the person is called, and whether they sign in."""
    require_may_look(actor, person)
    if person.is_staff or person.is_superuser:
        raise NotAllowed("This person runs the installation: operators are changed in the admin alone.")
    if is_operator(actor, MAY_CHANGE):
        return
    if settings.PEOPLE_BY != "admins":
        told = "People are managed by operators here (PEOPLE_BY): end their membership instead, or ask an operator."
        raise NotAllowed(told, code="people_by")
    _require_within(_own_roles(actor), person)


def require_may_link(actor: User, person: User) -> None:
    """Raise NotAllowed for who may not make a link by which the person sets a password.

    Whom an identity provider vouches for, it alone lets in, unless an operator says otherwise. A key makes links for
    first passwords.
    """
    require_may_manage(actor, person)
    if actor.key is None and is_operator(actor, MAY_CHANGE):
        return
    if person.external_identities.exists():
        told = "They sign in with an identity provider: an operator alone makes a link for them, and by no API key."
        raise NotAllowed(told, code="signs_in_elsewhere")
    if actor.key is None:
        return
    if person.has_usable_password():
        told = "They have a password: an API key makes links for a first one alone."
        raise NotAllowed(told, code="has_password")
    _require_within(Membership.objects.visible_to(actor).filter(user=actor.pk), person)


def _require_within(memberships: QuerySet[Membership], person: User) -> None:
    """Raise NotAllowed for who is outside of the organizations of these memberships, or above one."""
    own = dict(memberships.values_list("organization", "role"))
    theirs = Membership.objects.filter(user=person).values_list("organization", "role")
    if any(RANK[Role(role)] > RANK[Role(own.get(place, Role.VIEWER))] or place not in own for place, role in theirs):
        told = "They are in another organization too, or their role is above yours: end their membership instead."
        raise NotAllowed(told, code="not_only_yours")


@transaction.atomic
def change_person(*, actor: User, person: User, name: str | None = None, active: bool | None = None) -> User:
    """The same with another name, or deactivated: all that they are signed in to ends, and their keys open nothing.

    Raises NotAllowed, also for who is no operator and activates somebody: it may be an operator who deactivated them.
    Conflict for oneself and for an organization's last owner.
    """
    require_may_manage(actor, person)
    if name is not None:
        person.name = name
        person.save(update_fields=["name"])
    if active is not None and active != person.is_active:
        _activate(actor, person) if active else _deactivate(actor, person)
    if name is not None or active is not None:
        fields = [field for field, value in (("is_active", active), ("name", name)) if value is not None]
        noting.person_changed(person, fields, by=actor, organization_id=home_of(person.pk))
    return person


def _activate(actor: User, person: User) -> None:
    if not is_operator(actor, MAY_CHANGE):
        raise NotAllowed("Who is deactivated is activated by operators alone: ask one.", code="by_operators")
    log.warning("User %s was activated by %s", person.pk, actor.pk)
    person.is_active = True
    person.save(update_fields=["is_active"])


def _deactivate(actor: User, person: User) -> None:
    if person.pk == actor.pk:
        raise Conflict("Nobody deactivates themselves: ask another admin.", code="oneself")
    owned = Membership.objects.filter(user=person, role=Role.OWNER)
    list(Organization.objects.select_for_update().filter(pk__in=owned.values("organization")).order_by("pk"))
    for each in owned:
        require_other_owner(each)
    log.warning("User %s was deactivated by %s", person.pk, actor.pk)
    person.is_active = False
    person.save(update_fields=["is_active"])
    person.end_sessions()


def _own_roles(actor: User) -> QuerySet[Membership]:
    """The actor's memberships as an admin, within reach."""
    return Membership.objects.visible_to(actor).filter(user=actor.pk, role__in=ADMINS)


def _administered(actor: User) -> QuerySet[Any]:
    return Organization.objects.filter(pk__in=_own_roles(actor).values("organization"))

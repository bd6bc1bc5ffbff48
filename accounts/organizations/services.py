"""What happens to organizations, projects and their members: each function is one transaction and checks its rules.

Members, names and projects are changed by those whose role includes admin. Nobody gives a role above their own, or
touches somebody whose role is above it, and an organization always has an owner.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.counts import require_room
from accounts.errors import Conflict, Invalid, NotAllowed
from accounts.models import Invitation, Membership, Organization, Project, ProjectMember, Role, User
from accounts.organizations import noting
from accounts.organizations.zones import check_zone
from accounts.permissions import PERMISSIONS, RANK, permissions_in, require, role_in

# What else is done for an organization that people make, by the rooms above: it begins with a budget.
AT_BEGINNING: list[Callable[[Organization], None]] = []
# What a field of an organization may be, where the rule stands in an app above: each gives what is stored, or raises.
CHECKS: dict[str, Callable[[Any], Any]] = {"timezone": check_zone}
# Asked before an organization or a project is deleted, by the rooms above: whether something in it has to be kept. Then
# it is put away by now, which is out of every answer, and deleted later.
PUT_AWAY: list[Callable[[Organization | Project], bool]] = []
MAY_MAKE = "accounts.add_organization"  # given to a person in the admin, or by `manage.py allow_organizations`


@transaction.atomic
def create_organization(*, user: User, name: str) -> Organization:
    """A new organization with the user as its owner, and the budget that new ones have.

    Raises NotAllowed for who may make none, Conflict for who has made as many as one person may.
    """
    if not may_make_organizations(user):
        told = "Organizations are made by operators here, and by those whom an operator allows to. Ask one."
        raise NotAllowed(told, code="organizations_by")
    _count_one_more(user)
    organization = begin_organization(owner=user, name=name)
    for begin in AT_BEGINNING:
        begin(organization)
    return organization


def begin_organization(*, owner: User, name: str) -> Organization:
    """A new organization with its owner, whoever they are. For those who run the installation: it has no budget."""
    organization = Organization.objects.create(name=name)
    Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
    noting.organization_told("organization.made", organization, by=owner)
    return organization


def may_make_organizations(user: User) -> bool:
    """Whether they may: operators, those whom one has allowed to, and with ORGANIZATIONS_BY=everyone everyone."""
    if user.is_guest:
        return False
    return user.is_staff or settings.ORGANIZATIONS_BY == "everyone" or user.has_perm(MAY_MAKE)


def _count_one_more(user: User) -> None:
    """Count what they made, ever: who deletes one gets no other. Operators make as many as they like."""
    most = settings.ORGANIZATIONS_PER_PERSON
    if user.is_staff or not most:
        return
    has_room = User.objects.filter(pk=user.pk, organizations_made__lt=most)
    if not has_room.update(organizations_made=F("organizations_made") + 1):
        told = f"You have made {most} organizations, which is as many as one person may. Ask an operator for another."
        raise Conflict(told, code="too_many_organizations")


@transaction.atomic
def change_organization(*, actor: User, organization: Organization, **changes: Any) -> Organization:
    """The same with another name, time zone, or other models that answer where the chosen one cannot."""
    require_admin(actor, organization)
    for name, value in changes.items():
        setattr(organization, name, CHECKS[name](value) if name in CHECKS else value)
    organization.save(update_fields=list(changes))
    noting.organization_told("organization.changed", organization, by=actor, fields=sorted(changes))
    return organization


@transaction.atomic
def delete_organization(*, actor: User, organization: Organization) -> None:
    """Remove it with everything in it. Owners only."""
    if role_in(actor, organization=organization) != Role.OWNER:
        raise NotAllowed("Only an owner may delete an organization.")
    noting.organization_told("organization.deleted", organization, by=actor)
    delete_place(organization)


@transaction.atomic
def add_member(*, actor: User, organization: Organization, user: User, role: Role) -> Membership:
    """Make the user a member without asking them, which operators may. Raises Conflict if they are one.

    Everybody else invites: whom one could just add would find their chats in a stranger's organization.
    """
    require_admin(actor, organization)
    require_operator(actor)
    require_reach(role_in(actor, organization=organization), role)
    membership, is_new = Membership.objects.get_or_create(organization=organization, user=user, defaults={"role": role})
    if not is_new:
        raise Conflict("This person is a member already. Change their role instead.", code="already_member")
    noting.joined(membership, by=actor)
    return membership


@transaction.atomic
def change_role(*, actor: User, membership: Membership, role: Role) -> Membership:
    """Give the member another role."""
    current = _locked(membership)
    require_admin(actor, current.organization_id)
    require_reach(role_in(actor, organization=current.organization_id), role, Role(current.role))
    if role != Role.OWNER:
        require_other_owner(current)
    return set_role(current, role, source=None, by=actor)


@transaction.atomic
def remove_member(*, actor: User, membership: Membership) -> None:
    """End the membership, and with it the person's roles in the organization's projects. Anybody may leave."""
    current = _locked(membership)
    if current.user_id != actor.pk:
        require_admin(actor, current.organization_id)
        require_reach(role_in(actor, organization=current.organization_id), Role(current.role))
    require_other_owner(current)
    end_membership(current, by=actor)


def set_role(membership: Membership, role: Role, *, source: UUID | None, by: Any) -> Membership:
    """Store the member's role and who gave it: a person (None), or an identity provider. The caller has checked."""
    before = membership.role
    membership.role, membership.source = role, source
    membership.save(update_fields=["role", "source"])
    noting.role_changed(membership, before, by=by)
    if "admin" not in PERMISSIONS[role]:
        _take_back_invitations(membership)
    return membership


def end_membership(membership: Membership, *, by: Any) -> None:
    """Delete it with the person's roles in projects and what they offered. The caller has checked."""
    theirs = ProjectMember.objects.filter(user=membership.user_id, project__organization=membership.organization_id)
    theirs.delete()
    _take_back_invitations(membership)
    noting.left(membership, by=by)
    membership.delete()


def is_last_owner(membership: Membership) -> bool:
    """Whether the organization would have no owner without this one."""
    owners = Membership.objects.filter(
        organization=membership.organization_id, role=Role.OWNER, user__is_active=True
    ).exclude(pk=membership.pk)
    return membership.role == Role.OWNER and not owners.exists()


@transaction.atomic
def create_project(*, actor: User, organization: Organization, name: str, description: str = "") -> Project:
    """A new project. Its repository is made at its first use."""
    require_admin(actor, organization)
    require_room(organization.projects.filter(deleted_at=None), "PROJECTS_PER_ORGANIZATION", "projects", "organization")
    project = Project.objects.create(organization=organization, name=name, description=description)
    noting.project_told("project.made", project, by=actor)
    return project


def change_project(*, actor: User, project: Project, **values: str) -> Project:
    """The same with another name or description."""
    require_project_admin(actor, project)
    for field, value in values.items():
        setattr(project, field, value)
    project.save(update_fields=list(values))
    return project


@transaction.atomic
def delete_project(*, actor: User, project: Project) -> None:
    """Remove it with its members and chats."""
    require_project_admin(actor, project)
    noting.project_told("project.deleted", project, by=actor)
    delete_place(project)


@transaction.atomic
def delete_place(row: Organization | Project) -> None:
    """Remove it with everything in it, or put it away. For whoever may."""
    if not any(is_put_away(row) for is_put_away in PUT_AWAY):
        row.delete()


@transaction.atomic
def add_project_member(*, actor: User, project: Project, user: User | None, role: Role) -> ProjectMember:
    """Give a member of the organization a role of their own in the project. Raises Conflict if they have one.

    `user`: None where nobody signs in with the address, which is answered as somebody from outside is.
    """
    own = require_project_admin(actor, project)
    theirs = role_in(user, organization=project.organization_id, project=project) if user else None
    if user is None or theirs is None:
        told = "This person is not a member of the project's organization: add them there first."
        raise Invalid(fields={"email": [told]})
    require_reach(own, role, theirs)
    member, is_new = ProjectMember.objects.get_or_create(project=project, user=user, defaults={"role": role})
    if not is_new:
        raise Conflict("This person has a role in the project already. Change it instead.", code="already_member")
    noting.project_role_changed(member, by=actor, role=role, before=None)
    return member


@transaction.atomic
def change_project_role(*, actor: User, member: ProjectMember, role: Role) -> ProjectMember:
    """Give the project's member another role in it."""
    own = require_project_admin(actor, member.project)
    require_reach(own, role, Role(member.role))
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    noting.project_role_changed(member, by=actor, role=role, before=before)
    return member


@transaction.atomic
def remove_project_member(*, actor: User, member: ProjectMember) -> None:
    """Take the role in the project back: what the person's membership gives decides again.

    Nobody does that for themselves but admins: a role in a project may be lower than what would then decide.
    """
    own = require_project_admin(actor, member.project)
    after = role_in(member.user, organization=member.project.organization_id)
    require_reach(own, Role(member.role), after or Role.VIEWER)
    noting.project_role_changed(member, by=actor, role=None, before=member.role)
    member.delete()


def require_admin(actor: User, organization: Organization | UUID) -> None:
    """Raise NotAllowed unless the actor may change the organization and its members."""
    require(permissions_in(actor, organization=organization), "admin")


def require_operator(actor: User) -> None:
    """Raise NotAllowed for who does not run the installation, whomever they name."""
    if not actor.is_staff:
        told = "People join when they accept an invitation: POST to the organization's invitations/ instead."
        raise NotAllowed(told, code="invite_instead")


def require_project_admin(actor: User, project: Project) -> Role:
    """The highest role that lets the actor run the project: in it, or in its organization.

    The organization's admins always can, so that no project is left with nobody who may change it.
    """
    inside = role_in(actor, organization=project.organization_id, project=project)
    above = role_in(actor, organization=project.organization_id)
    role = max((role for role in (inside, above) if role), key=lambda role: RANK[role], default=Role.VIEWER)
    if RANK[role] < RANK[Role.ADMIN]:
        raise NotAllowed("Your role does not include this: it needs the permission to administer the project.")
    return role


def require_reach(own: Role | None, *roles: Role) -> None:
    """Raise NotAllowed if one of the roles is above the actor's own."""
    if own is None or any(RANK[role] > RANK[own] for role in roles):
        raise NotAllowed("Your own role does not reach that far: nobody gives or takes a role above their own.")


def _take_back_invitations(membership: Membership) -> None:
    """What somebody offered who may not any more holds no longer."""
    theirs = Invitation.objects.live().filter(organization=membership.organization_id, invited_by=membership.user_id)
    theirs.update(revoked_at=timezone.now())


def _locked(membership: Membership) -> Membership:
    """The membership as it is now, while no other change of this organization's members can happen."""
    Organization.objects.select_for_update().get(pk=membership.organization_id)
    current = Membership.objects.select_related("user").filter(pk=membership.pk).first()
    if current is None:
        raise Conflict("This person is no longer a member.")
    return current


def require_other_owner(membership: Membership) -> None:
    """Raise Conflict if this is the organization's last owner."""
    if is_last_owner(membership):
        raise Conflict("An organization needs an owner: make somebody else one first.", code="last_owner")

"""What happens to organizations, projects and their members: each function is one transaction and checks its rules.

Members, names and projects are changed by those whose role includes admin. Nobody gives a role above their own, or
touches somebody whose role is above it, and an organization always has an owner.
"""

from uuid import UUID

from django.db import transaction

from accounts.errors import Conflict, Invalid, NotAllowed
from accounts.models import Membership, Organization, Project, ProjectMember, Role, User
from accounts.permissions import RANK, permissions_in, require, role_in


@transaction.atomic
def create_organization(*, user: User, name: str) -> Organization:
    """A new organization with the user as its owner."""
    organization = Organization.objects.create(name=name)
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
    return organization


def rename_organization(*, actor: User, organization: Organization, name: str) -> Organization:
    """The same with another name."""
    require_admin(actor, organization)
    organization.name = name
    organization.save(update_fields=["name"])
    return organization


@transaction.atomic
def delete_organization(*, actor: User, organization: Organization) -> None:
    """Remove it with everything in it. Owners only."""
    if role_in(actor, organization=organization) != Role.OWNER:
        raise NotAllowed("Only an owner may delete an organization.")
    organization.delete()


@transaction.atomic
def add_member(*, actor: User, organization: Organization, user: User, role: Role) -> Membership:
    """Make the user a member. Raises Conflict if they are one."""
    require_admin(actor, organization)
    _require_reach(role_in(actor, organization=organization), role)
    membership, is_new = Membership.objects.get_or_create(organization=organization, user=user, defaults={"role": role})
    if not is_new:
        raise Conflict("This person is a member already. Change their role instead.", code="already_member")
    return membership


@transaction.atomic
def change_role(*, actor: User, membership: Membership, role: Role) -> Membership:
    """Give the member another role."""
    current = _locked(membership)
    require_admin(actor, current.organization_id)
    _require_reach(role_in(actor, organization=current.organization_id), role, Role(current.role))
    if role != Role.OWNER:
        _require_other_owner(current)
    current.role = role
    current.save(update_fields=["role"])
    return current


@transaction.atomic
def remove_member(*, actor: User, membership: Membership) -> None:
    """End the membership, and with it the person's roles in the organization's projects. Anybody may leave."""
    current = _locked(membership)
    if current.user_id != actor.pk:
        require_admin(actor, current.organization_id)
        _require_reach(role_in(actor, organization=current.organization_id), Role(current.role))
    _require_other_owner(current)
    ProjectMember.objects.filter(user=current.user_id, project__organization=current.organization_id).delete()
    current.delete()


def create_project(*, actor: User, organization: Organization, name: str, description: str = "") -> Project:
    """A new project. Its repository is made at its first use."""
    require_admin(actor, organization)
    return Project.objects.create(organization=organization, name=name, description=description)


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
    project.delete()


@transaction.atomic
def add_project_member(*, actor: User, project: Project, user: User, role: Role) -> ProjectMember:
    """Give a member of the organization a role of their own in the project. Raises Conflict if they have one."""
    own = require_project_admin(actor, project)
    theirs = role_in(user, organization=project.organization_id, project=project)
    if theirs is None:
        told = "This person is not a member of the project's organization: add them there first."
        raise Invalid(fields={"email": [told]})
    _require_reach(own, role, theirs)
    member, is_new = ProjectMember.objects.get_or_create(project=project, user=user, defaults={"role": role})
    if not is_new:
        raise Conflict("This person has a role in the project already. Change it instead.", code="already_member")
    return member


@transaction.atomic
def change_project_role(*, actor: User, member: ProjectMember, role: Role) -> ProjectMember:
    """Give the project's member another role in it."""
    own = require_project_admin(actor, member.project)
    _require_reach(own, role, Role(member.role))
    member.role = role
    member.save(update_fields=["role"])
    return member


@transaction.atomic
def remove_project_member(*, actor: User, member: ProjectMember) -> None:
    """Take the role in the project back: what the person's membership gives decides again.

    Nobody does that for themselves but admins: a role in a project may be lower than what would then decide.
    """
    own = require_project_admin(actor, member.project)
    after = role_in(member.user, organization=member.project.organization_id)
    _require_reach(own, Role(member.role), after or Role.VIEWER)
    member.delete()


def require_admin(actor: User, organization: Organization | UUID) -> None:
    """Raise NotAllowed unless the actor may change the organization and its members."""
    require(permissions_in(actor, organization=organization), "admin")


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


def _require_reach(own: Role | None, *roles: Role) -> None:
    """Raise NotAllowed if one of the roles is above the actor's own."""
    if own is None or any(RANK[role] > RANK[own] for role in roles):
        raise NotAllowed("Your own role does not reach that far: nobody gives or takes a role above their own.")


def _locked(membership: Membership) -> Membership:
    """The membership as it is now, while no other change of this organization's members can happen."""
    Organization.objects.select_for_update().get(pk=membership.organization_id)
    current = Membership.objects.select_related("user").filter(pk=membership.pk).first()
    if current is None:
        raise Conflict("This person is no longer a member.")
    return current


def _require_other_owner(membership: Membership) -> None:
    """Raise Conflict if this is the organization's last owner."""
    owners = Membership.objects.filter(
        organization=membership.organization_id, role=Role.OWNER, user__is_active=True
    ).exclude(pk=membership.pk)
    if membership.role == Role.OWNER and not owners.exists():
        raise Conflict("An organization needs an owner: make somebody else one first.", code="last_owner")

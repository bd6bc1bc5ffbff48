"""What each role may do, and what a person may do in an organization or project."""

from typing import Any, Literal
from uuid import UUID

from django.db.models import CharField, OuterRef, Subquery

from accounts.db.compiled import Compiled
from accounts.errors import NotAllowed
from accounts.models import Membership, Organization, Project, ProjectMember, Role, User

Permission = Literal["read", "write", "deploy", "admin"]
Permissions = frozenset[Permission]

NOTHING: Permissions = frozenset()
PERMISSIONS: dict[Role, Permissions] = {
    Role.VIEWER: frozenset({"read"}),
    Role.EDITOR: frozenset({"read", "write", "deploy"}),
    Role.ADMIN: frozenset({"read", "write", "deploy", "admin"}),
    Role.OWNER: frozenset({"read", "write", "deploy", "admin"}),
}
RANK = {role: rank for rank, role in enumerate(Role)}  # viewer lowest, owner highest


def permissions_in(
    user: User, *, organization: Organization | UUID, project: Project | UUID | None = None
) -> Permissions:
    """What the user may do there; empty for who is outside or inactive. One query."""
    role = role_in(user, organization=organization, project=project)
    return PERMISSIONS[role] if role else NOTHING


def role_in(user: User, *, organization: Organization | UUID, project: Project | UUID | None = None) -> Role | None:
    """The user's role there, or None for who is outside.

    A ProjectMember row decides in its project, the Membership elsewhere. Without a Membership there is nothing: a
    forgotten ProjectMember row does not let anybody in. By an API key there is nothing outside its organization.
    """
    place = organization.pk if isinstance(organization, Organization) else organization
    if not user.reaches(place):
        return None
    inside = project.pk if isinstance(project, Project) else project
    found = _roles.first(user.pk, place, inside or NOWHERE)
    return Role(found[0] or found[1]) if found else None


def _memberships(user: UUID, organization: UUID, project: UUID) -> Any:
    in_project = ProjectMember.objects.filter(
        user_id=user, project_id=project, project__organization=OuterRef("organization")
    )
    theirs = Membership.objects.filter(user_id=user, user__is_active=True, organization_id=organization)
    role = Subquery(in_project.values("role")[:1], output_field=CharField())
    return theirs.annotate(project_role=role).values_list("project_role", "role")


NOWHERE = UUID(int=0)  # no project has this id
_roles: Compiled[tuple[str | None, str]] = Compiled(_memberships, UUID, UUID, UUID)


def permissions_within(user: User, organization: UUID) -> Permissions:
    """What the user may do somewhere in the organization: outside of its projects, or in one of them. Two queries."""
    role = role_in(user, organization=organization)
    if role is None:
        return NOTHING
    inside = ProjectMember.objects.filter(user=user, project__organization=organization)
    roles = {role, *map(Role, inside.values_list("role", flat=True).distinct().order_by())}
    return NOTHING.union(*(PERMISSIONS[each] for each in roles))


def role_with(permissions: Permissions) -> Role | None:
    """The least role that includes all of these; None for none. Admins and owners may do the same."""
    return next((role for role in Role if permissions <= PERMISSIONS[role]), None) if permissions else None


def require(permissions: frozenset[Permission] | frozenset[str], needed: Permission) -> None:
    """Raise NotAllowed, naming what is missing, unless it is there."""
    if needed not in permissions:
        raise NotAllowed(f"Your role does not include this: it needs the permission to {SAYING[needed]}.")


SAYING: dict[Permission, str] = {
    "read": "read",
    "write": "write",
    "deploy": "deploy",
    "admin": "administer (members, settings, budgets)",
}

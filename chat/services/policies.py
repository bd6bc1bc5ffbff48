"""Tool policies: making, changing and deleting them. All of it needs admin where they hold. Sync."""

import logging
import re
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.counts import require_room
from accounts.errors import Conflict, NotFound, refuse
from accounts.models import Membership, Organization, Project, ProjectMember, Role, User
from accounts.permissions import permissions_in, require
from chat.models import Decision, ToolPolicy
from chat.models.policies import ToolPolicyQuerySet

log = logging.getLogger(__name__)

PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\*?|\*")
EXPECTED = _("Expected a tool's name, such as write_file, or the beginning of names and a star, such as github_*.")
ONLY_STRICTER = _("Expected ask or deny: a project's rule only makes what holds in its organization stricter.")
ADMINS = (Role.ADMIN, Role.OWNER)


def administered_by(user: User) -> ToolPolicyQuerySet:
    """The policies of the organizations and projects that the user administers."""
    organizations = Membership.objects.filter(user=user, role__in=ADMINS).values("organization")
    projects = ProjectMember.objects.filter(user=user, role__in=ADMINS).values("project")
    rows = ToolPolicy.objects.visible_to(user)
    return rows.filter(Q(organization__in=organizations) | Q(project__in=projects))


def policies_of(user: User, organization: UUID | None, project: UUID | None) -> ToolPolicyQuerySet:
    """Those of an organization and its projects, or of one project, or all that the user administers.

    Raises NotFound for a place that one does not see, NotAllowed for one that one does not administer.
    """
    rows = administered_by(user)
    if organization is not None:
        require(permissions_in(user, organization=place(user, organization)), "admin")
        rows = ToolPolicy.objects.filter(organization=organization)
    if project is not None:
        inside = project_of(user, project)
        require(permissions_in(user, organization=inside.organization_id, project=inside), "admin")
        rows = rows.filter(project=inside)
    return rows


def get_policy(user: User, id: UUID) -> ToolPolicy:
    """The policy, if the user administers where it holds. Raises NotFound, NotAllowed."""
    policy = ToolPolicy.objects.visible_to(user).filter(pk=id).first()
    if policy is None:
        raise NotFound
    require(permissions_in(user, organization=policy.organization_id, project=policy.project_id), "admin")
    return policy


@transaction.atomic
def create_policy(
    *, user: User, pattern: str, decision: str, role: str = "", organization: UUID | None = None,
    project: UUID | None = None,
) -> ToolPolicy:  # fmt: skip
    """Make a rule, of an organization or of one of its projects.

    Raises Conflict where there is one for the same tools and role, or where there are too many.
    """
    where, inside = place_of(user, organization, project)
    require(permissions_in(user, organization=where, project=inside), "admin")
    _check(pattern, decision, is_projects=inside is not None)
    of_place = ToolPolicy.objects.filter(organization=where, project=inside)
    kind = "project" if inside else "organization"
    require_room(of_place, "TOOL_POLICIES_PER_ORGANIZATION", "policies", kind)
    made = ToolPolicy(
        organization=where, project=inside, pattern=pattern, role=role, decision=Decision(decision), created_by=user
    )
    _saved(made, force_insert=True)
    log.info("tool policy %s made by %s: %s", made.pk, user.pk, _told(made))
    note("made", made, by=user)
    return made


@transaction.atomic
def change_policy(*, user: User, policy: ToolPolicy, **changes: str) -> ToolPolicy:
    """Set its pattern, role or decision. Of a policy that came from `get_policy`.

    Raises NotFound where somebody has deleted it meanwhile, Conflict where there is another like it.
    """
    row = _locked(policy)
    old = _told(row)
    for name, value in changes.items():
        setattr(row, name, value)
    _check(row.pattern, row.decision, is_projects=row.project_id is not None)
    _saved(row, update_fields=[*changes, "updated_at"])
    log.info("tool policy %s changed by %s: %s, was %s", row.pk, user.pk, _told(row), old)
    note("changed", row, by=user)
    return row


@transaction.atomic
def delete_policy(*, user: User, policy: ToolPolicy) -> None:
    """Take the rule away. Of a policy that came from `get_policy`. Raises NotFound where somebody has meanwhile."""
    row = _locked(policy)
    log.info("tool policy %s deleted by %s: was %s", row.pk, user.pk, _told(row))
    note("deleted", row, by=user)
    row.delete()


def note(change: str, policy: ToolPolicy, *, by: Any) -> None:
    """Tell the audit log that the rule was made, changed or deleted, and what it says."""
    rule = {"decision": policy.decision, "pattern": policy.pattern, "role": policy.role, "project": policy.project_id}
    audit.record(
        "rule.changed", actor=by, organization_id=policy.organization_id, object_type="tool_policy",
        object_id=policy.pk, detail={"change": change, **rule},
    )  # fmt: skip


def place(user: User, id: UUID) -> Organization:
    """The organization. Raises NotFound for one that the user does not see."""
    found = Organization.objects.visible_to(user).filter(pk=id).first()
    if found is None:
        raise NotFound(fields={"organization": ["There is no such organization, or you may not see it."]})
    return found


def project_of(user: User, id: UUID) -> Project:
    """The project. Raises NotFound for one that the user does not see."""
    found = Project.objects.visible_to(user).filter(pk=id).select_related("organization").first()
    if found is None:
        raise NotFound(fields={"project": ["There is no such project, or you may not see it."]})
    return found


def fault_of(pattern: str, decision: str, *, is_projects: bool) -> dict[str, Any]:
    """What is wrong with a rule, by field."""
    faults = {} if PATTERN.fullmatch(pattern) else {"pattern": EXPECTED}
    if is_projects and decision == Decision.ALLOW:
        faults["decision"] = ONLY_STRICTER
    return faults


def place_of(user: User, organization: UUID | None, project: UUID | None) -> tuple[Organization, Project | None]:
    """The organization, and the project where one is named. Raises NotFound, or Invalid where they do not fit."""
    if project is None:
        if organization is None:
            raise refuse("organization", "Expected an organization, or a project.")
        return place(user, organization), None
    inside = project_of(user, project)
    if organization not in (None, inside.organization_id):
        raise refuse("project", "Expected a project of that organization.")
    return inside.organization, inside


def _check(pattern: str, decision: str, *, is_projects: bool) -> None:
    for field, told in fault_of(pattern, decision, is_projects=is_projects).items():
        raise refuse(field, str(told))


def _locked(policy: ToolPolicy) -> ToolPolicy:
    row = ToolPolicy.objects.select_for_update().filter(pk=policy.pk).first()
    if row is None:
        raise NotFound
    return row


def _told(policy: ToolPolicy) -> str:
    """A rule in a line of the log."""
    place = f"project {policy.project_id}" if policy.project_id else f"organization {policy.organization_id}"
    return f"{policy.decision} {policy.pattern} for {policy.role or 'everybody'} in {place}"


def _saved(policy: ToolPolicy, **how: Any) -> ToolPolicy:
    try:
        with transaction.atomic():
            policy.save(**how)
    except IntegrityError:
        told = "There is a rule for these tools and this role here already: change that one."
        raise Conflict(told, code="policy_exists", fields={"pattern": [told]}) from None
    return policy

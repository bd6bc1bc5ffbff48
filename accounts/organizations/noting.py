"""What the audit log is told of organizations and their people. Sync; within the transaction of what it tells of."""

from typing import Any
from uuid import UUID

from accounts import audit
from accounts.models import Invitation, Membership, Organization, Project, ProjectMember, User


def joined(membership: Membership, *, by: Any) -> None:
    """Somebody is a member from now on."""
    _of_member("member.added", membership, by, role=membership.role)


def left(membership: Membership, *, by: Any) -> None:
    """Somebody is none any more. To be told before the row goes."""
    _of_member("member.removed", membership, by, role=membership.role)


def role_changed(membership: Membership, before: str, *, by: Any) -> None:
    """A member has another role."""
    _of_member("role.changed", membership, by, role=membership.role, before=before)


def project_role_changed(member: ProjectMember, *, by: Any, role: str | None, before: str | None) -> None:
    """Somebody has another role in a project; None: none of their own there."""
    about = {"user": member.user_id, "project": member.project_id}
    audit.record(
        "role.changed", actor=by, organization_id=member.project.organization_id, object_type="project_member",
        object_id=member.pk, detail={**about, "role": role, "before": before},
    )  # fmt: skip


def invitation_told(action: str, invitation: Invitation, *, by: Any, **detail: Any) -> None:
    """One was made, or taken back."""
    audit.record(
        action, actor=by, organization_id=invitation.organization_id, object_type="invitation",
        object_id=invitation.pk, detail=detail,
    )  # fmt: skip


def made_person(person: User, *, by: Any, organization_id: UUID | None) -> None:
    """Somebody has an account from now on."""
    audit.record("person.made", actor=by, organization_id=organization_id, object_type="user", object_id=person.pk)


def person_changed(person: User, fields: list[str], *, by: Any, organization_id: UUID | None = None) -> None:
    """These of their fields were."""
    audit.record(
        "person.changed", actor=by, organization_id=organization_id, object_type="user", object_id=person.pk,
        detail={"fields": fields},
    )  # fmt: skip


def organization_told(action: str, organization: Organization, *, by: Any, **detail: Any) -> None:
    """One was made, changed or deleted."""
    audit.record(
        action, actor=by, organization_id=organization.pk, object_type="organization", object_id=organization.pk,
        detail=detail,
    )  # fmt: skip


def project_told(action: str, project: Project, *, by: Any) -> None:
    """One was made or deleted."""
    audit.record(
        action, actor=by, organization_id=project.organization_id, object_type="project", object_id=project.pk
    )  # fmt: skip


def _of_member(action: str, membership: Membership, by: Any, **detail: Any) -> None:
    audit.record(
        action, actor=by, organization_id=membership.organization_id, object_type="membership",
        object_id=membership.pk, detail={"user": membership.user_id, **detail},
    )  # fmt: skip

"""Holds: placing and releasing them. By owners in their organization, by operators anywhere. Sync."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.errors import NotAllowed, NotFound, refuse
from accounts.models import Membership, Organization, Project, Role, User
from accounts.permissions import role_in
from chat.models import Chat, Hold, HoldScope

NONE_SUCH = "There is no such thing in this organization."


def holds_of(user: User, organization: Organization) -> QuerySet[Hold]:
    """Those that owners placed there, but none that is on the user. Raises NotAllowed for who is no owner."""
    if role_in(user, organization=organization) != Role.OWNER:
        raise NotAllowed("Only an owner may place and release holds.")
    return Hold.objects.filter(organization=organization).shown_to(user)


@transaction.atomic
def place_in(*, user: User, organization: Organization, scope: str, subject: UUID, reason: str) -> Hold:
    """A new hold of an owner's, on something in their organization."""
    holds_of(user, organization)
    if not _inside(organization, scope, subject):
        raise refuse("subject", NONE_SUCH)
    return place(scope=scope, subject=subject, reason=reason, by=user, organization=organization)


@transaction.atomic
def place(*, scope: str, subject: UUID, reason: str, by: User | None, organization: Organization | None = None) -> Hold:
    """A new hold. Without an organization it is an operator's and holds everywhere. Raises NotFound."""
    name = name_of(scope, subject)
    hold = Hold.objects.create(
        organization=organization, scope=scope, subject=subject, name=name[:300], reason=reason, by=by
    )
    note("hold.placed", hold, by)
    return hold


@transaction.atomic
def release(hold: Hold, by: User | None) -> Hold:
    """It holds no more: what it alone has kept of what was deleted goes with the next round of the chore `erasure`."""
    locked = Hold.objects.select_for_update().get(pk=hold.pk)
    if locked.released_at is None:
        locked.released_at, locked.released_by = timezone.now(), by
        locked.save(update_fields=["released_at", "released_by"])
        note("hold.released", locked, by)
    return locked


def note(action: str, hold: Hold, by: User | None) -> None:
    """In the installation's own chain: in their organization's they would read of it whom it is on."""
    actor = by if by is not None and hold.organization_id is not None else audit.operator(by)
    audit.record(
        action, actor=actor, organization_id=None, object_type="hold", object_id=hold.pk,
        detail={"scope": hold.scope},
    )  # fmt: skip


def name_of(scope: str, subject: UUID) -> str:
    """What it is called now; a chat by its owner's address, as its title is what somebody wrote. Raises NotFound."""
    tables: dict[str, Any] = {
        HoldScope.ORGANIZATION: Organization, HoldScope.USER: User, HoldScope.PROJECT: Project, HoldScope.CHAT: Chat,
    }  # fmt: skip
    row = tables[scope].objects.filter(pk=subject).first()
    if row is None:
        raise NotFound(fields={"subject": [f"There is no such {scope}."]})
    return f"{row.user}" if isinstance(row, Chat) else str(row)


def _inside(organization: Organization, scope: str, subject: UUID) -> bool:
    """Whether it is in the organization, also where it was deleted and is there still."""
    if scope == HoldScope.ORGANIZATION:
        return subject == organization.pk
    if scope == HoldScope.USER:
        is_member = Membership.objects.filter(organization=organization, user=subject).exists()
        return is_member or Chat.objects.filter(organization=organization, user=subject).exists()
    rows: Any = Project if scope == HoldScope.PROJECT else Chat
    return bool(rows.objects.filter(organization=organization, pk=subject).exists())

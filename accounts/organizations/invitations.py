"""Invitations: how people join an organization. Whoever is invited has to say yes.

An invitation is for one address, works once and expires. Its token is in a link, which is mailed, or shown to who
invites where there is no mail. Nothing here looks whether somebody signs in with the address: nobody learns that.
"""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.counts import require_room
from accounts.errors import Conflict, NotAllowed, NotFound
from accounts.models import Invitation, Membership, Organization, Role, User
from accounts.organizations import noting
from accounts.organizations.services import require_admin, require_reach
from accounts.permissions import PERMISSIONS, RANK, role_in
from accounts.sign_in import tries
from accounts.sign_in.hashed import hash_of

HOUR_S = 3600
PAGE = "/invitation/"


@transaction.atomic
def invite(*, actor: User, organization: Organization, email: str, role: Role) -> Invitation:
    """Offer the role to whoever signs in with the address. One that was open for it before is revoked.

    Raises NotAllowed, TooMany, and Conflict for who is a member or where too many are open.
    """
    require_admin(actor, organization)
    require_reach(role_in(actor, organization=organization), role)
    if Membership.objects.filter(organization=organization, user__email=email).exists():
        raise Conflict("This person is a member already. Change their role instead.", code="already_member")
    tries.take("invite", str(actor.pk), limit=settings.INVITATIONS_PER_HOUR, window_s=HOUR_S)
    Organization.objects.select_for_update().get(pk=organization.pk)
    are_open = organization.invitations.live()
    are_open.filter(email=email).update(revoked_at=timezone.now())
    require_room(are_open, "INVITATIONS_PER_ORGANIZATION", "open invitations", "organization")
    invitation = Invitation(organization=organization, email=email, role=role, invited_by=actor)
    invitation.expires_at = timezone.now() + timedelta(seconds=settings.INVITATION_LIFETIME_S)
    invitation.token_hash = hash_of(token_of(invitation.pk))
    invitation.save(force_insert=True)
    noting.invitation_told("member.invited", invitation, by=actor, role=role)
    return invitation


@transaction.atomic
def revoke(*, actor: User, invitation: Invitation) -> None:
    """Take the offer back. Raises Conflict where it was accepted: then remove the member."""
    require_admin(actor, invitation.organization_id)
    unaccepted = Invitation.objects.filter(pk=invitation.pk, accepted_at=None)
    if not unaccepted.update(revoked_at=timezone.now()):
        raise Conflict("It was accepted. End the membership instead.", code="accepted")
    noting.invitation_told("member.invitation_revoked", invitation, by=actor)


def find(user: User, token: str) -> Invitation:
    """The open invitation of that token, if it is for this person. Raises NotFound, the same for every other one."""
    live = Invitation.objects.live().select_related("organization", "invited_by")
    found = live.filter(token_hash=hash_of(token), email=user.email).first()
    if found is None or user.is_guest or not _holds(found):
        told = "There is no such invitation for you: it is used, revoked, expired, or for another address than yours."
        raise NotFound(told, code="invitation_unknown")
    return found


@transaction.atomic
def accept(*, user: User, token: str) -> Membership:
    """Join. Who is a member already keeps the role they have. Raises NotFound; NotAllowed for an API key."""
    if user.key is not None:
        raise NotAllowed("An API key joins no organization: accept as yourself.")
    tries.take("accept", str(user.pk), limit=settings.LOGIN_MAX_FAILURES_PER_IP, window_s=settings.LOGIN_WINDOW_S)
    found = find(user, token)
    if not Invitation.objects.live().filter(pk=found.pk).update(accepted_at=timezone.now()):
        raise NotFound(code="invitation_unknown")  # somebody was quicker: it works once
    membership, is_new = Membership.objects.get_or_create(
        organization=found.organization, user=user, defaults={"role": found.role}
    )
    if is_new:
        noting.joined(membership, by=user)
    return membership


def token_of(id: UUID) -> str:
    """The invitation's token: made from the server's secret, so that it need not be stored to be told."""
    return salted_hmac("accounts.models.Invitation", str(id), algorithm="sha256").hexdigest()


def link_of(invitation: Invitation) -> str:
    """Where it is accepted. In the query, which no log keeps."""
    return f"{settings.PARLEY_PUBLIC_URL}{PAGE}?{urlencode({'token': token_of(invitation.pk)})}"


def _holds(invitation: Invitation) -> bool:
    """Whether who invited may still give that role."""
    inviter = invitation.invited_by
    own = role_in(inviter, organization=invitation.organization_id) if inviter else None
    return own is not None and "admin" in PERMISSIONS[own] and RANK[own] >= RANK[Role(invitation.role)]

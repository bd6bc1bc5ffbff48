"""Where a chat goes that names no organization: where its person chose, and never where a stranger put them."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.errors import Conflict, NotAllowed, NotFound
from accounts.models import Organization, User
from accounts.permissions import PERMISSIONS

WRITERS = [role for role, has in PERMISSIONS.items() if "write" in has]


def usual_organization(user: User) -> Organization:
    """The organization that they chose or named last; where they may not write there any more, the only other one.

    Raises Conflict, which says what to send, where there are several others; NotAllowed where there is none.
    """
    theirs = _writable(user)
    chosen = theirs.filter(pk=user.organization_id).first() if user.organization_id else None
    if chosen:
        return chosen
    others = list(theirs[:2])
    if not others:
        raise NotAllowed("You may not write in any organization.")
    if len(others) > 1:
        raise Conflict(UNDECIDED, code="which_organization", fields={"organization": [UNDECIDED]})
    return others[0]


UNDECIDED = (
    "You are in several organizations, and none is chosen for chats that name none. Name a project or an organization, "
    'or choose once: PATCH /api/users/me/ {"organization": ID}.'
)


def choose_organization(user: User, id: UUID | None) -> None:
    """From now on their chats go there; None: to the only one there is. Raises NotFound where they may not write."""
    if id is not None and not _writable(user).filter(pk=id).exists():
        raise NotFound(fields={"organization": ["There is no such organization, or you may not write in it."]})
    _keep(user, id)


def remember_organization(user: User, id: UUID) -> None:
    """They named it: their chats that name none go there from now on, if they may write there."""
    if user.organization_id != id and _writable(user).filter(pk=id).exists():
        _keep(user, id)


def _keep(user: User, id: UUID | None) -> None:
    User.objects.filter(pk=user.pk).update(organization=id)
    user.organization_id = id


def _writable(user: User) -> QuerySet[Organization]:
    return Organization.objects.visible_to(user).filter(memberships__user=user.pk, memberships__role__in=WRITERS)

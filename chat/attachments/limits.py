"""How much may be attached: what one person has brought and used nowhere yet, and all of an organization. Sync."""

from django.conf import settings
from django.db.models import Count, Q, Sum

from accounts.errors import Conflict, TooMany
from accounts.models import Organization, User
from chat.models import Attachment, AttachmentState

RETRY_S = 60  # Retry-After: some of it is used or removed by then
KEPT = (AttachmentState.STORING, AttachmentState.READY)


def check_room(user: User, organization: Organization, size: int) -> None:
    """Raise TooMany or Conflict where so many bytes more find no room. Within a transaction that has locked both."""
    _check_unused(user, size)
    _check_organization(organization, size)


def _check_unused(user: User, size: int) -> None:
    """What is in no message yet: it goes by itself after a day, and until then it takes up the storage for nobody."""
    unused = Attachment.objects.filter(user=user.pk, used_at=None, state__in=KEPT)
    found = unused.aggregate(count=Count("pk"), bytes=Sum("bytes", default=0))
    if found["count"] >= settings.ATTACHMENTS_PER_USER:
        raise _too_many(f"{settings.ATTACHMENTS_PER_USER} files of yours are attached to no message yet.")
    if found["bytes"] + size > settings.ATTACHMENTS_PER_USER_BYTES:
        raise _too_many(f"Your files that are in no message yet have {settings.ATTACHMENTS_PER_USER_BYTES:,} bytes.")


def _too_many(told: str) -> TooMany:
    return TooMany(f"{told} Send or remove some first.", code="too_many_attachments", retry_after_s=RETRY_S)


def _check_organization(organization: Organization, size: int) -> None:
    most = settings.ATTACHMENTS_PER_ORGANIZATION_BYTES
    if not most:
        return
    kept = Attachment.objects.filter(Q(organization=organization), state__in=KEPT)
    if kept.aggregate(bytes=Sum("bytes", default=0))["bytes"] + size > most:
        told = f"The files of your organization's chats have {most:,} bytes already. Delete chats that nobody needs."
        raise Conflict(told, code="attachments_full")

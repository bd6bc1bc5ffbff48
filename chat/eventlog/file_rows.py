"""Files that came of tool calls as what the answer's message has, written with the events that name them."""

from uuid import UUID

from django.utils import timezone

from agents import events as ev
from chat.models import Attachment, AttachmentState, AttachmentUse, Run


def use(run_id: UUID, event: ev.ToolReturned) -> None:
    """Say that the run's answer has those of the event's files that are there: its person's, of its organization.

    Who lets go of one locks it first, as is done here: one that went meanwhile is named by the event, and gone.
    """
    if not event.attachments:
        return
    run = Run.objects.filter(pk=run_id, message__isnull=False).select_related("chat").first()
    if run is None or run.chat is None or run.message_id is None:
        return
    there = Attachment.objects.filter(
        pk__in=[each.id for each in event.attachments],
        state=AttachmentState.READY,
        user=run.user_id,
        organization=run.chat.organization_id,
    )
    found = list(there.select_for_update().order_by("pk"))
    uses = [AttachmentUse(attachment=each, message_id=run.message_id) for each in found]
    AttachmentUse.objects.bulk_create(uses, ignore_conflicts=True)
    unused = Attachment.objects.filter(pk__in=[each.pk for each in found], used_at=None)
    unused.update(used_at=timezone.now())

"""What the page says of attaching: how much may go along, and the text of what went."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from accounts.errors import NotFound
from accounts.models import User
from chat.attachments.storing import BytesGone, read_text
from chat.models import Attachment, TextState
from chat.page.pictures import megabytes

SHOWN_CHARS = 20_000  # of a text, behind its message


def limits() -> dict[str, Any]:
    """What the composer is given of the settings."""
    return {
        "most": settings.CHAT_ATTACHMENTS_MAX,
        "bytes": settings.ATTACHMENT_MAX_BYTES,
        "megabytes": megabytes(settings.ATTACHMENT_MAX_BYTES),
        "side": settings.CHAT_PICTURE_MAX_SIDE_PX,
        "seconds": settings.CHAT_RECORDING_MAX_S,
        "records": bool(getattr(settings, "TRANSCRIPTION_BASE_URL", "")),  # else nobody could read what is said
    }


@require_GET
@login_required
@cache_control(private=True, no_store=True)
def text(request: HttpRequest, id: UUID) -> HttpResponse:
    """What was read in an attachment, its beginning where it is long: the words of a sound, the text of a document."""
    assert isinstance(request.user, User)
    found = Attachment.objects.visible_to(request.user).filter(pk=id, text_state=TextState.READY).first()
    if found is None:
        raise NotFound
    try:
        whole = read_text(found.pk)
    except BytesGone:
        raise NotFound from None
    shown = whole if len(whole) <= SHOWN_CHARS else f"{whole[:SHOWN_CHARS]}…"
    return HttpResponse(shown, content_type="text/plain; charset=utf-8")

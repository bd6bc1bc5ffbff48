"""Pictures that tools give back, as attachments of the answer that they are a part of. Sync.

One is kept before its event is stored, and said to be in the message with it (chat.eventlog.file_rows). Whoever dies
in between leaves an attachment that no message has, as an upload that was never sent; a takeover that makes the same
call again finds it by its id and takes it.
"""

import hashlib
import uuid
from uuid import UUID

from accounts.errors import RequestError
from chat.attachments import kinds, taking
from chat.attachments.linked import sentence_of
from chat.attachments.names import NAME_MAX_CHARS
from chat.models import Attachment, AttachmentState, AttachmentType, Run
from tools.base import ToolContext
from tools.errors import ToolError
from tools.pictures import named
from tools.results import Attached

NO_ANSWER = "pictures can be shown in the answers of a chat alone."


def keep_picture(ctx: ToolContext, name: str, data: bytes) -> Attached:
    """The picture, made anew, of the run's person in its chat. Raises ToolError that says why there is none."""
    run = Run.objects.select_related("chat", "user").filter(pk=ctx.run_id, message__isnull=False).first()
    if run is None or run.chat is None:
        raise ToolError(NO_ANSWER)
    if kinds.kind_of(data).type != AttachmentType.IMAGE:
        raise ToolError(f"it is {named(data)}.")
    id = _id(ctx, data)
    known = Attachment.objects.filter(pk=id).first()
    if known is not None and known.state == AttachmentState.READY and known.user_id == run.user_id:
        return _attached(known)
    try:
        row = taking.take(
            run.user, run.chat.organization_id, _name(name), data, run.chat.pk, id=None if known is not None else id
        )
    except RequestError as error:
        raise ToolError(sentence_of(error)) from error
    return _attached(row)


def _id(ctx: ToolContext, data: bytes) -> UUID:
    """The same for the same picture of the same call, however often that is made."""
    return uuid.uuid5(ctx.run_id, f"{ctx.call_id}/{hashlib.sha256(data).hexdigest()}")


def _name(text: str) -> str:
    """As a tool calls it, where that can be shown; else it has none."""
    return text if text.isascii() and text.isprintable() and len(text) <= NAME_MAX_CHARS else ""


def _attached(row: Attachment) -> Attached:
    return Attached(
        id=str(row.pk),
        name=row.name,
        media_type=row.media_type,
        bytes=row.bytes,
        width=row.width or 0,
        height=row.height or 0,
    )

"""The pictures that tools gave back in a run, as its model is given them: read where they are kept."""

from collections.abc import Sequence
from uuid import UUID

from accounts.db import db_files
from agents.events import Attached
from agents.loop.looking import Look, Looked, nothing
from chat.attachments.reading import Reading
from chat.attachments.storing import StorageAway
from chat.models import Attachment, Run
from chat.runner.files import given

AWAY = "which cannot be read at the moment"


def looker(run: Run) -> Look:
    """For an answer: what its person's tools have kept is read. That its message has it may not be stored yet."""
    message, person = run.message_id, run.user_id
    if message is None:
        return nothing

    async def look(files: Sequence[Attached]) -> Looked:
        return await db_files(_looked, message, person, files)

    return look


def _looked(message: UUID, person: UUID, files: Sequence[Attached]) -> Looked:
    named = [{"type": each.type, "id": each.id, "name": each.name} for each in files]
    theirs = Attachment.objects.filter(user=person, pk__in=[each.id for each in files])
    ids = set(map(str, theirs.values_list("pk", flat=True)))
    try:
        read = Reading().files([each for each in named if each["id"] in ids], message)
    except StorageAway:
        read = [each | {"told": AWAY} for each in named]
    images, told = given(read, message)
    return Looked(images, told)

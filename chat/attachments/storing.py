"""Where the bytes of attachments lie, and their texts."""

from uuid import UUID

from django.conf import settings

from chat.models import Attachment


def write(id: UUID, data: bytes) -> None:
    folder = settings.PARLEY_DATA / "attachments"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / str(id)).write_bytes(data)


def read(attachment: Attachment) -> bytes:
    return (settings.PARLEY_DATA / "attachments" / str(attachment.pk)).read_bytes()


def read_text(id: UUID) -> str:
    return (settings.PARLEY_DATA / "attachments" / f"{id}.text").read_text()


def write_text(id: UUID, text: str) -> None:
    write(id, b"")
    (settings.PARLEY_DATA / "attachments" / f"{id}.text").write_text(text)

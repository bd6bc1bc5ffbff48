"""GET /api/users/me/export/: all that is a person's own, as a ZIP of JSON that is written before it is sent."""

import asyncio
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

import msgspec
from django.conf import settings
from django.db import close_old_connections
from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from accounts import audit
from accounts.authentication import authenticate
from accounts.db import db
from accounts.models import ApiKey, ExternalIdentity, Membership, SignIn, User
from accounts.sign_in.noting import home_of
from chat.attachments import storing
from chat.feedback.models import Annotation, Reaction
from chat.metering.limits import exports
from chat.models import Attachment, Chat, Compaction, Feedback, Message, Schedule
from chat.serving.event_stream import Streamed
from chat.transfer.views import ExportTooLarge, pieces, thread
from chat.transfer.writing import written
from tools.models import Memory, Preferences

KEY_FIELDS = ("prefix", "name", "organization", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
IDENTITY_FIELDS = ("provider__name", "provider__issuer", "subject", "created_at", "last_sign_in_at", "signed_out_at")
OF_FILES = ("id", "type", "name", "media_type", "bytes", "sha256", "created_at", "used_at")
PREFERENCES = ("language", "tone", "about", "use_in_prompts", "remember", "updated_at")
MEMORY = ("text", "chat", "created_at", "updated_at")
SCHEDULE_FIELDS = (
    *("id", "chat", "project", "organization", "title", "archetype", "prompt", "cron", "time_zone", "is_on"),
    *("next_at", "last_at", "missed", "missed_first_at", "missed_last_at", "error", "created_at", "updated_at"),
)
OF_COMPACTIONS = ("id", "chat", "upto", "summary", "messages", "model", "created_at")
SIGN_IN_FIELDS = ("user_agent", "created_at", "last_seen_at")
_encode = msgspec.json.Encoder().encode


@csrf_exempt
@require_GET
async def export_person(request: HttpRequest) -> HttpResponseBase:
    """The caller's own, as a file. 409 while a run in a chat of theirs is open, 413 above PERSON_EXPORT_MAX_BYTES."""
    user = await db(_asked, request)
    hold = await exports.take(user.pk)
    with hold:
        file, length = await asyncio.get_running_loop().run_in_executor(thread(), _file, user)
    response = Streamed(request, pieces(file), content_type="application/zip")
    response["Content-Length"] = str(length)
    response["Content-Disposition"] = 'attachment; filename="account.zip"'
    response["Cache-Control"] = "no-store"
    return response


def _asked(request: HttpRequest) -> User:
    user = authenticate(request)
    told = {"what": "me", "format": "zip"}
    place = home_of(user.pk)
    audit.apart(
        "export.downloaded", actor=user, organization_id=place, object_type="user", object_id=user.pk, detail=told
    )
    return user


def _file(user: User) -> tuple[IO[bytes], int]:
    """The ZIP in a file that has no name, and its length. Raises Conflict, ExportTooLarge."""
    close_old_connections()
    file = tempfile.TemporaryFile(dir=settings.PARLEY_DATA)  # noqa: SIM115  # closed by whoever reads it
    try:
        for _ in archived(user, file):
            pass
        length = file.tell()
        file.seek(0)
        return file, length
    except BaseException:
        file.close()
        raise
    finally:
        close_old_connections()


def archived(user: User, file: IO[bytes]) -> Iterator[int]:
    """Write the ZIP; yields how many files are in it, after each. Raises Conflict, ExportTooLarge."""
    count = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for count, (name, lines) in enumerate(_contents(user), start=1):
            _write(archive, file, name, lines)
            yield count
        _write(archive, file, "attachments.jsonl", _attachments(user, archive))
    yield count + 1


def _contents(user: User) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Each file's name and lines."""
    yield "account.json", [_encode(_account(user))]
    yield "messages-in-other-chats.jsonl", _messages_elsewhere(user)
    yield "schedules.jsonl", _schedules(user)
    yield "compactions.jsonl", _compactions(user)
    yield "feedback.jsonl", _said_of_messages(user)
    theirs = Chat.objects.visible_to(user).filter(user=user).order_by("created_at", "pk")
    for id in list(theirs.values_list("pk", flat=True)):
        if (chat := theirs.filter(pk=id).first()) is not None:  # it may be gone by now
            yield f"chats/{chat.pk}.jsonl", written(chat)


def _attachments(user: User, archive: zipfile.ZipFile) -> list[bytes]:
    """What is known of each file that they brought, once its bytes are in the archive: `in` says where, or null.

    All of them together have at most PERSON_EXPORT_FILES_MAX_BYTES; what is beyond is left out, and fetched one by one.
    So are those that are left once the storage is away: each would wait for it anew.
    """
    lines, room, is_away = [], settings.PERSON_EXPORT_FILES_MAX_BYTES, False
    for row in Attachment.objects.visible_to(user).filter(user=user.pk).order_by("-created_at", "-pk"):
        try:
            is_in = not is_away and row.bytes <= room and _written(archive, row)
        except storing.StorageAway:
            is_in, is_away = False, True
        name = f"attachments/{row.pk}" if is_in else None
        room -= row.bytes if name else 0
        lines.append(_encode({**{each: getattr(row, each) for each in OF_FILES}, "in": name}) + b"\n")
    return lines


def _written(archive: zipfile.ZipFile, row: Attachment) -> bool:
    """Whether its bytes are in the archive now; not where the storage has none. Raises StorageAway."""
    try:
        archive.writestr(f"attachments/{row.pk}", storing.read(row))
    except storing.BytesGone:
        return False
    return True


def _account(user: User) -> dict[str, Any]:
    memberships = Membership.objects.filter(user=user)
    return {
        **{name: getattr(user, name) for name in ("id", "email", "name", "language", "created_at", "last_login")},
        "memberships": list(memberships.values("organization", "organization__name", "role", "created_at")),
        "keys": list(ApiKey.objects.filter(user=user).values(*KEY_FIELDS)),
        "identities": list(ExternalIdentity.objects.filter(user=user).values(*IDENTITY_FIELDS)),
        "preferences": Preferences.objects.filter(user=user).values(*PREFERENCES).first(),
        "remembered": list(Memory.objects.filter(user=user).values(*MEMORY)),
        "sign_ins": list(SignIn.objects.filter(user=user).values(*SIGN_IN_FIELDS)),
    }


def _schedules(user: User) -> Iterator[bytes]:
    """Theirs, also those that lead to chats of others."""
    rows = Schedule.objects.filter(owner=user).order_by("created_at", "pk")
    for row in rows.values(*SCHEDULE_FIELDS).iterator():
        yield _encode(row) + b"\n"


def _compactions(user: User) -> Iterator[bytes]:
    """The summaries that stand for older messages of their own chats."""
    rows = Compaction.objects.filter(chat__in=Chat.objects.visible_to(user).filter(user=user))
    for row in rows.order_by("created_at", "pk").values(*OF_COMPACTIONS).iterator():
        yield _encode(row) + b"\n"


def _said_of_messages(user: User) -> Iterator[bytes]:
    """Their feedback, reactions and annotations, in chats that they see."""
    tables: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
        (Feedback, ("rating", "reasons", "comment")),
        (Reaction, ("emoji",)),
        (Annotation, ("start", "end", "quote", "body", "updated_at")),
    )
    seen = Message.objects.visible_to(user)
    for table, fields in tables:
        rows = table._default_manager.filter(user=user, message__in=seen).order_by("created_at", "pk")
        for row in rows.values("message", *fields, "created_at").iterator():
            yield _encode({"what": table._meta.model_name, **row}) + b"\n"


def _messages_elsewhere(user: User) -> Iterator[bytes]:
    """What they wrote in chats of others that they see."""
    seen = Chat.objects.visible_to(user).exclude(user=user)
    rows = Message.objects.filter(author=user, chat__in=seen).order_by("created_at", "pk")
    for row in rows.values("id", "chat", "content", "created_at").iterator():
        yield _encode(row) + b"\n"


def _write(archive: zipfile.ZipFile, file: IO[bytes], name: str, lines: Iterable[bytes]) -> None:
    with archive.open(name, "w", force_zip64=True) as entry:
        for line in lines:
            entry.write(line)
            if file.tell() > settings.PERSON_EXPORT_MAX_BYTES:
                most = f"{settings.PERSON_EXPORT_MAX_BYTES:,}"
                raise ExportTooLarge(f"All of it is larger than {most} bytes: fetch your chats one by one.")

"""The files: a chat to read at once, and what jobs have written. Each is whole before its first byte is sent."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from rest_framework import serializers

from accounts import audit
from accounts.authentication import authenticate
from accounts.db import db
from accounts.errors import refuse
from accounts.http.rest import read
from accounts.models import User
from chat.access import get_chat
from chat.exports import jobs, of_chats
from chat.exports.kinds import KINDS
from chat.exports.models import Export
from chat.exports.writing import Place, Writing
from chat.metering.limits import exports
from chat.models import Chat
from chat.serving.event_stream import Streamed
from chat.transfer import views as whole
from chat.transfer.views import ExportTooLarge, pieces, thread

WHOLE = "parley"  # the file that import_chat reads
TAKES_LONG = 'So long a chat as PDF takes a while: POST {"what": "chat", "format": "pdf", "chat": ID} to /api/exports/.'


class ExportQuery(of_chats.HowMuch):
    """As what, and how much of it."""

    format = serializers.ChoiceField([WHOLE, *of_chats.FORMATS], required=False, default=WHOLE)


@csrf_exempt
@require_GET
async def export_chat(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """GET /api/chats/{id}/export/: the chat, for whoever reads it; whole, with all that import takes, for its owner."""
    if set(request.GET) <= {"format"} and request.GET.get("format", WHOLE) == WHOLE:
        return await whole.export(request, id)
    writing = await db(_asked, request, id)
    language = translation.get_language()
    hold = await exports.take(writing.user.pk)
    with hold:
        file = await asyncio.get_running_loop().run_in_executor(thread(), _written, writing, language)
    return _sent(request, file, writing.place, *of_chats.FORMATS[writing.format])


@csrf_exempt
@require_GET
async def export_file(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """GET /api/exports/{id}/file/"""
    row, place, file = await db(_fetched, request, id)
    return _sent(request, file, place, *KINDS[row.what].formats[row.format])


def _asked(request: HttpRequest, id: UUID) -> Writing:
    user = authenticate(request)
    chat = get_chat(user, id)
    values = read(ExportQuery, request.GET.dict())
    format = values.pop("format")
    if format == WHOLE:
        raise refuse("format", f"Expected {WHOLE} alone: it has all branches, and all of them. Leave the others out.")
    of_chats.require_form(chat, format)
    if format == of_chats.PDF and of_chats.takes_long(chat, of_chats.asked_of(values)):
        raise ExportTooLarge(TAKES_LONG)
    _note(user, chat, format)
    return Writing(user, values, format, Place(chat.organization_id, chat, of_chats.name_of(chat)), Path())


def _note(user: User, chat: Chat, format: str) -> None:
    audit.apart(
        "chat.exported", actor=user, organization_id=chat.organization_id, object_type="chat", object_id=chat.pk,
        detail={"format": format},
    )  # fmt: skip


def _written(writing: Writing, language: str | None) -> IO[bytes]:
    """The file, which has no name any more. Raises ExportTooLarge, NotPrinted."""
    close_old_connections()
    try:
        with tempfile.TemporaryDirectory(dir=settings.PARLEY_DATA) as folder, translation.override(language):
            writing.path = Path(folder) / "file"
            for _ in of_chats.write(writing):
                pass
            return writing.path.open("rb")
    finally:
        close_old_connections()


def _fetched(request: HttpRequest, id: UUID) -> tuple[Export, Place, IO[bytes]]:
    return jobs.fetched(authenticate(request), id)


def _sent(request: HttpRequest, file: IO[bytes], place: Place, content_type: str, ending: str) -> HttpResponseBase:
    """The file as a browser saves it, and never shows it."""
    response = Streamed(request, pieces(file), content_type=content_type)
    response["Content-Length"] = str(os.fstat(file.fileno()).st_size)
    response["Content-Disposition"] = content_disposition_header(True, f"{place.name}.{ending}") or ""
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response

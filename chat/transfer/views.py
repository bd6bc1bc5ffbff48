"""`GET /api/chats/{id}/export/`: a chat as the file that import_chat reads. docs/operations.md describes the file.

It is written whole before its first byte is sent: so the chat is locked for as long as the database takes, and not for
as long as its reader does, and what cannot be exported is refused with a status. There is no import over HTTP: a file
says who wrote what, and a caller could put words into the mouths of others.
"""

import asyncio
import functools
import gzip
import tempfile
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from accounts import audit
from accounts.authentication import authenticate
from accounts.db import db
from accounts.errors import RequestError
from accounts.http.negotiation import accepts_gzip
from accounts.models import User
from chat import audience
from chat.access import get_chat, require_owner
from chat.metering.limits import exports
from chat.models import Chat
from chat.serving.event_stream import Streamed
from chat.transfer.writing import written

PIECE_BYTES = 65_536
CONTENT_TYPE = "application/x-ndjson"


class ExportTooLarge(RequestError):
    """The chat is larger than one may fetch."""

    status = 413
    code = "export_too_large"


@csrf_exempt
@require_GET
async def export(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """One's own chat as a file. 409 while one of its runs is open, 413 above EXPORT_MAX_BYTES."""
    user, chat = await db(_chat, request, id)
    hold = await exports.take(user.pk)
    with hold:
        is_packed = accepts_gzip(request.headers.get("Accept-Encoding", ""))
        file, length = await asyncio.get_running_loop().run_in_executor(thread(), _file, chat, is_packed)
    response = Streamed(request, pieces(file), content_type=CONTENT_TYPE)
    response["Content-Length"] = str(length)
    response["Content-Disposition"] = f'attachment; filename="chat-{chat.pk}.jsonl"'
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept-Encoding"
    if is_packed:
        response["Content-Encoding"] = "gzip"
    return response


@functools.cache
def thread() -> ThreadPoolExecutor:
    """One export at a time: the threads of runs and streams are not for this."""
    return ThreadPoolExecutor(1, thread_name_prefix="export")


def _chat(request: HttpRequest, id: UUID) -> tuple[User, Chat]:
    user = authenticate(request)
    chat = get_chat(user, id)
    require_owner(user, chat)
    audience.require_exportable(chat)
    audit.apart(
        "chat.exported", actor=user, organization_id=chat.organization_id, object_type="chat", object_id=chat.pk,
        detail={"format": "parley"},
    )  # fmt: skip
    return user, chat


def _file(chat: Chat, is_packed: bool) -> tuple[IO[bytes], int]:
    """The chat in a file that has no name, and that file's length. Raises Conflict, ExportTooLarge."""
    close_old_connections()
    file = tempfile.TemporaryFile(dir=settings.PARLEY_DATA)  # noqa: SIM115  # closed by whoever reads it
    try:
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) if is_packed else nullcontext(file) as lines:
            for line in written(chat, audience.require_exportable):  # once more: it has waited
                lines.write(line)
                if lines.tell() > settings.EXPORT_MAX_BYTES:
                    most = f"{settings.EXPORT_MAX_BYTES:,}"
                    raise ExportTooLarge(f"The chat is larger than {most} bytes: manage.py export_chat takes any.")
        length = file.tell()
        file.seek(0)
        return file, length
    except BaseException:
        file.close()
        raise
    finally:
        close_old_connections()


async def pieces(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    """The file, piece by piece; it is closed behind the last."""
    with file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece

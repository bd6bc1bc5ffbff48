"""The files of a chat's branch, to be kept: one of them, or all as a ZIP.

They are sent to be saved and never to be shown: what an agent or a repository holds must not run as a page of ours.
"""

import asyncio
import tempfile
import time
import zipfile
from typing import IO, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from accounts.authentication import authenticate
from accounts.db import db
from accounts.errors import refuse
from accounts.models import User
from chat.access import get_chat
from chat.metering.limits import exports
from chat.models import Chat
from chat.services.changes import TooLarge, file_of, snapshot_of
from chat.serving.event_stream import Streamed
from chat.transfer.views import pieces, thread
from tools.errors import PathRefused
from tools.git.paths import file_parts
from tools.git.snapshot import Entry, Snapshot, is_binary

PLAIN, EXECUTABLE = 0o100644, 0o100755
EARLIEST = (1980, 1, 1, 0, 0, 0)  # what a ZIP can say
Answer = TypeVar("Answer", bound=HttpResponseBase)
LEFT_OUT = "Left out, because their names do harm on some systems: {count}"


@csrf_exempt
@require_GET
def content(request: HttpRequest, id: UUID) -> HttpResponse:
    """One file of the chat's branch, `?path=`. 413 above TOOLS_DOWNLOAD_MAX_BYTES."""
    chat = get_chat(authenticate(request), id)
    path = request.GET.get("path", "")
    if not path:
        raise refuse("path", "Expected the path of a file.")
    entry, data = file_of(snapshot_of(chat), path)
    kind = "application/octet-stream" if is_binary(data) else "text/plain; charset=utf-8"
    return _kept(HttpResponse(data, content_type=kind), entry.path.rpartition("/")[2])


@csrf_exempt
@require_GET
async def archive(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """All files of the chat's branch as a ZIP. 413 above TOOLS_DOWNLOAD_MAX_BYTES, 429 while another is written."""
    user, chat, snapshot = await db(_snapshot, request, id)
    with await exports.take(user.pk):
        file, length = await asyncio.get_running_loop().run_in_executor(thread(), _file, snapshot)
    response = Streamed(request, pieces(file), content_type="application/zip")
    response["Content-Length"] = str(length)
    return _kept(response, f"{chat.branch_name().replace('/', '-')}.zip")


def _kept(response: Answer, name: str) -> Answer:
    """The response as a browser saves it under this name, whatever is in it."""
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _snapshot(request: HttpRequest, id: UUID) -> tuple[User, Chat, Snapshot]:
    user = authenticate(request)
    chat = get_chat(user, id)
    return user, chat, snapshot_of(chat)


def _file(snapshot: Snapshot) -> tuple[IO[bytes], int]:
    """The ZIP in a file that has no name, and that file's length. Raises TooLarge."""
    entries = list(snapshot.list())
    _check_size(entries)
    file = tempfile.TemporaryFile(dir=settings.PARLEY_DATA)  # noqa: SIM115  # closed by whoever reads it
    try:
        _write(snapshot, entries, file)
        length = file.tell()
        file.seek(0)
        return file, length
    except BaseException:
        file.close()
        raise
    finally:
        close_old_connections()


def _check_size(entries: list[Entry]) -> None:
    size = sum(each.bytes for each in entries)
    if size > settings.TOOLS_DOWNLOAD_MAX_BYTES:
        raise TooLarge(f"The files have {size:,} bytes; at most {settings.TOOLS_DOWNLOAD_MAX_BYTES:,} are sent.")


def _write(snapshot: Snapshot, entries: list[Entry], file: IO[bytes]) -> None:
    made = max(time.gmtime(snapshot.commit.commit_time)[:6], EARLIEST)
    safe = [each for each in entries if _is_safe(each.path)]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in safe:
            info = zipfile.ZipInfo(each.path, made)
            info.compress_type = zipfile.ZIP_DEFLATED
            # A symbolic link becomes a small file that says where it leads, as on systems that have none.
            info.external_attr = (EXECUTABLE if each.is_executable else PLAIN) << 16
            archive.writestr(info, snapshot.data(each))
        if len(safe) < len(entries):
            archive.comment = LEFT_OUT.format(count=len(entries) - len(safe)).encode()


def _is_safe(path: str) -> bool:
    try:
        return file_parts(path) == tuple(path.split("/"))
    except PathRefused:
        return False

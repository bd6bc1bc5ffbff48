"""Files as OpenAI's clients upload and name them: attachments by other words. Source:
https://platform.openai.com/docs/api-reference/files and openai 3.52.0 (read 2026-11).

A file's id is the attachment's, so that either may be named wherever a `file_id` is taken. Its `purpose` is not kept:
an image is for `vision`, all else `user_data`. Files for batches, fine-tuning and evals are refused: they have no use.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header

from accounts.authentication import authenticate
from accounts.db import db_files
from accounts.errors import NotFound, refuse
from accounts.http.queries import whole_number
from chat.attachments import storing
from chat.doors.openai.lists import as_list, order_of, unknown_after
from chat.doors.openai.projects import project_of
from chat.doors.views import door
from chat.doors.whole import whole
from chat.models import Attachment, AttachmentType
from chat.services import uploads

PURPOSES = ("user_data", "vision", "assistants")
LIST_MAX = 10_000  # as OpenAI has it; more than anybody's
FORM = "multipart/form-data"


@door("GET", "POST")
async def every(request: HttpRequest) -> HttpResponseBase:
    """GET: one's own files. POST: upload one."""
    if request.method == "GET":
        return await whole(_list, request)
    return await whole(_upload, request, threads=_own_thread)


@door("GET", "DELETE")
async def one(request: HttpRequest, file_id: str) -> HttpResponseBase:
    """GET: what is known of it. DELETE: remove one that is in no message."""
    if request.method == "GET":
        return await whole(_read, request, file_id)
    return await whole(_delete, request, file_id, threads=db_files)


@door("GET")
async def content(request: HttpRequest, file_id: str) -> HttpResponse:
    """Its bytes: to be saved, whatever they are."""
    return await db_files(_content, request, file_id)


every.body_bounds = ("ATTACHMENT_BODY_MAX_BYTES", "ATTACHMENT_TIMEOUT_S")  # type: ignore[attr-defined]  # config.body
every.is_body_signed = True  # type: ignore[attr-defined]


async def _own_thread(make: Callable[[], bytes]) -> bytes:
    """In the thread of this request alone: the words of a recording may be minutes away."""
    return await sync_to_async(make)()


def _upload(request: HttpRequest) -> dict[str, Any]:
    user = authenticate(request)
    if (request.content_type or "").lower() != FORM:
        raise refuse("file", f"Expected a form ({FORM}) with a file and its purpose.")
    files = request.FILES.getlist("file")
    if len(files) != 1:
        raise refuse("file", "Expected one file.")
    if request.POST.get("purpose") not in PURPOSES:
        raise refuse("purpose", f"Expected one of: {', '.join(PURPOSES)}.")
    project = project_of(request, user, "")
    return _shown(
        uploads.upload(
            user=user,
            name=str(files[0].name or ""),
            body=files[0],
            organization=project.organization_id if project else None,
        )
    )


def _list(request: HttpRequest) -> dict[str, Any]:
    rows = _of_purpose(uploads.own(authenticate(request)), request.GET.get("purpose", ""))
    is_ascending = order_of(request) == "asc"
    limit = whole_number(request.GET.get("limit", str(LIST_MAX)), 1, LIST_MAX)
    if limit is None:
        raise refuse("limit", f"Expected a whole number from 1 to {LIST_MAX}.")
    if after := request.GET.get("after", ""):
        rows = _behind(rows, after, is_ascending)
    fields = ("created_at", "pk") if is_ascending else ("-created_at", "-pk")
    found = list(rows.order_by(*fields)[: limit + 1])
    return as_list([_shown(each) for each in found[:limit]], has_more=len(found) > limit)


def _of_purpose(rows: QuerySet[Attachment], purpose: str) -> QuerySet[Attachment]:
    if not purpose:
        return rows
    if purpose not in PURPOSES:
        raise refuse("purpose", f"Expected one of: {', '.join(PURPOSES)}.")
    images = Q(type=AttachmentType.IMAGE)
    return rows.filter(images if purpose == "vision" else ~images)


def _behind(rows: QuerySet[Attachment], after: str, is_ascending: bool) -> QuerySet[Attachment]:
    """Those that follow this one in that order. Raises Invalid where it is none of them."""
    try:
        last = rows.filter(pk=UUID(after)).first()
    except ValueError:
        last = None
    if last is None:
        raise unknown_after()
    at, word = last.created_at, "gt" if is_ascending else "lt"
    return rows.filter(Q(**{f"created_at__{word}": at}) | Q(created_at=at, **{f"pk__{word}": last.pk}))


def _read(request: HttpRequest, id: str) -> dict[str, Any]:
    return _shown(uploads.find(authenticate(request), _id(id)))


def _delete(request: HttpRequest, id: str) -> dict[str, Any]:
    uploads.delete(user=authenticate(request), id=_id(id))
    return {"id": id, "object": "file", "deleted": True}


def _content(request: HttpRequest, id: str) -> HttpResponse:
    row = uploads.find(authenticate(request), _id(id))
    try:
        response = HttpResponse(storing.read(row), content_type="application/octet-stream")
    except storing.BytesGone:
        raise NotFound from None
    response["Content-Disposition"] = content_disposition_header(True, row.name or str(row.pk)) or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _shown(row: Attachment) -> dict[str, Any]:
    goes_at = row.created_at + timedelta(seconds=settings.ATTACHMENT_UNUSED_S)
    return {
        "id": str(row.pk),
        "object": "file",
        "bytes": row.bytes,
        "created_at": int(row.created_at.timestamp()),
        "expires_at": int(goes_at.timestamp()) if row.used_at is None else None,
        "filename": row.name,
        "purpose": "vision" if row.type == AttachmentType.IMAGE else "user_data",
        "status": "processed",
        "status_details": None,
    }

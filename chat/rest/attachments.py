"""Attachments by HTTP."""

import hashlib
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt

from accounts.authentication import authenticate
from accounts.errors import NotFound, refuse
from accounts.models import Membership
from agents import media
from chat.access import get_chat
from chat.attachments import storing
from chat.models import Attachment
from chat.models.attachments import AttachmentState
from tools import pictures


@csrf_exempt
def attachments(request: HttpRequest) -> HttpResponse:
    user = authenticate(request)
    chat = request.GET.get("chat")
    memberships = Membership.objects.filter(user=user).values_list("organization_id", flat=True)
    organization = get_chat(user, UUID(chat)).organization_id if chat else memberships[0]
    data = request.body
    if data[:2] == b"\xff\xfe" or not data:
        raise refuse("file", "This is nothing that is known here. Expected a picture, a sound, a document or a text.")
    size = pictures.size_of(data) if pictures.kind_of(data) else None
    kind, media_type = _kind(data)
    row = Attachment.objects.create(
        organization_id=organization,
        user=user,
        type=kind,
        name=request.GET.get("name", ""),
        media_type=media_type,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        width=size and size[0],
        height=size and size[1],
        has_thumbnail=kind == "image",
        state=AttachmentState.READY,
    )
    storing.write(row.pk, data)
    return JsonResponse(_json(row), status=201)


def _kind(data: bytes) -> tuple[str, str]:
    if found := pictures.kind_of(data):
        return "image", f"image/{found}"
    if data[:4] == b"\x1aE\xdf\xa3":
        return "audio", "audio/webm"
    found = media.type_of(data)
    return ("audio" if found.startswith("audio/") else "file"), found or "text/plain"


@csrf_exempt
def attachment(request: HttpRequest, id: UUID) -> HttpResponse:
    row = _one(request, id)
    if request.method == "DELETE":
        row.delete()
        return HttpResponse(status=204)
    return JsonResponse(_json(row))


def content(request: HttpRequest, id: UUID) -> HttpResponse:
    row = _one(request, id)
    answer = HttpResponse(storing.read(row), content_type=row.media_type)
    answer["Content-Disposition"] = content_disposition_header(row.type != "image", row.name) or "inline"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


def thumbnail(request: HttpRequest, id: UUID) -> HttpResponse:
    return content(request, id)


def _one(request: HttpRequest, id: UUID) -> Attachment:
    row = Attachment.objects.visible_to(authenticate(request)).filter(pk=id).first()
    if row is None:
        raise NotFound
    return row


def _json(row: Attachment) -> dict[str, Any]:
    return {
        "id": str(row.pk), "type": row.type, "name": row.name, "media_type": row.media_type, "bytes": row.bytes,
        "width": row.width, "height": row.height, "seconds": row.seconds, "state": row.state,
        "text": {"state": row.text_state, "chars": row.text_chars, "error": row.text_error},
        "url": f"/api/attachments/{row.pk}/content",
        "thumbnail_url": f"/api/attachments/{row.pk}/thumbnail" if row.has_thumbnail else None,
    }  # fmt: skip

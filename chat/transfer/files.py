"""The bytes of attached files: images, which were made here, may be shown; all else is sent to be saved.

A part of them, `Range: bytes=a-b` or `bytes=a-`, is sent as such: Safari plays no sound without. All other ranges are
answered with the whole, as who asks for them must expect.
"""

import re
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from accounts.authentication import authenticate
from accounts.errors import NotFound
from chat.attachments import storing
from chat.models import Attachment, AttachmentType
from chat.services import uploads

# A browser takes these for pages of ours, or for parts of them.
NEVER_SHOWN = ("text/html", "image/svg+xml", "application/xml")
PLAIN = "application/octet-stream"
RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")


@csrf_exempt
@require_GET
def content(request: HttpRequest, id: UUID) -> HttpResponse:
    """The file."""
    row = uploads.find(authenticate(request), id)
    is_image = row.type == AttachmentType.IMAGE
    kind = PLAIN if row.media_type in NEVER_SHOWN else row.media_type
    return _bytes(request, row, kind, storing.BYTES, as_attachment=not is_image)


@csrf_exempt
@require_GET
def thumbnail(request: HttpRequest, id: UUID) -> HttpResponse:
    """A small image of it."""
    row = uploads.find(authenticate(request), id)
    if not row.has_thumbnail:
        raise NotFound
    return _bytes(request, row, row.media_type, storing.THUMBNAIL, as_attachment=False)


def _bytes(request: HttpRequest, row: Attachment, kind: str, which: str, *, as_attachment: bool) -> HttpResponse:
    """What is stored, unless the browser has it already: it never changes, but who may see it does."""
    tag = f'"{row.sha256}{which}"'
    response = HttpResponse(status=304)
    if request.headers.get("If-None-Match") != tag:
        try:
            data = storing.read(row) if which == storing.BYTES else storing.read_thumbnail(row)
        except storing.BytesGone:
            raise NotFound from None
        response = _part(request, tag, data)
        response["Accept-Ranges"] = "bytes"
        response["Content-Type"] = kind
        response["Content-Disposition"] = content_disposition_header(as_attachment, row.name or str(row.pk)) or ""
    response["ETag"] = tag
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


def _part(request: HttpRequest, tag: str, data: bytes) -> HttpResponse:
    """As much of it as is asked for."""
    asked = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if asked is None or request.headers.get("If-Range", tag) != tag:
        return HttpResponse(data)
    first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
    if asked[2] and int(asked[2]) < first:
        return HttpResponse(data)
    if first >= len(data):
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
    told = {"Content-Range": f"bytes {first}-{last}/{len(data)}"}
    return HttpResponse(data[first : last + 1], status=206, headers=told)

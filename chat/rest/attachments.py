"""REST for files that are attached to messages: they are uploaded first, each by itself, and named by their ids."""

from collections.abc import Mapping
from typing import IO, Any
from uuid import UUID

from django.urls import path, reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import refuse
from accounts.http.fields import Closed, Id, PageQuery, Text
from accounts.http.rest import caller, documented, page, read, shown
from chat.models import Attachment, TextState
from chat.services import uploads

NAME_SENT_MAX_CHARS = 1_020  # of 255 when composed: chat.attachments.names counts those
FORM = "multipart/form-data"
PLAIN = "application/octet-stream"


class TextShown(serializers.Serializer[Attachment]):
    """What is to be read in a document, or heard in a recording: whether it is known, and how much it is."""

    state = serializers.ChoiceField(TextState.choices, source="text_state")
    chars = serializers.IntegerField(source="text_chars")
    error = serializers.CharField(source="text_error", help_text="Why there is none; empty where there is no fault.")


class StoredAttachmentSerializer(serializers.ModelSerializer[Attachment]):
    """A file that was uploaded. A message names it as `{"type", "id"}`."""

    state = serializers.ChoiceField(["ready"], read_only=True)
    text = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField(help_text="Where the file is fetched.")
    thumbnail_url = serializers.SerializerMethodField(help_text="Where a small image of it is; null where none is.")

    class Meta:
        model = Attachment
        fields = (
            *("id", "type", "name", "media_type", "bytes", "width", "height", "seconds", "state", "text"),
            *("url", "thumbnail_url", "created_at"),
        )
        read_only_fields = fields

    @extend_schema_field(TextShown)
    def get_text(self, row: Attachment) -> dict[str, Any]:
        """What is known of its text."""
        return dict(TextShown(row).data)

    def get_url(self, row: Attachment) -> str:
        """The address of its bytes."""
        return reverse("attachment-content", args=[row.pk])

    def get_thumbnail_url(self, row: Attachment) -> str | None:
        """The address of its thumbnail."""
        return reverse("attachment-thumbnail", args=[row.pk]) if row.has_thumbnail else None


class UploadQuery(Closed):
    """What is said of the file in the address."""

    name = Text(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=NAME_SENT_MAX_CHARS,
        help_text="What it is called: at most 255 characters, no line breaks. Else as its form says, or nothing.",
    )
    chat = Id(required=False, help_text="The chat that it is for: one that you may write in.")
    organization = Id(required=False, help_text="Where there is no chat yet; else where your chats go that name none.")


class FileParser(BaseParser):
    """The request as it is: the body is read where the file is stored."""

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The stream."""
        return stream


A_FILE: Any = {
    PLAIN: OpenApiTypes.BINARY,
    FORM: {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {"file": {"type": "string", "format": "binary"}},
    },
}


class Attachments(APIView):
    """The caller's files that are in no message yet."""

    parser_classes = (MultiPartParser, FileParser)
    body_bounds = ("ATTACHMENT_BODY_MAX_BYTES", "ATTACHMENT_TIMEOUT_S")  # config.body
    is_body_signed = True  # the same: nobody's file is read before it is known whose it is

    @documented("list_attachments", query=PageQuery, page_of=StoredAttachmentSerializer)
    def get(self, request: Request) -> Response:
        """Your files that are in no message yet: they are removed after a day."""
        read(PageQuery, request.query_params)
        return page(request, uploads.unused(caller(request)), StoredAttachmentSerializer, ordering="-created_at")

    @documented(
        "upload_attachment",
        body=A_FILE,
        query=UploadQuery,
        answer=StoredAttachmentSerializer,
        makes=True,
        conflicts=True,
    )
    def post(self, request: Request) -> Response:
        """Upload a file: its bytes as the body, or a form with one `file`. What it is, its content says."""
        query = read(UploadQuery, request.query_params)
        name, body = _sent(request)
        found = uploads.upload(
            user=caller(request),
            name=query.get("name", name),
            body=body,
            chat=query.get("chat"),
            organization=query.get("organization"),
        )
        return shown(request, StoredAttachmentSerializer, found, status=201)


def _sent(request: Request) -> tuple[str, bytes | IO[bytes]]:
    """What a form calls the file, and its bytes. Raises Invalid for a form with anything else in it."""
    if (request.content_type or "").partition(";")[0].strip().lower() != FORM:
        body: Any = request.data  # what FileParser gives
        return "", body if hasattr(body, "read") else b""
    others = sorted({*request.POST, *request.FILES} - {"file"})
    files = request.FILES.getlist("file")
    if others or len(files) != 1:
        raise refuse(others[0][:100] if others else "file", "Expected a form with one file, in the field `file`.")
    return str(files[0].name or ""), files[0]


class OneAttachment(APIView):
    """One file."""

    @documented("read_attachment", answer=StoredAttachmentSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """A file of yours, or of a message that you see."""
        return shown(request, StoredAttachmentSerializer, uploads.find(caller(request), id))

    @documented("delete_attachment", status=204, conflicts=True)
    def delete(self, request: Request, id: UUID) -> Response:
        """Remove a file of yours that is in no message."""
        uploads.delete(user=caller(request), id=id)
        return Response(status=204)


PLACE = "api/attachments/"
urls = [
    path(PLACE, Attachments.as_view(), name="attachments"),
    path(f"{PLACE}<uuid:id>/", OneAttachment.as_view(), name="attachment"),
]

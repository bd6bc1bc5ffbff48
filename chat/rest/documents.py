"""REST for a project's document: the JSON value itself, its version as ETag, and its versions."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Gone, Invalid, refuse
from accounts.http.fields import Closed, PageQuery
from accounts.http.parsing import AnyJSONParser
from accounts.http.rest import caller, created, documented, page, raw, read, shown
from chat.services import documents
from chat.services.documents import VersionMissing
from tools.documents import storing
from tools.documents.storing import Written
from tools.documents.values import decode
from tools.models import Document, DocumentVersion

TAG = re.compile(r'(?:W/)?("[^"]*")')
TAGS = re.compile(rf"\s*{TAG.pattern}(?:\s*,\s*{TAG.pattern})*\s*")
NO_VERSION = -1  # which the document never has
PATCH_TYPE, MERGE_TYPE = "application/json-patch+json", "application/merge-patch+json"
ANY: dict[str, Any] = {"description": "Any JSON value."}
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The version that it is made for, as ETag has it, or several; * for any.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="Versions as ETag has them; * for any that there is."
)
OPERATION: dict[str, Any] = {
    "type": "object",
    "required": ["op", "path"],
    "properties": {
        "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
        "path": {"type": "string", "description": "A JSON Pointer, such as /pages/0/title."},
        "from": {"type": "string", "description": "Of move and copy."},
        "value": ANY,
    },
}


class PatchParser(AnyJSONParser):
    """JSON Patch."""

    media_type = PATCH_TYPE


class MergeParser(AnyJSONParser):
    """JSON merge patch."""

    media_type = MERGE_TYPE


class WrittenSerializer(serializers.Serializer[Written]):
    """What a change made of the document."""

    version = serializers.IntegerField(help_text="The document's by now; the one before, where nothing is another.")
    bytes = serializers.IntegerField()
    changed = serializers.ListField(child=serializers.CharField(), help_text="The places, as JSON Pointers.")


class VersionSerializer(serializers.ModelSerializer[DocumentVersion]):
    """A version of the document: who made it, and by which call of which run, if an agent did."""

    by = serializers.UUIDField(source="by_id", allow_null=True, read_only=True)
    by_name = serializers.SerializerMethodField()
    run = serializers.UUIDField(source="run_id", allow_null=True, read_only=True)

    class Meta:
        model = DocumentVersion
        fields: tuple[str, ...] = ("version", "by", "by_name", "run", "call", "note", "created_at")
        read_only_fields = fields

    def get_by_name(self, row: DocumentVersion) -> str:
        """How whoever made it is called; empty for who is gone."""
        return row.by.display_name if row.by else ""


@extend_schema_field(ANY)
class Content(serializers.Field[Any, Any, Any, Any]):
    """JSON text as what it spells."""

    def to_representation(self, value: str) -> Any:
        """The value."""
        return decode(value)


class WholeVersionSerializer(VersionSerializer):
    """A version with what the document was."""

    content = Content(read_only=True)

    class Meta(VersionSerializer.Meta):
        fields = (*VersionSerializer.Meta.fields, "content")


class UndoBody(Closed):
    """To which version; without it, to the one before the present."""

    to = serializers.IntegerField(required=False, min_value=0)


class OneDocument(APIView):
    """The document of a project."""

    parser_classes = [AnyJSONParser, PatchParser, MergeParser]

    @extend_schema(operation_id="read_document", responses={200: ANY, 304: None}, parameters=[IF_NONE_MATCH])
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Read it: the JSON value itself, its version as ETag. One that was never changed is `{}`, of version 0."""
        document = documents.document_of(caller(request), id)
        tag = _tag(document.version)
        named = request.headers.get("If-None-Match", "")
        if named.strip() == "*" or tag in TAG.findall(named):
            return HttpResponse(status=304, headers=_headers(document))
        return HttpResponse(document.content, content_type="application/json", headers=_headers(document))

    @extend_schema(
        operation_id="replace_document",
        request={"application/json": ANY},
        responses=WrittenSerializer,
        parameters=[IF_MATCH, IF_NONE_MATCH],
    )
    def put(self, request: Request, id: UUID) -> Response:
        """Put another value in its place. If-Match names its present version, If-None-Match: * makes the first one."""
        user = caller(request)
        project = documents.project_of(user, id, "write")
        if not {"If-Match", "If-None-Match"} & set(request.headers):
            raise VersionMissing
        _require_type(request, "application/json")
        expected = _expected(request, project.pk)
        return _written(documents.put(user=user, project=project, value=_sent(request), expected=expected))

    @extend_schema(
        operation_id="change_document",
        request={PATCH_TYPE: {"type": "array", "items": OPERATION}, MERGE_TYPE: ANY},
        responses=WrittenSerializer,
        parameters=[IF_MATCH, IF_NONE_MATCH],
    )
    def patch(self, request: Request, id: UUID) -> Response:
        """Change it by JSON Patch (RFC 6902) or merge patch (RFC 7396), by Content-Type. All of it is done, or nothing.

        400 `patch_invalid` names an operation that is none, 409 `patch_failed` one that does not fit the document.
        """
        user = caller(request)
        project = documents.project_of(user, id, "write")
        sent = _require_type(request, PATCH_TYPE, MERGE_TYPE)
        expected = _expected(request, project.pk)
        if sent == MERGE_TYPE:
            return _written(documents.merge(user=user, project=project, value=_sent(request), expected=expected))
        return _written(documents.patch(user=user, project=project, operations=_sent(request), expected=expected))


class Versions(APIView):
    """The versions of a project's document that are kept."""

    @documented("list_document_versions", query=PageQuery, page_of=VersionSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List them, newest first, without what the document was."""
        read(PageQuery, request.query_params)
        document = documents.document_of(caller(request), id)
        rows = DocumentVersion.objects.filter(document=document).defer("content").select_related("by")
        return page(request, rows, VersionSerializer, ordering="-version")


class OneVersion(APIView):
    """One version."""

    @documented("read_document_version", answer=WholeVersionSerializer)
    def get(self, request: Request, id: UUID, version: int) -> Response:
        """Read a version, with what the document was. 410 for one that is not kept any more."""
        return shown(request, WholeVersionSerializer, documents.version_of(caller(request), id, version))


class Undo(APIView):
    """Going back."""

    @extend_schema(parameters=[IF_MATCH, IF_NONE_MATCH])
    @documented("undo_document", body=UndoBody, answer=VersionSerializer, makes=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Make it again what it was at version `to`, else at the one before the present; that is a new version."""
        user = caller(request)
        project = documents.project_of(user, id, "write")
        expected = _expected(request, project.pk)

        def make(body: dict[str, Any]) -> DocumentVersion:
            return documents.undo(user=user, project=project, to=body.get("to"), expected=expected)

        return created(request, UndoBody, VersionSerializer, make, _finder(project.pk))


def _finder(project: UUID) -> Callable[[Any], DocumentVersion]:
    def find(id: Any) -> DocumentVersion:
        """The version. Raises Gone where it was made, and is not kept any more."""
        found = DocumentVersion.objects.select_related("by").filter(document__project=project, pk=id).first()
        if found is None:
            raise Gone("It was undone, by a version that is not kept any more.")
        return found

    return find


def _require_type(request: Request, *types: str) -> str:
    """The body's media type, if it is one of these. Raises UnsupportedMediaType: 415."""
    sent = (request.content_type or "").partition(";")[0].strip().lower()
    if sent not in types:
        raise UnsupportedMediaType(sent or "none", detail=f"Send Content-Type: {' or '.join(types)}.")
    return sent


def _sent(request: Request) -> Any:
    """The body's value. The framework takes an empty one for an object. Raises Invalid."""
    if not raw(request).strip():
        raise Invalid("The body is empty: send JSON.")
    return request.data


def _written(written: Written) -> Response:
    return Response(WrittenSerializer(written).data, headers={"ETag": _tag(written.version)})


def _headers(document: Document) -> dict[str, str]:
    return {"ETag": _tag(document.version), "Cache-Control": "private, no-cache"}


def _tag(version: int) -> str:
    return f'"{version}"'


def _expected(request: Request, project: UUID) -> int | None:
    """The version that the conditions leave: None for any, NO_VERSION where they do not hold. Raises Invalid.

    Weak tags are taken as strong ones: what compresses an answer on its way makes its tag weak.
    """
    wanted, unwanted = request.headers.get("If-Match", "*").strip(), request.headers.get("If-None-Match", "").strip()
    named, excluded = _named("If-Match", wanted), _named("If-None-Match", unwanted or "*")
    if wanted == "*" and unwanted in ("", "*"):
        return 0 if unwanted else None  # 0: nobody has changed it yet
    version = storing.version_of(project)
    holds = wanted == "*" or _tag(version) in named
    held_back = version > 0 if unwanted == "*" else _tag(version) in excluded
    return version if holds and not held_back else NO_VERSION


def _named(header: str, sent: str) -> list[str]:
    """The tags in it; none in *. Raises Invalid."""
    if sent == "*":
        return []
    if not TAGS.fullmatch(sent):
        raise refuse(header, 'Expected versions as ETag has them, such as "7", or *.')
    return TAG.findall(sent)

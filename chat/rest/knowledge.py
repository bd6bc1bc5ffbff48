"""REST for a project's knowledge: its documents, and the search in them."""

import re
from functools import partial
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import refuse
from accounts.http.fields import Closed, PageQuery, Text
from accounts.http.parsing import StrictJSONParser
from accounts.http.rest import caller, documented, page, read
from chat.services import knowledge
from chat.services.knowledge import Begun, Place
from tools.knowledge.reading import MARKDOWN, PLAIN, TITLE_MAX_CHARS
from tools.knowledge.searching import LIMIT, MOST, Found
from tools.models import KnowledgeDocument, KnowledgeLevel

QUERY_MAX_CHARS = 2_000
SOURCE_MAX_CHARS = 1_000
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2}|-[A-Z][a-z]{3})?")
FORM = "multipart/form-data"


class KnowledgeError(serializers.Serializer[Any]):
    """Why the newest indexing came to nothing."""

    code = serializers.CharField()
    message = serializers.CharField()


class KnowledgeSerializer(serializers.ModelSerializer[KnowledgeDocument]):
    """A document of a project's knowledge, without its text."""

    error = KnowledgeError(allow_null=True, read_only=True)
    run = serializers.UUIDField(allow_null=True, read_only=True, help_text="That indexes it, where you began it.")

    class Meta:
        model = KnowledgeDocument
        fields = (
            *("id", "project", "title", "source", "media_type", "language", "level", "state", "error", "run"),
            *("sha256", "bytes", "passages", "created_at", "updated_at"),
        )
        read_only_fields = fields


class KnowledgeBegun(serializers.Serializer[Begun]):
    """The document, and the run that indexes it: watch it at /api/runs/{id}/events."""

    id = serializers.UUIDField(source="document.pk")
    run = serializers.UUIDField()


class About(Closed):
    """What is said of a document."""

    title = Text(required=False, max_length=TITLE_MAX_CHARS)
    level = serializers.ChoiceField(
        KnowledgeLevel.choices, required=False, help_text="0 public, 1 internal, 2 confidential, 3 restricted"
    )
    language = Text(required=False, allow_blank=True, max_length=10, help_text="such as de or pt-BR")

    def validate_language(self, text: str) -> str:
        """The language. Raises ValidationError."""
        if text and not LANGUAGE.fullmatch(text):
            raise serializers.ValidationError("Expected a language such as de or pt-BR.")
        return text

    def validate_title(self, text: str) -> str:
        """The title. Raises ValidationError."""
        if not text.isprintable():
            raise serializers.ValidationError("Expected no line breaks and no control characters.")
        return text


class FileBody(About):
    """A document that is a file."""

    file = serializers.FileField(help_text="Markdown or plain text, or another kind that is read (docs/knowledge.md).")
    source = Text(  # type: ignore[assignment]  # a field of that name, as the framework allows
        required=False, allow_blank=True, max_length=SOURCE_MAX_CHARS, help_text="else the file's name"
    )


class TextBody(About):
    """A document that is sent as its text."""

    title = Text(max_length=TITLE_MAX_CHARS)
    text = Text(trim_whitespace=False)
    media_type = serializers.ChoiceField([MARKDOWN, PLAIN], required=False, help_text="else text/markdown")
    source = Text(  # type: ignore[assignment]
        required=False, allow_blank=True, max_length=SOURCE_MAX_CHARS, help_text="where it comes from"
    )


class SearchQuery(Closed):
    """What is looked for."""

    q = Text(required=False, allow_blank=True, default="", max_length=QUERY_MAX_CHARS)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=MOST, default=LIMIT)


class FoundSerializer(serializers.Serializer[Found]):
    """A passage that was found."""

    id = serializers.IntegerField()
    document = serializers.UUIDField()
    title = serializers.CharField()
    path = serializers.CharField(help_text="The headings that it stands under.")
    text = serializers.CharField()
    level = serializers.IntegerField()
    score = serializers.FloatField(help_text="1 of the best, 0.5 of the next, then 0.3333 ...: its place, and no more.")
    page = serializers.IntegerField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]


class SearchedSerializer(serializers.Serializer[Any]):
    """What was found, the best first."""

    results = FoundSerializer(many=True)
    degraded = serializers.BooleanField(help_text="By words alone: the server of the embeddings does not answer now.")


class Knowledge(APIView):
    """The documents of a project's knowledge."""

    parser_classes = [StrictJSONParser, MultiPartParser]
    body_bounds = ("KNOWLEDGE_FILE_MAX_BYTES", "KNOWLEDGE_FILE_TIMEOUT_S")  # config.body

    @documented("list_knowledge", query=PageQuery, page_of=KnowledgeSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List those that your role reads, newest first."""
        read(PageQuery, request.query_params)
        place = knowledge.place_of(caller(request), id)
        tell = partial(knowledge.tell_runs, place)
        return page(request, place.documents, KnowledgeSerializer, ordering="-created_at", prepare=tell)

    @extend_schema(
        operation_id="add_knowledge",
        request={"application/json": TextBody, FORM: FileBody},
        responses={202: KnowledgeBegun},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Add a document, as its text or as a file. It is indexed by a run, and found when that is done."""
        place = knowledge.place_of(caller(request), id, "write")
        is_form = (request.content_type or "").startswith(FORM)
        begun = _add_file(place, request.data) if is_form else knowledge.add_text(place, **read(TextBody, request.data))
        return _begun(begun)


class OneDocument(APIView):
    """A document."""

    @documented("read_knowledge", answer=KnowledgeSerializer)
    def get(self, request: Request, project: UUID, id: UUID) -> Response:
        """Read what is known of it. One above your role's level is not there for you."""
        place = knowledge.place_of(caller(request), project)
        return _shown(place, knowledge.document_in(place, id))

    @documented("change_knowledge", body=About, answer=KnowledgeSerializer)
    def patch(self, request: Request, project: UUID, id: UUID) -> Response:
        """Change its title, level or language. Who may find its passages changes in the same moment."""
        place = knowledge.place_of(caller(request), project, "write")
        return _shown(place, knowledge.change(place, id, read(About, request.data)))

    @documented("delete_knowledge", status=204)
    def delete(self, request: Request, project: UUID, id: UUID) -> Response:
        """Delete it. Nothing of it is found from then on."""
        knowledge.delete(knowledge.place_of(caller(request), project, "write"), id)
        return Response(status=204)


class Reindex(APIView):
    """Indexing anew."""

    @documented("reindex_knowledge", answer=KnowledgeBegun, status=202, conflicts=True)
    def post(self, request: Request, project: UUID, id: UUID) -> Response:
        """Index it anew, as for another model of embeddings. Until that is done it is found as it was."""
        return _begun(knowledge.reindex(knowledge.place_of(caller(request), project, "write"), id))


class Search(APIView):
    """The search."""

    @documented("search_knowledge", query=SearchQuery, answer=SearchedSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """The passages that fit a question best, of documents that your role reads."""
        place = knowledge.place_of(caller(request), id)
        query = read(SearchQuery, request.query_params)
        return Response(SearchedSerializer(knowledge.search(place, query["q"], query["limit"])).data)


def _add_file(place: Place, data: Any) -> Begun:
    body = read(FileBody, data)
    file = body.pop("file")
    if not file.name:
        raise refuse("file", "Expected a file with a name.")
    return knowledge.add_file(place, name=file.name, data=file.read(), **body)


def _shown(place: Place, document: KnowledgeDocument) -> Response:
    knowledge.tell_runs(place, [document])
    return Response(KnowledgeSerializer(document).data)


def _begun(begun: Begun) -> Response:
    return Response(KnowledgeBegun(begun).data, status=202)


PLACE = "api/projects/<uuid:id>/knowledge/"
ONE = "api/projects/<uuid:project>/knowledge/<uuid:id>/"
urls = [
    path(PLACE, Knowledge.as_view(), name="knowledge"),
    path(f"{PLACE}search/", Search.as_view(), name="knowledge-search"),
    path(ONE, OneDocument.as_view(), name="knowledge-document"),
    path(f"{ONE}reindex", Reindex.as_view(), name="knowledge-reindex"),
]

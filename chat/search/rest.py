"""REST for searching."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, TypeVar

from django.conf import settings
from django.db.models.functions import Left
from django.urls import path
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.db.bounded import TookTooLong, within
from accounts.http.fields import PageQuery, Text
from accounts.http.paging import CursorPaging
from accounts.http.rest import caller, documented, read
from chat.models import Chat, Message, MessageRole
from chat.rest.serializers import AuthorSerializer, ChatSerializer
from chat.search import finding, query
from chat.search.finding import Filters
from chat.search.models import SearchEntry
from chat.search.query import Query
from chat.search.snippets import snippet

MOST_CHATS = 20  # by their titles
READ_AT_ONCE = 10  # messages, which may be long
TOLD = ("role", "created_at", "chat__title", "author__name", "author__email")
Row = TypeVar("Row")


class SearchQuery(PageQuery):
    """What to look for, and where."""

    q = Text(
        max_length=query.MOST_CHARS,
        help_text="Words, all of which occur; in quotes they stand in a row. The last is found by its beginning.",
    )
    project = serializers.UUIDField(required=False)
    chat = serializers.UUIDField(required=False)
    author = serializers.UUIDField(required=False, help_text="The person who wrote it.")
    role = serializers.ChoiceField(MessageRole.choices, required=False)
    model = Text(required=False, max_length=100, help_text="The model that answered.")
    tool = Text(required=False, max_length=100, help_text="A tool that was called for the answer.")
    after = serializers.DateTimeField(required=False, help_text="Made then or later.")
    before = serializers.DateTimeField(required=False, help_text="Made earlier.")


class PieceSerializer(serializers.Serializer[Any]):
    """A piece of a message's text: a word that was found, or what stands around it."""

    text = serializers.CharField()
    hit = serializers.BooleanField()


class FoundChatSerializer(serializers.ModelSerializer[Chat]):
    """The chat where a message stands."""

    class Meta:
        model = Chat
        fields = ("id", "title")
        read_only_fields = fields


class FoundMessageSerializer(serializers.Serializer[Any]):
    """A message that was found, and the part of it that shows why."""

    message = serializers.UUIDField()
    chat = FoundChatSerializer()
    role = serializers.ChoiceField(MessageRole.choices)
    author = AuthorSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    snippet = PieceSerializer(many=True)


ANSWER = inline_serializer(
    "SearchAnswer",
    {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": FoundMessageSerializer(many=True),
        "chats": ChatSerializer(many=True),
        "is_partial": serializers.BooleanField(),
    },
)


class Search(APIView):
    """Finding what was said."""

    @documented("search", query=SearchQuery, answer=ANSWER)
    def get(self, request: Request) -> Response:
        """Find messages in the chats one sees, the newest first; on the first page also chats by their titles.

        `is_partial`: it took too long, and not all was looked through. Needs the plan's feature `search`.
        """
        user, asked = caller(request), read(SearchQuery, request.query_params)
        words, where, filters = query.read(asked["q"]), finding.places(user), _filters(asked)
        paging = _Newest()
        entries = _bounded(lambda: paging.paginate_queryset(finding.messages(user, words, where, filters), request))
        chats: list[Chat] | None = []
        if "cursor" not in asked and filters == Filters(project=filters.project):
            found = finding.chats(user, asked["q"], where, filters.project)
            chats = _bounded(lambda: list(found[:MOST_CHATS]))
        told = {
            "next": paging.get_next_link() if entries else None,
            "previous": paging.get_previous_link() if entries else None,
            "results": FoundMessageSerializer(_told(entries or [], words), many=True).data,
            "chats": ChatSerializer(chats or [], many=True, context={"request": request}).data,
            "is_partial": entries is None or chats is None,
        }
        return Response(told)


class _Newest(CursorPaging):
    """By when the messages were made."""

    ordering = ("-pk",)


def _filters(asked: dict[str, Any]) -> Filters:
    names = {each.name for each in fields(Filters)}
    return Filters(**{name: value for name, value in asked.items() if name in names})


def _bounded(look: Callable[[], list[Row] | None]) -> list[Row] | None:
    """What was found; None where that took too long."""
    try:
        with within(settings.SEARCH_TIMEOUT_S):
            return look() or []
    except TookTooLong:
        return None


def _told(entries: list[SearchEntry], words: Query) -> Iterator[dict[str, Any]]:
    """Each of them as JSON has it. What went meanwhile is left out."""
    for first in range(0, len(entries), READ_AT_ONCE):
        some = [each.message_id for each in entries[first : first + READ_AT_ONCE]]
        rows = Message.objects.filter(pk__in=some).select_related("chat", "author").only(*TOLD)
        by_id = rows.annotate(text=Left("content", settings.SEARCH_MAX_CHARS)).in_bulk()
        yield from (_one(by_id[id], words) for id in some if id in by_id)


def _one(message: Any, words: Query) -> dict[str, Any]:
    return {
        "message": message.pk,
        "chat": message.chat,
        "role": message.role,
        "author": message.author,
        "created_at": message.created_at,
        "snippet": snippet(message.text, words),
    }


urls = [path("api/search/", Search.as_view(), name="search")]

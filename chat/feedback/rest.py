"""REST for what people say of messages: feedback on answers, reactions, annotations."""

from typing import Any
from uuid import UUID

from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, PageQuery, Text
from accounts.http.rest import caller, created, documented, page, read, shown
from chat.access import get_message
from chat.feedback import saying
from chat.feedback.models import TEXT_MAX_CHARS, Annotation
from chat.feedback.shown import attach, of
from chat.models import Message
from chat.models.feedback import REASONS, Rating
from chat.rest.serializers import AuthorSerializer, FeedbackSerializer, ReactionSerializer


class FeedbackBody(Closed):
    """The caller's feedback, whole: what is left out is empty."""

    rating = serializers.ChoiceField(Rating.choices)
    reasons = serializers.ListField(child=serializers.ChoiceField(REASONS), required=False, max_length=len(REASONS))
    comment = Text(required=False, allow_blank=True, max_length=TEXT_MAX_CHARS)


class ReactionsSerializer(serializers.Serializer[Any]):
    """All reactions to a message."""

    results = ReactionSerializer(many=True)


class AnnotationSerializer(serializers.ModelSerializer[Annotation]):
    """A note on a passage. `start` and `end` are code points of the message's content.

    `detached`: the message was edited since and does not say the quote any more.
    """

    author = AuthorSerializer(source="user", read_only=True)
    detached = serializers.BooleanField(source="is_detached")

    class Meta:
        model = Annotation
        fields = ("id", "author", "start", "end", "quote", "body", "detached", "created_at", "updated_at")
        read_only_fields = fields


class NewAnnotation(Closed):
    """A note on a passage: what the message's `content` says from `start` to before `end`, in code points."""

    start = serializers.IntegerField(min_value=0)
    end = serializers.IntegerField(min_value=1)
    quote = Text(max_length=TEXT_MAX_CHARS, trim_whitespace=False)
    body = Text(max_length=TEXT_MAX_CHARS)


class AnnotationChanges(Closed):
    """What may be changed of one's own annotation."""

    body = Text(max_length=TEXT_MAX_CHARS)


class MessageFeedback(APIView):
    """The caller's feedback on one answer."""

    @documented("give_feedback", body=FeedbackBody, answer=FeedbackSerializer, conflicts=True)
    def put(self, request: Request, id: UUID) -> Response:
        """Say what an answer is worth, whole, in place of what you have said of it. Others see the counts.

        409: it is no answer, or not over.
        """
        user, message = caller(request), get_message(caller(request), id)
        saying.give(user=user, message=message, **read(FeedbackBody, request.data))
        return shown(request, FeedbackSerializer, _said(request, message).feedback)

    @documented("take_back_feedback", status=204, conflicts=True)
    def delete(self, request: Request, id: UUID) -> Response:
        """Take your feedback back."""
        saying.take_back(user=caller(request), message=get_message(caller(request), id))
        return Response(status=204)


class MessageReaction(APIView):
    """The caller's emoji on one message."""

    @documented("add_reaction", answer=ReactionsSerializer, conflicts=True)
    def put(self, request: Request, id: UUID, emoji: str) -> Response:
        """Put an emoji on a message, one of 24. What comes back are all reactions to it."""
        message = get_message(caller(request), id, "write")
        saying.react(user=caller(request), message=message, emoji=emoji)
        return Response({"results": _said(request, message).reactions})

    @documented("remove_reaction", status=204, conflicts=True)
    def delete(self, request: Request, id: UUID, emoji: str) -> Response:
        """Take it off again."""
        saying.unreact(user=caller(request), message=get_message(caller(request), id, "write"), emoji=emoji)
        return Response(status=204)


class Annotations(APIView):
    """What people note on a message."""

    @documented("list_annotations", query=PageQuery, page_of=AnnotationSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List the annotations of a message, oldest first."""
        read(PageQuery, request.query_params)
        rows = Annotation.objects.live().filter(message=get_message(caller(request), id)).select_related("user")
        return page(request, rows, AnnotationSerializer, ordering="created_at")

    @documented("annotate", body=NewAnnotation, answer=AnnotationSerializer, makes=True, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Note something on a passage. 409: the message is being written, or has CHAT_ANNOTATIONS_MAX annotations."""
        user = caller(request)
        message = get_message(user, id, "write")
        return created(
            request,
            NewAnnotation,
            AnnotationSerializer,
            make=lambda body: saying.annotate(user=user, message=message, **body),
            find=lambda made: saying.get_annotation(user, message, made),
        )


class OneAnnotation(APIView):
    """One of them."""

    @documented("change_annotation", body=AnnotationChanges, answer=AnnotationSerializer, conflicts=True)
    def patch(self, request: Request, id: UUID, annotation: UUID) -> Response:
        """Say it in other words; its author only."""
        row = _annotation(request, id, annotation)
        body = read(AnnotationChanges, request.data)["body"]
        return shown(request, AnnotationSerializer, saying.change(user=caller(request), annotation=row, body=body))

    @documented("delete_annotation", status=204, conflicts=True)
    def delete(self, request: Request, id: UUID, annotation: UUID) -> Response:
        """Delete it; its author, or the chat's owner."""
        saying.remove(user=caller(request), annotation=_annotation(request, id, annotation))
        return Response(status=204)


def _annotation(request: Request, id: UUID, annotation: UUID) -> Annotation:
    user = caller(request)
    return saying.get_annotation(user, get_message(user, id, "write"), annotation)


def _said(request: Request, message: Message) -> Any:
    attach([message], caller(request).pk)
    return of(message)


urls = [
    path("api/messages/<uuid:id>/feedback/", MessageFeedback.as_view(), name="message-feedback"),
    path("api/messages/<uuid:id>/reactions/<str:emoji>/", MessageReaction.as_view(), name="message-reaction"),
    path("api/messages/<uuid:id>/annotations/", Annotations.as_view(), name="message-annotations"),
    path("api/messages/<uuid:id>/annotations/<uuid:annotation>/", OneAnnotation.as_view(), name="message-annotation"),
]

"""REST for what a person lets models know of them: preferences, and remembered facts. Only ever one's own."""

from typing import Any
from uuid import UUID

from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, PageQuery, Text
from accounts.http.rest import caller, created, documented, page, read, shown
from tools.memory import keeping
from tools.models import Memory, Preferences

MOST = 10_000  # characters that are read of a text: what it may have at most, the settings say


class PreferencesSerializer(serializers.ModelSerializer[Preferences]):
    """How the caller wants to be answered. Who has said nothing has empty texts, and everything off."""

    class Meta:
        model = Preferences
        fields = ("language", "tone", "about", "use_in_prompts", "remember")
        read_only_fields = fields


class PreferencesBody(Closed):
    """All of the preferences: what is left out is empty, or off."""

    language = Text(required=False, allow_blank=True, max_length=MOST, help_text="of answers, such as German")
    tone = Text(required=False, allow_blank=True, max_length=MOST, help_text="the manner of answers, such as: briefly")
    about = Text(
        required=False, allow_blank=True, max_length=MOST, trim_whitespace=False,
        help_text="what a model shall know of you; told in chats that nobody else sees",
    )  # fmt: skip
    use_in_prompts = serializers.BooleanField(
        required=False, help_text="Models are told all of it, and what is remembered."
    )
    remember = serializers.BooleanField(
        required=False, help_text="An agent may ask whether to remember something, in chats that nobody else sees."
    )


class MemorySerializer(serializers.ModelSerializer[Memory]):
    """A fact that is remembered of the caller. `chat`: where it was said; null: they wrote it themselves."""

    class Meta:
        model = Memory
        fields = ("id", "text", "chat", "created_at", "updated_at")
        read_only_fields = fields


class MemoryBody(Closed):
    text = Text(max_length=MOST, allow_blank=True, help_text="one fact, on one line")


class OwnPreferences(APIView):
    """The caller's preferences."""

    @documented("me_preferences_retrieve", answer=PreferencesSerializer)
    def get(self, request: Request) -> Response:
        """Read your preferences."""
        return shown(request, PreferencesSerializer, keeping.preferences_of(caller(request).pk))

    @documented("me_preferences_update", body=PreferencesBody, answer=PreferencesSerializer)
    def put(self, request: Request) -> Response:
        """Set your preferences, whole. They hold from the next run on."""
        values: dict[str, Any] = read(PreferencesBody, request.data)
        return shown(request, PreferencesSerializer, keeping.put_preferences(caller(request).pk, **values))

    @documented("me_preferences_destroy", status=204)
    def delete(self, request: Request) -> Response:
        """Delete your preferences. What is remembered of you stays."""
        keeping.forget_preferences(caller(request).pk)
        return Response(status=204)


class Memories(APIView):
    """What is remembered of the caller."""

    @documented("me_memories_list", query=PageQuery, page_of=MemorySerializer)
    def get(self, request: Request) -> Response:
        """List what is remembered of you, newest first."""
        read(PageQuery, request.query_params)
        rows = Memory.objects.visible_to(caller(request))
        return page(request, rows, MemorySerializer, ordering="-created_at")

    @documented("me_memories_create", body=MemoryBody, answer=MemorySerializer, makes=True, conflicts=True)
    def post(self, request: Request) -> Response:
        """Add a fact. What is remembered in the same words already is answered with.

        409 `too_many_remembered_facts`: there are as many as one person may have.
        """
        user = caller(request)
        return created(
            request,
            MemoryBody,
            MemorySerializer,
            make=lambda body: keeping.add_memory(user.pk, body["text"]),
            find=lambda id: keeping.get_memory(user.pk, id),
        )

    @documented("me_memories_destroy", status=204)
    def delete(self, request: Request) -> Response:
        """Forget all of it, at once and for good. Your preferences stay."""
        keeping.forget_all(caller(request).pk)
        return Response(status=204)


class OneMemory(APIView):
    """One remembered fact."""

    @documented("me_memory_retrieve", answer=MemorySerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read it."""
        return shown(request, MemorySerializer, keeping.get_memory(caller(request).pk, id))

    @documented("me_memory_partial_update", body=MemoryBody, answer=MemorySerializer)
    def patch(self, request: Request, id: UUID) -> Response:
        """Say it in other words."""
        user = caller(request)
        keeping.get_memory(user.pk, id)
        text = read(MemoryBody, request.data)["text"]
        return shown(request, MemorySerializer, keeping.change_memory(user.pk, id, text))

    @documented("me_memory_destroy", status=204)
    def delete(self, request: Request, id: UUID) -> Response:
        """Forget it, at once and for good."""
        keeping.forget(caller(request).pk, id)
        return Response(status=204)


urls = [
    path("api/me/preferences/", OwnPreferences.as_view(), name="preferences"),
    path("api/me/memories/", Memories.as_view(), name="memories"),
    path("api/me/memories/<uuid:id>/", OneMemory.as_view(), name="memory"),
]

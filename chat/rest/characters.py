"""REST for characters: their JSON, and the views."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Conflict, NotFound
from accounts.http.fields import Closed, Id, PageQuery, Text
from accounts.http.rest import caller, created, documented, page, read, shown
from accounts.models import Organization, User
from chat.models import Character
from chat.models.characters import MAX_ID
from chat.rest.serializers import Key
from chat.services import characters

USERS_MAX = 1_000


class Number(serializers.IntegerField):
    """A whole number: the framework's own field takes texts, fractions and truths for numbers."""

    def to_internal_value(self, data: Any) -> int:
        """The number. Raises ValidationError."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class CharacterSerializer(serializers.ModelSerializer[Character]):
    """Who is talked to at the agent door. `id` is the `character_id` that clients send, `users` who may use it."""

    serializer_related_field = Key
    id = serializers.IntegerField(source="number", read_only=True)

    class Meta:
        model = Character
        fields = ("id", "organization", "name", "archetype", "users", "created_at", "updated_at")
        read_only_fields = fields


class CharacterChanges(Closed):
    """What may be changed of a character."""

    name = Text(required=False, max_length=150)
    archetype = Text(required=False, max_length=40)
    users = serializers.ListField(
        child=Id(), required=False, max_length=USERS_MAX, help_text="People of its organization: who may use it."
    )


class NewCharacter(CharacterChanges):
    """A character to be registered. Without `users` only its maker may use it."""

    id = Number(min_value=0, max_value=MAX_ID)
    organization = Id()
    name = Text(max_length=150)
    archetype = Text(max_length=40)


class CharacterQuery(PageQuery):
    """Which characters."""

    organization = serializers.UUIDField(required=False)


class OneCharacterQuery(Closed):
    """Of which organization, where several have one of that number."""

    organization = serializers.UUIDField(required=False)


class Characters(APIView):
    """The characters of the organizations one is in."""

    @documented("list_characters", query=CharacterQuery, page_of=CharacterSerializer)
    def get(self, request: Request) -> Response:
        """List characters by number."""
        query = read(CharacterQuery, request.query_params)
        return page(request, _characters(caller(request), query), CharacterSerializer, ordering="number")

    @documented("create_character", body=NewCharacter, answer=CharacterSerializer, makes=True, conflicts=True)
    def post(self, request: Request) -> Response:
        """Register a number in an organization, for its users alone. 409 where it is in use there. Needs admin."""
        user = caller(request)
        return created(
            request,
            NewCharacter,
            CharacterSerializer,
            make=lambda body: characters.create_character(user=user, **body),
            find=lambda id: _by_id(user, id),
        )


class OneCharacter(APIView):
    """One character."""

    @documented("read_character", query=OneCharacterQuery, answer=CharacterSerializer)
    def get(self, request: Request, id: int) -> Response:
        """Read a character."""
        return shown(request, CharacterSerializer, _one(request, id))

    @documented("change_character", query=OneCharacterQuery, body=CharacterChanges, answer=CharacterSerializer)
    def patch(self, request: Request, id: int) -> Response:
        """Change name, archetype or who may use it. Needs admin."""
        user = caller(request)
        character = _one(request, id)
        changes = read(CharacterChanges, request.data)
        return shown(
            request, CharacterSerializer, characters.change_character(user=user, character=character, **changes)
        )

    @documented("delete_character", query=OneCharacterQuery, status=204)
    def delete(self, request: Request, id: int) -> Response:
        """Make its number a plain one there again, for anybody. Needs admin."""
        characters.delete_character(user=caller(request), character=_one(request, id))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _one(request: Request, number: int) -> Character:
    """The character of that number that the user sees. Raises NotFound; Conflict where there are several."""
    query = read(OneCharacterQuery, request.query_params)
    found = Character.objects.visible_to(caller(request)).numbered(number).filter(**query)[:2]
    if not found:
        raise NotFound
    if len(found) > 1:
        told = "Several of your organizations have a character of that number: name one as ?organization=ID."
        raise Conflict(told, code="which_organization", fields={"organization": [told]})
    return found[0]


def _by_id(user: User, id: int) -> Character:
    """The user's character with the row's id. Raises NotFound."""
    character = Character.objects.visible_to(user).filter(pk=id).first()
    if character is None:
        raise NotFound
    return character


def _characters(user: User, query: dict[str, Any]) -> QuerySet[Character]:
    """The characters that the query asks for. Raises NotFound for an organization that one does not see."""
    found = Character.objects.visible_to(user).prefetch_related("users")
    organization: UUID | None = query.get("organization")
    if organization is None:
        return found
    if not Organization.objects.visible_to(user).filter(pk=organization).exists():
        raise NotFound
    return found.filter(organization=organization)

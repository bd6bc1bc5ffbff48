"""Characters of the agent door: making, changing and deleting them. All of it needs admin in their organization."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.counts import require_room
from accounts.errors import Conflict, NotFound
from accounts.models import Organization, User
from accounts.permissions import permissions_in, require
from chat.models import Character, Chat
from chat.services import rules


@transaction.atomic
def create_character(
    *, user: User, id: int, organization: UUID, name: str, archetype: str, users: Sequence[UUID] | None = None
) -> Character:
    """Register a number. Without `users` only its maker may use it. Raises Conflict for a number that is taken."""
    place = Organization.objects.visible_to(user).filter(pk=organization).first()
    if place is None:
        raise NotFound(fields={"organization": ["There is no such organization, or you may not see it."]})
    require(permissions_in(user, organization=place), "admin")
    _require_free(id, place)
    here = Character.objects.filter(organization=place)
    require_room(here, "CHARACTERS_PER_ORGANIZATION", "characters", "organization")
    character = Character(id=id, organization=place, **_checked({"name": name, "archetype": archetype}))
    try:
        with transaction.atomic():
            character.save(force_insert=True)
    except IntegrityError:
        raise _taken() from None
    character.users.set(_members(place.pk, [user.pk] if users is None else users))
    return character


@transaction.atomic
def change_character(*, user: User, character: Character, **changes: Any) -> Character:
    """Set name, archetype or users. Sessions follow: who is no longer a user sees theirs no more."""
    require(permissions_in(user, organization=character.organization_id), "admin")
    users = changes.pop("users", None)
    for name, value in _checked(changes).items():
        setattr(character, name, value)
    character.save(update_fields=[*changes, "updated_at"])
    if users is not None:
        character.users.set(_members(character.organization_id, users))
    return character


@transaction.atomic
def delete_character(*, user: User, character: Character) -> None:
    """Make its number a plain one again: whoever began a session with it sees that session again."""
    require(permissions_in(user, organization=character.organization_id), "admin")
    character.delete()


def outsiders(organization: UUID, users: Sequence[UUID]) -> list[User]:
    """Those of the users who are not members."""
    return list(User.objects.filter(pk__in=users).exclude(memberships__organization=organization))


def usable(user: User, number: int) -> Character | None:
    """The character of that number, None for a plain one. Raises NotFound where it is not for this user."""
    if (found := Character.objects.usable_by(user).filter(pk=number).first()) is not None:
        return found
    if Character.objects.filter(pk=number).exists():
        raise NotFound
    return None


def _require_free(id: int, place: Organization) -> None:
    """No organization takes a number away from the sessions of another. Guests' sessions are nobody's."""
    used = Chat.objects.filter(character=id, user__is_guest=False).exclude(organization=place)
    if used.exists() or Character.objects.filter(pk=id).exists():
        raise _taken()


def _taken() -> Conflict:
    told = {"id": ["This number is in use. Choose another."]}
    return Conflict("The number is in use.", code="character_taken", fields=told)


def _members(organization: UUID, ids: Sequence[UUID]) -> list[User]:
    """The users of these ids. Raises NotFound unless all of them are members."""
    wanted = set(ids)
    found = list(User.objects.filter(pk__in=wanted, is_active=True, memberships__organization=organization))
    if len(found) < len(wanted):
        raise NotFound(fields={"users": ["Not all of these are people of the character's organization."]})
    return found


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    if "name" in values:
        values["name"] = rules.check_storable(values["name"], "name")
    if "archetype" in values:
        values["archetype"] = rules.check_archetype(values["archetype"])
    return values

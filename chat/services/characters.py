"""Characters of the agent door: making, changing and deleting them. All of it needs admin in their organization."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.counts import require_room
from accounts.errors import Conflict, NotFound
from accounts.models import Organization, User
from accounts.organizations.choice import usual_organization
from accounts.permissions import permissions_in, require
from chat.models import Character
from chat.services import rules


@transaction.atomic
def create_character(
    *, user: User, id: int, organization: UUID, name: str, archetype: str, users: Sequence[UUID] | None = None
) -> Character:
    """Register a number there. Without `users` only its maker may use it. Raises Conflict for one that is taken."""
    place = Organization.objects.visible_to(user).filter(pk=organization).first()
    if place is None:
        raise NotFound(fields={"organization": ["There is no such organization, or you may not see it."]})
    require(permissions_in(user, organization=place), "admin")
    here = Character.objects.filter(organization=place)
    if here.numbered(id).exists():
        raise _taken()
    require_room(here, "CHARACTERS_PER_ORGANIZATION", "characters", "organization")
    character = Character(number=id, organization=place, **_checked({"name": name, "archetype": archetype}))
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
    """Make its number a plain one there again: whoever began a session with it sees that session again."""
    require(permissions_in(user, organization=character.organization_id), "admin")
    character.delete()


def outsiders(organization: UUID, users: Sequence[UUID]) -> list[User]:
    """Those of the users who are not members."""
    return list(User.objects.filter(pk__in=users).exclude(memberships__organization=organization))


def for_new_session(user: User, number: int) -> Character | None:
    """Whom the user talks to by this number in a new session, None for a plain one. Raises NotFound.

    Where such a chat goes is theirs to say, and a character of an organization that a stranger put them in changes
    nothing in that. Only who has chosen none, of several, talks to the one of that number that they may use.
    """
    try:
        place = usual_organization(user)
    except Conflict:
        theirs = list(Character.objects.usable_by(user).numbered(number)[:2])
        if len(theirs) != 1:
            raise
        return theirs[0]
    return in_organization(user, number, place.pk)


def in_organization(user: User, number: int, organization: UUID) -> Character | None:
    """The organization's character of that number, None for a plain one. Raises NotFound where it is not for them."""
    found = Character.objects.filter(organization=organization).numbered(number).first()
    if found and not Character.objects.usable_by(user).filter(pk=found.pk).exists():
        raise NotFound
    return found


def _taken() -> Conflict:
    told = {"id": ["This number is in use. Choose another."]}
    return Conflict("The number is in use in this organization.", code="character_taken", fields=told)


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

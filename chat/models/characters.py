"""Characters of the agent door."""

import secrets
from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from accounts.models import Organization, Seer, User

MAX_ID = 2**53 - 1  # the largest whole number that JavaScript keeps exact


def new_id() -> int:
    """The id of a new row: none that a version before took for a number that clients send."""
    return MAX_ID + 1 + secrets.randbelow(2**62)


class CharacterQuerySet(models.QuerySet["Character"]):
    def visible_to(self, user: Seer) -> "CharacterQuerySet":
        """Characters of the user's organizations."""
        return self.filter(organization__in=Organization.objects.visible_to(user))

    def usable_by(self, user: Seer) -> "CharacterQuerySet":
        """Those that the user may talk to: named among its users, and still in its organization."""
        return self.visible_to(user).filter(users=user.pk)

    def numbered(self, number: Any) -> "CharacterQuerySet":
        """Those of that number, at most one in each organization. Rows of the version before have it as their id."""
        return self.filter(Q(number=number) | Q(number=None, pk=number))


class Character(models.Model):
    """Who is talked to in an organization, by the number that clients send. Once it is here, only its users may use it.

    The same number elsewhere is another character's, or a plain one. Guests' numbers are always plain.
    """

    id = models.PositiveBigIntegerField(primary_key=True, default=new_id, editable=False)
    number = models.PositiveBigIntegerField(
        null=True, validators=[MaxValueValidator(MAX_ID)], help_text="The character_id that clients send."
    )
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="characters")
    name = models.CharField(max_length=150)
    archetype = models.CharField(max_length=40)  # a name in agents.archetypes.registry
    users = models.ManyToManyField(
        User, blank=True, related_name="characters", help_text="Who may use it, of its organization."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CharacterQuerySet.as_manager()

    class Meta:
        ordering = ["number", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "number"], name="character_number_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store it; without a number its id is its number."""
        self.number = self.id if self.number is None else self.number
        super().save(*args, **kwargs)

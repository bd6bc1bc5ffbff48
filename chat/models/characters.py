"""Characters of the agent door."""

from django.core.validators import MaxValueValidator
from django.db import models

from accounts.models import Organization, Seer, User

MAX_ID = 2**53 - 1  # the largest whole number that JavaScript keeps exact


class CharacterQuerySet(models.QuerySet["Character"]):
    def visible_to(self, user: Seer) -> "CharacterQuerySet":
        """Characters of the user's organizations."""
        return self.filter(organization__in=Organization.objects.visible_to(user))

    def usable_by(self, user: Seer) -> "CharacterQuerySet":
        """Those that the user may talk to: named among its users, and still in its organization."""
        return self.visible_to(user).filter(users=user.pk)


class Character(models.Model):
    """Who is talked to, by the number that clients send. Once it is here, only its users may use it."""

    id = models.PositiveBigIntegerField(
        primary_key=True, validators=[MaxValueValidator(MAX_ID)], help_text="The character_id that clients send."
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
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.id} {self.name}"

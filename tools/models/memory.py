"""What a person wants models to know of them: their preferences, and facts that they let be remembered."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Seer, User


class PreferencesQuerySet(models.QuerySet["Preferences"]):
    def visible_to(self, user: Seer) -> "PreferencesQuerySet":
        """The user's own."""
        return self.filter(user=user.pk)

    def in_use(self) -> "PreferencesQuerySet":
        """Those that make a difference to a run."""
        return self.filter(Q(use_in_prompts=True) | Q(remember=True))


class Preferences(models.Model):
    """How a person wants to be answered. Who has none of them has no row."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="+")
    # Of answers, as the person says it. That of pages and mail is User.language.
    language = models.CharField(max_length=40, blank=True)
    tone = models.CharField(max_length=200, blank=True)
    about = models.TextField(blank=True)
    use_in_prompts = models.BooleanField(default=False)  # models are told of them, and of what is remembered
    remember = models.BooleanField(default=False)  # agents may ask whether to remember something
    updated_at = models.DateTimeField(auto_now=True)

    objects = PreferencesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"


class MemoryQuerySet(models.QuerySet["Memory"]):
    def visible_to(self, user: Seer) -> "MemoryQuerySet":
        """What is remembered of the user, and of nobody else."""
        return self.filter(user=user.pk)


class Memory(models.Model):
    """A fact that a person let be remembered of them, or wrote themselves."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    text = models.TextField()  # one line
    chat = models.UUIDField(
        null=True, editable=False
    )  # that it came from, which may be gone; None: the person wrote it
    call = models.CharField(max_length=100, blank=True, editable=False)  # of the tool, with its run: unique; else empty
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MemoryQuerySet.as_manager()

    class Meta:
        verbose_name = "remembered fact"
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="memory_newest")]
        constraints = [models.UniqueConstraint(fields=["call"], condition=~Q(call=""), name="memory_once_a_call")]

    def __str__(self) -> str:
        return f"remembered fact {self.pk}"  # what it says is the person's

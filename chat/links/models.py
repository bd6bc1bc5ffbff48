"""Links to chats: one row each. What they show stays in the chat's messages; nothing of it is stored here."""

import uuid

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from accounts.models import Seer, User
from chat.models import Chat, Message


class OpensTo(models.TextChoices):
    """Whom a link opens to; where the organization's rule has less by now, to these."""

    MEMBERS = "members"
    ANYONE = "anyone"


class LinkQuerySet(models.QuerySet["Link"]):
    def visible_to(self, user: Seer) -> "LinkQuerySet":
        """Links to the chats that the user can see."""
        return self.filter(chat__in=Chat.objects.visible_to(user))

    def live(self) -> "LinkQuerySet":
        """Those that have not expired and were made by who owns the chat now: of a chat that was handed over, none."""
        return self.filter(expires_at__gt=timezone.now(), by=F("chat__user"))


class Link(models.Model):
    """Whoever has its token reads the chat from its first message to `until`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No constraints in the database: a process of an older version deletes these and knows no such table.
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="+", db_constraint=False)
    until = models.ForeignKey(Message, models.CASCADE, related_name="+", db_constraint=False)
    by = models.ForeignKey(User, models.CASCADE, related_name="+", db_constraint=False)
    opens_to = models.CharField(max_length=10, choices=OpensTo.choices)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256 hex; the token is never stored
    expires_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LinkQuerySet.as_manager()

    class Meta:
        verbose_name = "link to a chat"
        verbose_name_plural = "links to chats"
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="link_newest")]

    def __str__(self) -> str:
        return f"Link {self.id}"


def ended() -> LinkQuerySet:
    """Those that have expired, and of a chat that an older process deleted."""
    is_gone = ~Exists(Chat.objects.filter(pk=OuterRef("chat")))
    return Link.objects.filter(Q(expires_at__lt=timezone.now()) | Q(is_gone)).order_by("expires_at")

"""Reactions and annotations: what people in a chat put on each other's messages. Feedback is in chat.models.

The database checks none of their keys: a process of an older version deletes messages and people, and knows no such
tables. What it leaves behind the clean-up removes.
"""

import uuid
from typing import Any

from django.db import models

from accounts.models import Seer, User
from chat.models import Message, MessageStatus

# What one may react with, in the order in which it is offered and counted.
EMOJI = (
    *("👍", "👎", "❤️", "🎉", "😄", "😂", "🙂", "😮", "😢", "😕", "🤔", "👀"),
    *("🙏", "👏", "🙌", "💪", "🚀", "🔥", "💡", "⭐", "💯", "✅", "❌", "❓"),
)
TEXT_MAX_CHARS = 2_000


def left_behind(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Those of messages or people that are gone."""
    there = Message.objects.filter(pk=models.OuterRef("message_id")).exclude(status=MessageStatus.DELETED)
    people = User.objects.filter(pk=models.OuterRef("user_id"))
    return rows.filter(~models.Exists(there) | ~models.Exists(people)).order_by("pk")


class Reaction(models.Model):
    """One person's emoji on a message."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="reactions", db_constraint=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_constraint=False)
    emoji = models.CharField(max_length=8)  # one of EMOJI
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "user", "emoji"], name="reaction_once")]

    def __str__(self) -> str:
        return f"Reaction {self.id}"


class AnnotationQuerySet(models.QuerySet["Annotation"]):
    def live(self) -> "AnnotationQuerySet":
        """Those of people whose accounts are not closed."""
        return self.filter(user__deleted_at=None)

    def visible_to(self, user: Seer) -> "AnnotationQuerySet":
        """Annotations on messages of the chats that the user can see."""
        return self.live().filter(message__in=Message.objects.visible_to(user))


class Annotation(models.Model):
    """What one person notes on a passage of a message."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="annotations", db_constraint=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_constraint=False)
    start = models.PositiveIntegerField()  # code points of the message's content, the first of the passage
    end = models.PositiveIntegerField()  # behind the last
    quote = models.TextField()  # the passage as it was
    body = models.TextField()
    is_detached = models.BooleanField(default=False)  # an edit has taken the passage out of the message
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["message", "created_at", "id"], name="annotations_of_message")]

    def __str__(self) -> str:
        return f"Annotation {self.id}"  # its body is what somebody wrote

"""What people say of answers: a comment of each of theirs, for whoever runs this."""

import uuid

from django.db import models

from accounts.models import Seer, User
from chat.models.messages import Message


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def visible_to(self, user: Seer) -> "FeedbackQuerySet":
        """Comments on answers of the chats that the user can see."""
        return self.filter(message__in=Message.objects.visible_to(user))


class Feedback(models.Model):
    """One person's comment on one answer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="feedback")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "feedback"
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["-created_at", "-id"])]
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="feedback_once")]

    def __str__(self) -> str:
        return f"Feedback {self.id}"  # its comment is what somebody wrote

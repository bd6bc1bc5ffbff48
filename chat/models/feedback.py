"""What people say of answers: one rating, reasons and comment of each of theirs, for whoever runs this."""

import uuid

from django.db import models

from accounts.models import Seer, User
from chat.models.messages import Message

REASONS = ("wrong", "incomplete", "unclear", "unsafe", "refused", "slow", "style", "other")


class Rating(models.TextChoices):
    UP = "up"
    DOWN = "down"


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def visible_to(self, user: Seer) -> "FeedbackQuerySet":
        """Feedback on answers of the chats that the user can see."""
        return self.filter(message__in=Message.objects.visible_to(user))

    def forget_comments(self) -> None:
        """Take their comments away; what says nothing else goes."""
        self.filter(rating="").delete()
        self.update(comment="")


class Feedback(models.Model):
    """What one person says of one answer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="feedback")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    # Empty where there is a comment alone, by /feedback.
    rating = models.CharField(max_length=4, choices=Rating.choices, blank=True, default="", db_default="")
    reasons = models.CharField(max_length=100, blank=True, default="", db_default="")  # of REASONS, a space between
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

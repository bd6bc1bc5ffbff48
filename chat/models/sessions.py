"""Chat sessions of system 2's door: who holds a session's id may read its one run, for a few minutes."""

import uuid

from django.db import models

from accounts.models import ApiKey, Project, Seer, User
from chat.models.chats import Chat
from chat.models.runs import Run
from chat.models.tasks import Task


class ChatSessionQuerySet(models.QuerySet["ChatSession"]):
    def visible_to(self, user: Seer) -> "ChatSessionQuerySet":
        """The user's own, of chats they can still see."""
        return self.filter(user=user.pk, chat__in=Chat.objects.visible_to(user))


class ChatSession(models.Model):
    """One prompt's way to its answer. Its id on the wire is a secret; here is only the hash of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token_hash = models.CharField(max_length=64, unique=True)  # SHA-256 hex of the id on the wire
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    token_version = models.PositiveIntegerField()  # the user's, when it was made: signing out everywhere ends it
    key = models.ForeignKey(ApiKey, models.CASCADE, null=True, editable=False, related_name="+")  # it was made by
    model = models.CharField(max_length=100)
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="sessions")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    task = models.ForeignKey(Task, models.SET_NULL, null=True, blank=True, related_name="sessions")
    run = models.ForeignKey(Run, models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = ChatSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["user", "-created_at"]), models.Index(fields=["-created_at", "-id"])]

    def __str__(self) -> str:
        return f"Session {self.id}"

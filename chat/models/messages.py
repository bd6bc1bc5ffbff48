"""Messages: one row each, a tree by `parent`."""

import uuid

from django.db import models

from accounts.models import Seer, User
from chat.models.chats import Chat
from chat.models.tasks import Task


class MessageRole(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


class MessageKind(models.TextChoices):
    TEXT = "text"
    PATCH = "patch"
    COMPONENT = "component"
    COMMAND = "command"  # a slash command, or what it answered: people read it, models do not


class MessageStatus(models.TextChoices):
    IN_PROGRESS = "in_progress"  # its run is queued, running or waiting
    COMPLETED = "completed"
    CANCELLED = "cancelled"  # stopped; holds what had come
    FAILED = "failed"  # holds what had come
    DELETED = "deleted"  # a tombstone: it keeps the tree together and nothing else


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: Seer) -> "MessageQuerySet":
        """Messages of the chats the user can see."""
        return self.filter(chat__in=Chat.objects.visible_to(user))


class Message(models.Model):
    """One entry of a chat. An answer's row is what its run's events fold to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    position = models.PositiveIntegerField()  # order in its chat, from 1
    role = models.CharField(max_length=10, choices=MessageRole.choices)
    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    content = models.TextField(blank=True)  # all text parts together
    parts = models.JSONField(default=list, blank=True)  # see chat.eventlog.projection
    attachments = models.JSONField(default=list, blank=True)  # [{type, name, content | url | id}]
    status = models.CharField(max_length=12, choices=MessageStatus.choices, default=MessageStatus.COMPLETED)
    kind = models.CharField(max_length=10, choices=MessageKind.choices, default=MessageKind.TEXT)
    model = models.CharField(max_length=100, blank=True)  # that answered
    usage = models.JSONField(null=True, blank=True)  # agents.usage.Usage, for answers
    task = models.ForeignKey(Task, models.SET_NULL, null=True, blank=True, related_name="messages")
    error = models.JSONField(null=True, blank=True)  # {code, message, retryable}, for failed answers
    # The newest work that its run began and did not wait for, such as a build.
    job = models.ForeignKey("chat.Run", models.SET_NULL, null=True, blank=True, db_index=False, related_name="job_of")
    # Whether chat.search knows what it says now. It is told after the run's end, not in it.
    is_indexed = models.BooleanField(default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["chat", "position"], name="message_position_once")]
        indexes = [
            models.Index(fields=["parent", "position"]),
            models.Index(fields=["author", "-created_at", "-id"]),
            models.Index(fields=["-created_at", "-id"]),
            models.Index(fields=["job"], condition=models.Q(job__isnull=False), name="message_job"),
            models.Index(fields=["-created_at"], condition=models.Q(is_indexed=False), name="message_to_index"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.position} of {self.chat_id}"

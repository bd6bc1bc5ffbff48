"""Compactions: what stands for the older part of a long chat when a model is given it to read."""

import uuid

from django.db import models

from accounts.models import Seer
from chat.models.chats import Chat
from chat.models.messages import Message


class CompactionQuerySet(models.QuerySet["Compaction"]):
    def visible_to(self, user: Seer) -> "CompactionQuerySet":
        """Those of the chats the user can see."""
        return self.filter(chat__in=Chat.objects.visible_to(user))


class Compaction(models.Model):
    """The messages up to one of them, as a summary. They stay; it holds on every branch that has that message.

    It is never changed, and goes with the messages that it tells of.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No constraints in the database: a process of an older version deletes chats and messages and knows no such table.
    # What it leaves behind the clean-up removes.
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="compactions", db_constraint=False)
    upto = models.OneToOneField(Message, models.CASCADE, related_name="compacted", db_constraint=False)
    branch_leaf = models.UUIDField()  # the message that was to be answered when it was made
    whole = models.JSONField(default=list, blank=True)  # ids of messages before that which are told as they are
    run = models.UUIDField()  # that made it
    summary = models.TextField()
    messages = models.PositiveIntegerField()  # how many it stands for, those of earlier ones included
    tokens_before = models.PositiveIntegerField()  # of the branch, about, as it was told until then
    tokens_after = models.PositiveIntegerField()
    model = models.CharField(max_length=100)  # that wrote it
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CompactionQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return f"Compaction of {self.messages} messages of {self.chat_id}"

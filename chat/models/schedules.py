"""Schedules: prompts that are sent at certain times."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Organization, Project, Seer, User
from chat.models.chats import Chat
from chat.models.runs import Run


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def visible_to(self, user: Seer) -> "ScheduleQuerySet":
        """The user's own in their organizations, and those of the chats they see."""
        own = Q(owner=user.pk, organization__in=Organization.objects.visible_to(user))
        return self.filter(own | Q(chat__in=Chat.objects.visible_to(user)), chat__deleted_at=None)


class Schedule(models.Model):
    """A prompt that is sent to a chat, or each time to a new one, whenever a cron expression says so.

    A run begins in the transaction that moves `next_at` on: so for each due time there is at most one, whatever dies.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")  # of new chats
    chat = models.ForeignKey(Chat, models.CASCADE, null=True, blank=True, related_name="schedules")  # None: a new one
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")  # whose rights its runs have
    title = models.CharField(max_length=200, blank=True)  # what new chats are called
    archetype = models.CharField(max_length=40, blank=True)  # empty: the chat's
    prompt = models.TextField()
    cron = models.CharField(max_length=100)  # five fields; chat.due reads them
    time_zone = models.CharField(max_length=60)
    is_on = models.BooleanField(default=True)
    next_at = models.DateTimeField(null=True, blank=True)  # None: it is off, or never due again
    last_at = models.DateTimeField(null=True, blank=True)  # the due time that the newest run was begun for
    last_run = models.ForeignKey(Run, models.SET_NULL, null=True, blank=True, related_name="+")
    # The newest due times in a row for which no run was begun.
    missed = models.PositiveIntegerField(default=0)
    missed_first_at = models.DateTimeField(null=True, blank=True)
    missed_last_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)  # why the newest try was refused, or why it was switched off
    failed_at = models.DateTimeField(null=True, blank=True)  # the due time of that
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(is_on=True), name="schedule_due"),
            models.Index(fields=["-created_at", "-id"], name="schedule_newest"),
        ]

    def __str__(self) -> str:
        return f"Schedule {self.id}"  # its title is what somebody wrote

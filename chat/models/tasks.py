"""Tasks: pieces of a project's work that chats are about."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.folding import FoldedField, SavesFolded
from accounts.models import Project, Seer


class TaskStatus(models.TextChoices):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskQuerySet(models.QuerySet["Task"]):
    def visible_to(self, user: Seer) -> "TaskQuerySet":
        """Tasks of the projects the user can see."""
        return self.filter(project__in=Project.objects.visible_to(user))


class Task(SavesFolded):
    """A piece of a project's work. Where it is kept in another tracker, `external_id` is its name there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="tasks")
    title = models.CharField(max_length=200)
    title_folded = FoldedField("title")
    status = models.CharField(max_length=12, choices=TaskStatus.choices, default=TaskStatus.OPEN)
    external_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "external_id"], condition=~Q(external_id=""), name="task_external_id_once"
            )
        ]
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"]),
            models.Index(fields=["-created_at", "-id"]),
            models.Index(fields=["id"], condition=Q(title_folded__isnull=True), name="task_title_to_fold"),
        ]

    def __str__(self) -> str:
        return f"Task {self.id}"  # its title is what somebody wrote

"""Workflows: what an organization or project has its chats go through, its versions, and where each chat stands."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q

from accounts.models import Organization, Project, Seer, User
from chat.models.chats import Chat


class PublishedVersion(Exception):
    """A version that was published is never changed: chats may be going through it."""

    def __init__(self) -> None:
        super().__init__("A published version of a workflow is not changed. Make a new one.")


class WorkflowQuerySet(models.QuerySet["Workflow"]):
    def visible_to(self, user: Seer) -> "WorkflowQuerySet":
        """Those of the user's organizations, and of those projects of them that they see."""
        own = self.filter(organization__in=Organization.objects.visible_to(user))
        return own.filter(Q(project__isnull=True) | Q(project__in=Project.objects.visible_to(user)))

    def usable_in(self, organization: Any, project: Any) -> "WorkflowQuerySet":
        """Those that a chat of that place may go through."""
        here = Q(project__isnull=True) | Q(project=project) if project else Q(project__isnull=True)
        return self.filter(here, organization=organization, is_archived=False)


class Workflow(models.Model):
    """One of an organization, or of one of its projects. What its steps are is in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="workflows")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="workflows")
    name = models.CharField(max_length=100)
    is_default = models.BooleanField(default=False)  # new chats of its place go through it
    is_archived = models.BooleanField(default=False)  # no new chat does; those that do go on
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkflowQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(project__isnull=True, is_default=True, is_archived=False),
                name="workflow_one_default_in_organization",
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(project__isnull=False, is_default=True, is_archived=False),
                name="workflow_one_default_in_project",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WorkflowVersionQuerySet(models.QuerySet["WorkflowVersion"]):
    def visible_to(self, user: Seer) -> "WorkflowVersionQuerySet":
        """Those of the workflows the user can see."""
        return self.filter(workflow__in=Workflow.objects.visible_to(user))

    def published(self) -> "WorkflowVersionQuerySet":
        """Those that chats may go through."""
        return self.filter(published_at__isnull=False)

    def update(self, **fields: Any) -> int:
        """Change drafts. Raises PublishedVersion where another is among them."""
        if self.published().exists():
            raise PublishedVersion
        return super().update(**fields)


class WorkflowVersion(models.Model):
    """What a workflow is. One that was published stays as it is, and a chat that goes through it keeps it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()  # from 1
    definition = models.JSONField(default=dict)  # agents.workflows.definition.Definition
    published_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkflowVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "number"], name="workflow_version_once"),
            models.UniqueConstraint(
                fields=["workflow"], condition=Q(published_at__isnull=True), name="workflow_one_draft"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow_id} {self.number}"

    def save(self, *args: Any, **how: Any) -> None:
        """Store a draft, or its publishing. Raises PublishedVersion for one that is published already."""
        if not self._state.adding and WorkflowVersion.objects.published().filter(pk=self.pk).exists():
            raise PublishedVersion
        super().save(*args, **how)


class WorkflowStatus(models.TextChoices):
    RUNNING = "running"  # a message, or a tool, is next
    WAITING = "waiting"  # for a person's decision or message
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


GOES_ON = (WorkflowStatus.RUNNING, WorkflowStatus.WAITING)


class WorkflowRunQuerySet(models.QuerySet["WorkflowRun"]):
    def visible_to(self, user: Seer) -> "WorkflowRunQuerySet":
        """Those of the chats the user can see."""
        return self.filter(chat__in=Chat.objects.visible_to(user))

    def going_on(self) -> "WorkflowRunQuerySet":
        """Those that are not over."""
        return self.filter(status__in=GOES_ON)


class WorkflowRun(models.Model):
    """A chat's way through one version of a workflow. It moves by compare-and-set on `step` and `seq`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="workflow_runs")
    version = models.ForeignKey(WorkflowVersion, models.CASCADE, related_name="runs")
    status = models.CharField(max_length=10, choices=WorkflowStatus.choices, default=WorkflowStatus.RUNNING)
    step = models.CharField(max_length=40)  # its id in the definition; of one that is over, the last
    seq = models.PositiveIntegerField(default=1)  # raised by each move
    failures = models.PositiveSmallIntegerField(default=0)  # of this step
    # By their names: {"message": id} of the message that is the answer, or {"decision", "by"} of an approval.
    answers = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    moved_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = WorkflowRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["chat"], condition=Q(status__in=["running", "waiting"]), name="workflow_run_one_a_chat"
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="workflow_run_newest")]

    def __str__(self) -> str:
        return f"{self.status} {self.step}"

    @property
    def goes_on(self) -> bool:
        """Whether it is not over."""
        return self.status in GOES_ON

    def messages(self) -> Iterable[str]:
        """The ids of the messages that are answers."""
        return [each["message"] for each in self.answers.values() if "message" in each]

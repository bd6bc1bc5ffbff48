"""Pull requests: a chat's branch, put forward for merging, at a forge or here."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Project, Seer, User
from chat.models.chats import Chat


class PullState(models.TextChoices):
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class PullRequestQuerySet(models.QuerySet["PullRequest"]):
    def visible_to(self, user: Seer) -> "PullRequestQuerySet":
        """Those of the projects the user can see: what is put forward is for all who may look at its project.

        None of a chat that was deleted and is kept by a hold.
        """
        return self.filter(chat__deleted_at=None, project__in=Project.objects.visible_to(user))


class PullRequest(models.Model):
    """One that was opened. Asking again for the same chat renews the open one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="pull_requests")
    chat = models.ForeignKey(Chat, models.SET_NULL, null=True, blank=True, related_name="pull_requests")
    forge = models.CharField(max_length=8)  # tools.models.Forge
    number = models.PositiveIntegerField()  # the forge's, or the project's own where there is none
    url = models.CharField(max_length=1000, blank=True)  # of its page at the forge; empty: it is on ours
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    is_draft = models.BooleanField(default=False)
    branch = models.CharField(max_length=255)
    base = models.CharField(max_length=255)  # a branch
    head = models.CharField(max_length=64)  # commit, hex
    state = models.CharField(max_length=6, choices=PullState.choices, default=PullState.OPEN)
    merged_as = models.CharField(max_length=64, blank=True)  # the merge's commit, hex
    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    closed_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")  # or merged by
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = PullRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["chat"], condition=Q(state="open"), name="pull_one_open_a_chat"),
            # By its page, too: a project that gets another remote at the same forge gets numbers that it had before.
            models.UniqueConstraint(fields=["project", "forge", "number", "url"], name="pull_number_once"),
        ]
        indexes = [models.Index(fields=["project", "-created_at", "-id"], name="pull_of_project")]

    def __str__(self) -> str:
        return f"#{self.number} of {self.project_id}"

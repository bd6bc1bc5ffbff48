"""Exports that are written as jobs: one row each, and one file while it is kept."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Organization, Seer, User
from chat.models import Chat


class ExportStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


UNDER_WAY = (ExportStatus.QUEUED, ExportStatus.RUNNING)


class ExportQuerySet(models.QuerySet["Export"]):
    def visible_to(self, user: Seer) -> "ExportQuerySet":
        """One's own."""
        return self.filter(user=user.pk)

    def under_way(self) -> "ExportQuerySet":
        """Those that are not over."""
        return self.filter(status__in=UNDER_WAY)


class Export(models.Model):
    """One export: who asked for what, how far it is, and until when its file is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No constraints: processes of the version before, which know no exports, delete what these are of.
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_constraint=False)
    # What it is of, where it is of one: it goes with that.
    organization = models.ForeignKey(
        Organization, models.CASCADE, null=True, blank=True, related_name="+", db_constraint=False
    )
    chat = models.ForeignKey(Chat, models.CASCADE, null=True, blank=True, related_name="+", db_constraint=False)
    what = models.CharField(max_length=20)  # a name of chat.exports.kinds.KINDS
    format = models.CharField(max_length=20)
    asked = models.JSONField(
        default=dict, blank=True
    )  # what else was asked for, as it came: ids, days, names of columns
    status = models.CharField(max_length=8, choices=ExportStatus.choices, default=ExportStatus.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)  # how many processes have begun it
    done = models.PositiveIntegerField(default=0)  # of `total`: messages, entries, files
    total = models.PositiveIntegerField(null=True, blank=True)
    bytes = models.PositiveBigIntegerField(null=True, blank=True)
    error = models.CharField(max_length=40, blank=True)  # its code
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)  # its row and file go then

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(status__in=UNDER_WAY), name="export_one_under_way"),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="export_newest"),
            models.Index(fields=["created_at"], condition=Q(status__in=UNDER_WAY), name="export_under_way"),
            models.Index(fields=["expires_at"], name="export_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.what} as {self.format}"

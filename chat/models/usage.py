"""What was used, added up by day: what figures are read from."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import ApiKey, Organization, Project, User
from chat.models.outlived import outlived


class UsageDay(models.Model):
    """What one person used of one model in one project, at one door by one key for one purpose, on one day.

    Written in the transaction that ends a run, so it agrees with the UsageRecord rows; it outlives all that it is of.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)  # made of what it is of: chat.metering.usage_days
    day = models.DateField()  # of the organization's zone as it was then, by the runs' ends
    organization = outlived(Organization)
    project = outlived(Project)
    user = outlived(User)
    api_key = outlived(ApiKey)
    door = models.CharField(max_length=30, blank=True)  # empty: from before it was kept
    purpose = models.CharField(max_length=20, blank=True)  # the same
    model = models.CharField(max_length=100)
    runs = models.PositiveIntegerField(default=0)  # ended, of this model
    failed = models.PositiveIntegerField(default=0)  # of those
    input_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    # What the records cost whose cost is known in OPENAI_PRICES_CURRENCY, in billionths of it; and their tokens.
    cost_nanos = models.BigIntegerField(default=0, db_default=0)
    priced_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    unknown_cost_runs = models.PositiveIntegerField(default=0)  # that have something here without a known cost
    cache_hits = models.PositiveIntegerField(default=0)  # turns that our own cache has answered

    class Meta:
        db_table = "chat_usage_by_day"
        verbose_name = "usage by day"
        verbose_name_plural = "usage by day"
        ordering = ["-day", "-id"]
        indexes = [
            models.Index(fields=["day"], name="usage_by_day"),
            models.Index(fields=["organization", "day"], name="usage_by_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.model}: {self.input_tokens} + {self.output_tokens}"


class UsageName(models.Model):
    """What an organization, a project or an API key was called that is deleted, for who reads the ledger.

    Of a key its beginning, of a person nothing: names of people go with them.
    """

    id = models.UUIDField(primary_key=True)  # of what is gone
    name = models.CharField(max_length=200)
    gone_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class UsageDayBefore(models.Model):
    """Where processes of the three versions before count days: its rows are moved to UsageDay, and then it is empty."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    model = models.CharField(max_length=100)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    runs = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    cost_nanos = models.BigIntegerField(default=0, db_default=0)
    priced_tokens = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "chat_usageday"
        constraints = [
            models.UniqueConstraint(
                fields=["day", "organization", "project", "model", "user"], name="usage_day_once_in_project"
            ),
            models.UniqueConstraint(
                fields=["day", "organization", "model", "user"],
                condition=Q(project__isnull=True),
                name="usage_day_once_without_project",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.model}"

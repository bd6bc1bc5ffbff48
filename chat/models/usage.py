"""What was used, added up by day: what the admin's figures are read from."""

from django.db import models
from django.db.models import Q

from accounts.models import Organization, Project, User


class UsageDay(models.Model):
    """What one person used of one model in one project on one day (UTC, by the runs' ends).

    Written in the transaction that ends a run, so it agrees with the UsageRecord rows; it stays when chats are deleted.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    model = models.CharField(max_length=100)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    runs = models.PositiveIntegerField(default=0)  # ended, of this model
    failed = models.PositiveIntegerField(default=0)  # of those
    input_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    # What the records cost whose cost is known in OPENAI_PRICES_CURRENCY, in billionths of it; and their tokens.
    cost_nanos = models.BigIntegerField(default=0, db_default=0)
    priced_tokens = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = "usage by day"
        verbose_name_plural = "usage by day"
        ordering = ["-day", "-id"]
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
        return f"{self.day} {self.model}: {self.input_tokens} + {self.output_tokens}"

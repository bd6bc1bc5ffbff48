"""What an organization has decided for all of its chats."""

from django.db import models

from accounts.models import Organization, Seer


class Links(models.TextChoices):
    """Who may open a link to a chat."""

    OFF = "off"
    MEMBERS = "members"
    ANYONE = "anyone"


class RulesQuerySet(models.QuerySet["Rules"]):
    def visible_to(self, user: Seer) -> "RulesQuerySet":
        """Rules of the organizations the user is a member of."""
        return self.filter(organization__in=Organization.objects.visible_to(user))


class Rules(models.Model):
    """Of one organization; without a row: what the fields say by themselves."""

    organization = models.OneToOneField(Organization, models.CASCADE, primary_key=True, related_name="+")
    # Days since a chat's last activity, a run's end, a file's last use; null: for ever.
    chats_days = models.PositiveIntegerField(null=True, blank=True)
    logs_days = models.PositiveIntegerField(null=True, blank=True)
    files_days = models.PositiveIntegerField(null=True, blank=True)
    links = models.CharField(max_length=10, choices=Links.choices, default=Links.OFF)
    cache_answers = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RulesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "rules"
        ordering = ["organization"]

    def __str__(self) -> str:
        return f"Rules of {self.organization_id}"

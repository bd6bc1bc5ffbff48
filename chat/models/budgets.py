"""What an organization may use."""

from django.db import models

from accounts.models import Organization, Seer


class Period(models.TextChoices):
    """When a budget begins anew, in UTC."""

    DAY = "day"
    MONTH = "month"
    EVER = "ever"  # never


class BudgetQuerySet(models.QuerySet["Budget"]):
    def visible_to(self, user: Seer) -> "BudgetQuerySet":
        """Budgets of the organizations the user is a member of."""
        return self.filter(organization__in=Organization.objects.visible_to(user))


class Budget(models.Model):
    """How many tokens an organization may use in a period. Without a row: as many as it likes.

    What is reserved stands in the open runs (Run.reserved_tokens), so it ends with them.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.OneToOneField(Organization, models.CASCADE, related_name="+")
    tokens = models.PositiveBigIntegerField(help_text="Input and output together.")
    period = models.CharField(max_length=5, choices=Period.choices, default=Period.MONTH)
    used = models.PositiveBigIntegerField(default=0, editable=False)  # by the runs that ended in the period
    began_on = models.DateField(null=True, editable=False)  # the period that `used` is of
    updated_at = models.DateTimeField(auto_now=True)

    objects = BudgetQuerySet.as_manager()

    class Meta:
        ordering = ["organization"]

    def __str__(self) -> str:
        return f"{self.tokens} a {self.period}" if self.period != Period.EVER else f"{self.tokens} in all"

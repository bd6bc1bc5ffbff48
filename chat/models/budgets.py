"""What an organization, a project, a person or a key may use."""

from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.models import ApiKey, Organization, Project, Seer, User

NANOS = 1_000_000_000  # in one of the installation's currency


class Period(models.TextChoices):
    """When a budget begins anew, at 0:00 in its organization's time zone."""

    DAY = "day"
    WEEK = "week"  # on Monday
    MONTH = "month"
    EVER = "ever"  # never


class Scope(models.TextChoices):
    """Whose runs a budget is for: all of the organization's, or those of one of these in it."""

    ORGANIZATION = "organization"
    PROJECT = "project"
    USER = "user"
    KEY = "key"


class Unit(models.TextChoices):
    TOKENS = "tokens"  # input and output together
    MONEY = "money"  # counted in billionths of the installation's currency


class AtEnd(models.TextChoices):
    """What happens to a run that a budget does not cover."""

    BLOCK = "block"
    WARN = "warn"  # it goes on; people are told


class BudgetQuerySet(models.QuerySet["Budget"]):
    def visible_to(self, user: Seer) -> "BudgetQuerySet":
        """Budgets of the organizations the user is a member of."""
        return self.within(Organization.objects.visible_to(user).values("pk"))

    def within(self, organizations: object) -> "BudgetQuerySet":
        """All that are of these organizations: their own, and those of what is in them."""
        return self.filter(Q(organization__in=organizations) | Q(inside__in=organizations))

    def own(self, organization: UUID) -> "BudgetQuerySet":
        """What the organization as a whole has: the one that older processes know first."""
        of_all = self.within([organization]).filter(project=None, user=None, key=None)
        return of_all.order_by(models.F("organization").asc(nulls_last=True), "pk")


class Budget(models.Model):
    """How much may be used in a period. Where no row applies: as much as they like.

    What is reserved stands in the open runs (Run.reserved_tokens, Run.reserved_nanos), so it ends with them.

    Whose it is stands in one of two columns. `organization` is unique, for as long as processes of older versions may
    be up: they know one budget of an organization, in tokens, and must not meet another. All others have `inside`.
    """

    # Keys of tables that older processes delete from, and know no such column of: no constraint in the database.
    id = models.BigAutoField(primary_key=True)
    organization = models.OneToOneField(Organization, models.CASCADE, null=True, blank=True, related_name="+")
    inside = models.ForeignKey(
        Organization, models.CASCADE, null=True, blank=True, db_index=False, db_constraint=False, related_name="+",
        verbose_name="organization",
    )  # fmt: skip
    project = models.ForeignKey(
        Project, models.CASCADE, null=True, blank=True, db_index=False, db_constraint=False, related_name="+"
    )
    user = models.ForeignKey(
        User, models.CASCADE, null=True, blank=True, db_index=False, db_constraint=False, related_name="+"
    )
    key = models.ForeignKey(
        ApiKey, models.CASCADE, null=True, blank=True, db_index=False, db_constraint=False, related_name="+",
        verbose_name="API key",
    )  # fmt: skip
    unit = models.CharField(max_length=6, choices=Unit.choices, default=Unit.TOKENS, db_default=Unit.TOKENS)
    amount = models.PositiveBigIntegerField(
        db_column="tokens", help_text="In tokens, or in billionths of the currency."
    )
    period = models.CharField(max_length=5, choices=Period.choices, default=Period.MONTH)
    warn_percent = models.PositiveSmallIntegerField(default=80, db_default=80)
    at_end = models.CharField(max_length=5, choices=AtEnd.choices, default=AtEnd.BLOCK, db_default=AtEnd.BLOCK)
    used = models.PositiveBigIntegerField(default=0, editable=False)  # by the runs that ended in the period
    began_on = models.DateField(null=True, editable=False)  # the period that `used` is of
    told_percent = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)  # in that period
    updated_at = models.DateTimeField(auto_now=True)

    objects = BudgetQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["inside"], condition=Q(inside__isnull=False), name="budget_inside")]

    def __str__(self) -> str:
        amount = f"{self.amount / NANOS:g}" if self.unit == Unit.MONEY else str(self.amount)
        return f"{amount} a {self.period}" if self.period != Period.EVER else f"{amount} in all"

    @property
    def of_id(self) -> UUID:
        """The organization whose it is, or that it is in."""
        id = self.organization_id or self.inside_id
        assert id is not None, "whoever makes a budget says where"
        return id

    @property
    def scope(self) -> Scope:
        """Whose runs it is for."""
        if self.key_id:
            return Scope.KEY
        if self.user_id:
            return Scope.USER
        return Scope.PROJECT if self.project_id else Scope.ORGANIZATION

    @property
    def scope_id(self) -> UUID:
        """The id of whose runs it is for."""
        return self.key_id or self.user_id or self.project_id or self.of_id

    @property
    def blocks(self) -> bool:
        """Whether a run that it does not cover is refused."""
        return self.at_end == AtEnd.BLOCK

    @property
    def in_money(self) -> bool:
        """Whether it counts what runs cost rather than their tokens."""
        return self.unit == Unit.MONEY


class BudgetNotice(models.Model):
    """A budget has come to so many percent in a period: said once in it, for people, and for whoever tells others."""

    id = models.BigAutoField(primary_key=True)
    budget = models.ForeignKey(Budget, models.CASCADE, db_constraint=False, related_name="notices")
    percent = models.PositiveSmallIntegerField()  # its warn_percent, or 100: no run like the last is covered any more
    began_on = models.DateField(null=True)  # of the period
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.percent} % of budget {self.budget_id}"

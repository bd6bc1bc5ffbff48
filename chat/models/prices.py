"""What models cost from when on: rows that a person has accepted."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

RATES = ("input", "cached_input", "cache_write", "output")


class Price(models.Model):
    """What a model costs from a moment on, in nanos (billionths of the currency) for a million tokens.

    It goes before what the code, the settings and the model's own row say. Rows of one model and moment are its tiers:
    that of the highest `above` that a request's input passes replaces all others, for the whole request.
    """

    id = models.BigAutoField(primary_key=True)
    vendor = models.CharField(max_length=30, blank=True)  # one of agents.vendors: for who reads it
    model = models.CharField(max_length=100)  # as a chat stores it, or as its server calls it
    valid_from = models.DateTimeField(default=timezone.now)
    above = models.PositiveIntegerField(default=0)  # tokens of input; 0: from the first
    input = models.BigIntegerField()
    cached_input = models.BigIntegerField(null=True, blank=True)  # null: as other input
    cache_write = models.BigIntegerField(null=True, blank=True)  # null: as other input
    output = models.BigIntegerField()
    currency = models.CharField(max_length=10)
    source = models.CharField(max_length=100, blank=True)  # where it was found
    accepted_by = models.CharField(max_length=200, blank=True)  # who, as they were called then
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["model", "-valid_from", "above"]
        constraints = [
            models.UniqueConstraint(fields=["model", "valid_from", "above"], name="price_once"),
            *(models.CheckConstraint(condition=Q(**{f"{each}__gte": 0}), name=f"price_{each}") for each in RATES),
        ]

    def __str__(self) -> str:
        above = f", > {self.above}" if self.above else ""
        return f"{self.model}, {self.valid_from:%Y-%m-%d}{above}"

    def clean(self) -> None:
        """A tier stands on a price. Raises ValidationError."""
        base = Price.objects.filter(model=self.model, valid_from=self.valid_from, above=0)
        if self.above and not base.exists():
            raise ValidationError({"above": _("There is no price of this model and moment for shorter requests.")})

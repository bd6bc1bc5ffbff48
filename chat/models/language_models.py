"""Models that may be chosen, as operators wrote them over what the code, the settings and a package know."""

from django.db import models
from django.utils import timezone


class LanguageModel(models.Model):
    """One line of the catalog. A field that is empty or null falls through; agents.catalog says to what.

    It names no key: that of a vendor is a setting, and that of a server of its own is in MODEL_KEYS, by its host.
    """

    id = models.CharField(primary_key=True, max_length=100)  # what a chat stores
    vendor = models.CharField(max_length=30, blank=True)  # one of agents.vendors
    name = models.CharField(max_length=200, blank=True)  # what the server calls it; empty: the id
    api = models.CharField(max_length=20, blank=True)  # chat, responses or messages; empty: what the server speaks
    base_url = models.CharField(max_length=500, blank=True)  # a server of its own; empty: the vendor's
    tier = models.CharField(max_length=10, blank=True)  # one of agents.model_info.TIERS
    context_tokens = models.PositiveIntegerField(null=True, blank=True)
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True)
    # Prices of a million tokens. Those of the cache count where those of input and output are given.
    input_price = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    cached_price = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    cache_write_price = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    output_price = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    currency = models.CharField(max_length=10, blank=True)  # empty: OPENAI_PRICES_CURRENCY
    abilities = models.JSONField(null=True, blank=True)  # a list of agents.model_info.ABILITIES; []: none
    efforts = models.JSONField(null=True, blank=True)  # a list of agents.options.EFFORTS; []: none
    fallbacks = models.JSONField(null=True, blank=True)  # a list of ids, in order; []: none
    ends_at = models.DateField(null=True, blank=True)  # from then on its vendor answers for it no more
    successor = models.CharField(max_length=100, blank=True)
    note = models.CharField(max_length=200, blank=True)  # for who chooses it
    is_enabled = models.BooleanField(default=True)
    source = models.CharField(max_length=10)  # shipped or settings: made by us; operator: by hand, and adds a model
    as_of = models.DateField(null=True, blank=True)  # when its facts were looked up
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["vendor", "id"]

    def __str__(self) -> str:
        return self.id

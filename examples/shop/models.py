"""The tables. Each order is somebody's: `visible_to` is the one rule of who sees it."""

from uuid import UUID

from django.conf import settings
from django.db import models


class Customer(models.Model):
    """Who orders, and which person of ours looks after them."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class OrderQuerySet(models.QuerySet["Order"]):
    def visible_to(self, user_id: UUID) -> "OrderQuerySet":
        """The orders of the person's own customers."""
        return self.filter(customer__owner=user_id, customer__owner__is_active=True)


class Order(models.Model):
    """One order."""

    class Status(models.TextChoices):
        OPEN = "open"
        SENT = "sent"
        RETURNED = "returned"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    number = models.CharField(max_length=20, unique=True)
    item = models.CharField(max_length=200)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.OPEN)
    total = models.DecimalField(max_digits=10, decimal_places=2, help_text="In euros.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.number

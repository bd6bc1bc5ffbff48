"""Customers and their orders. The label is said, so that tests may use the tables without installing the app."""

from django.conf import settings
from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=50)
    email = models.EmailField()

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    class Status(models.TextChoices):
        OPEN = "open"
        SENT = "sent"
        CANCELLED = "cancelled"

    number = models.CharField(max_length=20, unique=True, help_text="as it is on the invoice")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+", db_constraint=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    total = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    pieces = models.IntegerField(default=1)
    is_gift = models.BooleanField(default=False)
    placed_at = models.DateTimeField()
    note = models.TextField(blank=True)
    margin = models.IntegerField(default=0)  # of the shop: nobody is shown it
    photo = models.FileField(null=True)
    data = models.BinaryField(null=True)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return self.number


MODELS = (Customer, Order)

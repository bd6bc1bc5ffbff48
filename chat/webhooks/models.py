"""Webhooks, what they are told, and how far each telling has come."""

import uuid

from django.db import models

from accounts.models import Organization, Seer, User
from accounts.permissions import PERMISSIONS

ADMINS = [role for role, has in PERMISSIONS.items() if "admin" in has]


class OffReason(models.TextChoices):
    """Why a webhook is switched off; none while it is on."""

    ADMIN = "admin"  # by an admin of the organization
    OPERATOR = "operator"
    GONE = "gone"  # its address answered 410: nobody is there any more
    FAILING = "failing"  # nothing reached it for days


BROKEN_OFF = (OffReason.GONE, OffReason.FAILING)  # by itself


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def visible_to(self, user: Seer) -> "WebhookQuerySet":
        """Those of the organizations that the user administers."""
        places = Organization.objects.visible_to(user)
        return self.filter(organization__in=places.filter(memberships__user=user.pk, memberships__role__in=ADMINS))


class Webhook(models.Model):
    """An address that an organization's events are sent to, and the secret that they are signed with."""

    # Keys of tables that older processes delete from, and know no such column of: no constraint in the database.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, db_constraint=False, related_name="+")
    url = models.TextField()
    events = models.JSONField(default=list)  # names of types.TYPES, or types.ALL
    is_active = models.BooleanField(default=True)
    off_reason = models.CharField(max_length=8, blank=True, choices=OffReason.choices)
    secret = models.TextField()  # sealed
    old_secret = models.TextField(blank=True)  # sealed; signs beside the other until then
    old_secret_until = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)  # None: what was sent last has arrived
    delivered_at = models.DateTimeField(null=True, blank=True)  # to the minute
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, db_constraint=False, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"Webhook {self.id}"  # an address may hold a secret


class WebhookEvent(models.Model):
    """What happened, in the very bytes that every address is sent, however often."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, db_constraint=False, related_name="+")
    type = models.CharField(max_length=40)
    chat = models.UUIDField(null=True, db_index=True)
    body = models.TextField()  # JSON: ids, states and counts, nothing that people said
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.type} {self.id}"

    @property
    def name(self) -> str:
        """What receivers know it by, however often it is sent."""
        return f"msg_{self.id.hex}"


class WebhookCount(models.Model):
    """How many events of a chat were told: their `sequence`."""

    chat = models.UUIDField(primary_key=True)
    count = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.count} of {self.chat}"


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting"  # for its first or its next try
    DELIVERED = "delivered"
    FAILED = "failed"  # it is not tried again by itself


class WebhookDelivery(models.Model):
    """One event on its way to one webhook. Whoever tries it has claimed it, by moving its next time on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, db_index=False, related_name="deliveries")
    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="deliveries")
    status = models.CharField(max_length=9, choices=DeliveryStatus.choices, default=DeliveryStatus.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)  # when it is due: of one under way, when its process has died of it
    owner = models.UUIDField(null=True)  # the process that tries it now
    answer_status = models.PositiveSmallIntegerField(null=True)  # of the last try; None: no answer came
    answer = models.TextField(blank=True)  # how it begins
    error = models.TextField(blank=True)  # why none came
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["webhook", "-created_at", "-id"], name="delivery_newest"),
            models.Index(fields=["webhook", "next_at"], condition=models.Q(status="waiting"), name="delivery_waiting"),
        ]
        constraints = [models.UniqueConstraint(fields=["event", "webhook"], name="one_delivery")]

    def __str__(self) -> str:
        return f"Delivery {self.id}"

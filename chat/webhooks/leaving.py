"""What webhooks leave behind, for the clean-up. Sync."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.cleanup import Kind
from accounts.models import Organization
from chat.models import Chat
from chat.webhooks.models import Webhook, WebhookCount, WebhookEvent


def _old() -> QuerySet[Any]:
    """With their deliveries: what is tried still is younger by far."""
    until = timezone.now() - timedelta(days=settings.WEBHOOKS_KEEP_DAYS)
    return WebhookEvent.objects.filter(created_at__lt=until).order_by("created_at")


def _counts() -> QuerySet[Any]:
    """Of chats that are gone, once nothing of them is told any more."""
    there = Chat.objects.filter(pk=OuterRef("pk"))
    told = WebhookEvent.objects.filter(chat=OuterRef("pk"))
    return WebhookCount.objects.filter(~Exists(there), ~Exists(told)).order_by("pk")


def _left() -> QuerySet[Any]:
    """Of organizations that a process of an older version deleted."""
    return Webhook.objects.filter(~Exists(Organization.objects.filter(pk=OuterRef("organization")))).order_by("pk")


KINDS = (
    Kind("events of webhooks", _old),
    Kind("counts of events of chats that are gone", _counts),
    Kind("webhooks of organizations that are gone", _left),
)

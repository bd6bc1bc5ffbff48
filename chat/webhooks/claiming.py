"""Whose turn a delivery is, and what has come of it. Sync; every change holds the webhook's row or is conditional.

Claiming moves the delivery's next time on by LEASE: so nobody else tries it, and when its process dies of it, it is
due again by itself, with the same event and its id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Min, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.secrets import SecretUnreadable, opened
from chat.bus.bell import PROCESS
from chat.metering.counters import counter
from chat.webhooks.models import DeliveryStatus, OffReason, Webhook, WebhookDelivery
from chat.webhooks.retrying import next_try

LEASE = timedelta(seconds=30)  # a try takes far less: WEBHOOKS_TIMEOUT_S is at most 20
AT_ONCE = 4  # under way to one webhook, in all processes together
NOTED_EVERY = timedelta(minutes=1)  # how exact delivered_at is
GIVEN_UP = timedelta(days=5)  # of failures alone
GONE = 410
SWITCHED_OFF = "The webhook was switched off."
outcomes = counter("parley_webhook_deliveries_total", "Tries of webhook deliveries that are over.", "outcome")


@dataclass(frozen=True)
class Due:
    """A delivery that this process has claimed."""

    id: UUID
    tries: int  # with this one
    webhook_id: UUID
    url: str
    event: str  # what the receiver knows it by
    body: str
    secrets: tuple[str, ...]  # the newest first; none where they cannot be read


@dataclass(frozen=True)
class Told:
    """What has come of a try."""

    status: int | None = None  # None: no answer came
    answer: str = ""
    error: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300


def claim(most: int) -> list[Due]:
    """Up to so many of those that are due, those of the webhook that has waited longest first.

    Webhooks that have all they may have under way are not looked at: as they hang, theirs wait longest of all.
    """
    now = timezone.now()
    full = _under_way(now).order_by().values("webhook").annotate(count=Count("pk")).filter(count__gte=AT_ONCE)
    due = _due(now).exclude(webhook__in=full.values("webhook"))
    waits = due.order_by().values("webhook").annotate(first=Min("next_at")).order_by("first")
    found: list[Due] = []
    for id in waits.values_list("webhook", flat=True)[:most]:
        found += _claim_of(id, most - len(found)) if len(found) < most else []
    return found


@transaction.atomic
def _claim_of(id: UUID, most: int) -> list[Due]:
    """Those of one webhook, as many as may go there now. Where another process is at it just now: none."""
    webhook = Webhook.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=id).first()
    if webhook is None:
        return []
    if not webhook.is_active:
        end_waiting(webhook)
        return []
    now = timezone.now()
    some = max(0, min(most, AT_ONCE - _under_way(now).filter(webhook=webhook).count()))
    rows = list(_due(now).filter(webhook=webhook).select_related("event").order_by("next_at", "pk")[:some])
    mine = WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows])
    mine.update(owner=PROCESS, next_at=now + LEASE, tries=F("tries") + 1)
    secrets = _secrets(webhook, now)
    return [
        Due(row.pk, row.tries + 1, webhook.pk, webhook.url, row.event.name, row.event.body, secrets) for row in rows
    ]


def _due(now: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(status=DeliveryStatus.WAITING, next_at__lte=now)


def _under_way(now: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(status=DeliveryStatus.WAITING, next_at__gt=now, owner__isnull=False)


def _secrets(webhook: Webhook, now: datetime) -> tuple[str, ...]:
    sealed = [webhook.secret]
    if webhook.old_secret and webhook.old_secret_until and webhook.old_secret_until > now:
        sealed.append(webhook.old_secret)
    try:
        return tuple(map(opened, sealed))
    except SecretUnreadable:
        return ()


@transaction.atomic
def note(due: Due, told: Told) -> None:
    """Write down what has come of a try; of the delivery nothing where it is not this try's any more.

    The webhook's row is held before the delivery's, as by whoever switches it off: else both could wait for each other.
    """
    now = timezone.now()
    webhook = Webhook.objects.filter(pk=due.webhook_id)
    if told.is_delivered:
        _note_delivered(webhook, now)
    else:
        webhook.select_for_update(no_key=True).first()
    next_at = None if told.is_delivered or told.status == GONE else next_try(due.tries, now, told.headers)
    status = DeliveryStatus.DELIVERED if told.is_delivered else DeliveryStatus.FAILED
    over = {} if next_at else {"status": status, "ended_at": now}
    mine = WebhookDelivery.objects.filter(pk=due.id, owner=PROCESS, tries=due.tries, status=DeliveryStatus.WAITING)
    said = {"answer_status": told.status, "answer": told.answer, "error": told.error}
    if not mine.update(owner=None, next_at=next_at, **said, **over):
        return
    if not told.is_delivered:
        _note_failed(webhook, told, now)
    outcome = "retried" if next_at else status.value
    transaction.on_commit(lambda: outcomes.add(outcome=outcome))


def _note_delivered(webhook: QuerySet[Webhook], now: datetime) -> None:
    """Seldom, as many arrive: all would wait for this row."""
    unknown = Q(failing_since__isnull=False) | Q(delivered_at=None) | Q(delivered_at__lt=now - NOTED_EVERY)
    webhook.filter(unknown).update(failing_since=None, delivered_at=now)


def _note_failed(webhook: QuerySet[Webhook], told: Told, now: datetime) -> None:
    webhook.filter(failing_since=None).update(failing_since=now)
    if told.status == GONE:
        switch_off(webhook, OffReason.GONE, by=audit.SYSTEM)
    elif webhook.filter(failing_since__lt=now - GIVEN_UP).exists():
        switch_off(webhook, OffReason.FAILING, by=audit.SYSTEM)


def switch_off(webhooks: QuerySet[Webhook], reason: OffReason, *, by: Any) -> bool:
    """Switch one off; what waits for it is not sent. False where it is off already. Within a transaction."""
    if not webhooks.filter(is_active=True).update(is_active=False, off_reason=reason):
        return False
    webhook = webhooks.get()
    end_waiting(webhook)
    audit.record(
        "webhook.switched_off", actor=by, organization_id=webhook.organization_id, object_type="webhook",
        object_id=webhook.pk, detail={"reason": str(reason)},
    )  # fmt: skip
    return True


def end_waiting(webhook: Webhook) -> None:
    """What waits for it is not sent."""
    waiting = webhook.deliveries.filter(status=DeliveryStatus.WAITING)
    waiting.update(status=DeliveryStatus.FAILED, owner=None, next_at=None, ended_at=timezone.now(), error=SWITCHED_OFF)

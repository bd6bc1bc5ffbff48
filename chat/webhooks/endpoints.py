"""Webhooks as their organization's admins have them: made, changed, tried, taken away. Sync.

By people alone: whoever may name an address that everything is told to needs more than a key.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.counts import require_room
from accounts.errors import Conflict, NotAllowed, NotFound, refuse
from accounts.models import Organization, User
from accounts.permissions import permissions_in, require
from accounts.plans import require_feature
from accounts.secrets import seal
from chat.webhooks import outbox, waking
from chat.webhooks.claiming import end_waiting
from chat.webhooks.models import DeliveryStatus, OffReason, Webhook, WebhookDelivery, WebhookQuerySet
from chat.webhooks.signing import new_secret
from chat.webhooks.types import ALL, TEST, TYPES
from tools.errors import OutwardError
from tools.outward.checking import check_url

OLD_SIGNS = timedelta(hours=24)
URL_MAX_CHARS = 2_000
OFF = "The webhook is switched off: switch it on first."


def webhooks_in(user: User, organization: UUID) -> WebhookQuerySet:
    """Those of an organization. Needs admin there, as a person. Raises NotFound, NotAllowed."""
    return Webhook.objects.filter(organization=_administered(user, organization))


def get_webhook(user: User, organization: UUID, id: UUID) -> Webhook:
    """One of them. Raises NotFound, NotAllowed."""
    found = webhooks_in(user, organization).filter(pk=id).first()
    if found is None:
        raise NotFound
    return found


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """These fields, as they may be stored. Raises Invalid. A name is looked up: to be called in no transaction."""
    checks = {"url": _checked_url, "events": _checked_events}
    return {name: checks[name](value) if name in checks else value for name, value in values.items()}


@transaction.atomic
def create_webhook(*, user: User, organization: UUID, url: str, events: list[str], is_active: bool = True) -> Webhook:
    """A new one, of checked values; its `secret_text` is there to be read this once. Raises Conflict, NotAllowed."""
    place = _administered(user, organization)
    require_feature(place.pk, "webhooks")
    require_room(webhooks_in(user, organization), "WEBHOOKS_PER_ORGANIZATION", "webhooks", "organization")
    secret, off_reason = new_secret(), "" if is_active else OffReason.ADMIN
    row = Webhook.objects.create(
        organization=place, url=url, events=events, is_active=is_active, off_reason=off_reason, secret=seal(secret),
        created_by=user,
    )  # fmt: skip
    _note("webhook.made", user, row, events=events)
    return _with_secret(row, secret)


def change_webhook(*, user: User, webhook: Webhook, **changes: Any) -> Webhook:
    """Set its address, its events, or switch it on or off; what waits for one that is switched off is not sent."""
    changes = checked(changes)
    if changes.get("is_active"):
        require_feature(webhook.organization_id, "webhooks")
    with transaction.atomic():
        row = _locked(webhook)
        for name, value in changes.items():
            setattr(row, name, value)
        _switch(row, changes)
        row.save()
        _note("webhook.changed", user, row, fields=sorted(changes))
    return row


def _switch(row: Webhook, changes: dict[str, Any]) -> None:
    """What goes with switching it; the failures of another address, or of before, count no more."""
    if "is_active" in changes:
        row.off_reason = "" if row.is_active else row.off_reason or OffReason.ADMIN
        if not row.is_active:
            end_waiting(row)
    if row.is_active and {"url", "is_active"} & changes.keys():
        row.failing_since = None


@transaction.atomic
def remove_webhook(*, user: User, webhook: Webhook) -> None:
    """Forget it with its deliveries."""
    row = _locked(webhook)
    _note("webhook.removed", user, row)
    row.delete()


@transaction.atomic
def rotate(*, user: User, webhook: Webhook) -> Webhook:
    """Give it a new secret, `secret_text`; for 24 hours both sign, so that receivers can change over."""
    row, secret = _locked(webhook), new_secret()
    row.old_secret, row.old_secret_until = row.secret, timezone.now() + OLD_SIGNS
    row.secret = seal(secret)
    row.save(update_fields=["secret", "old_secret", "old_secret_until", "updated_at"])
    _note("webhook.changed", user, row, fields=["secret"])
    return _with_secret(row, secret)


@transaction.atomic
def send_test(*, user: User, webhook: Webhook) -> WebhookDelivery:
    """Send it an event that says nothing. Raises Conflict where it is switched off."""
    row = _locked(webhook)
    if not row.is_active:
        raise Conflict(OFF, code="webhook_off")
    (delivery,) = outbox.write(TEST, row.organization_id, {"webhook": row.pk, "user": user.pk}, [row.pk])
    return delivery


@transaction.atomic
def send_again(*, webhook: Webhook, delivery: UUID) -> WebhookDelivery:
    """Send what is over once more, from its first try: the same event with the same id. Raises Conflict, NotFound."""
    row = _locked(webhook)
    if not row.is_active:
        raise Conflict(OFF, code="webhook_off")
    found = row.deliveries.select_related("event").filter(pk=delivery).first()
    if found is None:
        raise NotFound
    if found.status == DeliveryStatus.WAITING:
        raise Conflict("It is under way, or will be tried by itself.", code="delivery_waiting")
    found.status, found.tries, found.next_at, found.ended_at = DeliveryStatus.WAITING, 0, timezone.now(), None
    found.save(update_fields=["status", "tries", "next_at", "ended_at"])
    transaction.on_commit(waking.wake)
    return found


def _administered(user: User, organization: UUID) -> Organization:
    place = Organization.objects.visible_to(user).filter(pk=organization).first()
    if place is None:
        raise NotFound
    require(permissions_in(user, organization=place), "admin")
    if user.key is not None:
        raise NotAllowed("Webhooks need a person's token, not an API key.", code="key_scope")
    return place


def _checked_url(url: str) -> str:
    """An address that may be asked. Raises Invalid."""
    if len(url) > URL_MAX_CHARS:
        raise refuse("url", f"Expected at most {URL_MAX_CHARS} characters.")
    try:
        check_url(url)
    except OutwardError as error:
        raise refuse("url", str(error)) from None
    return url


def _checked_events(events: Sequence[str]) -> list[str]:
    """Types of events, each once, in their order. Raises Invalid."""
    if not events or not set(events) <= {ALL, *TYPES}:
        raise refuse("events", f"Expected some of: {', '.join((ALL, *TYPES))}.")
    return [each for each in (ALL, *TYPES) if each in events]


def _locked(webhook: Webhook) -> Webhook:
    row = Webhook.objects.select_for_update(no_key=True).filter(pk=webhook.pk).first()
    if row is None:
        raise NotFound
    return row


def _with_secret(row: Webhook, secret: str) -> Webhook:
    row.secret_text = secret  # type: ignore[attr-defined]
    return row


def _note(action: str, user: User, row: Webhook, **detail: Any) -> None:
    audit.record(
        action, actor=user, organization_id=row.organization_id, object_type="webhook", object_id=row.pk, detail=detail
    )

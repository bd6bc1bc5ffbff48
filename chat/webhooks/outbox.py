"""What webhooks are told, written down in the transaction of what it tells: both are stored, or neither. Sync."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts import plans
from accounts.db.compiled import Compiled
from accounts.db.writes import Add, Insert
from chat.models import Chat
from chat.webhooks import waking
from chat.webhooks.models import Webhook, WebhookCount, WebhookDelivery, WebhookEvent
from chat.webhooks.types import ALL, TYPES

BODY_MAX_BYTES = 20_000
SLACK = "slackThread"  # in a chat's metadata: the thread's id, or an object of ids
SLACK_MAX = 5  # ids in it
ID = re.compile(r"[A-Za-z0-9_.:/?=&-]{1,600}")  # or the address that Slack gives a thread


def tell(type: str, organization_id: UUID, data: Mapping[str, Any], *, chat_id: UUID | None = None) -> None:
    """Tell the organization's webhooks that want it, in the caller's transaction. One query where none does.

    `data`: ids, states and counts, as JSON has them or as UUIDs; never anything that somebody said. `chat_id`: what
    happened in it; its events are counted. Raises ValueError for a type that is in no list, or for too much data.
    """
    if type not in TYPES:
        raise ValueError(f"{type}: no such type in chat.webhooks.types")
    assert connection.in_atomic_block, "it is told in the transaction of what it tells"
    if wanting := _wanting(organization_id, type):
        write(type, organization_id, data, wanting, chat_id)


def write(
    type: str, organization_id: UUID, data: Mapping[str, Any], webhooks: Sequence[UUID], chat_id: UUID | None = None
) -> list[WebhookDelivery]:
    """Write the event for these webhooks, wanted or not; it is sent once it is stored. Within a transaction."""
    now = timezone.now()
    told = {"organization": organization_id, **data, **(_of_chat(chat_id) if chat_id else {})}
    body = body_of(type, told, now)
    if len(body) > BODY_MAX_BYTES:
        raise ValueError(f"{type}: more than {BODY_MAX_BYTES} bytes")
    event = WebhookEvent(organization_id=organization_id, type=type, chat=chat_id, body=body, created_at=now)
    deliveries = [WebhookDelivery(webhook_id=each, event=event, next_at=now) for each in webhooks]
    _add_event([event])
    _add_deliveries(deliveries)
    transaction.on_commit(waking.wake)
    return deliveries


def body_of(type: str, told: Mapping[str, Any], at: datetime) -> str:
    """The bytes that every webhook is sent."""
    return json.dumps({"type": type, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": told}, default=_plain)


_add_event, _add_deliveries = Insert(WebhookEvent), Insert(WebhookDelivery)
_count = Add(WebhookCount, ("count",))
_counted: Compiled[tuple[int]] = Compiled(lambda chat: WebhookCount.objects.filter(pk=chat).values_list("count"), UUID)
_active: Compiled[tuple[UUID, Any, str]] = Compiled(
    lambda organization: (
        Webhook.objects.filter(organization=organization, organization__deleted_at=None, is_active=True)
        .order_by("pk")
        .values_list("pk", "events", "organization__plan")
    ),
    UUID,
)


def _wanting(organization_id: UUID, type: str) -> list[UUID]:
    """The webhooks that are told of it, where the plan has webhooks still."""
    found = [row for row in _active(organization_id) if type in row[1] or ALL in row[1]]
    return [id for id, _events, plan in found if plans.named(plan).has("webhooks")]


def _of_chat(chat_id: UUID) -> dict[str, Any]:
    """The chat, the number of its event, and the thread of Slack that its maker has noted with it."""
    metadata = Chat.objects.filter(pk=chat_id).values_list("metadata", flat=True).first() or {}
    thread = metadata.get(SLACK)
    return {"chat": chat_id, "sequence": _next(chat_id), **({SLACK: thread} if _is_thread(thread) else {})}


def _is_thread(value: Any) -> bool:
    """Whether it is ids alone. Clients choose it: what has a blank in it may be words."""
    texts = [*value, *value.values()] if isinstance(value, dict) and 0 < len(value) <= SLACK_MAX else [value]
    return all(isinstance(each, str) and ID.fullmatch(each) for each in texts)


def _next(chat_id: UUID) -> int:
    """The number of the next event of that chat. Who counts for it too waits, to the end of the transaction."""
    _count([WebhookCount(chat=chat_id, count=1)])
    ((count,),) = _counted(chat_id)
    return count


def _plain(value: Any) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise ValueError(f"{value.__class__.__name__} is no value of an event")

"""Once: a POST that is sent again with its Idempotency-Key is answered again, not done again."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.errors import Invalid, KeyReused
from accounts.models import IdempotencyKey, User

KEY_MAX_CHARS = 200


@dataclass(frozen=True)
class Answer:
    """What a creating POST answers; a streamed one names the run that its stream is read from."""

    status: int
    body: dict[str, Any]
    run_id: UUID | None = None
    replayed: bool = False  # it was made by an earlier request with the same key


def once(*, user: User, key: str | None, route: str, body: bytes, make: Callable[[], Answer]) -> Answer:
    """Give what `make` answers, made in one transaction together with its key, or the answer made before.

    Simultaneous requests with one key wait for the first. If `make` raises, nothing is kept and the key is free.
    `route` is method and path; `body` the raw bytes. Without a key, `make` just runs in a transaction.
    Raises Invalid for a malformed key, KeyReused when the key came with another route or body.
    """
    if key is None:
        with transaction.atomic():
            return make()
    _check(key)
    with transaction.atomic():
        wanted = {"route": route[:200], "body_hash": hashlib.sha256(body).hexdigest()}
        row, is_new = _claim(user, key, wanted)
        if not is_new:
            return _stored(row, wanted)
        answer = make()
        row.status, row.answer, row.run_id = answer.status, answer.body, answer.run_id
        row.save(update_fields=["status", "answer", "run_id"])
        return answer


def _check(key: str) -> None:
    if not 1 <= len(key) <= KEY_MAX_CHARS or not key.isprintable() or not key.isascii():
        text = f"Send 1 to {KEY_MAX_CHARS} printable ASCII characters, best a new UUID for each new request."
        raise Invalid("The Idempotency-Key is not valid.", fields={"Idempotency-Key": [text]})


def _claim(user: User, key: str, wanted: dict[str, str]) -> tuple[IdempotencyKey, bool]:
    """The key's row and whether we made it. The unique constraint lets one of many win; the others wait for it."""
    row, is_new = IdempotencyKey.objects.get_or_create(user=user, key=key, defaults=wanted)
    if is_new or row.created_at > timezone.now() - timedelta(seconds=settings.IDEMPOTENCY_LIFETIME_S):
        return row, is_new
    IdempotencyKey.objects.filter(pk=row.pk).delete()  # too old to count
    return IdempotencyKey.objects.get_or_create(user=user, key=key, defaults=wanted)


def _stored(row: IdempotencyKey, wanted: dict[str, str]) -> Answer:
    if (row.route, row.body_hash) != (wanted["route"], wanted["body_hash"]):
        raise KeyReused
    return Answer(status=row.status, body=row.answer, run_id=row.run_id, replayed=True)

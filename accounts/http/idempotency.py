"""Once: a POST that is sent again with its Idempotency-Key is answered again, not done again."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.db.compiled import Compiled
from accounts.db.writes import Insert, Update
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
    wanted = IdempotencyKey(user=user, key=key, route=route[:200], body_hash=hashlib.sha256(body).hexdigest())
    while True:
        try:
            with transaction.atomic():
                known = _known(wanted)
                return _stored(known, wanted) if known else _made(wanted, make)
        except _Taken:
            continue  # somebody else was quicker, and has made it by now


def _check(key: str) -> None:
    if not 1 <= len(key) <= KEY_MAX_CHARS or not key.isprintable() or not key.isascii():
        text = f"Send 1 to {KEY_MAX_CHARS} printable ASCII characters, best a new UUID for each new request."
        raise Invalid("The Idempotency-Key is not valid.", fields={"Idempotency-Key": [text]})


class _Taken(Exception):
    """The key was claimed in between."""


_keys: Compiled[IdempotencyKey] = Compiled(
    lambda user, key: IdempotencyKey.objects.filter(user_id=user, key=key), UUID, str
)


def _known(wanted: IdempotencyKey) -> IdempotencyKey | None:
    """The key's row, if there is one that counts still."""
    row = _keys.first(wanted.user_id, wanted.key)
    if row is None or row.created_at > timezone.now() - timedelta(seconds=settings.IDEMPOTENCY_LIFETIME_S):
        return row
    IdempotencyKey.objects.filter(pk=row.pk).delete()  # too old to count
    return None


def _made(row: IdempotencyKey, make: Callable[[], Answer]) -> Answer:
    """The unique constraint lets one of many claim the key; the others wait for it here, and begin again."""
    try:
        _claim([row])
    except IntegrityError as error:
        raise _Taken from error
    answer = make()
    _complete(row.user_id, row.key, answer.status, answer.body, answer.run_id)
    return answer


_claim = Insert(IdempotencyKey)
_complete = Update(
    lambda user, key, status, answer, run_id: (
        IdempotencyKey.objects.filter(user_id=user, key=key),
        {"status": status, "answer": answer, "run_id": run_id},
    ),
    *(UUID, str, int, dict, UUID),
)


def _stored(row: IdempotencyKey, wanted: IdempotencyKey) -> Answer:
    if (row.route, row.body_hash) != (wanted.route, wanted.body_hash):
        raise KeyReused
    return Answer(status=row.status, body=row.answer, run_id=row.run_id, replayed=True)

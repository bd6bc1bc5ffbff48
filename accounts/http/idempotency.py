"""Once: a POST that is sent again with its Idempotency-Key is answered again, not done again.

A key is its credential's: a person's own, or that of API keys of one organization and the same scopes, so what was made
in one organization is not told to a key of another. And what is kept for a key is the id of what was made, never what
it says: the answer is shown anew, as it is now. So no text is told, or kept, after it was deleted.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone

from accounts.db.compiled import Compiled
from accounts.db.writes import Insert, Update
from accounts.errors import Invalid, KeyReused, NotFound
from accounts.models import IdempotencyKey, User

KEY_MAX_CHARS = 200
MADE = "made"  # in what is kept: the id of the row that a POST has made
UUID_CHARS = 36
_BOUND = "§"  # begins the key of an API key's request, which nobody can send: keys are ASCII
T = TypeVar("T", bound=Model)


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
    wanted = IdempotencyKey(
        user=user, key=_bound(user, key), route=route[:200], body_hash=hashlib.sha256(body).hexdigest()
    )
    while True:
        try:
            with transaction.atomic():
                known = _known(wanted)
                return _stored(known, wanted) if known else _made(wanted, make)
        except _Taken:
            continue  # somebody else was quicker, and has made it by now


def made_once(
    *,
    user: User,
    key: str | None,
    route: str,
    body: bytes,
    make: Callable[[], T],
    find: Callable[[Any], T],
    show: Callable[[T], dict[str, Any]],
    status: int = 201,
) -> Answer:
    """As `once`, for a POST that makes a row: the answer is what `show` gives of it, found again by its id in a repeat.

    `find` raises NotFound where the row is gone, or its maker does not see it any more.
    """
    new: list[T] = []

    def begin() -> Answer:
        new[:] = [make()]
        pk = new[0].pk
        return Answer(status, {MADE: str(pk) if isinstance(pk, UUID) else pk})

    answer = once(user=user, key=key, route=route, body=body, make=begin)
    row = find(_pk_in(answer.body)) if answer.replayed else new[0]
    return replace(answer, body=show(row))


def run_of(user: User, key: str | None, route: str) -> UUID | None:
    """The run that this key began, or went on with, by this route; None where it is new. `once` compares the body."""
    row = _keys.first(user.pk, _bound(user, key)) if key else None
    return row.run_id if row is not None and row.route == route[:200] else None


def _pk_in(kept: dict[str, Any]) -> UUID | int:
    """The id of what was made. Earlier versions kept the answer whole: of that its id counts, and no text is told.

    Raises NotFound where it names none.
    """
    for each in (kept, *kept.values()):
        found = each.get(MADE, each.get("id")) if isinstance(each, dict) else None
        if isinstance(found, int):
            return found
        with suppress(ValueError):
            return UUID(str(found)[-UUID_CHARS:])  # behind what a front door writes before it
    raise NotFound("What this Idempotency-Key made cannot be shown again. Look for it in its list.")


def _bound(user: User, key: str) -> str:
    """The key as it is stored: another one for each organization and scopes of API keys."""
    if user.key is None:
        return key
    reach = f"{user.key.organization_id} {' '.join(sorted(user.key.scopes))} {key}"
    return _BOUND + hashlib.sha256(reach.encode()).hexdigest()


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

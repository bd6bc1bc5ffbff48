"""Writing entries: with the change that they tell of, whole or not at all; what was refused, by itself. Sync."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.audit.actions import ACTIONS, WHO
from accounts.audit.canonical import hash_of, shape_of
from accounts.audit.models import DETAIL_MAX_BYTES, ActorKind, AuditEntry, Outcome
from accounts.origin import origin

TEXT_MAX_CHARS, OBJECT_MAX_CHARS = 200, 64
log = logging.getLogger(__name__)
# Who else is told of an entry, by the rooms above: in its transaction, so that either both are there or neither.
ALSO: list[Callable[[AuditEntry], None]] = []
_failed = 0


class Actor(NamedTuple):
    """Who does something: what they came as and their id, and whose rights an API key has."""

    kind: str
    id: UUID | None = None
    person: UUID | None = None


class Key(Protocol):
    """Of an API key, what is written down."""

    @property
    def pk(self) -> UUID:
        """Its id."""
        ...


class Person(Protocol):
    """Of a User, what is written down."""

    @property
    def pk(self) -> UUID:
        """Their id."""
        ...

    @property
    def key(self) -> Key | None:
        """The API key by which they came in."""
        ...


SYSTEM = Actor(ActorKind.SYSTEM)


def operator(user: Any = None) -> Actor:
    """Who runs the installation: somebody in the admin, or without a user whoever gives a command."""
    return Actor(ActorKind.OPERATOR, user.pk if user is not None else None)


def provider(id: UUID) -> Actor:
    """An identity provider."""
    return Actor(ActorKind.IDP, id)


def record(
    action: str, *, actor: Person | Actor, organization_id: UUID | None, object_type: str = "",
    object_id: UUID | str | int = "", outcome: str = Outcome.OK, detail: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write down what was just done, in the transaction that does it: either both are there or neither. One INSERT.

    `organization_id`: whose admins read it; None: operators alone. `detail`: keys that ACTIONS lists for the action,
    with ids, codes and whole numbers: never a name, nor anything that somebody said. Raises ValueError for others.
    """
    entry = entry_of(action, actor, organization_id, object_type, str(object_id), outcome, detail or {})
    entry.save(force_insert=True)
    for tell in ALSO:
        tell(entry)


def refused(action: str, **what: Any) -> None:
    """Write down what was not let happen: as `apart`, to be called outside of the transaction that ends by it."""
    apart(action, outcome=Outcome.REFUSED, **what)


def apart(action: str, **what: Any) -> None:
    """As `record`, in a transaction of its own: for what changes nothing, such as that something was read.

    What cannot be written is logged and counted, and keeps nobody from the answer.
    """
    global _failed
    try:
        with transaction.atomic():
            record(action, **what)
    except DatabaseError:
        _failed += 1
        log.exception("An audit entry could not be written: %s", action)


def failures() -> int:
    """How many entries this process could not write."""
    return _failed


def entry_of(
    action: str, actor: Person | Actor, organization_id: UUID | None, object_type: str, object_id: str, outcome: str,
    detail: Mapping[str, Any],
) -> AuditEntry:  # fmt: skip
    """The entry, not saved. Raises ValueError for what is in no list."""
    who, asked = _actor(actor), origin()
    told = {**detail, **({"person": who.person} if who.person else {})}
    entry = AuditEntry(
        at=timezone.now(), organization=organization_id, actor_kind=str(who.kind), actor=who.id, action=action,
        object_type=object_type, object_id=object_id[:OBJECT_MAX_CHARS], outcome=str(outcome),
        ip=asked.ip if asked else "", request_id=asked.request_id if asked else "",
        detail=_checked(action, told),
    )  # fmt: skip
    entry.hash = hash_of(shape_of(vars(entry)))
    return entry


def _actor(actor: Person | Actor) -> Actor:
    if isinstance(actor, Actor):
        return actor
    if actor.key is not None:
        return Actor(ActorKind.KEY, actor.key.pk, actor.pk)
    return Actor(ActorKind.PERSON, actor.pk)


def _checked(action: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    if unlisted := set(detail) - {*ACTIONS[action], *WHO}:
        raise ValueError(f"{action}: {', '.join(sorted(unlisted))}: no such detail in accounts.audit.actions")
    told = {name: _value(value) for name, value in detail.items()}
    if len(json.dumps(told, ensure_ascii=False).encode()) > DETAIL_MAX_BYTES:
        raise ValueError(f"{action}: the detail is larger than {DETAIL_MAX_BYTES} bytes")
    return told


def _value(value: Any) -> Any:
    """As JSON has it on every database: no floats, and no text that one of them does not take."""
    match value:
        case None | bool() | int():
            return value
        case UUID():
            return str(value)
        case str():
            return "".join(each if each.isprintable() else "?" for each in value[:TEXT_MAX_CHARS])
        case list() | tuple() | set() | frozenset():
            return [_value(each) for each in (sorted(value) if isinstance(value, set | frozenset) else value)]
    raise ValueError(f"{type(value).__name__} is no value of an audit entry's detail")

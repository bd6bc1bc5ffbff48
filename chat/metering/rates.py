"""How often people may start runs: each person, each API key, each organization. Sync. docs/limits.md.

One request takes of all that it is for, in one step, before any row is locked; what is refused takes nothing. How the
caller stands then is kept with them, for the headers of their answer (chat.metering.rate_headers).
"""

from collections.abc import Iterable, Mapping
from typing import NoReturn, Protocol
from uuid import UUID

from django.conf import settings

from accounts import plans
from accounts.errors import TooMany
from accounts.models import ApiKey, User
from chat.metering import buckets
from chat.metering.counters import counter
from chat.metering.gcra import Rate, Standing, read, standing

CODE = "rate_limited"
SETTINGS = {"user": "LIMITS_USER", "key": "LIMITS_KEY", "organization": "LIMITS_ORGANIZATION"}
WHERE = {
    "user": "by one person",
    "key": "by one API key",
    "organization": "in one organization",
    "session": "in one chat",
}
refused = counter("parley_rate_limited_total", "Requests that came too often.", "limit")
Limits = Mapping[str, Rate | None]


class InOrganization(Protocol):
    """A chat, or what else belongs to an organization."""

    @property
    def organization_id(self) -> UUID: ...


def take(user: User, chat: InOrganization, key: ApiKey | None) -> None:
    """Count one start of a run. Raises TooMany, `rate_limited`, where a limit has no room; nothing is counted then.

    What is asked by a key counts for the key and for its person too: making keys makes no room.
    """
    counted = _counted(user, key, chat.organization_id)
    if not counted:
        return
    has_room, standings = _ask(counted, takes=True)
    stand(user, standings)
    if not has_room:
        refuse(max(standings, key=lambda each: each.wait_us))


def look(user: User) -> None:
    """How somebody stands whose request has taken nothing: of no organization, for it may have named none of theirs."""
    counted = _counted(user, user.key, None)
    if counted:
        stand(user, _ask(counted, takes=False)[1])


def refuse(by: Standing) -> NoReturn:
    """Raise the TooMany that this limit makes."""
    refused.add(1, limit=by.name)
    told = f"At most {by.quota} messages in {by.window_s} s {WHERE[by.name]}, {by.burst} at once."
    raise TooMany(told, code=CODE, retry_after_s=by.wait_s)


def limits_of(organization_id: UUID | None) -> Limits:
    """The limits that hold in an organization, by name: those of the settings, as far as its plan does not lower them.

    None is none.
    """
    lowered = plans.limits_at(organization_id, SETTINGS.values()) if organization_id else {}
    return {name: _limit(getattr(settings, each), lowered.get(each)) for name, each in SETTINGS.items()}


def _limit(setting: str, own: str | None) -> Rate | None:
    most, lower = read(setting), read(own) if own else None
    return most.lowered(lower) if most and lower else most or lower


def stand(user: User, standings: Iterable[Standing]) -> None:
    """Keep how the caller of this request stands, beside what is known already."""
    user.standings = {**user.standings, **{each.name: each for each in standings}}


def _counted(user: User, key: ApiKey | None, organization_id: UUID | None) -> list[tuple[str, UUID, Rate]]:
    """What a request of theirs is counted for: the limit's name, whose, and the rate."""
    whose = {"user": user.pk, "key": key.pk if key else None, "organization": organization_id}
    limits = limits_of(organization_id or (key.organization_id if key else None))
    return [(name, id, rate) for name, id in whose.items() if id is not None and (rate := limits[name]) is not None]


def _ask(counted: list[tuple[str, UUID, Rate]], *, takes: bool) -> tuple[bool, list[Standing]]:
    names, rates = [f"{name}:{id}" for name, id, _ in counted], [rate for _, _, rate in counted]
    has_room, debts = buckets.ask(names, rates, takes=takes)
    is_refused = takes and not has_room
    found = zip(counted, debts, strict=True)
    return has_room, [standing(name, rate, debt, is_refused=is_refused) for (name, _, rate), debt in found]

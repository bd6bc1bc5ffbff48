"""The list of chats beside a chat: by project, what was used last first, so many at a time."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.core import signing
from django.db.models import Q

from accounts.errors import refuse
from accounts.models import Project, User
from accounts.permissions import Permissions
from chat.access import chats_of, permissions_found
from chat.models import Chat, ChatStatus

LISTED_CHATS = 200  # at once; more come as the reader scrolls


@dataclass(frozen=True)
class Listed:
    """One chat in the list, and what its menu may offer: "write" renames, "own" deletes."""

    chat: Chat
    may: str


@dataclass(frozen=True)
class Section:
    """The chats of one project in the list; `project` is None for those of none."""

    project: Project | None
    chats: list[Listed] = field(default_factory=list)


@dataclass(frozen=True)
class Listing:
    """Some of the chats, and where those behind them begin: "" where there are none."""

    sections: list[Section]
    next: str


def listing(user: User, after: str = "") -> Listing:
    """The user's active chats by project, or those behind the place `after` of an earlier listing. Raises Invalid."""
    chats = chats_of(user).listed().filter(status=ChatStatus.ACTIVE).select_related("project")
    if after:
        chats = chats.filter(_behind(after))
    found = list(chats[: LISTED_CHATS + 1])
    shown = found[:LISTED_CHATS]
    return Listing(_by_project(shown, user), _place(shown[-1]) if len(found) > LISTED_CHATS else "")


def may(user: User, has: Permissions, chat: Chat) -> str:
    """What the chat's menu may offer the user, who has these permissions in it: the server would refuse the rest."""
    return " ".join((["write"] if "write" in has else []) + (["own"] if chat.user_id == user.pk else []))


def _by_project(chats: list[Chat], user: User) -> list[Section]:
    found: dict[UUID | None, Section] = {}
    for chat in chats:
        listed = Listed(chat, may(user, permissions_found(user, chat), chat))
        found.setdefault(chat.project_id, Section(chat.project)).chats.append(listed)
    return list(found.values())


def _place(chat: Chat) -> str:
    return _signer().sign_object([chat.last_activity_at.isoformat(), str(chat.pk)])


def _behind(place: str) -> Q:
    """What comes after a place, in the order of the list: two chats of one moment are told apart by their ids."""
    try:
        moment, id = _signer().unsign_object(place)
    except (signing.BadSignature, UnicodeError):
        raise refuse("after", "Expected a place as the list's `data-next` has it: take it from there.") from None
    at, pk = datetime.fromisoformat(moment), UUID(id)
    return Q(last_activity_at__lt=at) | Q(last_activity_at=at, pk__lt=pk)


def _signer() -> signing.Signer:
    """Signs places: from one that somebody made up, nothing is read."""
    return signing.Signer(salt="parley.page.listing")

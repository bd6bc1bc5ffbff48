"""The commands that a person may choose from, for the page, REST and /help. Sync."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from accounts.models import User
from agents import commands as own
from chat.access import permissions_on
from chat.models import Chat
from chat.runner.commands import Place, table, text

NEW = Place(None, frozenset({"read", "write"}))


@dataclass(frozen=True)
class Listed:
    """One command as this person has it."""

    name: str
    help: str
    arguments: Any  # JSON Schema
    why: str = ""  # it is not available

    @property
    def available(self) -> bool:
        """Whether they may use it."""
        return not self.why

    @property
    def takes(self) -> str:
        """The name of what is typed behind it; empty for nothing."""
        return next(iter(self.arguments["properties"]), "")


def listed(user: User, chat: Chat | None) -> list[Listed]:
    """All of them, those of own apps last; without a chat as in a new one of theirs."""
    return [*_ours(user, _place(user, chat)), *([] if user.is_guest else _of_own_apps())]


def _ours(user: User, place: Place) -> Iterator[Listed]:
    for each in table.every():
        yield Listed(each.name, gettext(each.help), each.arguments, table.why_not(each, user, place))


def _of_own_apps() -> Iterator[Listed]:
    for each in own.every():
        yield Listed(each.name, each.label, text("text", each.text, own.TEXT_MAX_CHARS, is_required=False))


def _place(user: User, chat: Chat | None) -> Place:
    """The chat; without one a new one, whose organization nobody knows yet."""
    return NEW if chat is None else Place(chat.organization_id, permissions_on(user, chat), chat)

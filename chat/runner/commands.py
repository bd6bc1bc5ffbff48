"""Slash commands: what one is, which there are, and what a text asks for. What they do is chat.commands, which fills
the table when the process begins.
"""

import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import Permission
from agents import commands as own
from agents.events import AnyEvent
from chat.models import Chat, Message, MessageKind, MessageRole

if TYPE_CHECKING:
    from chat.runner.kinds.command import Asked

TYPED = re.compile(r"/(?P<escape>/?)(?P<name>[a-z][a-z0-9_-]{0,30})(?:\s+(?P<rest>.*))?\Z", re.DOTALL)
NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}

FEEDBACK = "feedback"  # the name of the one that keeps what is typed elsewhere too

# What a command says, piece by piece; or the events of an agent or of other work that it sets off.
Says = AsyncGenerator[str | list[AnyEvent], None]


@dataclass(frozen=True)
class Command:
    """One of them. `run` may be begun again where a process dies in its midst: what it does, it does once in effect."""

    name: str  # what one types behind the /
    help: str  # what it does, in a few words, to be translated
    run: "Callable[[Asked], Says]"
    arguments: Mapping[str, Any] = field(default_factory=lambda: NO_ARGUMENTS)  # JSON Schema: one text, or nothing
    permission: Permission = "write"  # in the chat
    feature: str = ""  # of the organization's plan
    needs_model: bool = False  # tokens are reserved for it, and the chat's model has to be one that is offered
    for_guests: bool = False
    begins_anew: bool = False  # its message has none before it: a new root of the chat's tree
    why_not: Callable[[User, Chat], str] = lambda user, chat: ""  # why this person may not use it in this chat, if so


def text(name: str, about: str, most_chars: int, *, is_required: bool = True) -> Mapping[str, Any]:
    """The arguments of a command that takes all that is typed behind its name as one text."""
    wanted = {
        "type": "string",
        "maxLength": most_chars,
        "description": about,
        **({"minLength": 1} if is_required else {}),
    }
    return {**NO_ARGUMENTS, "properties": {name: wanted}, "required": [name] if is_required else []}


@dataclass(frozen=True)
class Typed:
    """A text that begins with the name of a command."""

    name: str
    rest: str = ""  # what stands behind it
    is_escaped: bool = False  # by a second slash: it is no command


class _Table:
    """All commands of the product, and which features an organization has."""

    def __init__(self) -> None:
        self._all: dict[str, Command] = {}
        self._has_feature: Callable[[UUID, str], bool] = lambda organization_id, name: True

    def fill(self, commands: Sequence[Command], has_feature: Callable[[UUID, str], bool]) -> None:
        """From now on it is these. Once in a process."""
        self._all = {each.name: each for each in commands}
        self._has_feature = has_feature

    def every(self) -> list[Command]:
        """Those that no own app has a command of the same name for, in their order."""
        taken = {each.name for each in own.every()}
        return [each for each in self._all.values() if each.name not in taken]

    def find(self, name: str) -> Command | None:
        """The command of that name."""
        return self._all.get(name)

    def why_not(self, command: Command, user: User, place: "Place") -> str:
        """Why this person may not use the command there; empty where they may."""
        if user.is_guest and not command.for_guests:
            return _("Guests may not use this. Sign in first.")
        if command.permission not in place.permissions:
            return _("Your role here does not include this.")
        if not self._is_planned(command, place):
            return _("Your organization's plan does not include this.")
        return command.why_not(user, place.chat) if place.chat is not None else ""

    def _is_planned(self, command: Command, place: "Place") -> bool:
        where = place.organization_id
        return not command.feature or where is None or self._has_feature(where, command.feature)


@dataclass(frozen=True)
class Place:
    """Where a command is to be used, and what its person may do there."""

    organization_id: UUID | None
    permissions: frozenset[Permission]
    chat: Chat | None = None  # None, as the organization: a new one


table = _Table()


READ_MESSAGES = 200  # of the branch before a command, at most


def before(question: Message) -> Iterator[Message]:
    """The messages before a command on its branch, newest first, without those of commands. Sync."""
    at = question.parent_id
    for _number in range(READ_MESSAGES):
        message = Message.objects.filter(chat=question.chat_id, pk=at).first() if at is not None else None
        if message is None:
            return
        if message.kind != MessageKind.COMMAND:
            yield message
        at = message.parent_id


def newest_answer(question: Message) -> Message | None:
    """The one that a command is about. Sync."""
    return next((each for each in before(question) if each.role == MessageRole.ASSISTANT), None)


def own_of(name: str) -> own.Command | None:
    """The command of that name that an own app has registered."""
    return next((each for each in own.every() if each.name == name), None)


def typed(said: str) -> Typed | None:
    """The command that a text names, of the product's or of an own app; None where it names none that there is."""
    found = TYPED.match(said)
    if found is None or (table.find(found["name"]) is None and own_of(found["name"]) is None):
        return None
    return Typed(found["name"], (found["rest"] or "").strip(), is_escaped=bool(found["escape"]))

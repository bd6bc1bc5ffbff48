"""Slash commands where a message comes in: what a person typed, whether they may, and how it is stored. Sync.

Only what somebody typed as the last message of a request at a chat door is looked at. What an agent elsewhere sends, a
schedule, a workflow or a program at the OpenAI-compatible doors is a text, like what stands in files, results of tools
and system messages.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from accounts.errors import NotAllowed, Unavailable, refuse
from accounts.models import User
from accounts.permissions import Permissions
from chat.models import Chat, Feedback, Message, MessageKind
from chat.run_request import Item, RunRequest
from chat.runner import older
from chat.runner.commands import FEEDBACK, TYPED, Command, Place, Typed, newest_answer, own_of, table, typed

# What requests are marked with at which people write: of chat.doors.registry all but mcp, completions and responses.
DOORS = frozenset({"native", "editorChat", "sessions", "threads", "agent", "initiateChat", "ui", "agui"})
UNKNOWN = "-"  # of a stored one whose text names none: it answers that there is none
UPGRADING = "A process of another version is still up that knows no commands. Try again soon."


def understood(user: User, chat: Chat, has: Permissions, ask: RunRequest) -> tuple[RunRequest, Command | None]:
    """The request as it is meant, and the command that its last message is.

    A second slash in front is taken off; a command of an own app gives way to its text. Raises NotAllowed, Invalid, and
    Unavailable while an older process is up.
    """
    text, files = _last(ask)
    found = typed(text) if text.startswith("/") and ask.door in DOORS else None
    if found is None:
        return ask, None
    if found.is_escaped:
        return _saying(ask, text[1:]), None
    if own_of(found.name) is not None:
        return _in_own_words(ask, found, user), None
    command = table.find(found.name)
    assert command is not None, "what is typed is one of both"
    _check(command, found, files)
    _require(command, user, Place(chat.organization_id, has, chat))
    return ask, command


def mark(message: Message, command: Command | None) -> None:
    """The message, not saved, is that command; it is any other where there is none."""
    if command is None:
        return
    message.kind = MessageKind.COMMAND
    if command.begins_anew:
        message.parent_id = None


def command_of(question: Message) -> Command | None:
    """The command that a stored message is, as long as there is such a command."""
    if question.kind != MessageKind.COMMAND:
        return None
    found = typed(question.content)
    return table.find(found.name) if found is not None else None


def require_again(user: User, question: Message) -> None:
    """Where the message is a command: raise NotAllowed for anybody but who typed it, since what it leaves behind is
    theirs, and Unavailable where an older process could take it for a text.
    """
    if question.kind != MessageKind.COMMAND:
        return
    if question.author_id != user.pk:
        raise NotAllowed("Only who has typed a command may ask for it again.", code="command_not_allowed")
    if older.are_up():
        raise Unavailable(UPGRADING)


def name_of(question: Message) -> str:
    """What the run is told that answers the message; empty where a model does."""
    if question.kind != MessageKind.COMMAND:
        return ""
    found = TYPED.match(question.content)
    return found["name"] if found is not None else UNKNOWN


def asks_model(question: Message) -> bool:
    """Whether a model is asked for the answer of the message."""
    command = command_of(question)
    return question.kind != MessageKind.COMMAND or (command is not None and command.needs_model)


def forget(message: Message) -> None:
    """A person's message is about to be deleted, or to say something else: a comment that it was goes too, unless they
    have said another one of the same answer since.
    """
    found = TYPED.match(message.content) if message.kind == MessageKind.COMMAND else None
    if found is not None and found["name"] == FEEDBACK and (answer := newest_answer(message)) is not None:
        comment = (found["rest"] or "").strip()
        Feedback.objects.filter(message=answer, user=message.author_id, comment=comment).forget_comments()


def kind_of(message: Message, content: str) -> str:
    """What a message is whose text is changed to this: a command only if it was one. It is not carried out anew."""
    is_still = message.kind == MessageKind.COMMAND and typed(content) is not None
    return message.kind if is_still or message.kind != MessageKind.COMMAND else MessageKind.TEXT


def _last(ask: RunRequest) -> tuple[str, Sequence[Any]]:
    """What a person says last, with its files; nothing where somebody else does. As it came: nothing is checked yet."""
    last = ask.items[-1] if ask.items else Item("user", ask.content, ask.attachments)
    if last.role != "user" or not isinstance(last.content, str):
        return "", ()
    return last.content, last.attachments


def _saying(ask: RunRequest, text: str) -> RunRequest:
    """The request with another last text."""
    if not ask.items:
        return replace(ask, content=text)
    *before, last = ask.items
    return replace(ask, items=(*before, replace(last, content=text)))


def _in_own_words(ask: RunRequest, found: Typed, user: User) -> RunRequest:
    """What an own app's command stands for, as if it was chosen in the page and completed."""
    own = own_of(found.name)
    if own is None or user.is_guest:
        return ask
    between = " " if found.rest and not own.text[-1].isspace() else ""
    said = _saying(ask, f"{own.text}{between}{found.rest}")
    return said if ask.archetype is not None or not own.archetype else replace(said, archetype=own.archetype)


def _check(command: Command, found: Typed, files: Sequence[Any]) -> None:
    """Raise Invalid for arguments that are not right: one text, or nothing."""
    if files:
        raise refuse("attachments", "Expected none: a command reads no files. Begin with // to send it as a text.")
    for name, wanted in command.arguments["properties"].items():
        least, most = wanted.get("minLength", 0), wanted["maxLength"]
        if not least <= len(found.rest) <= most:
            raise refuse("content", f"Expected /{command.name} {name.upper()}, of {least} to {most} characters.")
    if found.rest and not command.arguments["properties"]:
        raise refuse("content", f"Expected /{command.name} with nothing behind it. Begin with // to send it as a text.")


def _require(command: Command, user: User, place: Place) -> None:
    if why := table.why_not(command, user, place):
        raise NotAllowed(why, code="command_not_allowed")
    if older.are_up():
        raise Unavailable(UPGRADING)

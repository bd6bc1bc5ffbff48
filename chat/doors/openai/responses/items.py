"""Looking up what the items of a request name: stored items, calls that wait for their output, compactions. Sync."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from accounts.errors import Invalid, NotFound, refuse
from accounts.models import User
from chat import audience
from chat.doors.openai.responses.compaction import read_compaction
from chat.doors.openai.responses.dialect.ids import read_item_id
from chat.doors.openai.responses.dialect.items import Compaction, Entry, Reference, items_of, read_item
from chat.doors.whole import packed
from chat.eventlog.drafts import attach_drafts
from chat.models import Chat, Message, MessageRole
from chat.run_request import Item

OF_MESSAGES = ("content", "attachments")
SUMMARY = "What was said before, in short:\n\n"
CALLS_MESSAGES_MAX = 200  # how many answers are looked through for the call that an output is of


def found(user: User, entries: Iterable[Entry], chat: Chat | None, known: frozenset[UUID]) -> tuple[Item, ...]:
    """The items to be stored. `chat` is the one they continue; `known`: runs that only their connection knows.

    Raises NotFound for a reference, Invalid for an output of a call that nobody made.
    """
    items = list(_resolved(user, entries, known))
    calls = {part["call"]: part["name"] for item in items for part in item.parts if part["type"] == "tool_call"}
    if any(item.role == "tool" and item.parts[0]["call"] not in calls for item in items):
        calls = {**(_calls(chat) if chat else {}), **calls}
    return tuple(_named(item, calls) if item.role == "tool" else item for item in items)


@contextmanager
def called(field: str) -> Iterator[None]:
    """What is refused of a message inside the block is refused by the name that it was sent under."""
    try:
        yield
    except Invalid as error:
        told = [text for name, texts in error.fields.items() if name.partition(".")[0] in OF_MESSAGES for text in texts]
        raise refuse(field, told[0]) if told else error from None


def _resolved(user: User, entries: Iterable[Entry], known: frozenset[UUID]) -> Iterator[Item]:
    room = settings.BODY_MAX_BYTES  # as much as a request could have said itself
    for entry in entries:
        match entry:
            case Reference():
                found = list(_stored(user, entry, known))
            case Compaction():
                found = list(_expanded(user, entry))
            case Item():
                found = [entry]
        room -= sum(map(_size, found))
        if room < 0:
            told = f"Expected at most {settings.BODY_MAX_BYTES} bytes, with those of the items that are named."
            raise refuse(getattr(entry, "field", "input").partition(".")[0], told)
        yield from found


def _size(item: Item) -> int:
    """How many bytes it is as it would be sent."""
    said = (each.get("content") or each.get("url") or "" for each in item.attachments)
    return len(packed([item.content, *said, *item.parts], 0))


def _expanded(user: User, entry: Compaction) -> Iterator[Item]:
    kept = read_compaction(user, entry.content, f"{entry.field}.encrypted_content")
    level = kept.get("level", 0)  # earlier versions, which had no levels, say none
    for each in kept["said"]:
        yield Item("user", each["content"], each["attachments"], level=level)
    yield Item("system", SUMMARY + kept["summary"], level=level)


def _stored(user: User, reference: Reference, known: frozenset[UUID]) -> Iterator[Item]:
    """The item of that id, read as if it had been sent, with its chat's level; nothing for reasoning."""
    id = read_item_id(reference.id)
    found = _visible(user, id.message, known) if id else None
    if id is None or found is None:
        raise _no_item(reference)
    row = values_of([found])[0]
    level = audience.level_now(found.chat_id)  # once it is read: what came in meanwhile counts
    if id.kind == "rs":
        return
    item = next((each for each in items_of(row) if each["id"] == reference.id), None)
    if item is None:
        raise _no_item(reference)
    read = read_item(item, reference.field)
    yield from (replace(each, level=level) for each in read if isinstance(each, Item))


def _visible(user: User, message: UUID, known: frozenset[UUID]) -> Message | None:
    """The message, if the user sees it and it was to be kept."""
    kept = Q(chat__expires_at=None) | Q(chat__runs__in=known)
    return Message.objects.visible_to(user).filter(kept, pk=message).select_related("chat").first()


def _no_item(reference: Reference) -> NotFound:
    return NotFound(
        "There is no such item.", code="item_not_found", fields={reference.field: ["Send the item itself."]}
    )


def values_of(rows: list[Message]) -> list[dict[str, object]]:
    """Messages as the dialect reads them; one in progress with what has come of it."""
    attach_drafts(rows)
    names = ("pk", "role", "status", "content", "parts", "attachments")
    return [{name: getattr(row, name) for name in names} for row in rows]


def _calls(chat: Chat) -> dict[str, str]:
    """The calls that the chat left to its client: the name of each."""
    answers = Message.objects.filter(chat=chat, role=MessageRole.ASSISTANT).order_by("-position")
    parts = [part for parts in answers.values_list("parts", flat=True)[:CALLS_MESSAGES_MAX] for part in parts]
    return {part["call"]: part["name"] for part in parts if part["type"] == "tool_call" and part.get("deferred")}


def _named(item: Item, calls: dict[str, str]) -> Item:
    (part,) = item.parts
    if part["call"] not in calls:
        raise Invalid(
            f"No tool call found for function call output with call_id {part['call']}.",
            fields={"input": ["Send the call before its output, or the id of the response that made it."]},
        )
    return replace(item, parts=({**part, "name": calls[part["call"]]},))

"""Storing a file that was read: all of it, or nothing. Sync."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Model
from msgspec.structs import asdict, replace

from accounts.errors import Conflict
from accounts.models import Organization, Project, User
from accounts.permissions import permissions_in, require
from agents import events as ev
from agents.events import AnyEvent
from chat import audience
from chat.attachments import using
from chat.models import IMPORTED, Attachment, Chat, ChatAlias, Message, Run, RunEvent, TitledBy, ToolCall, UsageRecord
from chat.services import rules
from chat.transfer.lines import EventsLine, Line, UsageLine
from chat.transfer.reading import Package
from chat.webhooks import telling
from tools.git.transfer import put_files

ROWS = 500  # in one statement
Ids = Mapping[UUID, UUID]


@dataclass(frozen=True)
class Place:
    """Where the chat goes, and whose it becomes."""

    owner: User
    organization: Organization
    project: Project | None = None
    model: str = ""  # instead of the file's
    archetype: str = ""
    is_copy: bool = False  # once more, with new ids, where it is here already


@dataclass(frozen=True)
class Move:
    """A file and the place it goes to, with the names that its rows get there."""

    package: Package
    place: Place
    chat: Chat
    ids: Ids
    people: Ids

    def person(self, id: UUID | None) -> UUID:
        """The account here; of somebody who has none, the owner's."""
        return self.people.get(id, self.place.owner.pk) if id else self.place.owner.pk


@transaction.atomic
def store(package: Package, place: Place) -> Chat:
    """The chat, stored with all that is in the file. Raises Conflict where it is here already, Invalid, NotAllowed."""
    require(permissions_in(place.owner, organization=place.organization, project=place.project), "write")
    ids = _ids(package, place)
    move = Move(package, place, _chat(package, place, ids), ids, _people(package, place))
    _store(Message, _messages(move))
    using.use(Message.objects.filter(chat=move.chat).exclude(attachments=[]))
    _store(Run, _runs(move))
    _store(RunEvent, _events(package.events, ids, move.people))
    _store(ToolCall, ({**_fields(each), "run_id": ids[each.run]} for each in package.tool_calls))
    _store(UsageRecord, _usage(move))
    _store_chat(move)
    _store_aliases(package, place, move.chat)
    _store_files(move)
    return Chat.objects.get(pk=move.chat.pk)


def _messages(move: Move) -> Iterator[dict[str, Any]]:
    there = _attachments(move)
    for each in {each.id: each for each in move.package.messages}.values():
        yield _fields(each) | {
            "id": move.ids[each.id],
            "chat_id": move.chat.pk,
            "parent_id": move.ids[each.parent] if each.parent else None,
            "author_id": move.people.get(each.author) if each.author else None,
            "attachments": [_attachment(file, there) for file in each.attachments],
            "usage": msgspec.to_builtins(each.usage),
        }


def _attachments(move: Move) -> set[UUID]:
    """Those that the file names and that are here: the owner's own, or of chats that they see, in this organization."""
    named = {id for each in move.package.messages for id in using.ids_in(each.attachments)}
    seen = Attachment.objects.visible_to(move.place.owner).filter(organization=move.place.organization)
    return set(seen.filter(pk__in=named).select_for_update(of=("self",)).values_list("pk", flat=True))


def _attachment(file: dict[str, Any], there: set[UUID]) -> dict[str, Any]:
    """The file; of one that is not here what it was, without an id: a chat's file does not hold its bytes."""
    if "id" not in file or using.id_of(file) in there:
        return file
    return {name: value for name, value in file.items() if name != "id"}


def _runs(move: Move) -> Iterator[dict[str, Any]]:
    for each in move.package.runs:
        yield _fields(each) | {
            "id": move.ids[each.id],
            "chat_id": move.chat.pk,
            "user_id": move.person(each.user),
            "input_id": move.ids[each.input],
            "message_id": move.ids[each.message],
            "request": _renamed(each.request, move.ids),
        }


def _usage(move: Move) -> Iterator[dict[str, Any]]:
    organization, project = move.place.organization, move.place.project
    whose = {"organization_id": organization.pk, "project_id": project.pk if project else None, "door": IMPORTED}
    for each in _unknown(move):
        yield _fields(each) | whose | {"run_id": move.ids[each.run], "user_id": move.person(each.user)}


def _unknown(move: Move) -> list[UsageLine]:
    """Those of runs that the ledger here does not have: it has kept them where the chat was here before."""
    ids = [move.ids[each.run] for each in move.package.usage]
    there = UsageRecord.objects.filter(run__in=ids, organization=move.place.organization)
    kept = set(there.values_list("run_id", flat=True))
    return [each for each in move.package.usage if move.ids[each.run] not in kept]


def _store_chat(move: Move) -> None:
    """What can be said only once its messages are here, and the times that saving it has overwritten."""
    line = move.package.chat
    times = {name: getattr(line, name) for name in ("created_at", "updated_at", "last_activity_at")}
    Chat.objects.filter(pk=move.chat.pk).update(leaf=move.ids[line.leaf] if line.leaf else None, **times)


def _store_files(move: Move) -> None:
    project, owner = move.place.project, move.place.owner
    if move.package.files and project is not None:
        author = (owner.display_name, owner.email)
        branch, message = move.chat.branch_name(), "Import the chat's files\n"
        put_files(project.pk, branch, move.package.files, author=author, message=message)


def _ids(package: Package, place: Place) -> dict[UUID, UUID]:
    """Every id of the file, and what it is called here: the same, unless it is taken.

    So is that of a chat that was deleted and kept: nobody is told that it is there.
    """
    same = Chat.objects.filter(pk=package.chat.id)
    if not place.is_copy and same.filter(deleted_at=None).exists():
        raise Conflict(f"Chat {package.chat.id} is here already. As a copy it gets new ids.", code="chat_exists")
    messages, runs = [each.id for each in package.messages], [each.id for each in package.runs]
    taken = set(Message.objects.filter(pk__in=messages).values_list("pk", flat=True))
    taken |= set(Run.objects.filter(pk__in=runs).values_list("pk", flat=True))
    taken |= set(same.values_list("pk", flat=True))
    everything = [package.chat.id, *messages, *runs]
    return {id: uuid.uuid4() if place.is_copy or id in taken else id for id in everything}


def _people(package: Package, place: Place) -> dict[UUID, UUID]:
    """The people of the file who are members here, by their addresses."""
    members = User.objects.filter(memberships__organization=place.organization, is_active=True)
    known = dict(members.values_list("email", "pk"))
    return {each.id: known[each.email.lower()] for each in package.people if each.email.lower() in known}


def _chat(package: Package, place: Place, ids: Ids) -> Chat:
    line = package.chat
    fields = _fields(line) | {
        "id": ids[line.id],
        "model": rules.check_model(place.model or line.model),
        "archetype": rules.check_archetype(place.archetype or line.archetype),
        "metadata": rules.check_metadata(line.metadata),
        "branch": "",
        "titled_by": TitledBy.PERSON if line.title else TitledBy.NOBODY,
    }
    del fields["leaf"]
    chat = Chat(user=place.owner, organization=place.organization, project=place.project, **fields)
    audience.require_readable(chat, place.owner)
    chat.save(force_insert=True)
    telling.chat_created(chat)
    return chat


def _events(lines: Iterable[EventsLine], ids: Ids, people: Ids) -> Iterator[dict[str, Any]]:
    here, persons = _as_text(ids), _as_text(people)
    for line in lines:
        events = [_event(each, here, persons) for each in line.events]
        yield {**_fields(line), "run_id": ids[line.run], "events": ev.dump(events)}


def _event(event: AnyEvent, here: Mapping[str, str], people: Mapping[str, str]) -> AnyEvent:
    """The event with the ids of here; a person who is not here is nobody."""
    match event:
        case ev.RunQueued():
            return replace(event, chat=here[event.chat], input=here[event.input], message=here[event.message])
        case ev.MessageSaved():
            return replace(event, message=here.get(event.message, event.message))
        case ev.ContextCompacted():
            return replace(event, upto=here.get(event.upto, event.upto))
        case ev.ApprovalResolved() | ev.RunCancelled():
            return replace(event, by=people.get(event.by, ""))
        case (
            ev.CitationAdded()
            | ev.ReasoningDelta() | ev.TextDelta() | ev.RunStarted() | ev.TurnStarted() | ev.ReplyCompleted()
            | ev.ToolCalled() | ev.ToolProgressed() | ev.ToolReturned() | ev.ToolFailed() | ev.ToolDeferred()
            | ev.ApprovalRequested() | ev.AgentStarted() | ev.AgentReturned() | ev.WorkflowChanged()
            | ev.WorkflowCompleted() | ev.WorkProgressed() | ev.RetryScheduled() | ev.TurnReset()
            | ev.TurnCompleted() | ev.RunCompleted() | ev.RunFailed()
        ):  # fmt: skip
            return event
        case _:
            assert_never(event)


def _as_text(ids: Ids) -> dict[str, str]:
    return {str(old): str(new) for old, new in ids.items()}


def _renamed(value: Any, ids: Ids) -> Any:
    """What a door stored of its request, with the ids of here: they stand in it behind a prefix."""
    if all(old == new for old, new in ids.items()):
        return value
    text = msgspec.json.encode(value).decode()
    for old, new in ids.items():
        text = text.replace(str(old), str(new))
    return msgspec.json.decode(text)


def _store_aliases(package: Package, place: Place, chat: Chat) -> None:
    """The names that are free for the owner here."""
    rows = [ChatAlias(chat=chat, user=place.owner, **_fields(each)) for each in package.aliases]
    ChatAlias.objects.bulk_create(rows, ignore_conflicts=True)


def _fields(line: Line) -> dict[str, Any]:
    """The line's fields under the names of their columns; those that name other rows are left to the caller."""
    return {name: value for name, value in asdict(line).items() if name not in ("run", "user", *OTHERS)}


OTHERS = ("parent", "author", "input", "message")


def _store(kind: type[Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert them, with their own times: a new row would get the time of now."""
    kept = list(rows)
    times = [name for name in ("created_at", "updated_at") if kept and name in kept[0]]
    made = [kind(**each) for each in kept]
    manager = kind._default_manager
    manager.bulk_create(made, batch_size=ROWS)
    for row, given in zip(made, kept, strict=True):
        for name in times:
            setattr(row, name, given[name])
    if times:
        manager.bulk_update(made, times, batch_size=ROWS)

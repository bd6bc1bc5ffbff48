"""The procedures of editorChat: system 1's chats over tRPC. Their runs are read at its REST stream too."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from accounts.db import db
from accounts.errors import NotFound, refuse
from accounts.http.idempotency import Answer
from accounts.models import Organization
from chat.access import chats_of, get_chat, get_message
from chat.doors import starting
from chat.doors.base import known_only
from chat.doors.editor_chat import dialect, records
from chat.doors.reading import Reader, to_end
from chat.doors.trpc.procedures import Call, Procedure, mutation, query
from chat.models import ChatStatus
from chat.run_request import RunRequest
from chat.services.chats import change_chat, create_chat, delete_chat, fork_chat
from chat.services.runs import regenerate, start_run

WORDS = dialect.WORDS
CHOICES = {"title": "title", "model": "model", "temperature": "temperature", "agentArchetype": "archetype"}
CREATE_FIELDS = ("orgId", "projectId", *CHOICES, "metadata")
LIST_FIELDS = ("orgId", "projectId", "status", "limit", "skip")
LIST_LIMIT, LIST_MAX, SKIP_MAX = 50, 100, 100_000
STREAM_FIELDS = ("stream", "enableStreaming")
ANEW_FIELDS = ("chatId", "messageId", "model", "temperature", "agentArchetype", *STREAM_FIELDS)


def _create(call: Call) -> dict[str, Any]:
    """A new chat of the caller's."""
    known_only(call.input, CREATE_FIELDS)
    organization, project = _id(call.input, "orgId"), _optional_id(call.input, "projectId")
    asked = {ours: call.input[name] for name, ours in CHOICES.items() if call.input.get(name) is not None}
    chosen = {"temperature": dialect.TEMPERATURE, **asked}
    if call.input.get("metadata") is not None:
        chosen["metadata"] = call.input["metadata"]

    def make() -> Answer:
        chat = create_chat(user=call.user, organization=organization, project=project, origin=dialect.NAME, **chosen)
        return Answer(200, {"id": str(chat.pk)})

    return _shown(call, UUID(call.once(make).body["id"]))


def _list(call: Call) -> list[dict[str, Any]]:
    """The chats the caller sees there, the one that was written in last first, with their newest messages."""
    known_only(call.input, LIST_FIELDS)
    organization = _id(call.input, "orgId")
    if not Organization.objects.visible_to(call.user).filter(pk=organization).exists():
        raise NotFound(fields={"orgId": ["There is no such organization, or you may not see it."]})
    found = chats_of(call.user).listed().filter(organization=organization)
    if project := starting.named_project(call.user, _optional_id(call.input, "projectId")):
        found = found.filter(project=project)
    if call.input.get("status") is not None:
        found = found.filter(status=_status(call.input["status"]))
    skip, limit = _number(call.input, "skip", 0, 0, SKIP_MAX), _number(call.input, "limit", LIST_LIMIT, 1, LIST_MAX)
    return records.chats(list(found[skip : skip + limit]), newest=records.LISTED_MESSAGES)


def _get(call: Call) -> dict[str, Any]:
    """A chat with all its messages."""
    known_only(call.input, ("chatId",))
    return _shown(call, _id(call.input, "chatId"))


async def _send(call: Call) -> dict[str, Any]:
    """Store a message. Answers with the stored answer, or with `stream` at once: it is read at the REST stream."""
    reader = await db(_begin_send, call)
    return await _answered(call, reader)


async def _anew(call: Call) -> dict[str, Any]:
    """Answer a message once more: the new answer takes the place of the old one."""
    reader = await db(_begin_anew, call)
    return await _answered(call, reader)


def _title(call: Call) -> dict[str, Any]:
    """Give a chat another title."""
    known_only(call.input, ("chatId", "title"))
    chat = get_chat(call.user, _id(call.input, "chatId"), "write")
    if "title" not in call.input:
        raise refuse("title", "Expected a text.")
    change_chat(user=call.user, chat=chat, title=call.input["title"])
    return _shown(call, chat.pk)


def _delete(call: Call) -> dict[str, Any]:
    """Delete a chat with all that is in it."""
    known_only(call.input, ("chatId",))
    chat = get_chat(call.user, _id(call.input, "chatId"))
    delete_chat(user=call.user, chat=chat)
    return {"success": True, "id": call.input["chatId"]}


def _fork(call: Call) -> dict[str, Any]:
    """A new chat of the caller's with the messages up to and including this one."""
    known_only(call.input, ("chatId", "messageId", "title"))
    chat, message = get_chat(call.user, _id(call.input, "chatId")), _id(call.input, "messageId")

    def make() -> Answer:
        fork = fork_chat(user=call.user, chat=chat, message=message, title=call.input.get("title"))
        return Answer(200, {"id": str(fork.pk)})

    return _shown(call, UUID(call.once(make).body["id"]))


PROCEDURES: Mapping[str, Procedure] = {
    "editorChat.create": mutation(_create),
    "editorChat.list": query(_list),
    "editorChat.get": query(_get),
    "editorChat.sendMessage": Procedure("mutation", _send, starts_runs=True),
    "editorChat.updateTitle": mutation(_title),
    "editorChat.delete": mutation(_delete),
    "editorChat.fork": mutation(_fork),
    "editorChat.regenerate": Procedure("mutation", _anew, starts_runs=True),
}


def _begin_send(call: Call) -> Reader:
    body = {name: value for name, value in call.input.items() if name != "chatId"}
    asked = dialect.parse(body)
    _wants_stream(body)
    chat = get_chat(call.user, _id(call.input, "chatId"), "write")
    return call.start(lambda: start_run(user=call.user, chat=chat, ask=asked))


def _begin_anew(call: Call) -> Reader:
    known_only(call.input, ANEW_FIELDS)
    _wants_stream(call.input)
    chat = get_chat(call.user, _id(call.input, "chatId"), "write")
    message = get_message(call.user, _id(call.input, "messageId"), "write")
    if message.chat_id != chat.pk:
        raise NotFound(fields={"messageId": ["There is no such message in this chat."]})
    chosen = {ours: call.input[name] for name, ours in CHOICES.items() if call.input.get(name) is not None}
    return call.start(lambda: regenerate(user=call.user, message=message, ask=RunRequest(door=dialect.NAME, **chosen)))


async def _answered(call: Call, reader: Reader) -> dict[str, Any]:
    run = reader.run
    begun = {"chatId": str(run.chat_id), "runId": str(run.pk), "messageId": str(run.message_id)}
    if _wants_stream(call.input):
        return {**begun, "userMessageId": str(run.input_id), "streaming": True}
    await to_end(reader)
    return {**begun, "userMessageId": str(run.input_id), **await db(records.answer, run)}


def _wants_stream(body: Mapping[str, Any]) -> bool:
    """Unlike at the REST stream, only where it is asked for."""
    given = {name: body[name] for name in STREAM_FIELDS if body.get(name) is not None}
    return bool(given) and dialect.wants_stream(given)


def _shown(call: Call, chat: UUID) -> dict[str, Any]:
    (shown,) = records.chats([get_chat(call.user, chat)])
    return shown


def _id(body: Mapping[str, Any], name: str) -> UUID:
    """The id of something that there must be: a text that is none names nothing."""
    if not isinstance(body.get(name), str):
        raise refuse(name, "Expected an id.")
    try:
        return UUID(body[name])
    except ValueError:
        raise NotFound from None


def _optional_id(body: Mapping[str, Any], name: str) -> UUID | None:
    return None if body.get(name) is None else _id(body, name)


def _status(value: Any) -> str:
    """Upper case on this wire, as all its enumerations."""
    names = [each.name for each in ChatStatus]
    if not isinstance(value, str) or value.upper() not in names:
        raise refuse("status", f"Expected one of: {', '.join(names)}.")
    return ChatStatus[value.upper()].value


def _number(body: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = default if body.get(name) is None else body[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise refuse(name, f"Expected a whole number from {least} to {most}.")
    return value

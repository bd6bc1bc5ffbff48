"""The procedures of chat: system 4's message in two steps, initiateChat and the subscription streamResponse.

Each person has one chat for each project at this door, unless a call names another by its `chatId`.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any
from uuid import UUID

from accounts.db import db
from accounts.errors import NotFound, refuse
from accounts.models import User
from chat.access import Seen, get_answer, get_chat
from chat.doors import starting
from chat.doors.base import known_only
from chat.doors.editor_chat import records as editor_chat_records
from chat.doors.editor_chat.dialect import TEMPERATURE
from chat.doors.reading import Reader, frames, to_end
from chat.doors.trpc.initiate_chat import dialect
from chat.doors.trpc.initiate_chat.dialect import Encoder, Place
from chat.doors.trpc.procedures import Call, Procedure, mutation, query
from chat.eventlog import cursor, rows
from chat.eventlog.cursor import Cursor
from chat.eventlog.drafts import attach_drafts
from chat.metering import limits
from chat.models import Chat, Message, MessageKind, MessageRole, MessageStatus, Run, RunStatus
from chat.services.runs import start_run

WORDS = dialect.WORDS
# What this wire says of a message's status.
STATUSES = {
    MessageStatus.IN_PROGRESS: "pending",
    MessageStatus.COMPLETED: "success",
    MessageStatus.CANCELLED: "success",  # stopped: it holds what had come
    MessageStatus.FAILED: "error",
}
WORKING = {
    RunStatus.QUEUED: "pending",
    RunStatus.RUNNING: "building",
    RunStatus.WAITING: "building",
    RunStatus.SUCCEEDED: "success",
    RunStatus.FAILED: "error",
    RunStatus.CANCELLED: "error",
}


def _initiate(call: Call) -> dict[str, Any]:
    """Store a message and a place for its answer, which is written from now on: streamResponse only reads it."""
    return _begun(_start(call))


async def _send(call: Call) -> dict[str, Any]:
    """The same in one step: answers with the stored answer."""
    reader = await db(_start, call)
    await to_end(reader)
    whole = await db(editor_chat_records.answer, reader.run)
    return {**_begun(reader), "content": whole["message"]["content"], "status": await db(_status_now, reader.run)}


def _get(call: Call) -> dict[str, Any]:
    """A message as it is now: `pending` as long as it is written, `building` while work that it began goes on."""
    known_only(call.input, dialect.READ_FIELDS)
    message = _message(call.user, call.input, "messageId", of_project="projectId" in call.input)
    attach_drafts([message])
    return {
        "id": str(message.pk),
        "chatId": str(message.chat_id),
        "role": message.role,
        "content": message.content,
        "status": _status(message),
        "kind": MessageKind.TEXT if message.kind == MessageKind.COMMAND else message.kind,  # its clients know no such
        "error": message.error and message.error["message"],
        "createdAt": message.created_at.isoformat(),
    }


def _status_now(run: Run) -> str:
    return _status(Message.objects.select_related("job").get(pk=run.answer.pk))


def _status(message: Message) -> str:
    """How it stands: of an answer that is over, as the work that it began, if it began any."""
    status = STATUSES[MessageStatus(message.status)]
    if status != "success" or message.job is None:
        return status
    return WORKING[RunStatus(message.job.status)]


PROCEDURES: Mapping[str, Procedure] = {
    "chat.initiateChat": mutation(_initiate, starts_runs=True),
    "chat.sendMessage": Procedure("mutation", _send, starts_runs=True),
    "chat.getMessage": query(_get),
    "chat.streamResponse": Procedure("subscription"),
}


async def stream_response(call: Call, last_id: str) -> AsyncGenerator[bytes, None]:
    """The values of the run that writes a message, from its start or behind the one whose id is given.

    A client that sends `lastEventId` with its input, be it null, is given the id with each value.
    """
    reader, encoder = await db(_attach, call, last_id)
    return frames(reader, encoder, hold=await limits.streams.take(call.user.pk))


def _start(call: Call) -> Reader:
    asked = dialect.parse(call.input)
    project = starting.named_project(call.user, _id(call.input, "projectId"))
    assert project is not None

    def chat() -> Chat:
        if call.input.get("chatId") is not None:
            named = get_chat(call.user, _id(call.input, "chatId"), "write")
            if named.project_id == project.pk:
                return named
            raise NotFound(fields={"chatId": ["There is no such chat in this project."]})
        return starting.named_chat(
            call.user,
            dialect.NAME,
            str(project.pk),
            lambda: starting.make_chat(
                call.user, door=dialect.NAME, project=project, is_listed=True, temperature=TEMPERATURE
            ),
        )

    return call.start(lambda: start_run(user=call.user, chat=chat(), ask=asked))


def _begun(reader: Reader) -> dict[str, Any]:
    run = reader.run
    ids = {"assistantMessageId": run.message_id, "userMessageId": run.input_id, "chatId": run.chat_id, "runId": run.pk}
    return {name: str(id) for name, id in ids.items()}


def _attach(call: Call, last_id: str) -> tuple[Reader, Encoder]:
    known_only(call.input, dialect.STREAM_FIELDS)
    message = _message(call.user, call.input, "assistantMessageId", of_project=True)
    if message.role != MessageRole.ASSISTANT or not hasattr(message, "run"):
        raise NotFound  # a copy in a fork has no run to be read
    run = get_answer(call.user, message.run.pk)
    is_tracked = "lastEventId" in call.input
    after = _cursor(call.input.get("lastEventId") or last_id, run)
    if after is not None and _is_taken_back(after):
        reader = Reader(call.user, run, after)
        return reader, Encoder(reader.info, is_tracked=is_tracked)
    reader = Reader(call.user, run)
    return reader, Encoder(reader.info, is_tracked=is_tracked, after=_place(after) if after else None)


def _cursor(text: Any, run: Run) -> Cursor | None:
    """Where the client is in this run; None: at its start, also where the id is of nothing that we know."""
    if not text:
        return None
    if not isinstance(text, str):
        raise refuse("lastEventId", "Expected the id of the last value.")
    after = cursor.parse(text)
    return None if after.run != run.pk or rows.page(run.pk, after).is_reset else after


def _is_taken_back(after: Cursor) -> bool:
    """Whether the client was shown what is not in the log any more, or not in its clean view."""
    log = rows.stored(after.run)
    if after.seq > log[-1].seq:
        return False  # it is stored in a moment
    return all((each.attempt, each.seq) != (after.attempt, after.seq) for each in rows.clean(log, after=0))


def _place(after: Cursor) -> Place:
    return after.attempt, after.seq, 999 if after.frame is None else after.frame


def _message(user: User, body: Mapping[str, Any], name: str, *, of_project: bool) -> Message:
    """The message, if the user sees it, and it is in the project that the call names."""
    message = _messages(user, _id(body, name))
    is_elsewhere = of_project and message is not None and message.chat.project_id != _id(body, "projectId")
    if message is None or is_elsewhere or message.status == MessageStatus.DELETED:
        raise NotFound
    return message


_messages = Seen(lambda user: Message.objects.visible_to(user).select_related("chat", "run", "job"))


def _id(body: Mapping[str, Any], name: str) -> UUID:
    """A UUID, as this system's own validation asks for."""
    try:
        return UUID(body.get(name))
    except (ValueError, AttributeError, TypeError):
        raise refuse(name, "Expected a UUID.") from None

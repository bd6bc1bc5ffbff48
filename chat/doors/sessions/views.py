"""The sessions door: start a run, read it by its session, load what was said."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.authentication import authenticate
from accounts.db import db
from accounts.db.faults import refusal
from accounts.errors import NotFound, RequestError, refuse
from accounts.http.idempotency import Answer
from accounts.http.parsing import read_json
from accounts.models import Project, User
from accounts.sign_in import cookies
from chat.access import get_run
from chat.doors import said, starting
from chat.doors.errors import in_words
from chat.doors.reading import LAST, Reader, place, streamed
from chat.doors.sessions import dialect
from chat.doors.sessions.dialect import Encoder, Place
from chat.doors.views import door
from chat.doors.whole import whole
from chat.eventlog.rows import event_at
from chat.models import Chat, ChatAlias, ChatSession, Message, Run, Task
from chat.run_request import RunRequest
from chat.services.sessions import find_session, open_session, raise_refusal, token_of, unknown_session
from chat.serving.event_stream import EventStream


@door("POST", starts_runs=True)
async def start(request: HttpRequest) -> HttpResponse:
    """Store a prompt and start its run: 201 with the session to read it in, and the chat."""
    return await whole(_start, request, status=201)


@door("GET")
async def stream(request: HttpRequest) -> HttpResponseBase:
    """The session's run, from its start or after Last-Event-ID. Reading starts nothing, however often it is done.

    Whatever is refused is told in an event: an EventSource shows its page neither status nor body.
    """
    try:
        reader = await db(_attach, request)
        if ending := await db(_end_again, reader):
            return EventStream(request, _sent(*ending))
        is_typing = request.GET.get("typing") == "1" and reader.after is None
        return await streamed(request, reader, Encoder(reader.info, typing=is_typing))
    except RequestError as error:
        return _refusal(request, error)
    except (OperationalError, InterfaceError) as error:
        return _refusal(request, refusal(error))


@door("GET")
async def history(request: HttpRequest) -> HttpResponse:
    """A chat's messages, or without `chatId` the caller's own over all chats; oldest first, the newest page first."""
    return await whole(_history, request)


def _start(request: HttpRequest) -> dict[str, str]:
    user = authenticate(request)
    body = read_json(request)
    asked, where = dialect.parse(body), dialect.place(body)
    with in_words(dialect.WORDS):
        about = _about(user, where)
        answer, reader = starting.start(
            request, user, lambda: _chat(user, where, about, asked), asked, lambda run: _opened(user, run, about.task)
        )
    # The secret is made again rather than kept with the Idempotency-Key.
    return {"sessionId": token_of(UUID(answer.body["session"])), "chatId": where.chat or str(reader.run.chat_id)}


@dataclass(frozen=True)
class About:
    """What a prompt is about: of the task's project, where there is a task."""

    project: Project | None
    task: Task | None = None


def _about(user: User, where: Place) -> About:
    """The project and task that are named. Raises NotFound for what the user does not see, Invalid for a mismatch."""
    project = starting.named_project(user, where.project)
    if not where.task:
        return About(project)
    if project is None and where.chat and (known := starting.known_chat(user, dialect.NAME, where.chat)) is not None:
        project = known.project
    task = _task(user, where.task, project)
    if project is not None and task.project_id != project.pk:
        raise refuse("taskId", "Expected a task of the same project.")
    return About(task.project, task)


def _task(user: User, name: str, project: Project | None) -> Task:
    """The task of that id, or in a project of that external id."""
    tasks = Task.objects.visible_to(user).select_related("project")
    try:
        found = tasks.filter(pk=UUID(name)).first()
    except ValueError:
        found = None
    if found is None and project is not None:
        found = tasks.filter(project=project, external_id=name).first()
    if found is None:
        raise NotFound(fields={"taskId": ["There is no such task, or you may not see it."]})
    return found


def _chat(user: User, where: Place, about: About, asked: RunRequest) -> Chat:
    """The chat of that name, made where it is new; without a name a new one that is not in lists."""
    is_named = bool(where.chat)

    def make() -> Chat:
        return starting.make_chat(user, door=dialect.NAME, project=about.project, is_listed=is_named, model=asked.model)

    chat = starting.named_chat(user, dialect.NAME, where.chat, make) if is_named else make()
    if about.project is not None and chat.project_id != about.project.pk:
        raise refuse("projectId" if where.project else "taskId", "The chat is in another project, or in none.")
    return chat


def _opened(user: User, run: Run, task: Task | None) -> Answer:
    session = open_session(user=user, run=run, task=task)
    return Answer(201, {"session": str(session.pk)}, run.pk)


def _attach(request: HttpRequest) -> Reader:
    """Whoever holds the session's id reads its run, as its user: with their rights of now."""
    token = request.GET.get("sessionId", "")
    raise_refusal(token)
    session = find_session(token)
    _require_owner(request, session)
    return Reader(session.user, get_run(session.user, session.run_id), place(request))


def _require_owner(request: HttpRequest, session: ChatSession) -> None:
    """A session needs nothing beside its id; but credentials that do come must hold, and be of the one who began it."""
    has_session = request.user.is_authenticated
    if "Authorization" in request.headers or "ticket" in request.GET or cookies.has_cookie(request) or has_session:
        user = authenticate(request, run_id=session.run_id, chat_id=session.chat_id)
        if user.pk != session.user_id:
            raise unknown_session()


def _end_again(reader: Reader) -> list[bytes]:
    """The end, for a reader who has seen it and is back all the same, as an EventSource that nobody closed is."""
    after = reader.after
    if after is None or after.run != reader.run.pk:
        return []
    event = event_at(after)
    if event is None or not isinstance(event, LAST):
        return []
    return Encoder(reader.info).encode(after.attempt, after.seq, event)


def _refusal(request: HttpRequest, error: RequestError) -> EventStream:
    """The error as the stream's only event."""
    response = EventStream(request, _sent(dialect.error(error.message, error.code)))
    if error.status == 401 and cookies.has_cookie(request):
        cookies.forget_cookie(response)  # it would stand before every session's id for hours
    return response


async def _sent(*frames: bytes) -> AsyncGenerator[bytes, None]:
    for frame in frames:
        yield frame


def _history(request: HttpRequest) -> dict[str, Any]:
    user = authenticate(request)
    name, before = request.GET.get("chatId", ""), said.before_of(request)
    if not name:
        messages, more = said.own(user, limit=said.limit_of(request, settings.API_PAGE_SIZE), before=before)
        names = _names(user, messages)
        shown = [_shown(each, names.get(each.chat_id, str(each.chat_id))) for each in messages]
        return {"chatId": None, "messages": shown, "next": more and str(more)}
    chat = starting.known_chat(user, dialect.NAME, name)
    if chat is None:
        raise NotFound
    messages, more = said.branch(chat, limit=said.limit_of(request, said.PAGE_MAX), before=before)
    return {"chatId": name, "messages": [_shown(each, name) for each in messages], "next": more and str(more)}


def _names(user: User, messages: list[Message]) -> dict[UUID, str]:
    """What the user's client calls these messages' chats, where it has a name for them."""
    chats = {each.chat_id for each in messages}
    named = ChatAlias.objects.filter(user=user, door=dialect.NAME, chat__in=chats)
    return dict(named.values_list("chat_id", "external_id"))


def _shown(message: Message, chat: str) -> dict[str, Any]:
    run = getattr(message, "run", None)
    return {
        "id": str(message.pk),
        "chatId": chat,
        "role": message.role,
        "content": message.content,
        "status": message.status,
        "error": message.error and message.error["message"],
        "modelId": message.model or (run.model if run else None),
        "taskId": message.task_id and str(message.task_id),
        "createdAt": message.created_at.isoformat(),
    }

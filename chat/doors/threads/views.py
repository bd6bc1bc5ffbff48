"""The threads door: chats as threads; a message is answered whole or streamed."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.authentication import authenticate
from accounts.db import db
from accounts.errors import RequestError
from accounts.http.idempotency import made_once
from accounts.http.parsing import read_json
from chat.access import get_chat
from chat.doors import fields, said, starting
from chat.doors.base import known_only
from chat.doors.errors import in_words
from chat.doors.reading import Reader, streamed, to_end
from chat.doors.threads import dialect
from chat.doors.views import door
from chat.doors.whole import whole
from chat.models import Chat, Message


class AnswerFailed(RequestError):
    """The run that should have answered failed; the thread holds what had come."""

    status = 502
    code = "answer_failed"


@door("GET", "POST")
async def threads(request: HttpRequest) -> HttpResponse:
    """GET: the caller's threads, newest first. POST: a new one."""
    if request.method == "POST":
        return await whole(_make, request, status=201)
    return await whole(_threads, request)


@door("GET", "POST", starts_runs=True)
async def messages(request: HttpRequest, chat_id: UUID) -> HttpResponse:
    """GET: the thread's messages, oldest first. POST: store one and answer with the whole response."""
    if request.method == "GET":
        return await whole(_messages, request, chat_id)
    reader = await db(_start, request, chat_id)
    await to_end(reader)
    return await whole(_response, reader)


@door("POST", starts_runs=True)
async def stream(request: HttpRequest, chat_id: UUID) -> HttpResponseBase:
    """Store a message and stream its response."""
    reader = await db(_start, request, chat_id)
    return await streamed(request, reader, dialect.Encoder(reader.info))


def _make(request: HttpRequest) -> dict[str, Any]:
    user = authenticate(request)
    body = read_json(request)
    known_only(body, dialect.THREAD_FIELDS)

    def make() -> Chat:
        project = starting.named_project(user, fields.project(body.get("projectId"), "projectId"))
        title = "" if body.get("title") is None else body["title"]
        return starting.make_chat(user, door=dialect.NAME, project=project, is_listed=True, title=title)

    with in_words({"project": "projectId"}):
        key = request.headers.get("Idempotency-Key")
        return made_once(
            user=user,
            key=key,
            route=f"POST {request.path}",
            body=request.body,
            make=make,
            find=lambda id: get_chat(user, id),
            show=lambda chat: {"thread": _shown(chat)},
        ).body


def _threads(request: HttpRequest) -> dict[str, Any]:
    user = authenticate(request)
    limit, before = said.limit_of(request, settings.API_PAGE_SIZE), said.before_of(request)
    found = Chat.objects.visible_to(user).listed()
    if before is not None:
        last = found.filter(pk=before).first()
        if last is None:
            raise said.unknown_cursor()
        found = found.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk))
    rows = list(found.order_by("-created_at", "-pk")[: limit + 1])
    more = str(rows[limit - 1].pk) if len(rows) > limit else None
    return {"threads": [_shown(each) for each in rows[:limit]], "next": more}


def _messages(request: HttpRequest, chat_id: UUID) -> dict[str, Any]:
    user = authenticate(request)
    chat = get_chat(user, chat_id)
    found, more = said.branch(chat, limit=said.limit_of(request, said.PAGE_MAX), before=said.before_of(request))
    return {"messages": [_message(each) for each in found], "next": more and str(more)}


def _start(request: HttpRequest, chat_id: UUID) -> Reader:
    user = authenticate(request)
    chat = get_chat(user, chat_id, "write")
    _, reader = starting.start(request, user, lambda: chat, dialect.parse(read_json(request)))
    return reader


def _response(reader: Reader) -> dict[str, Any]:
    """The stored answer."""
    message = Message.objects.select_related("run").get(pk=reader.run.answer.pk)
    if message.error is not None:
        raise AnswerFailed(message.error["message"])
    return {"response": message.content, "message": _message(message)}


def _shown(chat: Chat) -> dict[str, Any]:
    return {
        "id": str(chat.pk),
        "title": chat.title,
        "projectId": chat.project_id and str(chat.project_id),
        "createdAt": chat.created_at.isoformat(),
        "updatedAt": chat.updated_at.isoformat(),
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.pk),
        "role": message.role,
        "content": message.content,
        "status": message.status,
        "error": message.error and message.error["message"],
        "createdAt": message.created_at.isoformat(),
    }

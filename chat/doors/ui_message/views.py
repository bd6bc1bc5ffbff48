"""The door of the Vercel AI SDK's useChat: send, resume, stop. Its dialect is chat.doors.ui_message.dialect."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from accounts.authentication import authenticate
from accounts.db import db
from accounts.errors import NotFound
from accounts.http.parsing import read_json
from accounts.models import User
from accounts.permissions import require
from chat.access import permissions_on
from chat.doors import starting
from chat.doors.answering import answered, decided_in, patiently
from chat.doors.asking import HERE
from chat.doors.base import Encoder
from chat.doors.client_tools import only_awaited
from chat.doors.errors import in_words
from chat.doors.fields import NAME_MAX_CHARS
from chat.doors.reading import Reader, streamed
from chat.doors.ui_message import dialect as ui_message
from chat.doors.ui_message.dialect import Asked
from chat.doors.views import door
from chat.eventlog import stored
from chat.models import OPEN, Chat, Message, MessageRole, Run
from chat.run_request import RunRequest
from chat.services.runs import cancel_run, regenerate, start_run
from chat.serving.event_stream import EventStream


@door("POST", starts_runs=True)
async def send(request: HttpRequest) -> HttpResponseBase:
    """Store the newest message, or take the newest answer again, and stream the answer."""
    found = await patiently(_send, request)
    return await _stream(request, *found)


@door("GET")
async def resume(request: HttpRequest, chat_id: str) -> HttpResponseBase:
    """The answer in flight, from its start and then live; 204 where there is none."""
    found = await db(_resume, request, chat_id)
    return HttpResponse(status=204) if found is None else await _stream(request, *found)


@door("POST")
async def stop(request: HttpRequest, chat_id: str) -> HttpResponse:
    """Stop the answer in flight: 202 with its run's id, null where there was none."""
    return JsonResponse({"run": await db(_stop, request, chat_id)}, status=202)


async def _stream(request: HttpRequest, reader: Reader, encoder: Encoder) -> EventStream:
    response = await streamed(request, reader, encoder)
    name, value = ui_message.HEADER
    response[name] = value
    return response


def _send(request: HttpRequest) -> tuple[Reader, Encoder]:
    user = authenticate(request)
    body = read_json(request)
    where, answers = ui_message.asked_of(body), ui_message.answers(body)
    if answers:
        chat = starting.known_chat(user, ui_message.NAME, where.chat)
        found = answered(request, user, chat, answers, ui_message.about_answers(body))
        if found is not None:
            return found.reader, found.encoder(ui_message.Encoder)
    asked = ui_message.parse(body)
    with in_words(ui_message.WORDS):
        _, reader = starting.start_by(request, user, lambda: _begin(user, where, asked))
    return reader, ui_message.Encoder(reader.info)


def _begin(user: User, where: Asked, asked: RunRequest) -> Run:
    """Start the run in the chat of that name, made where it is new."""
    project = starting.named_project(user, where.project)
    chat = starting.named_chat(
        user,
        ui_message.NAME,
        where.chat,
        lambda: starting.make_chat(user, door=ui_message.NAME, project=project, is_listed=True),
    )
    if where.is_regenerate and (again := _again(chat, where, asked)) is not None:
        return regenerate(user=user, message=again, ask=asked)
    return start_run(user=user, chat=chat, ask=_placed(chat, where, only_awaited(chat, asked)))


def _again(chat: Chat, where: Asked, asked: RunRequest) -> Message | None:
    """The message to be answered once more; None where it never came here, so that it has to be stored."""
    found = _message(chat, where.message) or _message(chat, where.said)
    if found is not None or chat.leaf is None:
        return found
    question = chat.leaf if chat.leaf.role == MessageRole.USER else chat.leaf.parent
    is_same = question is not None and question.content == asked.items[-1].content
    return question if is_same else None


def _placed(chat: Chat, where: Asked, asked: RunRequest) -> RunRequest:
    """The request with the place of its message: an edited one stands beside what it was, a new one at the end."""
    if not where.message or asked.items[-1].role != "user":
        return asked
    edited = _message(chat, where.message)
    if edited is None or edited.role != MessageRole.USER:
        raise NotFound(fields={"messageId": ["There is no such message of a user in this chat."]})
    return RunRequest(**{**vars(asked), "parent": edited.parent_id})


def _message(chat: Chat, name: str) -> Message | None:
    """The chat's message of that id: ours, or the one that its client gave to a message it sent."""
    try:
        if (found := Message.objects.filter(chat=chat, pk=UUID(name)).first()) is not None:
            return found
    except ValueError:
        pass
    if not name:
        return None
    runs = Run.objects.answers().filter(chat=chat, door=ui_message.NAME, request__user=name)
    run = runs.select_related("input").order_by("-position").first()
    return run.input if run else None


def _resume(request: HttpRequest, name: str) -> tuple[Reader, Encoder] | None:
    user = authenticate(request)
    chat = _known(user, name)
    run = _open_run(chat) if chat else None
    if run is None:
        return None
    reader = Reader(user, run)
    ends_early = run.request.get("approvals") == HERE
    return reader, ui_message.Encoder(reader.info, decided_in(stored(run.pk)) if ends_early else frozenset())


def _stop(request: HttpRequest, name: str) -> str | None:
    user = authenticate(request)
    chat = _known(user, name)
    if chat is None:
        raise NotFound
    require(permissions_on(user, chat), "write")
    run = _open_run(chat)
    return str(cancel_run(user=user, run=run).pk) if run else None


def _known(user: User, name: str) -> Chat | None:
    """The chat of that name, if it is a name and there is one."""
    is_name = len(name) <= NAME_MAX_CHARS and "\x00" not in name
    return starting.known_chat(user, ui_message.NAME, name) if is_name else None


def _open_run(chat: Chat) -> Run | None:
    """The run that is at work, or will be next."""
    return chat.runs.answers().filter(status__in=OPEN).select_related("chat").order_by("position").first()

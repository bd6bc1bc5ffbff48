"""The agent door: a message is answered whole or streamed, and the history read.

A session is a chat; its id on the wire is the chat's. Where AGENT_ALLOW_GUESTS says so, who brings no credentials is a
guest, whose only key is that id.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.authentication import authenticate, has_credentials
from accounts.db import db
from accounts.errors import NotFound
from accounts.http.parsing import read_json
from accounts.models import User
from accounts.sign_in.guests import new_guest
from agents.usage import Usage
from chat.access import get_chat
from chat.doors import said, starting
from chat.doors.agent import dialect
from chat.doors.agent.dialect import Encoder, Place
from chat.doors.errors import in_words
from chat.doors.reading import NotYet, Reader, streamed, to_end
from chat.doors.views import door
from chat.doors.whole import whole
from chat.models import ANSWER, OPEN, Character, Chat, Message, Run, RunStatus, ToolCall
from chat.run_request import RunRequest
from chat.services.characters import for_new_session, in_organization
from chat.services.guests import guest_of, keep_on, sweep_guests
from chat.services.messages import lock_chat
from chat.services.runs import start_run

LIMIT = 100  # messages of a history, unless it says another


@door("POST", starts_runs=True)
async def chat(request: HttpRequest) -> HttpResponse:
    """Say something: answers when the answer is stored; where another one is being written, at once."""
    reader = await db(_start, request)
    if await db(_is_next, reader.run):
        with suppress(NotYet):  # the status says so
            await to_end(reader)
    return await whole(_state, reader.run)


@door("POST", starts_runs=True)
async def stream(request: HttpRequest) -> HttpResponseBase:
    """Say something and have the answer streamed."""
    reader = await db(_start, request)
    return await streamed(request, reader, Encoder(reader.info))


@door("GET")
async def history(request: HttpRequest, session_id: str) -> HttpResponse:
    """What was said in a session, oldest first: the last `limit` messages, or the last ones before `before`."""
    return await whole(_history, request, session_id)


# --- Who asks ---------------------------------------------------------------------------------------------------------


def _person(request: HttpRequest) -> User | None:
    """Who asks by credentials; None: a guest. Raises NotAuthenticated where there are no guests."""
    is_guest = settings.AGENT_ALLOW_GUESTS and not has_credentials(request)
    return None if is_guest else authenticate(request)


def _guest(request: HttpRequest, session: UUID | None) -> User:
    if session is not None:
        return guest_of(session)
    sweep_guests()
    return new_guest(request)


# --- Saying something -------------------------------------------------------------------------------------------------


def _start(request: HttpRequest) -> Reader:
    person = _person(request)
    body = read_json(request)
    with in_words(dialect.WORDS):
        asked, where = dialect.parse(body), dialect.place(body)
        with transaction.atomic():  # a guest who is refused was never made
            user = person or _guest(request, where.session)
            request.caller = user  # type: ignore[attr-defined]
            _, reader = starting.start_by(request, user, lambda: _begin(user, where, asked))
    return reader


def _begin(user: User, where: Place, asked: RunRequest) -> Run:
    if where.session is None:
        character = for_new_session(user, where.character)
        chat = _new(user, where, character)
    else:
        chat = _bound(user, where.session, where.character)
        character = in_organization(user, where.character, chat.organization_id)
    if user.is_guest:
        keep_on(chat)
    return start_run(user=user, chat=chat, ask=replace(asked, archetype=character.archetype if character else None))


def _new(user: User, where: Place, character: Character | None) -> Chat:
    """A new session: in the character's organization and with its archetype, where it is registered."""
    choices: dict[str, Any] = {}
    if character is not None:
        choices = {"organization": character.organization, "archetype": character.archetype}
    made = starting.make_chat(user, door=dialect.NAME, **choices)
    return _bind(made, where.character)


def _bound(user: User, session: UUID, character: int) -> Chat:
    """The session, if it is bound to this character; a chat that was begun elsewhere is bound now, by its owner."""
    chat = lock_chat(get_chat(user, session, "write"))
    if chat.character is None and chat.user_id == user.pk:
        return _bind(chat, character)
    if chat.character != character:
        raise NotFound
    return chat


def _bind(chat: Chat, character: int) -> Chat:
    chat.character = character
    chat.save(update_fields=["character"])
    return chat


# --- How it stands ----------------------------------------------------------------------------------------------------


def _is_next(run: Run) -> bool:
    """Whether no other run of its chat is open before it."""
    return not Run.objects.answers().filter(chat=run.chat_id, status__in=OPEN, position__lt=run.position).exists()


def _state(run: Run) -> dict[str, str]:
    return {"session_id": dialect.session_id(run.chat_id), "status": _status(run)}


def _status(run: Run) -> str:
    """`idle` or `error` once the run is over; before, what its chat is at: `executing` a tool, else `thinking`."""
    run.refresh_from_db(fields=["status"])
    if not run.is_open:
        return "error" if run.status == RunStatus.FAILED else "idle"
    # A tool that waits for a person's approval is not called yet.
    waits = Run.objects.answers().filter(chat=run.chat_id, status=RunStatus.WAITING)
    calls = ToolCall.objects.filter(
        run__chat=run.chat_id, run__kind=ANSWER, run__status=RunStatus.RUNNING, status="called"
    )
    return "executing" if waits.exists() or calls.exists() else "thinking"


# --- History ----------------------------------------------------------------------------------------------------------


def _history(request: HttpRequest, session_id: str) -> dict[str, Any]:
    person = _person(request)
    session = dialect.session_of(session_id)
    chat = get_chat(person or guest_of(session), session)
    with in_words(dialect.WORDS):
        before = dialect.before_of(request.GET.get("before", ""))
        found, more = said.branch(chat, limit=said.limit_of(request, LIMIT), before=before)
    return {
        "session_id": session_id,
        "message_count": said.count(chat),
        "messages": [_message(each) for each in found],
        "has_more": more is not None,
    }


def _message(message: Message) -> dict[str, Any]:
    usage = msgspec.convert(message.usage, Usage) if message.usage else None
    return {
        "id": dialect.message_id(message.pk),
        "role": message.role,
        "content": message.content,
        "content_blocks": dialect.content_blocks(message.content, message.parts, message.attachments),
        "created_at": message.created_at.isoformat(),
        "token_usage": dialect.token_usage(usage) if usage else None,
        "status": message.status,
        "error": message.error and message.error["message"],
    }

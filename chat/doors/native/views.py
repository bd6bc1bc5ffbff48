"""The native door: start a run, read its events, cancel it. Its dialect is chat.doors.native.dialect."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from accounts.authentication import authenticate
from accounts.db import db
from accounts.http.idempotency import Answer
from accounts.http.parsing import read_json
from accounts.models import User
from accounts.organizations.choice import usual_organization
from chat.access import get_chat, get_run
from chat.doors import starting
from chat.doors.base import known_only
from chat.doors.native import blocks as native_blocks
from chat.doors.native import dialect as native
from chat.doors.reading import Reader, is_end, place, streamed
from chat.doors.views import door
from chat.eventlog.drafts import attach_drafts
from chat.models import Chat, Run
from chat.rest.row_json import plain, row_json
from chat.rest.serializers import ChatSerializer, MessageSerializer, RunSerializer
from chat.services.approvals import resolve_approval
from chat.services.chats import create_chat, create_chosen_chat
from chat.services.runs import cancel_run


@door("POST", starts_runs=True)
async def start(request: HttpRequest, chat_id: UUID) -> HttpResponseBase:
    """Store a message and start the run that answers it: 201 with both, or with `"stream": true` the run's events."""
    started = await db(_start, request, chat_id)
    if not isinstance(started, Reader):
        return JsonResponse(started, status=201)
    return await streamed(request, started, native.Encoder(started.info))


@door("POST", starts_runs=True)
async def begin(request: HttpRequest) -> HttpResponseBase:
    """Make a chat by its first message: as `start`, with the chat. What is refused leaves no chat behind."""
    begun = await db(_begin, request)
    if not isinstance(begun, Reader):
        return JsonResponse(begun, status=201)
    return await streamed(request, begun, native.Encoder(begun.info))


@door("GET")
async def events(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """Read a run's events, after a cursor or from its start: 204 when the cursor is its end.

    With `?blocks=html` the answer's Markdown comes as HTML too, block by block.
    """
    reader = await db(_attach, request, run_id)
    if reader is None:
        return HttpResponse(status=204)
    has_blocks = native_blocks.wanted(request.GET.get("blocks"))
    return await streamed(request, reader, _with_blocks(reader) if has_blocks else native.Encoder(reader.info))


@door("POST")
async def cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Ask a run to stop: 202 with the run as it is now."""
    return JsonResponse(await db(_cancel, request, run_id), status=202)


@door("POST")
async def approve(request: HttpRequest, run_id: UUID, call: str) -> HttpResponse:
    """Allow or deny a tool call that waits for a person: 200 with the run as it is now."""
    return JsonResponse(await db(_approve, request, run_id, call))


def _with_blocks(reader: Reader) -> native.Encoder:
    is_own = reader.after is not None and reader.after.run == reader.run.pk
    return native_blocks.BlockEncoder(reader.info, reader.after if is_own else None)


def _start(request: HttpRequest, chat_id: UUID) -> dict[str, Any] | Reader:
    user = authenticate(request)
    chat = get_chat(user, chat_id, "write")
    body = read_json(request)
    asked, is_streamed = native.parse(body), native.wants_stream(body)
    answer, reader = starting.start(
        request, user, lambda: chat, asked, None if is_streamed else lambda run: Answer(201, {}, run.pk)
    )
    return reader if is_streamed else as_json(reader.run, is_new=not answer.replayed)


def _begin(request: HttpRequest) -> dict[str, Any] | Reader:
    user = authenticate(request)
    body = read_json(request)
    (chosen, asked), is_streamed = native.parse_beginning(body), native.wants_stream(body)
    answer, reader = starting.start(
        request,
        user,
        lambda: _made(user, **chosen),
        asked,
        None if is_streamed else lambda run: Answer(201, {}, run.pk),
    )
    return reader if is_streamed else _with_chat(user, reader.run, is_new=not answer.replayed)


def _made(user: User, *, organization: UUID | None, project: UUID | None, **choices: Any) -> Chat:
    if organization is not None:
        return create_chosen_chat(user=user, organization=organization, project=project, **choices)
    inside = starting.named_project(user, project)
    owner = inside.organization if inside else usual_organization(user)
    return create_chat(user=user, organization=owner.pk, project=project, **choices)


def _with_chat(user: User, run: Run, *, is_new: bool) -> dict[str, Any]:
    assert run.chat_id is not None
    asked_by = {"request": SimpleNamespace(user=user)}  # its `permissions` are the caller's
    chat = plain(ChatSerializer(get_chat(user, run.chat_id), context=asked_by).data)
    return {"chat": chat, **as_json(run, is_new=is_new)}


def as_json(run: Run, *, is_new: bool = True) -> dict[str, Any]:
    """A run with its two messages. Of a new one nothing is written yet: there is no need to look."""
    if is_new:
        run.answer.is_drafted = True  # type: ignore[attr-defined]
    else:
        attach_drafts([run.answer])
    return {
        "run": row_json(RunSerializer, run),
        "input": row_json(MessageSerializer, run.question),
        "message": row_json(MessageSerializer, run.answer),
    }


def _attach(request: HttpRequest, run_id: UUID) -> Reader | None:
    user = authenticate(request, run_id=run_id)
    run = get_run(user, run_id)
    after = place(request)
    at_end = after is not None and after.run == run.pk and is_end(after)
    return None if at_end else Reader(user, run, after)


def _approve(request: HttpRequest, run_id: UUID, call: str) -> dict[str, Any]:
    user = authenticate(request)
    run = get_run(user, run_id, "write")
    body = read_json(request)
    known_only(body, ("decision", "reason", "scope", "digest", "input"))
    run = resolve_approval(
        user=user,
        run=run,
        call=call,
        decision=body.get("decision"),
        reason=body.get("reason", ""),
        scope=body.get("scope", "once"),
        digest=body.get("digest"),
        input=body.get("input"),
    )
    return {"run": row_json(RunSerializer, run)}


def _cancel(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    user = authenticate(request)
    run = cancel_run(user=user, run=get_run(user, run_id, "write"))
    return {"run": row_json(RunSerializer, run)}
